"""Small files as a whole: out of the store, verified bytes only."""

import time
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent.event import Event

from addon.errors import Problem
from addon.playback.attempt import Attempt
from addon.playback.journal import Journal
from addon.playback.resolution import Failure, Redirect, Resolution, Stored
from addon.playback.whole import WholeFiles
from addon.torrents.selection import FileIndex
from tests.playback.in_store import HASH, TEXT, InStore


class OneAttempt:
    """A resolver whose only attempt the test ends."""

    def __init__(self, stored: Stored) -> None:
        self.stored = stored
        self.asked: list[Any] = []
        self.current = Attempt(Journal().open(HASH.key, "1", ""))

    def attempt(self, *asked: Any) -> Attempt:
        self.asked.append(asked)
        return self.current

    def through_store(self, attempt: Attempt) -> Stored:
        assert attempt is self.current
        return self.stored


@pytest.fixture
def torrent(tmp_path: Path) -> InStore:
    return InStore(tmp_path)


def read(
    torrent: InStore, resolution: Resolution | None, most: int = 10**6, timeout: float = 5
) -> tuple[str, bytes]:
    resolver: Any = OneAttempt(Stored(torrent, TEXT, "swarm"))  # type: ignore[arg-type]
    if resolution is not None:
        resolver.current.finish(resolution)
    files = WholeFiles(resolver)
    found = files.read("anne", HASH, 1, most=most, timeout=timeout, gone=Event())
    assert resolver.asked == [("anne", HASH, FileIndex(1), 0)]
    return found


def test_all_bytes_come_out_of_the_store(torrent: InStore) -> None:
    stored: Any = Stored(torrent, TEXT, "swarm")  # type: ignore[arg-type]
    elsewhere: Any = Redirect(None, TEXT, "seed", time.monotonic())  # type: ignore[arg-type]
    expected = torrent.data[TEXT.offset : TEXT.offset + TEXT.length]
    for resolution in (stored, elsewhere):
        assert read(torrent, resolution) == ("film.en.srt", expected)
    assert (torrent.opened, torrent.closed) == (2, 2)


def test_what_is_too_long_is_not_even_opened(torrent: InStore) -> None:
    with pytest.raises(Problem) as caught:
        read(torrent, Stored(torrent, TEXT, "swarm"), most=TEXT.length - 1)  # type: ignore[arg-type]
    assert caught.value.code == "too-large"
    assert torrent.opened == 0


def test_a_failure_is_told(torrent: InStore) -> None:
    problem = Problem("no-peers", "Nobody has it.")
    with pytest.raises(Problem) as caught:
        read(torrent, Failure(problem))
    assert caught.value is problem


def test_nobody_waits_for_ever(torrent: InStore) -> None:
    torrent.comes.clear()
    for resolution in (None, Stored(torrent, TEXT, "swarm")):  # type: ignore[arg-type]
        with pytest.raises(Problem) as caught:
            read(torrent, resolution, timeout=0.2)
        assert (caught.value.code, caught.value.retry_after) == ("busy", 5)
    assert torrent.opened == torrent.closed == 1


def test_who_has_gone_is_not_waited_for(torrent: InStore) -> None:
    torrent.comes.clear()
    for resolution in (None, Stored(torrent, TEXT, "swarm")):  # type: ignore[arg-type]
        resolver: Any = OneAttempt(Stored(torrent, TEXT, "swarm"))  # type: ignore[arg-type]
        if resolution is not None:
            resolver.current.finish(resolution)
        gone = Event()
        gevent.spawn_later(0.05, gone.set)
        with pytest.raises(ConnectionAbortedError):
            WholeFiles(resolver).read("", HASH, 1, most=10**6, timeout=30, gone=gone)
