"""SIGKILL in mid-stream and a restart: the player's next range goes on, and what was on disk a
moment before is not downloaded again."""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.faults.services import Services, services, torrent_of
from tests.faults.test_one_honest_source import noise
from tests.rig.lab import MIB, Lab
from tests.rig.viewing import Viewing
from tests.rig.waiting import pause, until

PIECE = 256 * 1024
SIZE = 20 * MIB + 9
RATE = 4_000_000  # bytes a second: the film takes five seconds
HAD = 3 * MIB
# The fence and the piece map need a second together; so long before the kill it is looked at.
BEFORE = 1.5
SLACK = 2 * PIECE  # what was under way to a player that is gone


@pytest.fixture(scope="module")
def here(lab: Lab) -> Iterator[Services]:
    with services(lab, {"Instant.io": f"slow-{RATE}"}, p2p="on", FALLBACK_MODE="proxy") as here:
        yield here


def settled(count: Callable[[], int]) -> int:
    """A counter's value once it stands still."""
    last, since = count(), time.monotonic()

    def still() -> bool:
        nonlocal last, since
        if (now := count()) != last:
            last, since = now, time.monotonic()
        return time.monotonic() - since > 0.5

    until(still, what="the last bytes to go out")
    return last


def test_a_killed_server_goes_on_where_it_was(lab: Lab, here: Services) -> None:
    by_source = torrent_of(here.folder, "by-source.mkv", noise(SIZE, 1), PIECE)
    by_swarm = lab.torrent(SIZE, PIECE)  # which no source has
    magnet = lab.share(by_swarm, rate=RATE)
    films: list[Viewing] = [here.film(torrent) for torrent in (by_source, by_swarm)]
    here.server.add(magnet)
    seeder = lab.seeders(1)[0]
    counts = (lambda: int(here.liars.counts()["sent"]), lambda: seeder.uploaded(by_swarm))

    streams = [film.open(0) for film in films]
    for film, stream in zip(films, streams, strict=True):
        assert film.wrong(stream.read_exactly(HAD), 0) == 0
    kept = [int(film.told()["verifiedBytes"]) for film in films]
    pause(BEFORE)
    assert all(film.still_downloading() for film in films), "killed too late"
    here.server.kill()
    for stream in streams:
        stream.close()
    before = [settled(count) for count in counts]
    here.server.start()

    for film, count, had, then in zip(films, counts, kept, before, strict=True):
        with film.open(HAD) as stream:
            assert film.wrong(stream.read_all(), HAD) == 0
        assert had >= HAD
        again = count() - then
        assert again <= film.size - had + SLACK, (again, film.size - had)
        until(lambda film=film: not film.still_downloading(), what="all of it")  # type: ignore[misc]
        film.part(0, film.size - 1)
        assert count() - then <= film.size - had + SLACK
