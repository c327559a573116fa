"""Sources and a store that a test scripts."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import gevent
from gevent.event import Event

from addon.errors import Problem
from addon.playback.journal import Entry, Journal
from addon.sources.base import Link, Media, Source, Trust
from addon.sources.health import Verdict
from addon.sources.probe import Found
from addon.sources.template import FunctionSource
from addon.torrents.metainfo import File

URL = "https://host/film.mkv"


def source(name: str, **more: Any) -> FunctionSource:
    return FunctionSource(name, lambda *_: URL, **more)


def verified(name: str, piece: int = 0, data: bytes | None = b"piece", **more: Any) -> Found:
    """What a source that delivers comes back with."""
    link = Link(URL, trust=more.pop("trust", Trust.OPEN), redirectable=more.pop("redirect", False))
    return Found(source(name), Verdict.VERIFIED, "right", link, piece=piece, data=data, **more)


def failed(name: str, verdict: Verdict = Verdict.DEAD, reason: str = "does not answer") -> Found:
    return Found(source(name), verdict, reason)


@dataclass
class FakeSources:
    """Each source's outcome, and after how many seconds; ``log`` is who was asked when."""

    outcomes: list[tuple[float, Found]] = field(default_factory=list)
    asked: list[list[str]] = field(default_factory=list)
    pieces: list[int | None] = field(default_factory=list)
    learnt: list[tuple[str, Verdict]] = field(default_factory=list)
    closed: int = 0

    def ordered(self, media: Media) -> list[Source]:
        return [found.source for _, found in self.outcomes]

    def race(
        self,
        media: Media,
        piece: int | None,
        deadline: float,
        *,
        sources: Sequence[Source] | None = None,
        started: Callable[[Source], None] = lambda _: None,
    ) -> Generator[Found, None, None]:
        wanted = self.ordered(media) if sources is None else sources
        self.asked.append([one.name for one in wanted])
        self.pieces.append(piece)
        try:
            for after, found in self.outcomes:
                if found.source in wanted:
                    started(found.source)
                    gevent.sleep(after)
                    yield found
        finally:
            self.closed += 1

    def learn(self, found: Found, media: Media) -> None:
        self.learnt.append((found.name, found.verdict))


class FakeStream:
    def __init__(self, store: "FakeStore", start: int) -> None:
        self.store, self.start = store, start
        self.frozen: list[bool] = []

    def wait_first(self, timeout: float) -> bool:
        self.store.require_alive()
        return bool(self.store.arrived.wait(timeout))

    def stall(self, *, frozen: bool) -> None:
        self.frozen.append(frozen)


class FakeStore:
    """A torrent whose piece under the player arrives when the test, or a source, brings it."""

    def __init__(self, peers: int = 0, *, takes: bool = True) -> None:
        self.peers, self.takes = peers, takes
        self.stored = False
        self.failure: Problem | None = None
        self.arrived = Event()
        self.streams: list[FakeStream] = []
        self.fed: list[tuple[int, bytes]] = []
        self.trackers = {"tracker.example": "0 peers"}

    def has_byte(self, file: File, position: int) -> bool:
        return self.stored

    def open(self, file: File, start: int, stop: int) -> FakeStream:
        self.streams.append(FakeStream(self, start))
        return self.streams[-1]

    def peers_seen(self) -> tuple[int, int]:
        return self.peers, 0

    def feed(self, index: int, data: bytes) -> bool:
        self.require_alive()
        self.fed.append((index, data))
        if self.takes:
            self.arrived.set()
        return self.takes

    def require_alive(self) -> None:
        if self.failure is not None:
            raise self.failure


@dataclass
class FakeFeeders:
    """Who is asked to keep filling, and with which source in the lead."""

    kept: list[str | None] = field(default_factory=list)
    swarm: list[bool] = field(default_factory=list)

    def keep(
        self, torrent: object, media: Media, winner: Found | None = None, *, swarm: bool = False
    ) -> None:
        self.kept.append(winner.name if winner is not None else None)
        self.swarm.append(swarm)


class FakeAttempt:
    """The requests that wait."""

    def __init__(self) -> None:
        self.entry: Entry = Journal().open("ab" * 20, "main", "install")
        self.stream: Any = None
        self.absent = 0.0

    def absent_for(self) -> float:
        return self.absent

    def steps(self) -> list[str]:
        return [step.what for step in self.entry.steps]
