"""What is asked of a client's socket while gunicorn and we share it."""

import fcntl
import socket
import struct
import termios
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from gevent import get_hub


@contextmanager
def watched(environ: Mapping[str, Any], gone: Callable[[], None]) -> Iterator[None]:
    """Call ``gone`` when the client closes its connection while we are waiting.

    Nothing is being written then, so only reading shows it: end of file or an error means gone,
    data means a pipelined request, after which there is nothing more to watch for.
    """
    sock = environ.get("gunicorn.socket")
    if sock is None:
        yield
        return
    watcher = get_hub().loop.io(sock.fileno(), 1)

    def readable() -> None:
        try:
            if socket.socket.recv(sock, 1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                watcher.stop()
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        watcher.stop()
        gone()

    watcher.start(readable)
    try:
        yield
    finally:
        watcher.stop()
        watcher.close()


def unacknowledged(sock: Any) -> int:
    """Bytes that the other side has not acknowledged yet (TIOCOUTQ).

    A slow reader becomes writable only after a third of the buffer has drained, which may take
    longer than any sensible time-out: this number falls long before.
    """
    packed = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, struct.pack("i", 0))
    value: int = struct.unpack("i", packed)[0]
    return value


def prepare(sock: Any) -> None:
    """For a body that is hours long: sent at once, and noticed when the other side is gone."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


def reset_at_close(sock: Any) -> None:
    """Close it with RST and not with FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
