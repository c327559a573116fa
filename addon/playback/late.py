"""The body of a film whose head is out: it waits for what is still being looked for.

A viewer who has had bytes hears no error any more, because every player ends the film at one. So
nothing but bytes or a cut can follow, and the film is looked for until it is found or they leave.
The same holds when the store fails in mid-film, because its disk is full or the film had to make
room for another: the body goes on at the very byte as soon as it can.
"""

import logging
from collections.abc import Callable, Iterator

from gevent.event import Event

from addon.errors import Problem
from addon.playback.attempt import Attempt
from addon.playback.resolution import Failure, Redirect, Stored
from addon.playback.store import Stream
from addon.swarm.reader import Chunk

# A source that has just failed is not asked again at once, and the shortest hole that ends a film
# (Kodi's mp4) has 20 s. Whoever waits for minutes does not have it asked that often for ever.
PAUSE = 4.0
LONGEST_PAUSE = 10.0

log = logging.getLogger(__name__)


class LateStream:
    """The bytes from ``start`` up to ``stop``, once somebody has them.

    ``join`` is the attempt that runs now, or a new one; ``store`` makes of one that would send the
    player elsewhere one that reads from the store: no redirect can follow a head. ``stream`` is
    what has been found already, if anything was.
    """

    def __init__(
        self,
        join: Callable[[], Attempt],
        store: Callable[[Attempt], Stored],
        start: int,
        stop: int,
        stream: Stream | None = None,
    ) -> None:
        self._join = join
        self._store = store
        self._position = start
        self._stop = stop
        self._stream = stream
        self._left = Event()

    def chunks(self) -> Iterator[Chunk]:
        """All bytes of the range, in order; raises rather than end short."""
        pause = 0.0
        while self._position < self._stop:
            try:
                stream = self._stream or self._open()
                for chunk in stream.chunks():
                    yield chunk
                    self._position += len(chunk) if isinstance(chunk, bytes) else chunk[2]
                    pause = 0.0
            except Problem as problem:
                if problem.retry_after is None:
                    raise
                log.warning("a film waits: %s", problem.detail)
                if self._stream is not None:
                    self._stream.close()
                    self._stream = None
                # A store that fails again at once is not asked again at once.
                self._left.wait(pause)
                pause = min(2 * pause or PAUSE, LONGEST_PAUSE)

    def _open(self) -> Stream:
        found = self._find()
        self._stream = found.torrent.open(found.file, self._position, self._stop)
        return self._stream

    def stall(self, *, frozen: bool) -> None:
        """Its player has stopped taking bytes, or takes them again."""
        if self._stream is not None:
            self._stream.stall(frozen=frozen)

    def cancel(self) -> None:
        """End it from another greenlet."""
        self._left.set()
        if self._stream is not None:
            self._stream.cancel()

    def close(self) -> None:
        """Give up the interest; safe to call twice."""
        self._left.set()
        if self._stream is not None:
            self._stream.close()

    @property
    def ended(self) -> bool:
        """It was cancelled: nothing more will come."""
        return self._left.is_set() or (self._stream is not None and self._stream.ended)

    def _find(self) -> Stored:
        pause = PAUSE
        while not self._left.is_set():
            attempt = self._join()
            resolution = attempt.wait(None, self._left)
            if attempt.abandoned:
                break
            match resolution:
                case Stored():
                    return resolution
                case Redirect():
                    return self._store(attempt)
                case Failure(problem):
                    if problem.retry_after is None:
                        raise problem
                    self._left.wait(pause)
                    pause = min(2 * pause, LONGEST_PAUSE)
        raise ConnectionAbortedError("the player has gone, or the server is stopping")
