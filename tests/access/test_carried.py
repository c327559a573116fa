"""What a link carries of a magnet: enough to play again, and never much."""

import random

import pytest

from addon.access.carried import MOST, pack, unpack
from addon.torrents.magnet import InfoHash, Magnet

HASH = InfoHash("ab" * 20)
FULL = Magnet(
    HASH,
    name="Ein Film & mehr (2019) – 1080p",
    trackers=tuple(f"udp://tracker-{n}.example:1337/announce" for n in range(5)),
    web_seeds=("https://seeds.example/a%20film/", "http://other.example/film.mkv"),
    exact_sources=("https://torrents.example/film.torrent?x=1&y=2",),
    length=123_456_789,
)


def noise(length: int, seed: int = 0) -> str:
    """Letters that no compression makes shorter than two thirds."""
    return "".join(random.Random(seed).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=length))


def test_an_ordinary_magnet_is_carried_whole() -> None:
    packed = pack(FULL)
    assert len(packed) < 300
    assert unpack(packed, HASH) == FULL


def test_what_serves_no_later_play_is_left_behind() -> None:
    more = Magnet(HASH, name="A", peers=(("10.0.0.1", 7),), only=(1, 2))
    assert unpack(pack(more), HASH) == Magnet(HASH, name="A")


def test_nothing_is_carried_of_a_bare_hash() -> None:
    assert len(pack(Magnet(HASH))) <= 2
    assert unpack(pack(Magnet(HASH)), HASH) == Magnet(HASH)


def test_trackers_give_way_to_what_can_be_fetched_over_http() -> None:
    crowded = Magnet(
        HASH,
        name="A film",
        trackers=tuple(f"udp://{noise(60, n)}.example:1/announce" for n in range(50)),
        web_seeds=tuple(f"https://{noise(120, n)}.example/" for n in range(100, 104)),
        exact_sources=(f"https://{noise(100, 9)}.example/film.torrent",),
        length=5,
    )
    carried = unpack(pack(crowded), HASH)
    assert carried.exact_sources == crowded.exact_sources
    assert carried.web_seeds == crowded.web_seeds
    assert (carried.length, carried.name) == (5, "A film")
    assert len(carried.trackers) < 5


def test_what_is_too_long_does_not_crowd_out_the_rest() -> None:
    greedy = Magnet(
        HASH, exact_sources=(f"http://a.example/{noise(2000)}", "http://b.example/film.torrent")
    )
    assert unpack(pack(greedy), HASH).exact_sources == ("http://b.example/film.torrent",)


@pytest.mark.parametrize("seed", range(40))
def test_it_is_never_long_and_always_opens(seed: int) -> None:
    choose = random.Random(seed)

    def urls(most: int) -> tuple[str, ...]:
        lengths = [choose.randrange(900) for _ in range(choose.randrange(most))]
        return tuple(f"http://{noise(n, n)}.example/%20{n}" for n in dict.fromkeys(lengths))

    name = "".join(choose.choices("aé&=%+ –漢", k=choose.randrange(400)))
    magnet = Magnet(
        HASH, " ".join(name.split()) or None, urls(20), urls(20), urls(5), length=seed or None
    )
    packed = pack(magnet)
    assert len(packed) <= MOST
    carried = unpack(packed, HASH)
    for list_ in ("trackers", "web_seeds", "exact_sources"):
        assert set(getattr(carried, list_)) <= set(getattr(magnet, list_))
    assert carried.name in (magnet.name, None)
