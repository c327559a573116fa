"""Many readers of one torrent: each gets its bytes, and none waits for another to finish."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.rig.lab import MIB, Lab
from tests.rig.server import Server
from tests.rig.viewing import view


@pytest.mark.parametrize("readers", [2, 9, 17])
def test_readers_all_over_the_film_finish(lab: Lab, server: Server, readers: int) -> None:
    film = view(lab, server, lab.torrent(34 * MIB), rate=6 * MIB, count=2)
    step = film.size // readers

    def read(number: int) -> tuple[float, int]:
        first = number * step
        last = film.size if number == readers - 1 else first + step
        with film.open(first, agent=f"viewer {number}") as stream:
            began = time.monotonic()
            got = stream.read_exactly(1)
            waited = time.monotonic() - began
            got += stream.read_exactly(last - first - 1)
        return waited, film.wrong(got, first)

    began = time.monotonic()
    with ThreadPoolExecutor(readers) as pool:
        done = list(pool.map(read, range(readers)))
    assert [wrong for _, wrong in done] == [0] * readers
    assert time.monotonic() - began < 15, "34 MiB at 12 MiB/s"
    assert film.told()["verifiedBytes"] == film.size


def test_nine_readers_of_the_whole_film(lab: Lab, server: Server) -> None:
    film = view(lab, server, lab.torrent(16 * MIB), rate=4 * MIB, count=2)

    def read(number: int) -> str:
        with film.open(agent=f"viewer {number}") as stream:
            return stream.digest()

    with ThreadPoolExecutor(9) as pool:
        assert set(pool.map(read, range(9))) == {film.sha256}
    sent = sum(seeder.uploaded(film.torrent) for seeder in lab.seeders(2))
    assert sent < film.size * 1.1, "each piece is fetched once for all of them"


def test_two_films_at_once(lab: Lab, server: Server) -> None:
    films = [view(lab, server, lab.torrent(8 * MIB), rate=4 * MIB) for _ in range(2)]

    def read(number: int) -> str:
        with films[number].open() as stream:
            return stream.digest()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(read, range(2))) == [film.sha256 for film in films]
