"""A body whose head is out waits for what is found, and hears no error that may pass."""

from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from gevent.event import Event

from addon.errors import Problem
from addon.playback import late as module
from addon.playback.attempt import Attempt
from addon.playback.journal import Journal
from addon.playback.late import LateStream
from addon.playback.resolution import Failure, Redirect, Resolution, Stored
from addon.sources.base import Link
from addon.torrents.metainfo import File

FILE = File(0, "film.mkv", 0, 100)
PASSING = Failure(Problem("no-source", "Nobody delivers.", retry_after=5))


class FakeStream:
    def __init__(self, start: int, stop: int) -> None:
        self.range = start, stop
        self.sends: list[bytes | tuple[int, int, int]] = [b"first"]
        self.fails: Problem | None = None
        self.frozen: list[bool] = []
        self.cancelled = Event()
        self.closed = False

    def chunks(self) -> Iterator[bytes]:
        yield from self.sends
        if self.fails is not None:
            raise self.fails
        if sum(len(s) if isinstance(s, bytes) else s[2] for s in self.sends) == (
            self.range[1] - self.range[0]
        ):
            return
        self.cancelled.wait()
        raise ConnectionAbortedError("cancelled")

    def stall(self, *, frozen: bool) -> None:
        self.frozen.append(frozen)

    def cancel(self) -> None:
        self.cancelled.set()

    @property
    def ended(self) -> bool:
        return self.cancelled.is_set()

    def close(self) -> None:
        self.closed = True


class FakeTorrent:
    def __init__(self) -> None:
        self.streams: list[FakeStream] = []

    def open(self, file: File, start: int, stop: int) -> FakeStream:
        assert file == FILE
        self.streams.append(FakeStream(start, stop))
        return self.streams[-1]


class Scene:
    """A film that is being looked for: each attempt ends as the test says."""

    def __init__(self) -> None:
        self.torrent: Any = FakeTorrent()
        self.stored = Stored(self.torrent, FILE, "swarm")
        self.attempts: list[Attempt] = []
        self.sent_through_store: list[Attempt] = []
        self.late = LateStream(self._join, self._store, 10, 60)

    def _join(self) -> Attempt:
        self.attempts.append(Attempt(Journal().open("ab" * 20, "main", "")))
        return self.attempts[-1]

    def _store(self, attempt: Attempt) -> Stored:
        self.sent_through_store.append(attempt)
        return self.stored

    def first(self) -> gevent.Greenlet:
        """Take the first chunk."""
        return gevent.spawn(next, self.late.chunks())

    def end(self, resolution: Resolution) -> None:
        gevent.sleep(0)
        self.attempts[-1].finish(resolution)


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(module, "PAUSE", 0.02)
    return Scene()


def test_nothing_begins_before_the_body_is_taken(scene: Scene) -> None:
    scene.late.close()
    assert scene.attempts == []


def test_it_is_silent_until_the_film_is_found(scene: Scene) -> None:
    first = scene.first()
    gevent.sleep(0.05)
    assert not first.ready()
    assert scene.attempts[0].waiting == 1, "the film is looked for while somebody waits"
    scene.end(scene.stored)
    assert first.get(timeout=1) == b"first"
    assert scene.torrent.streams[0].range == (10, 60)


def test_who_cannot_be_sent_elsewhere_any_more_reads_from_the_store(scene: Scene) -> None:
    first = scene.first()
    scene.end(Redirect(Link("https://dav.example/film.mkv"), FILE, "My drive", at=0.0))
    assert first.get(timeout=1) == b"first"
    assert scene.sent_through_store == scene.attempts


def test_what_may_pass_is_tried_again(scene: Scene) -> None:
    first = scene.first()
    scene.end(PASSING)
    gevent.sleep(0.01)
    assert len(scene.attempts) == 1, "not at once"
    gevent.sleep(0.05)
    assert len(scene.attempts) == 2
    scene.end(scene.stored)
    assert first.get(timeout=1) == b"first"


def test_what_will_not_pass_ends_it(scene: Scene) -> None:
    first = scene.first()
    scene.end(Failure(Problem("no-such-file", "It is not there.")))
    gevent.joinall([first], timeout=1)
    assert isinstance(first.exception, Problem)


def test_a_server_that_stops_ends_it(scene: Scene) -> None:
    first = scene.first()
    gevent.sleep(0)
    scene.attempts[0].abandon()
    gevent.joinall([first], timeout=1)
    assert isinstance(first.exception, ConnectionAbortedError)
    assert len(scene.attempts) == 1


@pytest.mark.parametrize("failed", [False, True], ids=["while looking", "between two tries"])
def test_whoever_leaves_ends_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, *, failed: bool
) -> None:
    monkeypatch.setattr(module, "PAUSE", 60.0)
    first = scene.first()
    gevent.sleep(0)
    if failed:
        scene.end(PASSING)
        gevent.sleep(0.01)
    assert not scene.late.ended
    scene.late.cancel()
    gevent.joinall([first], timeout=1)
    assert isinstance(first.exception, ConnectionAbortedError)
    assert scene.late.ended
    assert scene.attempts[0].waiting == 0


def test_once_it_reads_everything_goes_to_the_reader(scene: Scene) -> None:
    scene.late.stall(frozen=True)
    first = scene.first()
    scene.end(scene.stored)
    first.get(timeout=1)
    (stream,) = scene.torrent.streams
    scene.late.stall(frozen=True)
    assert stream.frozen == [True]
    scene.late.cancel()
    assert stream.cancelled.is_set()
    assert scene.late.ended
    scene.late.close()
    assert stream.closed


FULL = Problem("disk-full", "The disk is full.", retry_after=30)


def test_a_store_that_fails_in_mid_film_is_left_and_the_body_goes_on(scene: Scene) -> None:
    before = FakeStream(10, 60)
    before.sends = [b"0123456789", (3, 20, 5)]
    before.fails = FULL
    late = LateStream(scene._join, scene._store, 10, 60, before)
    chunks = late.chunks()
    assert [next(chunks), next(chunks)] == [b"0123456789", (3, 20, 5)]
    rest = gevent.spawn(next, chunks)
    gevent.sleep(0.01)
    assert before.closed
    assert not rest.ready(), "nothing but silence"
    scene.end(scene.stored)
    assert rest.get(timeout=1) == b"first"
    assert scene.torrent.streams[0].range == (25, 60), "at the very byte"


def test_what_will_never_come_again_ends_the_body(scene: Scene) -> None:
    before = FakeStream(10, 60)
    before.fails = Problem("not-found", "This torrent was removed.")
    late = LateStream(scene._join, scene._store, 10, 60, before)
    chunks = late.chunks()
    next(chunks)
    with pytest.raises(Problem, match="removed"):
        next(chunks)
    assert scene.attempts == []


def test_what_is_there_already_is_not_looked_for(scene: Scene) -> None:
    before = FakeStream(10, 15)
    late = LateStream(scene._join, scene._store, 10, 15, before)
    assert list(late.chunks()) == [b"first"]
    assert scene.attempts == []


def test_a_store_that_fails_again_at_once_is_not_asked_again_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Seen with a full disk: hundreds of attempts a second, and a server that did not end."""
    monkeypatch.setattr(module, "PAUSE", 0.1)
    torrent: Any = FakeTorrent()
    opened: list[FakeStream] = []

    def fails(_file: File, start: int, stop: int) -> FakeStream:
        opened.append(FakeStream(start, stop))
        opened[-1].sends, opened[-1].fails = [], FULL
        return opened[-1]

    def join() -> Attempt:
        attempt = Attempt(Journal().open("ab" * 20, "main", ""))
        attempt.finish(Stored(torrent, FILE, "store"))
        return attempt

    torrent.open = fails
    late = LateStream(join, lambda _: Stored(torrent, FILE, "store"), 10, 60)
    body = gevent.spawn(next, late.chunks())
    gevent.sleep(0.25)
    late.cancel()
    gevent.joinall([body], timeout=1)
    assert isinstance(body.exception, ConnectionAbortedError)
    assert 2 <= len(opened) <= 3
