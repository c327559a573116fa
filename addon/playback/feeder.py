"""Feeders: verified sources keep filling pieces ahead of the players, so that a source may die in
mid-film and nobody notices.

A feeder belongs to one file that is being read. It looks at what its readers wait for, claims a
run of pieces there and has a supplier fill it. When one closes, stalls, lies or refuses, the next
one goes on at the first missing piece; when none is left, all are raced anew for that piece. The
piece under a player is hedged: after a second without a byte another supplier fetches it too. A
player that starves gets a second and a third supplier.
"""

import logging
import time
from collections.abc import Callable

import gevent
from gevent.threadpool import ThreadPool

from addon.errors import Problem
from addon.playback.demand import Assist, Demand
from addon.playback.filling import Filling
from addon.playback.store import SwarmTorrent
from addon.playback.suppliers import Supplier, Suppliers
from addon.sources.base import Media
from addon.sources.fetch import Client, Lost
from addon.sources.finder import Sources
from addon.sources.probe import Found
from addon.torrents.metainfo import Metainfo

log = logging.getLogger(__name__)

LOOK = 0.1
# One GET: long enough that opening it costs nothing, short enough to follow the player.
RUN_BYTES = 16 * 1024 * 1024
# Where several share the work each takes what it brings in so many seconds: the player is in front
# of them, and waits for the slowest.
SHARE_TIME = 2.0
# A GET in the right place is quicker than more than this from an earlier one.
NEAR_BYTES = 2 * 1024 * 1024
# After the last reader has gone the same player comes back: every seek is a disconnect.
LINGER = 30.0
BACK_OFF = (0.5, 1.0, 2.0, 4.0)
# A player waits for a piece of which no byte has come for so long: somebody else is asked too.
HEDGE_AFTER = 1.0
MOST_AT_ONCE = 3
# One more supplier is taken at most so often, and none beyond this many bytes a second: a player
# that only fills its cache would set all sources to work.
ANOTHER_AFTER = 2.0
ENOUGH_RATE = 12_000_000
# A film that hangs on one supplier, or starves, gets one more in time: a request to every source.
FURTHER_AFTER = 4.0
FURTHER_AGAIN = 60.0


class Feeder:
    """Fills one file of one torrent while somebody reads it."""

    def __init__(
        self,
        torrent: SwarmTorrent,
        media: Media,
        client: Client,
        sources: Sources,
        pool: ThreadPool,
        assist: Assist = "when-needed",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if media.metainfo is None or media.file is None:
            raise RuntimeError("a feeder works only once the metadata is known")
        self.torrent = torrent
        self._media = media
        self._metainfo: Metainfo = media.metainfo
        self._pieces = media.metainfo.pieces_of(media.file)
        self._client = client
        self._pool = pool
        self._clock = clock
        self.suppliers = Suppliers(torrent, media, media.metainfo, media.file, sources, clock)
        self._fillings: list[Filling] = []
        self._search: gevent.Greenlet | None = None
        self._failures = 0
        self._quiet_until = 0.0
        self._at_once = 1
        self._another_at = clock()
        self._further_at = clock() + FURTHER_AFTER
        self._leads = False
        self.demand = Demand(torrent, self._pieces, media.metainfo.piece_length, assist, clock)

    @property
    def active(self) -> list[str]:
        """Who delivers now."""
        return list(dict.fromkeys(filling.supplier.name for filling in self._fillings))

    def join(self, found: Found) -> None:
        """A source has proved itself: it is used first, and the swarm is not waited for."""
        self._leads = True
        self.suppliers.join(found)

    def run(self) -> None:
        """Work until nobody has read for a while."""
        try:
            while self.torrent.failure is None and self.demand.idle_for() < LINGER:
                span = self.demand.span(leads=self._leads)
                self._reap()
                if span is not None:
                    self._feed(span)
                self._pause()
        finally:
            if self._search is not None:
                self._search.kill()
            for filling in self._fillings:
                filling.end()
            self._fillings.clear()

    def _pause(self) -> None:
        """Until something may have changed."""
        if self._fillings:
            gevent.wait([filling.greenlet for filling in self._fillings], LOOK, count=1)
        else:
            gevent.sleep(LOOK)

    def _reap(self) -> None:
        """Let go of what has ended, and of what no player comes to any more."""
        for filling in list(self._fillings):
            beaten = filling.hedged == filling.at and self.torrent.has_piece(filling.at)
            if filling.over or beaten or self.demand.left(range(filling.run.start, filling.stop)):
                self._fillings.remove(filling)
                filling.end()
                if beaten:
                    self.suppliers.demote(filling.supplier)
                self._learn(filling)

    def _learn(self, filling: Filling) -> None:
        match filling.failure:
            case Lost() as reason:
                self.suppliers.failed(filling.supplier, reason)
                # Whatever was looked for in vain: now it is urgent.
                self._quiet_until = 0.0
            case Problem(detail=detail):
                log.info("[%s] nothing more is fed: %s", self._key, detail)

    def _feed(self, span: range) -> None:
        """See to it that somebody fills the span, whose first piece is missing."""
        hanging = next((f for f in self._fillings if self._hangs(f, span.start)), None)
        if hanging is not None:
            self._hedge(hanging, span.start)
        if not self._fillings:
            supplier = self.suppliers.best(span.start)
            if supplier is None:
                self._look_for(span.start)
                span = self._past_the_edge(span)
                supplier = self.suppliers.best(span.start) if span else None
            if supplier is not None:
                self._start(supplier, span)
        elif len(self._fillings) < self._wanted():
            supplier = self.suppliers.idle(span.start, self.active)
            if supplier is not None:
                for filling in self._fillings:
                    self._shorten(filling)
                self._start(supplier, span)
            else:
                self._look_further()
        elif self._is_alone():
            self._look_further()

    # How many

    def _wanted(self) -> int:
        """How many suppliers are to work now: one more when the player starves all the same."""
        now = self._clock()
        if self._at_once > 1 and self.demand.is_safe():
            self._at_once = 1
        rate = sum(filling.rate() for filling in self._fillings)
        waited = now - self._another_at > ANOTHER_AFTER
        if waited and self.demand.starves() and rate < ENOUGH_RATE:
            self._at_once = min(self._at_once + 1, MOST_AT_ONCE)
            self._another_at = now
        return self._at_once

    def _shorten(self, filling: Filling) -> None:
        """Leave to others what it would bring late; what it fetches now it ends."""
        if not filling.supplier.source.resumable:
            return
        soon = int(filling.rate() * SHARE_TIME) // self._metainfo.piece_length
        stop = min(filling.stop, filling.at + max(1, soon))
        if stop < filling.stop:
            self.torrent.give_back(range(stop, filling.stop))
            filling.stop = stop

    def _is_alone(self) -> bool:
        """Whether the film hangs on one supplier, if on any."""
        return self.suppliers.are_few and not self.torrent.peers_seen()[0]

    def _look_further(self) -> None:
        """Search for one more supplier beside those that deliver, at the piece behind theirs."""
        piece = max(filling.stop for filling in self._fillings)
        if self._clock() >= self._further_at and piece < self._pieces.stop:
            self._further_at = self._clock() + FURTHER_AGAIN
            self._look_for(piece)

    # The piece under the player

    def _hangs(self, filling: Filling, piece: int) -> bool:
        return (
            filling.at == piece != filling.hedged
            and not filling.over
            and self.demand.waits_for(piece) > HEDGE_AFTER
            and filling.silent_for() > HEDGE_AFTER
        )

    def _hedge(self, filling: Filling, piece: int) -> None:
        """Have another supplier fetch what hangs too, and go on from there."""
        silent = {f.supplier.name for f in self._fillings if f.silent_for() > HEDGE_AFTER}
        supplier = self.suppliers.hedge(piece, self.active, silent)
        if supplier is not None:
            filling.hedged = piece
            rest = range(piece, filling.stop)
            filling.stop = piece + 1
            self._fill(supplier, rest)
        elif self._look_for(piece):
            # The search brings the piece itself.
            filling.hedged = piece

    # Suppliers

    def _look_for(self, piece: int) -> bool:
        """Search for one more supplier, unless that is being done or was just done in vain."""
        if self._search is not None or self._clock() < self._quiet_until:
            return False
        search, vain = self.suppliers.search, self._failures > 0
        self._search = gevent.spawn(search, piece, self.active, everybody=vain)
        self._search.link(self._searched)
        return True

    def _searched(self, search: gevent.Greenlet) -> None:
        self._search = None
        if search.successful() and search.value is True:
            self._failures = 0
            return
        for filling in self._fillings:
            filling.hedged = None
        self._quiet_until = self._clock() + BACK_OFF[min(self._failures, len(BACK_OFF) - 1)]
        self._failures += 1

    def _past_the_edge(self, span: range) -> range:
        """Where the span goes on behind its first piece, which nobody has."""
        rest = (index for index in span[1:] if not self.torrent.has_piece(index))
        return range(next(rest, span.stop), span.stop)

    def _start(self, supplier: Supplier, span: range) -> None:
        run = self._claim(supplier, span)
        if run:
            self._fill(supplier, run)

    def _fill(self, supplier: Supplier, run: range) -> None:
        self._fillings.append(
            Filling(
                self.torrent,
                self._media,
                self._metainfo,
                self._client,
                self._pool,
                supplier,
                run,
                lambda filling: self.demand.turn(self._soon(filling)),
                self._clock,
            )
        )

    def _claim(self, supplier: Supplier, span: range) -> range:
        length = self._metainfo.piece_length
        most = RUN_BYTES
        if self._fillings:
            most = min(most, int(supplier.rate * SHARE_TIME) or NEAR_BYTES)
        if not self.suppliers.may_fill(supplier.source, span[-1]):
            span = span[:-1]
        if not supplier.source.resumable:
            if not self.torrent.peers_seen()[0]:
                most = len(self._pieces) * length
                span = range(span.start, self._pieces.stop)
            run = self.torrent.claim(span, max(1, most // length))
            # Its bytes come from the file's start on; what is there already is passed over.
            return range(self._pieces.start, run.stop) if run else run
        if self.demand.stuck_at(span.start) and not self._ours(span.start):
            # Peers have begun the very piece that the player waits for, and do not bring it.
            return range(span.start, span.start + 1)
        return self.torrent.claim(span, max(1, most // length))

    def _ours(self, piece: int) -> bool:
        return any(filling.covers(piece) for filling in self._fillings)

    def _soon(self, filling: Filling) -> range:
        """What comes of a run soon: a player that waits farther on is better helped there. A
        source that cannot resume would begin anew for them."""
        near = max(2, NEAR_BYTES // self._metainfo.piece_length)
        resumable = filling.supplier.source.resumable
        stop = min(filling.stop, filling.at + near) if resumable else filling.stop
        return range(filling.run.start, stop)

    @property
    def _key(self) -> str:
        return self._media.info_hash.key[:8]
