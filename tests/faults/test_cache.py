"""More films than CACHE_MAX_BYTES allows: the bound holds while they are written, and each one
plays byte for byte."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.rig.http import follow
from tests.rig.lab import MIB, Lab
from tests.rig.server import Server
from tests.rig.viewing import Viewing, view

FILM = 24 * MIB
LIMIT = 60 * MIB
FILMS = 8


@pytest.fixture(scope="module")
def server(lab: Lab) -> Server:
    return lab.server(CACHE_MAX_BYTES=str(LIMIT))


def used(server: Server) -> int:
    """Bytes that the films take on disk at this moment."""
    total = 0
    for parent, _, names in os.walk(server.folder / "data" / "cache"):
        for name in names:
            try:
                total += (Path(parent) / name).lstat().st_blocks * 512
            except FileNotFoundError:
                continue
    return total


@contextmanager
def sampled(server: Server) -> Iterator[list[int]]:
    """What is used, looked at fifty times a second meanwhile."""
    samples: list[int] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.02):
            samples.append(used(server))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()


def test_the_bound_holds_while_eight_films_play(lab: Lab, server: Server) -> None:
    films = [view(lab, server, lab.torrent(FILM + n, 256 * 1024)) for n in range(FILMS)]

    def play(film: Viewing) -> str:
        with film.open(agent=film.torrent.key) as stream:
            return stream.digest()

    with sampled(server) as samples:
        one_by_one = [play(film) for film in films]
        # Two at a time, and another order: most of them have to come again.
        with ThreadPoolExecutor(2) as pool:
            in_pairs = list(pool.map(play, films[::3] + films[1::3] + films[2::3]))
    assert one_by_one == [film.sha256 for film in films]
    assert sorted(in_pairs) == sorted(film.sha256 for film in films)
    assert max(samples) > LIMIT // 2, "it was looked at while films lay there"
    assert max(samples) <= LIMIT
    # They are in the library all the same.
    assert all(film.told()["status"] == "ready" for film in films)


def test_a_third_film_waits_for_one_of_two_to_end(lab: Lab, server: Server) -> None:
    # Before a magnet's metadata is read nothing says what is not wanted: a seeder without a limit
    # would have brought the third film by then.
    slow = [view(lab, server, lab.torrent(FILM), rate=4 * MIB) for _ in range(2)]
    third = view(lab, server, lab.torrent(FILM), rate=12 * MIB)
    with slow[0].open(agent="one") as one, slow[1].open(agent="two"):
        one.read_exactly(1)
        refused = follow(third.url)
        assert refused.status == 503
        told = refused.json()
        assert told["code"] == "disk-full"
        assert "CACHE_MAX_BYTES" in told["detail"]
    with third.open() as stream:
        assert stream.digest() == third.sha256
