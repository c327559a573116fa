"""One source fills one run of pieces: fetched over HTTP, checked, handed to the store."""

import logging
import time
from collections.abc import Callable

import gevent
from gevent.threadpool import ThreadPool

from addon.errors import Problem, outcome
from addon.playback.store import SwarmTorrent
from addon.playback.suppliers import Supplier
from addon.sources.base import Media
from addon.sources.fetch import Client, Lost, PieceReader
from addon.sources.health import Verdict
from addon.torrents.metainfo import Metainfo

log = logging.getLogger(__name__)

SCREEN = 10.0
YOUNG = 0.5


class Filling:
    """Runs in a greenlet of its own from the start. ``at`` is the piece that it fetches, ``stop``
    the first that it leaves alone; both may be read and ``stop`` lowered while it runs; ``hedged``
    is a piece that somebody else fetches too. ``enough`` is asked after each piece; ``failure`` is
    what ended it, if anything did."""

    def __init__(
        self,
        torrent: SwarmTorrent,
        media: Media,
        metainfo: Metainfo,
        client: Client,
        pool: ThreadPool,
        supplier: Supplier,
        run: range,
        enough: Callable[["Filling"], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.supplier = supplier
        self.run = run
        self.at = run.start
        self.stop = run.stop
        self.hedged: int | None = None
        self.failure: Lost | Problem | None = None
        self._torrent = torrent
        self._media = media
        self._metainfo = metainfo
        self._client = client
        self._pool = pool
        self._enough = enough
        self._clock = clock
        self._began = clock()
        self._reader: PieceReader | None = None
        self.greenlet = gevent.spawn(self._fill)

    @property
    def over(self) -> bool:
        """It has ended."""
        return bool(self.greenlet.ready())

    def silent_for(self) -> float:
        """Seconds since a byte came."""
        return self._clock() - (self._reader.moved_at if self._reader else self._began)

    def covers(self, piece: int) -> bool:
        """Whether the piece is still to come of it."""
        return self.at <= piece < self.stop and not self.over

    def rate(self) -> float:
        """Bytes a second so far; of one that has just begun, what its supplier brought before."""
        seconds = self._clock() - self._began
        if self.supplier.rate and seconds < YOUNG:
            return self.supplier.rate
        received = self._reader.received if self._reader else 0
        return received / max(0.1, seconds)

    def end(self) -> None:
        """End it now; its claim is given back, and what it taught of the source is kept."""
        self.greenlet.kill()
        if self._reader is not None:
            self.supplier.measure(self._reader.received, self._clock() - self._began)
            self._reader = None
        self._torrent.give_back(range(self.run.start, self.stop))

    def _fill(self) -> None:
        # The next piece is read while this one is checked and handed in.
        taking: gevent.Greenlet | None = None
        try:
            with PieceReader(
                self._client,
                self.supplier.source,
                self._media,
                self.run,
                self._clock() + SCREEN,
                links=self.supplier.links,
                clock=self._clock,
            ) as reader:
                self._reader = reader
                for index, data in reader.pieces():
                    _finish(taking)
                    taking = gevent.spawn(self._take, index, data)
                    self.supplier.delivered += 1
                    self.at = index + 1
                    if self.at >= self.stop or self._enough(self):
                        break
                _finish(taking)
        except Lost as reason:
            # The piece before is whole, and is still being taken.
            before = taking and taking.get()
            self.failure = before if isinstance(before, Lost) else reason
        except Problem as problem:
            self.failure = problem
        finally:
            if taking is not None:
                taking.kill()

    def _take(self, index: int, data: bytes) -> Lost | Problem | None:
        """Check a piece and hand it in; what is wrong with it is returned (see ``outcome``)."""
        if self._torrent.has_piece(index):
            return None
        if not self._pool.apply(self._metainfo.check_piece, (index, data)):
            return Lost(Verdict.WRONG, f"sends wrong bytes: piece {index} has another hash")
        if self._torrent.has_piece(index):  # somebody was quicker meanwhile
            return None
        taken = outcome(self._torrent.feed, index, data)
        if isinstance(taken, Problem):
            return taken
        if not taken:
            return Lost(Verdict.OURS, f"piece {index} was not taken by the store")
        return None


def _finish(taking: gevent.Greenlet | None) -> None:
    """Wait for the piece before, and raise what was wrong with it."""
    wrong = taking.get() if taking is not None else None
    if wrong is not None:
        raise wrong
