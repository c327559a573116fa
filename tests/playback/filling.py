"""A store, sources and servers for feeders, all scripted and on the hub alone."""

import itertools
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import gevent

from addon.errors import Problem
from addon.net.client import Headers, HttpError, Kind
from addon.sources.base import Kind as SourceKind
from addon.sources.base import Link, Media, Source, Trust
from addon.sources.health import Verdict
from addon.sources.probe import Found
from addon.swarm.picking import Need
from addon.swarm.torrent import Progress
from tests.rig.torrents import Torrent
from tests.sources.served import content, pieces_of


@dataclass(frozen=True)
class Shop:
    """A source whose links count up: ``http://<name>/<number>/<file>``."""

    name: str
    resumable: bool = True
    numbers: Any = field(default_factory=lambda: itertools.count(1), compare=False)
    priority: int = 0
    kind: SourceKind = SourceKind.FUNCTION
    trust: Trust = Trust.OPEN
    note: str = ""
    needs_metadata: bool = False
    redirect: bool = False

    def locate(self, media: Media, deadline: float) -> Link:
        url = f"http://{self.name}/{next(self.numbers)}/{media.file_name}"
        return Link(url, resumable=self.resumable)


class FakeAnswer:
    """A body that comes 4 KiB at a time; ``fault`` may change or end it."""

    def __init__(self, data: bytes, span: tuple[int, int] | None, serve: "Serve") -> None:
        start, stop = span or (0, len(data))
        self.status = serve.status or (206 if span else 200)
        length = {"Content-Length": str(len(data))}
        ranged = {"Content-Range": f"bytes {start}-{stop - 1}/{len(data)}"}
        self.headers = Headers(ranged if span else length)
        self._data, self._at, self._stop = data, start, stop
        self._serve = serve
        self.closed = False

    def read(self, most: int, deadline: float) -> bytes:
        gevent.sleep(self._serve.pause)
        if self._at >= self._serve.hangs_at:
            gevent.sleep(max(0.0, deadline - time.monotonic()))
            raise HttpError(Kind.TIMEOUT, "Nothing came.")
        if self._at >= self._serve.dies_at:
            raise HttpError(Kind.CUT, "The connection ended.")
        part = bytearray(self._data[self._at : min(self._at + most, self._at + 4096, self._stop)])
        for at in self._serve.wrong:
            if self._at <= at < self._at + len(part):
                part[at - self._at] ^= 1
        self._serve.sent += len(part)
        self._at += len(part)
        return bytes(part)

    def close(self) -> None:
        self.closed = True


@dataclass
class Serve:
    """How one host serves."""

    pause: float = 0.0
    dies_at: float = float("inf")
    hangs_at: float = float("inf")
    wrong: tuple[int, ...] = ()
    status: int = 0
    refuses: Callable[[int], bool] = lambda number: False
    lacks: str = ""
    sent: int = 0


class Line:
    """The client: hosts by name, and every request as (host, link's number, file, span)."""

    def __init__(self, made: Torrent) -> None:
        self._files = {file.path.name: file.data() for file in made.files}
        self.hosts: dict[str, Serve] = {}
        self.requests: list[tuple[str, int, str, tuple[int, int] | None]] = []
        self.answers: list[FakeAnswer] = []

    def open(
        self,
        url: str,
        *,
        headers: tuple[tuple[str, str], ...] = (),
        span: tuple[int, int] | None = None,
        deadline: float,
    ) -> FakeAnswer:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _, number, name = parts.path.split("/")
        self.requests.append((host, int(number), name, span))
        serve = self.hosts[host]
        changed = Serve(status=404) if name == serve.lacks else serve
        if serve.refuses(int(number)):
            changed = Serve(status=403)
        self.answers.append(FakeAnswer(self._files[name], span, changed))
        return self.answers[-1]


class Store:
    """A torrent that takes only right pieces; ``at`` are its readers' pieces, newest first."""

    def __init__(self, made: Torrent, media: Media) -> None:
        self.made, self.pieces = made, pieces_of(media)
        self.has: set[int] = set()
        self.at: list[int] = []
        self.peers = 0
        self.takes = True
        self.follows = False  # its player takes every piece as soon as it comes
        self.held: set[int] = set()
        self.fed: list[int] = []
        self.failure: Problem | None = None
        self.progress = Progress()

    def needs(self) -> list[Need]:
        return [Need(piece, self.pieces.stop - 1, piece not in self.has) for piece in self.at]

    def has_piece(self, index: int) -> bool:
        return index in self.has

    def peers_seen(self) -> tuple[int, int]:
        return self.peers, 0

    def claim(self, span: range, most: int) -> range:
        free = [index for index in span if index not in self.has and index not in self.held]
        run = range(0)
        if free:
            stop = next(i for i in itertools.count(free[0]) if i not in free or i - free[0] == most)
            run = range(free[0], stop)
        self.held.update(run)
        return run

    def give_back(self, run: range) -> None:
        self.held.difference_update(run)

    def feed(self, index: int, data: bytes) -> bool:
        if self.failure is not None:
            raise self.failure
        gevent.sleep(0)
        assert data == content(self.made, index), f"piece {index} is wrong"
        assert index not in self.has, f"piece {index} came twice"
        self.fed.append(index)
        if self.takes:
            self.has.add(index)
            self.held.discard(index)
        while self.follows and self.at and self.at[0] in self.has and self.at[0] + 1 in self.pieces:
            self.at[0] += 1
        return self.takes

    def reads(self, piece: int) -> None:
        """One player, at this piece; it goes on as pieces come."""
        self.at = [piece]


class Choice:
    """``sources.finder.Sources``: who may be asked, and what became of each."""

    def __init__(self, made: Torrent, *shops: Shop) -> None:
        self.made, self.shops = made, list(shops)
        self.works: set[str] = {shop.name for shop in shops}
        self.asked: list[tuple[int | None, list[str]]] = []
        self.learnt: list[tuple[str, Verdict]] = []
        self.cooling: set[str] = set()

    def ordered(self, media: Media, *, everybody: bool = False) -> list[Source]:
        return [shop for shop in self.shops if everybody or shop.name not in self.cooling]

    def race(
        self,
        media: Media,
        piece: int | None,
        deadline: float,
        *,
        sources: Sequence[Source] | None = None,
        started: Callable[[Source], None] = lambda _: None,
    ) -> Generator[Found, None, None]:
        assert sources is not None
        self.asked.append((piece, [source.name for source in sources]))
        for source in sources:
            gevent.sleep(0)
            if source.name in self.works:
                yield self.winner(source, media, piece or 0)
            else:
                yield Found(source, Verdict.DEAD, "does not answer")

    def winner(self, source: Source, media: Media, piece: int) -> Found:
        """What a probe of it comes back with."""
        link = source.locate(media, 0.0)
        data = content(self.made, piece)
        return Found(source, Verdict.VERIFIED, "right", link, piece=piece, data=data)

    def learn(self, found: Found, media: Media) -> None:
        self.learnt.append((found.name, found.verdict))
