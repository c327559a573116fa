"""A magnet becomes the film, byte for byte, while it is still downloading.

Each is done several times with fresh data: a piece that is finished but not yet in the file
(libtorrent 2.1) gives wrong bytes only sometimes.
"""

from random import Random

import pytest

from tests.rig.lab import MIB, Lab
from tests.rig.server import Server
from tests.rig.viewing import view


@pytest.mark.parametrize("run", range(4))
def test_the_whole_film(lab: Lab, server: Server, run: int) -> None:
    film = view(lab, server, lab.torrent(16 * MIB + 777 * run), rate=6 * MIB, count=2)
    with film.open(None if run % 2 else 0) as stream:
        first = stream.read_exactly(1)
        assert film.still_downloading()
        assert stream.headers["x-served-by"] == "swarm"
        got = first + stream.read_all()
    assert film.wrong(got, 0) == 0
    assert len(got) == film.size


@pytest.mark.parametrize("run", range(3))
def test_the_whole_film_as_fast_as_it_comes(lab: Lab, server: Server, run: int) -> None:
    film = view(lab, server, lab.torrent(64 * MIB + run), count=2)
    with film.open() as stream:
        assert stream.digest() == film.sha256


@pytest.mark.parametrize("run", range(3))
def test_eight_ranges_at_once(lab: Lab, server: Server, run: int) -> None:
    film = view(lab, server, lab.torrent(24 * MIB), rate=6 * MIB, count=2)
    assert film.parts(8, 2 * MIB, Random(run)) >= 7


@pytest.mark.parametrize("run", range(2))
def test_two_hundred_ranges(lab: Lab, server: Server, run: int) -> None:
    # How many of them come before the end depends on how busy the machine is; at this rate the
    # pieces of the first fifty alone take longer than fifty answers.
    torrent = lab.torrent(32 * MIB - 12345, 256 * 1024)
    film = view(lab, server, torrent, rate=3 * MIB, count=2)
    assert film.parts(200, 300_000, Random(run)) >= 50


@pytest.mark.parametrize("run", range(4))
def test_a_seek_to_ninety_percent(lab: Lab, server: Server, run: int) -> None:
    film = view(lab, server, lab.torrent(24 * MIB), rate=5 * MIB, count=2)
    with film.open(0) as stream:
        assert film.wrong(stream.read_exactly(MIB), 0) == 0
    place = film.size * 9 // 10 + run * 4321
    with film.open(place) as stream:
        got = stream.read_exactly(MIB)
        assert film.still_downloading()
        got += stream.read_all()
    assert film.wrong(got, place) == 0
    assert film.still_downloading()
    with film.open(100_000) as stream:
        assert film.wrong(stream.read_all(), 100_000) == 0


def test_a_seek_is_quick(lab: Lab, server: Server) -> None:
    film = view(lab, server, lab.torrent(48 * MIB), rate=4 * MIB, count=2)
    with film.open(0) as stream:
        stream.read_exactly(MIB)
    places = [film.size * percent // 100 for percent in (30, 60, 90, 45)]
    times = [film.part(place, place + 999).ttfb for place in places]
    # 1 MiB comes in 0.13 s at this rate; a piece that waits its turn in the queue takes seconds.
    assert sorted(times)[2] < 1.5, times
