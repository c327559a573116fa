import base64
import random

import libtorrent as lt
import pytest

from addon.errors import Problem
from addon.torrents.hints import (
    MAX_EXACT_SOURCES,
    MAX_ONLY,
    MAX_PEERS,
    MAX_TRACKERS,
    MAX_WEB_SEEDS,
)
from addon.torrents.magnet import MAX_LENGTH, InfoHash, Magnet, parse_magnet

V1 = "0123456789abcdef0123456789abcdef01234567"
V2 = "fedcba9876543210" * 4
BASE32 = base64.b32encode(bytes.fromhex(V1)).decode()
PLAIN = f"magnet:?xt=urn:btih:{V1}"


def refused(text: str) -> Problem:
    with pytest.raises(Problem) as caught:
        parse_magnet(text)
    assert caught.value.code == "bad-magnet"
    assert caught.value.detail.endswith(".")
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.upper(),
        f"magnet:?xt=urn:btih:{BASE32}",
        f"magnet:?xt=urn:btih:{BASE32.lower()}",
        f"magnet:?xt.1=urn:btih:{V1}",
        f"magnet:?XT=URN:BTIH:{V1}",
        f"magnet:?xt=urn%3Abtih%3A{V1}",
        f"magnet://?xt=urn:btih:{V1}",
        f"magnet:/?xt=urn:btih:{V1}",
        f"magnet%3A%3Fxt%3Durn%3Abtih%3A{V1}",
        f"magnet%3a%3fxt%3durn%3abtih%3a{V1}%26dn%3d",
        f"  \n{PLAIN}\r\n",
        f"magnet:?xt=urn:btih:{V1[:20]}\r\n{V1[20:]}",
        f"{PLAIN}&xt=urn:btih:{V1.upper()}",
        f"{PLAIN}&xt=urn:btih:{BASE32}",
        f"{PLAIN}&xt=urn:sha1:YNCKHTQCWBTRNJIV4WNAE52SJUQCZO5C&xt=urn:ed2k:{V1[:32]}",
        f"magnet:?dn=&foo=bar&&=&xt=urn:btih:{V1}&xt=urn:btmh:1114{V1}",
        V1,
        V1.upper(),
        BASE32,
        f" {V1} ",
        f"urn:btih:{V1}",
    ],
)
def test_every_spelling_of_a_v1_hash(text: str) -> None:
    assert parse_magnet(text) == Magnet(InfoHash(v1=V1))


@pytest.mark.parametrize(
    "text",
    [
        f"magnet:?xt=urn:btmh:1220{V2}",
        f"magnet:?xt.7=urn:btmh:1220{V2.upper()}",
        V2,
        f"1220{V2}",
        f"urn:btmh:1220{V2}",
    ],
)
def test_every_spelling_of_a_v2_hash(text: str) -> None:
    magnet = parse_magnet(text)
    assert magnet == Magnet(InfoHash(v2=V2))
    assert magnet.info_hash.key == V2


@pytest.mark.parametrize(
    "text",
    [
        f"magnet:?xt=urn:btih:{V1}&xt=urn:btmh:1220{V2}",
        f"magnet:?xt.1=urn:btmh:1220{V2}&dn=x&xt.2=urn:btih:{BASE32}",
    ],
)
def test_a_hybrid_has_both_hashes_in_any_order(text: str) -> None:
    info_hash = parse_magnet(text).info_hash
    assert info_hash == InfoHash(v1=V1, v2=V2)
    assert info_hash.key == V1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("   \n", "empty"),
        ("magnet:", "neither"),
        ("http://example.org/film.torrent", "neither"),
        ("hello", "neither"),
        ("magnet:?", "no 'xt'"),
        ("magnet:?dn=Film", "no 'xt'"),
        ("magnet:?xt=", "no 'xt'"),
        (f"magnet:?xt=urn:ed2k:{V1[:32]}", "other kinds"),
        (f"magnet:?xt=urn:btmh:1114{V1}", "other kinds"),
        (f"magnet:?xt=urn:btih:{V1[:-1]}", "39 characters"),
        (f"magnet:?xt=urn:btih:{V1}0", "41 characters"),
        (f"magnet:?xt=urn:btih:{'g' * 40}", "40 hexadecimal"),
        (f"magnet:?xt=urn:btih:{'1' * 32}", "32 letters"),
        (f"magnet:?xt=urn:btih:{V1[:38]}٣٤", "40 hexadecimal"),
        (f"magnet:?xt=urn:btmh:1220{V2[:-2]}", "62 characters"),
        (f"magnet:?xt=urn:btmh:1220{'x' * 64}", "64 hexadecimal"),
        (f"{PLAIN}&xt=urn:btmh:1220ab", "2 characters"),
        (f"{PLAIN}&xt=urn:btih:{V1[::-1]}", "2 different v1"),
        (f"magnet:?xt=urn:btmh:1220{V2}&xt=urn:btmh:1220{V2[::-1]}", "2 different v2"),
        (f"magnet:?xt=urn:btih:{'0' * 40}", "zeros"),
        (f"magnet:?xt=urn:btih:{'A' * 32}", "zeros"),
        (f"magnet:?xt=urn:btmh:1220{'0' * 64}", "zeros"),
        ("0" * 40, "zeros"),
        ("0" * 64, "zeros"),
        (f"{PLAIN}&dn={'a' * MAX_LENGTH}", "characters"),
    ],
)
def test_what_is_refused_says_why(text: str, says: str) -> None:
    assert says in refused(text).detail


def test_every_hint() -> None:
    magnet = parse_magnet(
        f"{PLAIN}&dn=Some%20Film+%282020%29&xl=276134947&so=0,2,4,6-8"
        "&tr=udp%3A%2F%2Ftracker.example.org%3A1337&tr.1=https://t.example.org/announce%3Fk%3Dv"
        "&ws=https%3A%2F%2Fmirror.example.org%2Fa%20b.mkv&x.pe=192.0.2.7:6881"
        "&x.pe=[2001:db8::7]:51413&xs=https://cache.example.org/x.torrent"
    )
    assert magnet == Magnet(
        InfoHash(v1=V1),
        name="Some Film (2020)",
        trackers=("udp://tracker.example.org:1337", "https://t.example.org/announce?k=v"),
        web_seeds=("https://mirror.example.org/a%20b.mkv",),
        exact_sources=("https://cache.example.org/x.torrent",),
        peers=(("192.0.2.7", 6881), ("2001:db8::7", 51413)),
        only=(0, 2, 4, 6, 7, 8),
        length=276134947,
    )


@pytest.mark.parametrize("escape", ["&amp;", "&AMP;", "&#38;", "&#038;", "&#x26;"])
def test_html_escaped_ampersands(escape: str) -> None:
    magnet = parse_magnet(f"{PLAIN}{escape}dn=Tom%20%26%20Ann{escape}tr=udp://t.example.org:1")
    assert magnet.name == "Tom & Ann"
    assert magnet.trackers == ("udp://t.example.org:1",)


def test_a_doubly_encoded_tracker_is_decoded_twice() -> None:
    magnet = parse_magnet(f"{PLAIN}&tr=udp%253A%252F%252Ft.example.org%253A1%252Fannounce")
    assert magnet.trackers == ("udp://t.example.org:1/announce",)


def test_an_acceptable_source_goes_where_its_name_says() -> None:
    magnet = parse_magnet(
        f"{PLAIN}&as=http://a.example.org/x.torrent%3Fkey=1&as=http://a.example.org/film.mkv"
    )
    assert magnet.exact_sources == ("http://a.example.org/x.torrent?key=1",)
    assert magnet.web_seeds == ("http://a.example.org/film.mkv",)


@pytest.mark.parametrize(
    "url",
    [
        "not a url",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "gopher://example.org/",
        "http://",
        "http:///path",
        "http://[::1",
        "http://example.org:99999/",
        "http://example.org:0/",
        "urn:btpk:" + V2,
        "http://example.org/%0d%0aHost: evil",
        "http://example.org/" + "a" * 3000,
    ],
)
def test_what_is_no_url_is_dropped(url: str) -> None:
    magnet = parse_magnet(f"{PLAIN}&tr={url}&ws={url}&xs={url}&as={url}")
    assert magnet == Magnet(InfoHash(v1=V1))


def test_udp_is_for_trackers_only() -> None:
    magnet = parse_magnet(f"{PLAIN}&tr=wss://t.example.org&ws=udp://t.example.org:1")
    assert magnet.trackers == ("wss://t.example.org",)
    assert magnet.web_seeds == ()


@pytest.mark.parametrize(
    "peer",
    [
        "example.org:6881",
        "192.0.2.1",
        "192.0.2.1:",
        "192.0.2.1:0",
        "192.0.2.1:65536",
        "192.0.2.1:-1",
        "192.0.2.1:+80",
        "192.0.2.1:٨٠",
        "192.0.2.256:80",
        "192.0.2.01:80",
        "3221225985:80",
        "2001:db8::1:6881",
        "[2001:db8::1]",
        "[2001:db8::1%25eth0]:6881",
        "[192.0.2.1]:80",
        "0.0.0.0:80",
        "224.0.0.1:80",
        "[::]:80",
        "[ff02::1]:80",
    ],
)
def test_peers_that_cannot_be_are_dropped(peer: str) -> None:
    assert parse_magnet(f"{PLAIN}&x.pe={peer}").peers == (
        (("192.0.2.1", 80),) if peer == "[192.0.2.1]:80" else ()
    )


def test_a_mapped_address_is_the_address_it_maps() -> None:
    magnet = parse_magnet(f"{PLAIN}&x.pe=[::ffff:192.0.2.1]:80&x.pe=192.0.2.1:80")
    assert magnet.peers == (("192.0.2.1", 80),)


@pytest.mark.parametrize(
    ("text", "indices"),
    [
        ("0", (0,)),
        ("3,1,1,2-2", (1, 2, 3)),
        ("0%2C5-6", (0, 5, 6)),
        (" 1 , 2 ", (1, 2)),
        ("5-3", ()),
        ("-3", ()),
        ("1-", ()),
        ("a,1,b-2,99999999999", (1,)),
        ("4000000000-4000000002", ()),
        ("0-4294967295", tuple(range(MAX_ONLY))),
        ("99998-4294967295", (99_998, 99_999)),
    ],
)
def test_selected_files(text: str, indices: tuple[int, ...]) -> None:
    assert parse_magnet(f"{PLAIN}&so={text}").only == indices


def test_caps_and_duplicates() -> None:
    def many(name: str, form: str, count: int = 90) -> str:
        return "".join(f"&{name}={form.format(n)}" * 2 for n in range(1, count))

    magnet = parse_magnet(
        PLAIN
        + many("tr", "udp://t{}.example.org:1")
        + many("ws", "http://w{}.example.org/")
        + many("xs", "http://x{}.example.org/t.torrent", 20)
        + many("x.pe", "192.0.2.{}:6881")
        + "&dn=first&dn=second"
        + "&xl=0&xl=-1&xl=12&xl=13"
    )
    assert magnet.trackers[:2] == ("udp://t1.example.org:1", "udp://t2.example.org:1")
    assert len(set(magnet.trackers)) == len(magnet.trackers) == MAX_TRACKERS
    assert len(set(magnet.web_seeds)) == len(magnet.web_seeds) == MAX_WEB_SEEDS
    assert len(set(magnet.exact_sources)) == len(magnet.exact_sources) == MAX_EXACT_SOURCES
    assert len(set(magnet.peers)) == len(magnet.peers) == MAX_PEERS
    assert magnet.name == "first"
    assert magnet.length == 12
    assert parse_magnet(magnet.uri()) == magnet


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("C%2B%2B", "C++"),
        ("a+b", "a b"),
        ("%E6%98%A0%E7%94%BB", "映画"),
        ("映画", "映画"),
        ("%FF%FE", "\N{REPLACEMENT CHARACTER}" * 2),
        ("a%00b%0Ac", "a b c"),
        ("100%", "100%"),
        ("a=b", "a=b"),
        ("x" * 600, "x" * 512),
        ("+++", None),
        ("..%2F..%2Fetc", "../../etc"),
    ],
)
def test_names(written: str, name: str | None) -> None:
    magnet = parse_magnet(f"{PLAIN}&dn={written}")
    assert magnet.name == name
    assert parse_magnet(magnet.uri()) == magnet


def random_magnet(chance: random.Random) -> Magnet:
    signs = "abcXYZ019 &=+%#?:/[]()'\"<>.,;äß映🎬"

    def word() -> str:
        return "".join(chance.choices(signs, k=chance.randint(1, 30)))

    def url() -> str:
        return "https://h.example.org/" + word().replace(" ", "")

    def urls(most: int) -> tuple[str, ...]:
        return tuple({url(): None for _ in range(chance.randint(0, most))})

    v1, v2 = chance.randbytes(20).hex(), chance.randbytes(32).hex()
    first, second = chance.choice([(v1, None), (None, v2), (v1, v2)])
    return Magnet(
        InfoHash(first, second),
        name=" ".join(word().split()) or None,
        trackers=urls(MAX_TRACKERS),
        web_seeds=urls(MAX_WEB_SEEDS),
        exact_sources=urls(MAX_EXACT_SOURCES),
        peers=tuple(
            {
                (chance.choice(["192.0.2.", "2001:db8::"]) + str(chance.randint(1, 9)), port): None
                for port in chance.sample(range(1, 65536), chance.randint(0, MAX_PEERS))
            }
        ),
        only=tuple(sorted(chance.sample(range(500), chance.randint(0, 200)))),
        length=chance.choice([None, chance.randint(1, 10**15)]),
    )


def test_a_written_magnet_reads_back_equal() -> None:
    chance = random.Random(7)
    for _ in range(300):
        magnet = random_magnet(chance)
        assert parse_magnet(magnet.uri()) == magnet


def test_libtorrent_reads_what_we_write() -> None:
    chance = random.Random(8)
    for _ in range(50):
        magnet = random_magnet(chance)
        read = lt.parse_magnet_uri(magnet.uri())
        assert read.trackers == list(magnet.trackers)
        assert read.url_seeds == list(magnet.web_seeds)
        assert read.peers == list(magnet.peers)
        assert [i for i, p in enumerate(read.file_priorities) if p] == list(magnet.only)


def test_an_enormous_magnet_is_written_so_that_it_can_be_read() -> None:
    magnet = Magnet(
        InfoHash(V1, V2),
        name="映" * 500,
        trackers=tuple(f"udp://t{n}.example.org/{'映' * 300}" for n in range(50)),
        web_seeds=("http://w.example.org/",),
    )
    assert len(magnet.uri()) <= MAX_LENGTH
    read = parse_magnet(magnet.uri())
    assert read.info_hash == magnet.info_hash
    assert read.name == magnet.name
    assert read.trackers == magnet.trackers[: len(read.trackers)]
    assert len(read.trackers) >= 3


def test_noise_raises_nothing_but_a_problem() -> None:
    chance = random.Random(9)
    codes = set()
    rich = random_magnet(chance).uri()
    for _ in range(3000):
        text = list(rich[: chance.randint(0, 2000)])
        for _ in range(chance.randint(1, 30)):
            at = chance.randint(0, len(text))
            text[at : at + chance.randint(0, 3)] = chance.choices("%&=?[]:\x00é\ud800-,x1", k=2)
        try:
            magnet = parse_magnet("".join(text))
        except Problem as problem:
            codes.add(problem.code)
        else:
            assert parse_magnet(magnet.uri()) == magnet
    assert codes == {"bad-magnet"}


def test_info_hash_from_key() -> None:
    assert InfoHash.from_key(V1.upper()) == InfoHash(v1=V1)
    assert InfoHash.from_key(V2.upper()) == InfoHash(v2=V2)
    for text in ("", V1[:-1], V1 + "0", f" {V1}", V1 + "\n", BASE32, "0" * 40, "０" * 40, "../x"):
        with pytest.raises(Problem) as caught:
            InfoHash.from_key(text)
        assert caught.value.code == "bad-magnet"


def test_an_info_hash_cannot_be_made_of_anything_else() -> None:
    for v1, v2 in ((None, None), (V1.upper(), None), (V2, None), (None, V1), ("", None)):
        with pytest.raises(ValueError, match="info hash"):
            InfoHash(v1, v2)


def test_a_hybrid_matches_by_either_hash() -> None:
    hybrid = InfoHash(V1, V2)
    assert hybrid.matches(InfoHash(v1=V1))
    assert InfoHash(v2=V2).matches(hybrid)
    assert not InfoHash(v1=V1).matches(InfoHash(v2=V2))
    assert not hybrid.matches(InfoHash(V1[::-1], V2[::-1]))
