"""Feeders: verified sources keep filling pieces ahead of the players, so that a source may die in
mid-film and nobody notices.

A feeder belongs to one file that is being read. It looks at what its readers wait for, claims a
run of pieces there, fetches exactly those over HTTP, checks each one's hash and hands it to the
store. When a source closes, stalls, lies or refuses, the next one goes on at the first missing
piece; when none is left, all are raced anew for the piece that is missing.
"""

import logging
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import gevent
from gevent.threadpool import ThreadPool

from addon.errors import Problem, outcome
from addon.playback.demand import Demand
from addon.playback.store import SwarmTorrent
from addon.sources.base import Link, Media, Source
from addon.sources.fetch import Client, Lost, PieceReader
from addon.sources.finder import Sources
from addon.sources.health import Verdict
from addon.sources.probe import Found
from addon.torrents.metainfo import File, Metainfo

log = logging.getLogger(__name__)

LOOK = 0.1
# One GET: long enough that opening it costs nothing, short enough to follow the player.
RUN_BYTES = 16 * 1024 * 1024
# A GET in the right place is quicker than more than this from an earlier one.
NEAR_BYTES = 2 * 1024 * 1024
SCREEN = 10.0
SEARCH = 20.0
# After the last reader has gone the same player comes back: every seek is a disconnect.
LINGER = 30.0
DROPPED_FOR = 30.0
BACK_OFF = (0.5, 1.0, 2.0, 4.0)
# What says that a link is no longer good, rather than that its source is bad.
_EXPIRED = frozenset({Verdict.REFUSED, Verdict.ABSENT})


@dataclass
class _Supplier:
    """A source that has proved itself for this file. ``links`` are kept until they expire."""

    source: Source
    links: dict[int, Link]
    delivered: int = 0
    renewed: bool = False


class Feeder:
    """Fills one file of one torrent while somebody reads it; ``active`` names who delivers."""

    def __init__(
        self,
        torrent: SwarmTorrent,
        media: Media,
        client: Client,
        sources: Sources,
        pool: ThreadPool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if media.metainfo is None or media.file is None:
            raise RuntimeError("a feeder works only once the metadata is known")
        self.torrent = torrent
        self._media = media
        self._metainfo: Metainfo = media.metainfo
        self._file: File = media.file
        self._pieces = media.metainfo.pieces_of(media.file)
        self._client = client
        self._sources = sources
        self._pool = pool
        self._clock = clock
        self._suppliers: list[_Supplier] = []
        self._dropped: dict[str, float] = {}
        self._lone: set[str] = set()  # those without the neighbours that share the edge pieces
        self._quiet_until = 0.0
        self._leads = False
        self._at = 0
        self.active: str | None = None
        self.demand = Demand(torrent, self._pieces, media.metainfo.piece_length, clock)

    def join(self, found: Found) -> None:
        """A source has proved itself: it is used first, and the swarm is not waited for."""
        self._leads = True
        known = [s for s in self._suppliers if s.source.name != found.name]
        links = {self._file.index: found.link} if found.link is not None else {}
        self._suppliers = [_Supplier(found.source, links), *known]
        self._dropped.pop(found.name, None)
        if found.edge:
            self._lone.add(found.name)

    def run(self) -> None:
        """Work until nobody has read for a while."""
        failures = 0
        while self.torrent.failure is None and self.demand.idle_for() < LINGER:
            span = self.demand.span(leads=self._leads)
            if span is None:
                gevent.sleep(LOOK)
                continue
            supplier = self._supplier(span.start)
            if supplier is not None:
                failures = 0
            elif self._clock() >= self._quiet_until:
                if self._search(span.start):
                    failures = 0
                    continue
                self._quiet_until = self._clock() + BACK_OFF[min(failures, len(BACK_OFF) - 1)]
                failures += 1
            if supplier is None:
                span = self._past_the_edge(span)
                supplier = self._supplier(span.start) if span else None
            if supplier is None:
                gevent.sleep(LOOK)
                continue
            self._work(supplier, span)

    # Who fills them

    def _supplier(self, piece: int) -> _Supplier | None:
        return next((s for s in self._suppliers if self._may_fill(s.source, piece)), None)

    def _may_fill(self, source: Source, piece: int) -> bool:
        """A source that cannot resume begins with the file or not at all."""
        if source.name in self._lone:
            parts = self._metainfo.segments(range(piece, piece + 1))
            return source.resumable and all(part.file in (None, self._file) for part in parts)
        near = (piece - self._pieces.start) * self._metainfo.piece_length < RUN_BYTES
        return source.resumable or near

    def _past_the_edge(self, span: range) -> range:
        """Where the span goes on behind its first piece, which nobody has."""
        rest = (index for index in span[1:] if not self.torrent.has_piece(index))
        return range(next(rest, span.stop), span.stop)

    def _search(self, piece: int) -> bool:
        """Race everybody who was not dropped a moment ago for a missing piece."""
        now = self._clock()
        self._dropped = {n: until for n, until in self._dropped.items() if until > now}
        asked = [
            source
            for source in self._sources.ordered(self._media)
            if source.name not in self._dropped and self._may_fill(source, piece)
        ]
        if not asked:
            return False
        with closing(self._sources.race(self._media, piece, now + SEARCH, sources=asked)) as race:
            for found in race:
                if not found.verified:
                    self._tell(found.name, found.verdict, found.reason)
                    continue
                leads = self._leads
                self.join(found)
                self._leads = leads
                if found.piece is not None and found.data is not None:
                    outcome(self.torrent.feed, found.piece, found.data)
                log.info("[%s] [%s] ✓ goes on from here", self._key, found.name)
                return True
        return False

    def _work(self, supplier: _Supplier, span: range) -> None:
        """Let one source fill one run, and follow the player meanwhile."""
        run = self._claim(supplier, span)
        if not run:
            gevent.sleep(LOOK)
            return
        self.active = supplier.source.name
        self._at = run.start
        filling = gevent.spawn(self._fill, supplier, run)
        try:
            while not filling.ready():
                filling.join(LOOK)
                if not filling.ready() and self.demand.left(run):
                    filling.kill()
        finally:
            filling.kill()
            self.active = None
            self.torrent.give_back(run)

    def _claim(self, supplier: _Supplier, span: range) -> range:
        most = max(1, RUN_BYTES // self._metainfo.piece_length)
        if not self._may_fill(supplier.source, span[-1]):
            span = span[:-1]
        peers = self.torrent.peers_seen()[0]
        if not supplier.source.resumable:
            if not peers:
                most = len(self._pieces)
                span = range(span.start, self._pieces.stop)
            run = self.torrent.claim(span, most)
            # Its bytes come from the file's start on; what is there already is passed over.
            return range(self._pieces.start, run.stop) if run else run
        if self.demand.stuck_at(span.start):
            # Peers have begun the very piece that the player waits for, and do not bring it.
            return range(span.start, span.start + 1)
        return self.torrent.claim(span, most)

    def _fill(self, supplier: _Supplier, run: range) -> None:
        # The next piece is read while this one is checked and handed in.
        taking: gevent.Greenlet | None = None
        try:
            with PieceReader(
                self._client,
                supplier.source,
                self._media,
                run,
                self._clock() + SCREEN,
                links=supplier.links,
                clock=self._clock,
            ) as reader:
                for index, data in reader.pieces():
                    _finish(taking)
                    taking = gevent.spawn(self._take, index, data)
                    supplier.delivered += 1
                    self._at = index + 1
                    if self.demand.turn(self._next(supplier, run)):
                        break
                _finish(taking)
        except Lost as reason:
            # The piece before is whole, and is still being taken.
            before = taking and taking.get()
            self._failed(supplier, before if isinstance(before, Lost) else reason)
        except Problem as problem:
            log.info("[%s] nothing more is fed: %s", self._key, problem.detail)
        finally:
            if taking is not None:
                taking.kill()

    def _next(self, supplier: _Supplier, run: range) -> range:
        """What comes of the run soon: a player that waits farther on is better helped there. A
        source that cannot resume would begin anew for them."""
        near = max(2, NEAR_BYTES // self._metainfo.piece_length)
        stop = min(run.stop, self._at + near) if supplier.source.resumable else run.stop
        return range(run.start, stop)

    def _take(self, index: int, data: bytes) -> Lost | Problem | None:
        """Check a piece and hand it in; what is wrong with it is returned (see ``outcome``)."""
        if self.torrent.has_piece(index):
            return None
        if not self._pool.apply(self._metainfo.check_piece, (index, data)):
            return Lost(Verdict.WRONG, f"sends wrong bytes: piece {index} has another hash")
        taken = outcome(self.torrent.feed, index, data)
        if isinstance(taken, Problem):
            return taken
        if not taken:
            return Lost(Verdict.OURS, f"piece {index} was not taken by the store")
        return None

    def _failed(self, supplier: _Supplier, reason: Lost) -> None:
        name = supplier.source.name
        if reason.verdict in _EXPIRED and supplier.delivered and not supplier.renewed:
            log.info("[%s] [%s] %s: its link is asked for anew", self._key, name, reason.reason)
            supplier.links.clear()
            supplier.renewed = True
            return
        if reason.neighbour and supplier.source.resumable and name not in self._lone:
            self._lone.add(name)
            return
        self._tell(name, reason.verdict, reason.reason)
        self._suppliers = [s for s in self._suppliers if s is not supplier]
        self._dropped[name] = self._clock() + DROPPED_FOR
        if reason.neighbour:  # says nothing of this file
            return
        found = Found(
            supplier.source, reason.verdict, reason.reason, retry_after=reason.retry_after
        )
        self._sources.learn(found, self._media)

    def _tell(self, name: str, verdict: Verdict, reason: str) -> None:
        log.info("[%s] [%s] ✗ %s: %s", self._key, name, verdict.value, reason)

    @property
    def _key(self) -> str:
        return self._media.info_hash.key[:8]


def _finish(taking: gevent.Greenlet | None) -> None:
    """Wait for the piece before, and raise what was wrong with it."""
    wrong = taking.get() if taking is not None else None
    if wrong is not None:
        raise wrong
