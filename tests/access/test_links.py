import random
from dataclasses import replace

import pytest

from addon.access.installs import Install, Installs
from addon.access.keys import Keys
from addon.access.links import Grant, Links
from addon.access.sealing import Sealer
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.selection import Episode, FileIndex, MainVideo, Wanted
from tests.access.stores import Revoked

KEYS = Keys((), public=False, signing=(b"signing",))
V1, OTHER_V1, V2 = "0123456789abcdef" * 2 + "01234567", "f" * 40, "0123456789abcdef" * 4
INSTALL = "0123456789abcdef"
WANTED: list[Wanted] = [FileIndex(0), FileIndex(3), Episode(1, 2), MainVideo()]


@pytest.fixture
def links() -> Links:
    return Links(KEYS)


@pytest.mark.parametrize("wanted", WANTED)
@pytest.mark.parametrize("install", [INSTALL, ""])
@pytest.mark.parametrize(
    "info_hash",
    [InfoHash(V1, None), InfoHash(None, V2), InfoHash(V1, V2)],
    ids=["v1", "v2", "hybrid"],
)
def test_a_grant_comes_back_whole(
    links: Links, info_hash: InfoHash, wanted: Wanted, install: str
) -> None:
    grant = Grant(info_hash, wanted, install)
    token = links.seal(grant)
    assert links.open(token, info_hash.key, wanted) == grant
    assert links.open(token, info_hash.key.upper(), wanted) == grant
    assert len(token) <= (120 if not (info_hash.v1 and info_hash.v2) else 160)


def test_a_v1_grant_is_short(links: Links) -> None:
    assert len(links.seal(Grant(InfoHash(V1, None), MainVideo(), INSTALL))) <= 48


def test_another_hash_or_file_is_not_granted(links: Links) -> None:
    token = links.seal(Grant(InfoHash(V1, None), FileIndex(3), INSTALL))
    assert links.open(token, OTHER_V1, FileIndex(3)) is None
    assert links.open(token, V2, FileIndex(3)) is None
    for wanted in (FileIndex(0), FileIndex(33), Episode(1, 3), MainVideo()):
        assert links.open(token, V1, wanted) is None


@pytest.mark.parametrize("key", ["", "x", "g" * 40, "0" * 41, "ü" * 40])
def test_what_is_no_hash_is_not_granted(links: Links, key: str) -> None:
    token = links.seal(Grant(InfoHash(V1, None), MainVideo(), INSTALL))
    assert links.open(token, key, MainVideo()) is None


def test_every_changed_sign_is_noticed(links: Links) -> None:
    token = links.seal(Grant(InfoHash(V1, V2), MainVideo(), INSTALL))
    for at, sign in enumerate(token):
        other = token[:at] + ("A" if sign != "A" else "B") + token[at + 1 :]
        assert links.open(other, V1, MainVideo()) is None


def test_links_are_stable_across_restarts_and_unlike_each_other() -> None:
    grants = [
        Grant(InfoHash(hash_, None), wanted, install)
        for hash_ in (V1, OTHER_V1)
        for wanted in WANTED
        for install in (INSTALL, "other")
    ]
    tokens = [Links(KEYS).seal(grant) for grant in grants]
    assert tokens == [Links(KEYS).seal(grant) for grant in grants]
    assert len(set(tokens)) == len(tokens)


def test_an_install_token_is_no_grant(links: Links) -> None:
    installs = Installs(KEYS, Revoked())
    assert links.open(installs.seal(Install(INSTALL)), V1, MainVideo()) is None
    assert installs.open(links.seal(Grant(InfoHash(V1, None), MainVideo(), INSTALL))) is None


def test_a_new_signing_key_opens_links_of_the_old_one() -> None:
    grant = Grant(InfoHash(V1, None), MainVideo(), INSTALL)
    token = Links(KEYS).seal(grant)
    rotated = Links(Keys((), public=False, signing=(b"new", b"signing")))
    assert rotated.open(token, V1, MainVideo()) == grant
    assert rotated.seal(grant) != token
    assert Links(Keys((), public=False, signing=(b"new",))).open(token, V1, MainVideo()) is None


def test_a_version_of_later_is_none(links: Links) -> None:
    sealer = Sealer(KEYS.signing, "play link")
    assert links.open(sealer.seal(b"\x01\x00abc", V1.encode(), b"main"), V1, MainVideo())
    later = sealer.seal(b"\x03\x00abc", V1.encode(), b"main")
    assert links.open(later, V1, MainVideo()) is None


# Where the disk is wiped

MAGNET = Magnet(
    InfoHash(V1, V2),
    name="A film",
    trackers=("udp://t.example:1/a",),
    web_seeds=("https://seeds.example/",),
    exact_sources=("https://torrents.example/f.torrent",),
    length=77,
)


def forgetful(magnet: Magnet | None = None) -> Links:
    """Links of a server that will have forgotten this magnet."""
    return Links(KEYS, lambda info_hash: magnet)


@pytest.mark.parametrize("wanted", WANTED)
@pytest.mark.parametrize("install", [INSTALL, ""])
@pytest.mark.parametrize(
    "info_hash",
    [InfoHash(V1, None), InfoHash(None, V2), InfoHash(V1, V2)],
    ids=["v1", "v2", "hybrid"],
)
def test_a_link_carries_the_magnet_through_the_loss_of_the_disk(
    info_hash: InfoHash, wanted: Wanted, install: str
) -> None:
    magnet = replace(MAGNET, info_hash=info_hash)
    token = forgetful(magnet).seal(Grant(info_hash, wanted, install))
    assert len(token) <= 1024
    opened = forgetful(None).open(token, info_hash.key, wanted)
    assert opened == Grant(info_hash, wanted, install, magnet)


def test_a_carrying_link_opens_where_things_are_kept_too(links: Links) -> None:
    token = forgetful(MAGNET).seal(Grant(MAGNET.info_hash, MainVideo(), INSTALL))
    opened = links.open(token, V1, MainVideo())
    assert opened is not None
    assert opened.magnet == MAGNET


def test_the_longest_grant_is_below_a_kibibyte() -> None:
    noise = random.Random(1)
    urls = [f"http://{noise.randbytes(100).hex()}.example/" for _ in range(20)]
    magnet = replace(MAGNET, web_seeds=tuple(urls))
    token = forgetful(magnet).seal(Grant(magnet.info_hash, MainVideo(), "i" * 32))
    assert 800 < len(token) <= 1024


def test_of_an_older_link_its_hash_is_left(links: Links) -> None:
    token = links.seal(Grant(InfoHash(V1, V2), MainVideo(), INSTALL))
    opened = forgetful().open(token, V1, MainVideo())
    assert opened == Grant(InfoHash(V1, V2), MainVideo(), INSTALL, Magnet(InfoHash(V1, V2)))
    # Where the server keeps what it is told, a torrent that is not there was removed.
    kept = links.open(token, V1, MainVideo())
    assert kept is not None
    assert kept.magnet is None
