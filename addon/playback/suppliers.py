"""Who may fill a file: the sources that have proved themselves for it, and the search for more."""

import logging
import time
from collections.abc import Callable, Container, Iterable
from contextlib import closing
from dataclasses import dataclass

from addon.errors import outcome
from addon.playback.store import SwarmTorrent
from addon.sources.base import Link, Media, Source
from addon.sources.fetch import Lost
from addon.sources.finder import Sources
from addon.sources.health import Verdict
from addon.sources.probe import Found
from addon.torrents.metainfo import File, Metainfo

log = logging.getLogger(__name__)

SEARCH = 20.0
DROPPED_FOR = 30.0
WRONG_FOR = 600.0
# How far from its beginning a source that knows no ranges may still begin a file.
BEGIN_BYTES = 16 * 1024 * 1024
# What says that a link is no longer good, rather than that its source is bad.
_EXPIRED = frozenset({Verdict.REFUSED, Verdict.ABSENT})


@dataclass
class Supplier:
    """A source that has proved itself for this file. ``links`` are kept until they expire;
    ``rate`` is what it brought lately, in bytes a second, 0 while unknown."""

    source: Source
    links: dict[int, Link]
    delivered: int = 0
    renewed: bool = False
    rate: float = 0.0

    @property
    def name(self) -> str:
        """The source's."""
        return self.source.name

    def measure(self, received: int, seconds: float) -> None:
        """It brought so many bytes in so many seconds."""
        if received and seconds > 0:
            fresh = received / seconds
            self.rate = fresh if not self.rate else (self.rate + fresh) / 2


class Suppliers:
    """The suppliers of one file, the best first."""

    def __init__(
        self,
        torrent: SwarmTorrent,
        media: Media,
        metainfo: Metainfo,
        file: File,
        sources: Sources,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._torrent = torrent
        self._media = media
        self._metainfo = metainfo
        self._file = file
        self._first = metainfo.pieces_of(file).start
        self._sources = sources
        self._clock = clock
        self._dropped: dict[str, float] = {}
        self._beaten: dict[str, float] = {}
        self._lone: set[str] = set()  # those without the neighbours that share the edge pieces
        self.known: list[Supplier] = []

    def join(self, found: Found) -> None:
        """A source has proved itself: it is used first."""
        known = [s for s in self.known if s.name != found.name]
        links = {self._file.index: found.link} if found.link is not None else {}
        self.known = [Supplier(found.source, links), *known]
        self._dropped.pop(found.name, None)
        self._beaten.pop(found.name, None)
        if found.edge:
            self._lone.add(found.name)

    def best(self, piece: int, besides: Container[str] = ()) -> Supplier | None:
        """The first that may fill from this piece on."""
        fit = (s for s in self.known if s.name not in besides and self.may_fill(s.source, piece))
        return next(fit, None)

    def may_fill(self, source: Source, piece: int) -> bool:
        """A source that cannot resume begins with the file or not at all."""
        if source.name in self._lone:
            parts = self._metainfo.segments(range(piece, piece + 1))
            return source.resumable and all(part.file in (None, self._file) for part in parts)
        near = (piece - self._first) * self._metainfo.piece_length < BEGIN_BYTES
        return source.resumable or near

    def search(self, piece: int, besides: Container[str] = (), *, everybody: bool = False) -> bool:
        """Race for a missing piece all who did not fail a moment ago; whether one was found.
        It is the last one then, if others are known, and the piece is in the store.
        ``everybody``: those who failed or cool down come last: they may be back."""
        now = self._clock()
        self._dropped = {n: until for n, until in self._dropped.items() if until > now}
        failed = self._slow.union(self._dropped)
        asked = [
            source
            for source in self._sources.ordered(self._media, everybody=everybody)
            if (everybody or source.name not in failed)
            and source.name not in besides
            and self.may_fill(source, piece)
        ]
        asked.sort(key=lambda source: source.name in failed)
        if not asked:
            return False
        with closing(self._sources.race(self._media, piece, now + SEARCH, sources=asked)) as race:
            for found in race:
                if not found.verified:
                    self._tell(found.name, found.verdict, found.reason)
                    if found.verdict is Verdict.WRONG:  # and will be another time
                        self._dropped[found.name] = now + WRONG_FOR
                    continue
                self.join(found)
                self.known.append(self.known.pop(0))
                if found.piece is not None and found.data is not None:
                    outcome(self._torrent.feed, found.piece, found.data)
                log.info("[%s] [%s] ✓ goes on from here", self._key, found.name)
                return True
        return False

    def demote(self, supplier: Supplier) -> None:
        """It hung where another did not: others come first, and for a while it does not help."""
        name = supplier.name
        log.info("[%s] [%s] was slower than another: others come first", self._key, name)
        self.known = [s for s in self.known if s is not supplier] + [supplier]
        self._beaten[name] = self._clock() + DROPPED_FOR

    def idle(self, piece: int, active: Iterable[str]) -> Supplier | None:
        """One that has nothing to do, and did not hang a moment ago: beside others it would only
        hold its part of the film back."""
        return self.best(piece, self._slow.union(active))

    def hedge(self, piece: int, active: Iterable[str], hanging: Iterable[str]) -> Supplier | None:
        """Who fetches a piece besides one that hangs: rather one that is busy elsewhere in the
        film than one that hung before."""
        return (
            self.idle(piece, active)
            or self.best(piece, self._slow.union(hanging))
            or self.best(piece, set(active))
        )

    @property
    def are_few(self) -> bool:
        """Whether the film hangs on one of them, or on none."""
        return len({supplier.name for supplier in self.known} - self._slow) <= 1

    @property
    def _slow(self) -> set[str]:
        now = self._clock()
        return {name for name, until in self._beaten.items() if until > now}

    def failed(self, supplier: Supplier, reason: Lost) -> None:
        """It did not deliver: it is dropped for a while, or its link is asked for anew, once."""
        name = supplier.name
        if reason.verdict in _EXPIRED and supplier.delivered and not supplier.renewed:
            log.info("[%s] [%s] %s: its link is asked for anew", self._key, name, reason.reason)
            supplier.links.clear()
            supplier.renewed = True
            return
        if reason.neighbour and supplier.source.resumable and name not in self._lone:
            self._lone.add(name)
            return
        self._tell(name, reason.verdict, reason.reason)
        self.known = [s for s in self.known if s is not supplier]
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
