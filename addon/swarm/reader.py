"""A byte range of one file -> chunks, in order, while the torrent is still downloading.

Bytes come from two places only. What is behind the flush fence is named as ``(fd, offset,
length)`` and sent from the file. What is finished but not fenced yet is read back from
libtorrent (``read_piece``), and only for the first piece a player waits for: after that the
fence, at most some 60 ms behind, is cheaper than a copy through Python. The file itself is
sparse and full-size from the start, so reading it ahead of the fence gives zeros, not an error.
"""

import os
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Protocol

from gevent.event import Event

from addon.swarm.picking import window
from addon.torrents.metainfo import File

Chunk = bytes | tuple[int, int, int]
"""Bytes, or ``(file descriptor, offset, length)`` of bytes that are safely in the file."""

# One run from the file: long enough that a fast client is not slowed by asking for the next,
# short enough that a reader that is gone is noticed.
MAX_RUN = 32 * 1024 * 1024
# The fence was 57 ms behind in the median and 334 ms at worst. Later than this the disk is
# busy, and the player gets the piece from memory.
FENCE_PATIENCE = 0.4
# The last bytes before a piece that nobody has go out slowly. Kodi gives up a connection that is
# silent for 20 s and a demuxer that has no frame for as long: holes of 30 and 40 s ended the film
# in 7 of 7 plays, and in none of 6 with this. A request that has just begun needs all it can get,
# and between two pieces of a slow swarm there is always a moment.
TRICKLED = 256 * 1024
TRICKLE_RATE = 6_400  # bytes a second
TRICKLE_AFTER = 4 * 1024 * 1024  # bytes of the request
TRICKLE_PATIENCE = 2.0  # seconds without the next piece


class Pieces(Protocol):
    """What a reader needs of a torrent; piece numbers count from the torrent's start."""

    piece_length: int

    def has_piece(self, index: int) -> bool:
        """The piece has passed its hash check."""

    def on_file(self, index: int) -> bool:
        """The piece is behind the flush fence: the file's bytes are the piece's bytes."""

    def read_piece(self, index: int) -> bytes:
        """Read a finished piece back from libtorrent; waits."""

    def path_of(self, file: File) -> Path:
        """Where the file's bytes lie."""

    def require_alive(self) -> None:
        """Raise the Problem that stopped the torrent, if one did."""

    def reader_moved(self, reader: "Reader") -> None:
        """The reader needs another piece now."""

    def readers_changed(self) -> None:
        """A reader has become idle or active."""

    def release(self, reader: "Reader") -> None:
        """The reader is closed."""


class Reader:
    """One player's interest in ``[start, stop)`` of a file; offsets are bytes in the file.

    While it is open the torrent downloads from its position on: so far as ``picking.window``
    says, or to the end of the range if it does not read ahead (``ahead``). ``piece`` is the piece
    it needs next; ``idle`` says that its player takes nothing at the moment, so that it holds no
    deadline and other readers come first.
    """

    def __init__(
        self, pieces: Pieces, file: File, start: int, stop: int, *, ahead: bool = True
    ) -> None:
        if not 0 <= start < stop <= file.length:
            raise ValueError(f"no such range: {start}-{stop} of {file.length}")
        self.file = file
        self.position = start
        self.stop = stop
        self._start = start
        self._fetched_to = 0
        self.ahead = ahead
        self.idle = False
        self.closed = False
        self._pieces = pieces
        self._cancelled = False
        self._delivered = False
        self._event = Event()
        self._fd: int | None = None

    @property
    def piece(self) -> int:
        """The piece under the reader; its last one when everything has been read."""
        return self._piece_at(min(self.position, self.stop - 1))

    @property
    def last_piece(self) -> int:
        """Where its interest ends: with the file, or with the range."""
        return self._piece_at((self.file.length if self.ahead else self.stop) - 1)

    def extend(self) -> int:
        """The last piece that is to be fetched for it now; see ``wants_more``."""
        end = self.file.length if self.ahead else self.stop
        self._fetched_to = min(end, self.position + window(self.position - self._start))
        return self._piece_at(self._fetched_to - 1)

    def wants_more(self) -> bool:
        """Whether its player has taken half of what was fetched ahead."""
        left = self._fetched_to - self.position
        return self.ahead and left < min(
            self.file.length - self.position, window(self.position - self._start) // 2
        )

    def wake(self) -> None:
        """Something that this reader may wait for has changed."""
        self._event.set()

    def cancel(self) -> None:
        """End the reader from another greenlet: whoever waits in it gets
        ConnectionAbortedError."""
        self._cancelled = True
        self._event.set()

    @property
    def ended(self) -> bool:
        """It was cancelled: whoever waits in it, or for its player, may stop."""
        return self._cancelled

    def stall(self, *, frozen: bool) -> None:
        """Its player has stopped taking bytes, or takes them again."""
        if frozen != self.idle and not self.closed:
            self.idle = frozen
            self._pieces.readers_changed()

    def wait_first(self, timeout: float) -> bool:
        """Wait until the first byte can be had; False after ``timeout`` seconds."""
        return self._wait(self._pieces.has_piece, timeout)

    def chunks(self) -> Iterator[Chunk]:
        """All bytes of the range, in order; raises rather than end short."""
        late = 0  # how many bytes before the position have not been sent
        while self.position < self.stop:
            if self._next_is_on_file():
                begin, end = self.position - late, self.position + self._run_length()
                late = self._kept_back(begin, end)
                if end - late > begin:
                    yield (self._open(), begin, end - late - begin)
                self.position = end
            else:
                if late:
                    yield (self._open(), self.position - late, late)
                    late = 0
                part = self._read_back()
                yield part
                self.position += len(part)
            self._delivered = True
            if self.position < self.stop:
                self._pieces.reader_moved(self)
            late = yield from self._trickle(late)

    def close(self) -> None:
        """Give up the interest; safe to call twice."""
        if self.closed:
            return
        self.closed = True
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
        self._pieces.release(self)

    def _next_is_on_file(self) -> bool:
        """Wait for the next byte; False when only ``read_piece`` has it soon enough."""
        self._wait(self._pieces.has_piece, None)
        if self._delivered:
            return self._wait(self._pieces.on_file, FENCE_PATIENCE)
        return self._pieces.on_file(self.piece)

    def _kept_back(self, begin: int, end: int) -> int:
        """How many bytes before ``end`` are not sent yet, in case that the next do not come."""
        if end >= self.stop or end - self._start < TRICKLE_AFTER:
            return 0
        return 0 if self._pieces.has_piece(self._piece_at(end)) else min(end - begin, TRICKLED)

    def _trickle(self, late: int) -> Generator[Chunk, None, int]:
        """Until the next piece comes, send what is kept back slowly; what is left of it then."""
        patience = TRICKLE_PATIENCE
        while late and not self._wait(self._pieces.has_piece, patience):
            part = min(late, TRICKLE_RATE)
            yield (self._open(), self.position - late, part)
            late -= part
            patience = 1.0
        return late

    def _run_length(self) -> int:
        """How many bytes from here on lie in pieces that are all on file."""
        end = self._pieces.piece_length * (self.piece + 1) - self.file.offset
        limit = min(self.stop, self.position + MAX_RUN)
        while end < limit and self._pieces.on_file(self._piece_at(end)):
            end += self._pieces.piece_length
        return min(end, limit) - self.position

    def _read_back(self) -> bytes:
        index = self.piece
        data = self._pieces.read_piece(index)
        self._check()
        begin = self.file.offset + self.position - index * self._pieces.piece_length
        part = data[begin : begin + self.stop - self.position]
        if not part:
            raise OSError(f"piece {index} came back short: {len(data)} bytes")
        return part

    def _open(self) -> int:
        if self._fd is None:
            self._fd = os.open(self._pieces.path_of(self.file), os.O_RDONLY | os.O_CLOEXEC)
        return self._fd

    def _piece_at(self, position: int) -> int:
        return (self.file.offset + position) // self._pieces.piece_length

    def _check(self) -> None:
        if self._cancelled:
            raise ConnectionAbortedError("the player has gone, or the server is stopping")
        self._pieces.require_alive()

    def _wait(self, condition: Callable[[int], bool], timeout: float | None) -> bool:
        """Wait until ``condition`` holds for the piece under the reader."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            self._event.clear()
            self._check()
            if condition(self.piece):
                return True
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return False
            self._event.wait(left)
