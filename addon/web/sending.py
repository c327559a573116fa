"""Bytes -> the player's socket: the one file that knows gunicorn's.

gunicorn takes ``bytes`` only, and a generator of chunks makes 400 MB/s at best. So the body's
first item is ``b""``, which makes gunicorn send the head; from then on this file owns the socket
and uses ``sendfile``, which is three to six times faster. Exactly Content-Length bytes go out,
or the body raises: a body that ends short and quietly would make the client read the next
answer as its tail. Other servers get the plain generator.
"""

import errno
import logging
import os
import socket
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import gevent
import gevent.socket

from addon.errors import Problem
from addon.web.sockets import prepare, reset_at_close, unacknowledged, watched

log = logging.getLogger(__name__)

Chunk = bytes | tuple[int, int, int]

SEND_SIZE = 1024 * 1024
# How often a blocked write is looked at, and when its reader counts as frozen: a slow link
# drains at least a little in this time, a paused player nothing.
LOOK_INTERVAL = 2.0
# A paused player may come back hours later; one that vanished without a word must not stay.
FROZEN_LIMIT = 6 * 3600.0
MAX_STREAMS = 256


class Stream(Protocol):
    """What is sent: see ``swarm.reader.Reader``."""

    def chunks(self) -> Iterator[Chunk]: ...
    def stall(self, *, frozen: bool) -> None: ...
    def cancel(self) -> None: ...
    def close(self) -> None: ...

    @property
    def ended(self) -> bool:
        """It was cancelled: nothing more will come."""


class Sending:
    """One body on its way to ``viewer``; ``blocked`` while the socket takes nothing."""

    def __init__(self, stream: Stream, sock: Any, viewer: Hashable) -> None:
        self.stream = stream
        self.sock = sock
        self.viewer = viewer
        self.blocked = False
        self.frozen_since: float | None = None
        self.evicted = False


class Sender:
    """Sends bodies, and keeps their number bounded.

    A body that has not begun after ``silence`` seconds is cut; None: its player knows best.
    """

    def __init__(self, silence: float | None = None) -> None:
        self._sendings: list[Sending] = []
        self._silence = silence

    @property
    def running(self) -> int:
        """How many bodies are being sent."""
        return len(self._sendings)

    def end(self) -> None:
        """End every body: the server is stopping."""
        for sending in self._sendings:
            sending.stream.cancel()

    def make_room(self) -> None:
        """Let go of the stream that is frozen longest when there are too many."""
        if len(self._sendings) < MAX_STREAMS:
            return
        frozen = [s for s in self._sendings if s.frozen_since is not None and not s.evicted]
        if not frozen:
            raise Problem(
                "busy",
                f"{len(self._sendings)} streams are running, as many as are allowed.",
                "Try again when one of them has ended.",
                retry_after=30,
            )
        oldest = min(frozen, key=lambda s: s.frozen_since or 0.0)
        oldest.evicted = True
        oldest.stream.cancel()
        oldest.sock.shutdown(socket.SHUT_RDWR)

    def outrank(self, viewer: Hashable) -> None:
        """A viewer's newest request comes first: after a seek, Kodi leaves the old connection
        open and unread until it stops. One that still takes bytes stays as it is."""
        for sending in self._sendings:
            if sending.viewer == viewer and sending.blocked:
                _freeze(sending)

    def body(
        self,
        environ: Mapping[str, Any],
        stream: Stream,
        viewer: Hashable,
        on_first: Callable[[], None],
    ) -> Iterator[bytes]:
        """The WSGI body of a stream; ``on_first`` is called when its first byte goes out.

        Nothing is acquired before the generator starts, and ``stream`` is closed at its end.
        """
        sock = environ.get("gunicorn.socket")
        try:
            if sock is None:
                yield from _plain(stream, on_first)
                return
            sending = Sending(stream, sock, viewer)
            self._sendings.append(sending)
            try:
                yield b""
                prepare(sock)
                with watched(environ, stream.cancel), self._limit(sending) as begun:
                    for chunk in stream.chunks():
                        begun()
                        # Before it is sent: a player may read some of it and go elsewhere.
                        on_first()
                        _send_chunk(sending, chunk)
            finally:
                self._sendings.remove(sending)
        except GeneratorExit:
            raise
        except Exception as error:  # noqa: BLE001 (the border: logged, and re-raised as EPIPE)
            # Whatever it was, this connection is over; gunicorn closes it quietly on EPIPE.
            _log_end(error)
            raise BrokenPipeError(errno.EPIPE, "the stream ended early") from None
        finally:
            stream.close()

    @contextmanager
    def _limit(self, sending: Sending) -> Iterator[Callable[[], None]]:
        """Cut the body unless what is yielded is called in time."""
        if self._silence is None:
            yield lambda: None
            return
        timer = gevent.spawn_later(self._silence, _cut, sending)
        try:
            yield lambda: timer.kill(block=False)
        finally:
            timer.kill(block=False)


def _cut(sending: Sending) -> None:
    """End it before a router does, and as one would: with RST."""
    reset_at_close(sending.sock)
    sending.stream.cancel()


def _plain(stream: Stream, on_first: Callable[[], None]) -> Iterator[bytes]:
    for chunk in stream.chunks():
        if isinstance(chunk, bytes):
            yield chunk
            on_first()
            continue
        fd, offset, length = chunk
        while length:
            data = os.pread(fd, min(length, SEND_SIZE), offset)
            if not data:
                raise OSError("the file is shorter than it should be")
            yield data
            on_first()
            offset += len(data)
            length -= len(data)


def _send_chunk(sending: Sending, chunk: Chunk) -> None:
    if isinstance(chunk, bytes):
        view = memoryview(chunk)
        while view:
            view = view[_write(sending, os.write, view[:SEND_SIZE]) :]
        return
    fd, offset, length = chunk
    while length:
        sent = _write(sending, os.sendfile, fd, offset, min(length, SEND_SIZE))
        if sent == 0:
            raise OSError("the file is shorter than it should be")
        offset += sent
        length -= sent
        # A fast client would never let the hub go: 42-106 ms without this, 2-8 ms with it.
        gevent.sleep(0)


def _write(sending: Sending, write: Callable[..., int], *args: object) -> int:
    """One write, waiting for room; the reader is told while its player takes nothing."""
    unsent: int | None = None
    while True:
        if sending.evicted:
            raise ConnectionAbortedError("let go to make room for others")
        try:
            written = write(sending.sock.fileno(), *args)
        except BlockingIOError:
            pass
        else:
            _moving(sending)
            return written
        sending.blocked = True
        try:
            gevent.socket.wait_write(sending.sock.fileno(), LOOK_INTERVAL)
        except TimeoutError:
            if sending.stream.ended:
                # Nobody will read what a server that stops would wait for.
                raise ConnectionAbortedError("the server is stopping") from None
            left = unacknowledged(sending.sock)
            if unsent is not None and left >= unsent:
                _freeze(sending)
            elif unsent is not None:
                _moving(sending)
            unsent = left
        finally:
            sending.blocked = False


def _moving(sending: Sending) -> None:
    if sending.frozen_since is not None:
        sending.frozen_since = None
        sending.stream.stall(frozen=False)


def _freeze(sending: Sending) -> None:
    now = time.monotonic()
    if sending.frozen_since is None:
        sending.frozen_since = now
        sending.stream.stall(frozen=True)
    elif now - sending.frozen_since > FROZEN_LIMIT:
        raise ConnectionAbortedError("the player took nothing for hours")


def _log_end(error: Exception) -> None:
    if isinstance(error, ConnectionError):
        log.debug("a stream ended early: %s", error)
    elif isinstance(error, Problem):
        log.warning("a stream ended early: %s", error.detail)
    else:
        log.error("a stream broke", exc_info=error)
