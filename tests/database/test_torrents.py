"""What is kept of a torrent only grows, and a hybrid is one torrent."""

from dataclasses import replace

from sqlalchemy import Engine

from addon.database.torrents import KeptTorrents
from addon.torrents.magnet import InfoHash, Magnet

V1, V2 = "a" * 40, "b" * 64
HYBRID = InfoHash(V1, V2)
FILM = Magnet(
    InfoHash(v1=V1),
    name="A Film (2010)",
    trackers=("udp://one.example:1/announce",),
    web_seeds=("https://seed.example/",),
    peers=(("192.0.2.1", 6881),),
    only=(1, 2),
    length=5,
)


def test_a_magnet_comes_back_whole(engine: Engine) -> None:
    kept = KeptTorrents(engine)
    kept.keep(FILM, None)
    assert kept.magnet(V1) == FILM
    assert kept.raw(V1) is None
    assert kept.magnet("c" * 40) is None
    assert kept.raw("c" * 40) is None


def test_the_torrent_file_stays_when_only_a_magnet_comes_again(engine: Engine) -> None:
    kept = KeptTorrents(engine)
    kept.keep(FILM, b"\x00\xffthe file")
    kept.keep(FILM, None)
    assert kept.raw(V1) == b"\x00\xffthe file"
    kept.keep(FILM, b"a better one")
    assert kept.raw(V1) == b"a better one"


def test_a_poorer_magnet_takes_nothing_away(engine: Engine) -> None:
    kept = KeptTorrents(engine)
    kept.keep(FILM, None)
    kept.keep(Magnet(InfoHash(v1=V1), trackers=("udp://two.example:2/announce",)), None)
    assert kept.magnet(V1) == replace(
        FILM, trackers=("udp://two.example:2/announce", "udp://one.example:1/announce")
    )
    assert kept.newest() == [V1]


def test_more_trackers_than_a_magnet_may_have_leave_the_newest(engine: Engine) -> None:
    kept = KeptTorrents(engine)
    for number in range(400):
        tracker = f"udp://tracker-{number}.example:1/announce"
        kept.keep(Magnet(InfoHash(v1=V1), trackers=(tracker,)), None)
    magnet = kept.magnet(V1)
    assert magnet is not None
    assert magnet.trackers[0] == "udp://tracker-399.example:1/announce"
    assert 10 < len(magnet.trackers) < 400


def test_a_hybrid_is_found_by_either_hash(engine: Engine) -> None:
    kept = KeptTorrents(engine)
    kept.keep(replace(FILM, info_hash=HYBRID), None)
    for hashes in (HYBRID, InfoHash(v1=V1), InfoHash(v2=V2), InfoHash("c" * 40, V2)):
        assert kept.find(hashes) == V1
    assert kept.find(InfoHash(v1="c" * 40)) is None
    assert kept.find(InfoHash(v2="c" * 64)) is None


def test_a_magnet_is_found_by_either_hash(engine: Engine) -> None:
    kept = KeptTorrents(engine)
    hybrid = replace(FILM, info_hash=HYBRID)
    kept.keep(hybrid, None)
    assert kept.magnet_of(InfoHash(v1=V1)) == kept.magnet_of(InfoHash(v2=V2)) == hybrid
    assert kept.magnet_of(InfoHash(v1="c" * 40)) is None


def test_a_hybrid_that_came_by_one_hash_learns_the_other_and_keeps_its_key(engine: Engine) -> None:
    kept = KeptTorrents(engine)
    kept.keep(replace(FILM, info_hash=InfoHash(v2=V2)), None)
    kept.keep(replace(FILM, info_hash=HYBRID), b"file")
    assert kept.newest() == [V2]
    magnet = kept.magnet(V2)
    assert magnet is not None
    assert magnet.info_hash == HYBRID
    assert kept.find(InfoHash(v1=V1)) == V2
    assert kept.raw(V2) == b"file"


def test_two_halves_that_came_apart_stay_two_and_break_nothing(engine: Engine) -> None:
    kept = KeptTorrents(engine)
    kept.keep(replace(FILM, info_hash=InfoHash(v2=V2)), None)
    kept.keep(FILM, None)
    kept.keep(replace(FILM, info_hash=HYBRID, name="Whole"), b"file")
    assert kept.newest() == [V1, V2]
    assert kept.find(InfoHash(v1=V1)) == V1
    assert kept.find(InfoHash(v2=V2)) == V2
    assert kept.find(HYBRID) == V2
    assert kept.raw(V2) == b"file"


def test_the_newest_comes_first_within_one_tick_of_the_clock(engine: Engine) -> None:
    kept = KeptTorrents(engine, clock=lambda: 1000.0)
    for digit in "1234":
        kept.keep(Magnet(InfoHash(v1=digit * 40)), None)
    assert kept.newest() == [digit * 40 for digit in "4321"]


def test_a_forgotten_torrent_is_gone(engine: Engine) -> None:
    kept = KeptTorrents(engine)
    kept.keep(FILM, b"file")
    kept.forget(V1)
    kept.forget(V1)
    assert kept.find(FILM.info_hash) is None
    assert kept.raw(V1) is None
    assert kept.newest() == []
