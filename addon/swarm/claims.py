"""Pieces that are fetched elsewhere: peers leave them alone.

One long GET beside an unrestricted swarm fetched 1.56 times the file. So whoever fills pieces over
HTTP first claims a run that nobody has and nobody has begun; its priority is 0 then. libtorrent's
queue is looked at once before and once after: what peers began in between is theirs.
"""

from collections.abc import Callable
from typing import Any

import libtorrent as lt
from gevent.threadpool import ThreadPool


class Claims:
    """The claimed pieces of one torrent."""

    def __init__(self, handle: lt.torrent_handle, pool: ThreadPool) -> None:
        self._handle = handle
        self._pool = pool
        self._held: set[int] = set()

    def __contains__(self, index: int) -> bool:
        return index in self._held

    def __bool__(self) -> bool:
        return bool(self._held)

    def held(self) -> frozenset[int]:
        """The claimed pieces that have not come yet."""
        return frozenset(self._held)

    def take(self, span: range, most: int, has: Callable[[int], bool]) -> range:
        """A run of at most ``most`` pieces in ``span`` that nobody has, holds or has begun; it is
        held now. The one at the span's start if there is one, else the first that is worth a
        request, else the longest; empty where there is none."""
        begun = self._begun()
        taken = begun | self._held
        free = _runs(span, lambda index: not has(index) and index not in taken, most)
        run = _best(span, free, most)
        if not run:
            return run
        self._held.update(run)
        self._handle.prioritize_pieces([(index, 0) for index in run])
        # The call waits for libtorrent's own thread, so it comes after the line above.
        begun = self._begun()
        left = _runs(run, lambda index: not has(index) and index not in begun, most)
        kept = _best(run, left, most)
        self._held.difference_update(set(run) - set(kept))
        return kept

    def drop(self, index: int) -> None:
        """The piece has come, or is given back."""
        self._held.discard(index)

    def _begun(self) -> set[int]:
        queue: list[dict[str, Any]] = self._pool.apply(self._handle.get_download_queue)
        return {part["piece_index"] for part in queue}


def _runs(span: range, free: Callable[[int], bool], most: int) -> list[range]:
    """The runs of free pieces in ``span``, none longer than ``most``."""
    runs: list[range] = []
    for index in span:
        if not free(index):
            continue
        if runs and runs[-1].stop == index and len(runs[-1]) < most:
            runs[-1] = range(runs[-1].start, index + 1)
        else:
            runs.append(range(index, index + 1))
    return runs


def _best(span: range, runs: list[range], most: int) -> range:
    """Peers leave small gaps between the pieces that they have begun: a request for each of them
    would be slower than the peers."""
    if not runs:
        return range(0)
    if runs[0].start == span.start:
        return runs[0]
    worth = (run for run in runs if len(run) >= max(1, most // 4))
    return next(worth, max(runs, key=len))
