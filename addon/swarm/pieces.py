"""Which pieces a torrent has, and the flush fence that says which are on file.

A piece is MISSING, then FINISHED (its hash is right, but it may still be on its way to the disk),
then ON_FILE. libtorrent says nothing when a piece reaches its file: in a test a plain read right
after ``piece_finished`` gave wrong bytes. ``flush_cache()`` is the fence: what was finished
before the call is in the file when its answer comes. It runs every 50 ms while pieces finish.
"""

import logging
import time
from collections.abc import Callable, Iterable
from typing import Protocol

import gevent
from gevent.event import Event

from addon.swarm.storage import Storage
from addon.torrents.metainfo import File, Metainfo

log = logging.getLogger(__name__)

MISSING, FINISHED, ON_FILE = 0, 1, 2
FENCE_INTERVAL = 0.05
FENCE_TIMEOUT = 10.0
SAVE_INTERVAL = 1.0


class Flusher(Protocol):
    """What is needed of ``lt.torrent_handle``."""

    def flush_cache(self) -> None: ...


class Pieces:
    """The pieces of one torrent; ``fenced`` is called whenever more of them are on file."""

    def __init__(
        self,
        key: str,
        metainfo: Metainfo,
        storage: Storage,
        handle: Flusher,
        fenced: Callable[[], None],
    ) -> None:
        self._key = key
        self._metainfo = metainfo
        self._storage = storage
        self._handle = handle
        self._fenced = fenced
        kept = storage.load_pieces(key, metainfo)
        if kept is None:
            self._states = bytearray(metainfo.piece_count)
        else:
            self._states = bytearray(ON_FILE if there else MISSING for there in kept)
        self._fresh: set[int] = set()
        self._asked = 0
        self._answered = 0
        self._answer = Event()
        self._runner: gevent.Greenlet | None = None
        self._broken = False
        self._saved_at = 0.0
        self._unsaved = False

    def __len__(self) -> int:
        return len(self._states)

    def has(self, index: int) -> bool:
        """The piece has passed its hash check."""
        return self._states[index] != MISSING

    def on_file(self, index: int) -> bool:
        """The piece is behind the fence."""
        return self._states[index] == ON_FILE

    def complete(self, span: range) -> bool:
        """Every piece of the span has passed its hash check."""
        return self._states.find(MISSING, span.start, span.stop) < 0

    def verified_bytes(self, file: File | None = None) -> int:
        """Bytes of the file (or of everything) that have passed their hash check."""
        metainfo = self._metainfo
        span = range(len(self)) if file is None else metainfo.pieces_of(file)
        first = 0 if file is None else file.offset
        stop = metainfo.total_size if file is None else file.offset + file.length
        total = 0
        for index in span:
            if self._states[index]:
                begin = index * metainfo.piece_length
                total += min(stop, begin + metainfo.piece_length) - max(first, begin)
        return total

    def finish(self, index: int) -> bool:
        """A piece has passed its hash check; False when that was known."""
        if self._states[index] != MISSING or self._broken:
            return False
        self._states[index] = FINISHED
        self._fresh.add(index)
        if self._runner is None:
            self._runner = gevent.spawn(self._run)
        return True

    def flushed(self) -> None:
        """The answer to one ``flush_cache``."""
        self._answered += 1
        self._answer.set()

    def fence(self) -> bool:
        """Put what is finished now behind the fence; False when the disk does not answer."""
        before, self._fresh = self._fresh, set()
        if not before:
            return True
        passed = False
        try:
            passed = self._flush() and not self._broken
        finally:
            if not passed and not self._broken:
                self._fresh |= before
        if passed:
            self._put_on_file(before)
        return passed

    def _flush(self) -> bool:
        self._asked += 1
        number = self._asked
        self._handle.flush_cache()
        deadline = time.monotonic() + FENCE_TIMEOUT
        # Answers come in the order of the calls; the answer to an earlier, abandoned call says
        # nothing about the pieces of this one.
        while self._answered < number:
            self._answer.clear()
            if not self._answer.wait(deadline - time.monotonic()):
                return False
        return True

    def _put_on_file(self, indices: Iterable[int]) -> None:
        for index in indices:
            self._states[index] = ON_FILE
        self._unsaved = True
        self._fenced()

    def _run(self) -> None:
        try:
            while self._fresh or self._unsaved:
                gevent.sleep(FENCE_INTERVAL)
                if not self.fence():
                    log.warning("[%s] the disk took more than %.0f s", self._key[:8], FENCE_TIMEOUT)
                if self._unsaved and time.monotonic() - self._saved_at > SAVE_INTERVAL:
                    self.save()
        finally:
            self._runner = None

    def distrust(self) -> None:
        """The disk has failed: a piece that is not behind the fence by now may never reach its
        file, although its hash was right, and libtorrent goes on taking it for one that is there.
        """
        self._broken = True
        self._fresh.clear()
        for index, state in enumerate(self._states):
            if state == FINISHED:
                self._states[index] = MISSING

    def save(self) -> None:
        """Keep which pieces are on file, for the next start."""
        self._saved_at = time.monotonic()
        self._unsaved = False
        try:
            self._storage.save_pieces(self._key, bytes(s == ON_FILE for s in self._states))
        except OSError as error:
            self._unsaved = True
            log.warning("[%s] cannot keep the piece map: %s", self._key[:8], error.strerror)

    def close(self, *, keep: bool) -> None:
        """End; with ``keep`` everything that is finished is fenced and remembered."""
        if self._runner is not None:
            self._runner.kill()
        if keep:
            self.fence()
            self.save()
