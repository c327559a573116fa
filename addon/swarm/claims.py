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
        """The first run of at most ``most`` pieces in ``span`` that nobody has, holds or has
        begun; it is held now. Empty where there is none."""
        run = self._first(span, most, has, self._begun())
        if not run:
            return run
        self._held.update(run)
        self._handle.prioritize_pieces([(index, 0) for index in run])
        # The call waits for libtorrent's own thread, so it comes after the line above.
        begun = self._begun()
        kept = self._first(run, most, lambda index: has(index) or index in begun, set(), ours=run)
        self._held.difference_update(set(run) - set(kept))
        return kept

    def drop(self, index: int) -> None:
        """The piece has come, or is given back."""
        self._held.discard(index)

    def _first(
        self,
        span: range,
        most: int,
        has: Callable[[int], bool],
        begun: set[int],
        ours: range = range(0),
    ) -> range:
        start = None
        for index in span:
            free = not (has(index) or index in begun) and (index in ours or index not in self._held)
            if start is None and free:
                start = index
            elif start is not None and not free:
                return range(start, index)
            if start is not None and index + 1 - start == most:
                return range(start, index + 1)
        return range(0) if start is None else range(start, span.stop)

    def _begun(self) -> set[int]:
        queue: list[dict[str, Any]] = self._pool.apply(self._handle.get_download_queue)
        return {part["piece_index"] for part in queue}
