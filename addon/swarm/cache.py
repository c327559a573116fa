"""The bound on what lies on disk: what a film may still write is granted before it is read, and
what was used longest ago is deleted for it, never under a reader.

A film never grows beyond its own length, so what is granted holds while it is being written:
nothing has to be stopped at the limit.
"""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gevent.lock import RLock
from gevent.threadpool import ThreadPool

from addon.errors import Problem
from addon.swarm.storage import RESERVE_BYTES, Held, Storage, disk_full
from addon.swarm.torrent import Torrent
from addon.torrents.magnet import InfoHash
from addon.torrents.metainfo import File, Metainfo
from addon.torrents.names import human_size

log = logging.getLogger(__name__)

# From the grant to the first reader: sources may be tried first.
GRANT_HOLDS = 60.0
# After its last reader a file still grows for a moment, by what was already asked for.
SETTLING = 5.0
# What a peer or a source still brings of the pieces at both ends of a file.
MARGIN_PIECES = 2


@dataclass(frozen=True, slots=True)
class Room:
    """``limit`` bytes may lie on disk, and ``free`` may be written to it."""

    limit: int
    free: int


@dataclass(frozen=True, slots=True)
class Grant:
    """``most`` bytes may be written of a file since ``at``."""

    file: File
    most: int
    at: float


def choose(
    held: Mapping[str, Held],
    growing: Mapping[str, int],
    needed: int,
    room: Room,
    candidates: Sequence[str],
) -> list[str] | None:
    """Which of the ``candidates``, in this order, are deleted so that ``needed`` bytes may come.

    ``growing`` says how many bytes each torrent that is being read may still write. None where
    deleting all of them is not enough.
    """
    chosen: list[str] = []
    while True:
        stay = [key for key in held if key not in chosen]
        coming = needed + sum(size for key, size in growing.items() if key not in chosen)
        freed = sum(held[key].size for key in chosen)
        over = sum(held[key].size for key in stay) + coming - room.limit
        if max(over, coming - room.free - freed) <= 0:
            return chosen
        rest = [key for key in candidates if key in held and key not in chosen]
        if not rest:
            return None
        chosen.append(rest[0])


class Cache:
    """Grants room to films. ``torrents`` are those of the session, ``delete`` takes one out of it
    and off the disk, ``reload`` takes one out while a call is made and puts it back."""

    def __init__(
        self,
        storage: Storage,
        pool: ThreadPool,
        limit: int,
        torrents: Callable[[], Sequence[Torrent]],
        delete: Callable[[str], None],
        reload: Callable[[Torrent, Callable[[], object]], Torrent],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._storage = storage
        self._pool = pool
        self._limit = limit
        self._torrents = torrents
        self._delete = delete
        self._reload = reload
        self._clock = clock
        self._granted: dict[str, dict[int, Grant]] = {}
        self._lock = RLock()

    def forget(self, key: str) -> None:
        """What was granted to a torrent is void: it goes, or its disk failed and had no room."""
        self._granted.pop(key, None)

    def reserve(self, torrent: Torrent, file: File, needed: int | None = None) -> Torrent:
        """See to it that a file, or ``needed`` bytes of it, can be stored; the torrent, which is
        another object where older files of its own had to go.

        Problem ``disk-full`` says what is in the way.
        """
        metainfo = torrent.metainfo
        if metainfo is None:
            raise RuntimeError("room is made once the metadata is known")
        before = self._grants(torrent).get(file.index)
        most = file.length if needed is None else min(needed, file.length)
        if before is not None and before.most >= most:
            return torrent
        # Before anything waits: from now on others do not take it for a film that nobody wants.
        granted = self._granted.setdefault(torrent.key, {})
        granted[file.index] = Grant(file, most, self._clock())
        try:
            return self._make_room(torrent, metainfo, granted[file.index])
        except Problem:
            granted.pop(file.index, None)
            if before is not None:
                granted[file.index] = before
            raise

    def _make_room(self, torrent: Torrent, metainfo: Metainfo, grant: Grant) -> Torrent:
        file = grant.file
        missing = file.length - torrent.verified_bytes(file)
        if not missing:
            return torrent
        needed = min(missing, grant.most) + MARGIN_PIECES * metainfo.piece_length
        with self._lock:
            if grant.most > self._limit:
                raise _larger(file.length, self._limit)
            held = self._pool.apply(self._storage.held)
            chosen = self._choose(held, torrent, file, needed)
            # Not for what is only prepared: its viewer may be between two requests of the episode
            # before.
            if chosen is None and not torrent.readers and grant.most == file.length:
                torrent = self._shed(torrent, grant, held)
                held = self._pool.apply(self._storage.held)
                chosen = self._choose(held, torrent, file, needed)
            if chosen is None:
                raise self._full(held, torrent, missing)
            for key in chosen:
                log.info("[%s] deleted to make room for %s", key[:8], torrent.key[:8])
                self.forget(key)
                self._delete(key)
        return torrent

    def _choose(
        self, held: Mapping[str, Held], torrent: Torrent, file: File, needed: int
    ) -> list[str] | None:
        active = {t.key: t for t in self._torrents()}
        growing = {key: self._growth(t) for key, t in active.items()}
        growing[torrent.key] = self._growth(torrent, besides=file)
        free = self._pool.apply(self._storage.free)
        by_use = sorted(held, key=lambda key: held[key].used_at)
        by_use = [key for key in by_use if key != torrent.key]
        idle = [key for key in by_use if key not in active or not self._grants(active[key])]
        # Nobody watches these either: whoever asked for them has gone elsewhere.
        left = [key for key in by_use if key not in idle and self._is_left(active[key])]
        return choose(held, growing, needed, Room(self._limit, free), [*idle, *left])

    def _grants(self, torrent: Torrent) -> dict[int, Grant]:
        """What may still be written: of files that are read, or were a moment ago, or will be."""
        now = self._clock()
        settling = now - torrent.idle_since < SETTLING
        reading = {file.index: file for file in torrent.files_read()}
        return {index: Grant(file, file.length, now) for index, file in reading.items()} | {
            index: grant
            for index, grant in self._granted.get(torrent.key, {}).items()
            if index in reading or settling or now - grant.at < GRANT_HOLDS
        }

    def _is_left(self, torrent: Torrent) -> bool:
        """Whether no player reads it, and none is about to."""
        newest = max((g.at for g in self._granted.get(torrent.key, {}).values()), default=-math.inf)
        used = torrent.idle_since >= newest
        return not torrent.readers and (used or self._clock() - newest > SETTLING)

    def _growth(self, torrent: Torrent, besides: File | None = None) -> int:
        return sum(
            min(grant.most, grant.file.length - torrent.verified_bytes(grant.file))
            for grant in self._grants(torrent).values()
            if grant.file != besides
        )

    def _shed(self, torrent: Torrent, keep: Grant, held: Mapping[str, Held]) -> Torrent:
        """Delete the other files of a torrent that nobody reads, such as the episodes before."""
        metainfo = torrent.metainfo
        if metainfo is None or torrent.key not in held:
            return torrent
        others = [
            file
            for file in metainfo.files
            if file.index != keep.file.index and torrent.verified_bytes(file)
        ]
        if not others:
            return torrent
        log.info("[%s] its other files are deleted to make room", torrent.key[:8])
        self._granted[torrent.key] = {keep.file.index: keep}
        forget = (torrent.key, metainfo, others)
        return self._reload(torrent, lambda: self._pool.apply(self._storage.forget_files, forget))

    def _full(self, held: Mapping[str, Held], torrent: Torrent, missing: int) -> Problem:
        used = sum(one.size for one in held.values())
        free = self._pool.apply(self._storage.free)
        if missing > free + used:
            return disk_full(missing, max(0, free + RESERVE_BYTES))
        watched = sum(
            held[t.key].size + self._growth(t)
            for t in self._torrents()
            if t.key in held and t is not torrent and not self._is_left(t)
        )
        return Problem(
            "disk-full",
            f"This film still needs {human_size(missing)}. {human_size(self._limit)} may be used "
            f"(CACHE_MAX_BYTES), {human_size(watched)} of it by what others are watching now, and "
            f"{human_size(max(0, free))} are free on the disk.",
            "Try again when one of them has ended, or raise CACHE_MAX_BYTES.",
            retry_after=60,
        )

    def sweep(self, known: Callable[[InfoHash], bool]) -> None:
        """Delete what belongs to no torrent of ours any more."""
        for key in self._storage.sweep(known):
            log.info("[%s] its files are deleted: no such torrent is kept", key[:8])


def _larger(length: int, limit: int) -> Problem:
    return Problem(
        "disk-full",
        f"This film has {human_size(length)}, and {human_size(limit)} are all that the server may "
        "use for films (CACHE_MAX_BYTES).",
        "Raise CACHE_MAX_BYTES, or choose a smaller release.",
    )
