"""A stand-in for a platform's router: the only way in, with a router's impatience.

As Heroku's: 503 when the app sends nothing in time (H12), a cut when a connection is idle for too
long either way (H15, H28), 503 when nobody listens behind it (H10), X-Forwarded headers of its
own, one request a connection, and a bounded buffer between a fast app and a slow client.
"""

import contextlib
import re
import selectors
import socket
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

FIRST_BYTE = 30.0
IDLE = 55.0
BUFFER = 1024 * 1024
CHUNK = 64 * 1024
LOOK = 0.1
# While the next process starts, a platform lets requests wait.
STARTING = 10.0
# A client must not tell the app where it comes from.
_FORGED = re.compile(rb"(?im)^(?:x-forwarded-\w+|connection):[^\n]*\n")


@dataclass
class Routed:
    """One request: what the client was told (0: nothing), ``cut`` why by the router, if it was,
    and the seconds until the app's first byte."""

    target: str
    status: int = 0
    cut: str = ""
    first_byte: float | None = None


class Router:
    """Listens at once; ``port`` is the app's, and may be changed when another process takes over.

    ``first_byte`` and ``idle`` are in seconds, ``buffer`` in bytes. ``requests`` grows.
    """

    def __init__(
        self,
        port: int,
        *,
        first_byte: float = FIRST_BYTE,
        idle: float = IDLE,
        buffer: int = BUFFER,
        scheme: str = "https",
    ) -> None:
        self.port = port
        self.requests: list[Routed] = []
        self.most_buffered = 0
        self._limits = first_byte, idle, buffer
        self._scheme = scheme
        self._closing = False
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def told(self, word: str) -> list[Routed]:
        """The requests whose target has this word in it."""
        return [routed for routed in self.requests if word in routed.target]

    def close(self) -> None:
        """End it and every connection."""
        self._closing = True
        # What blocks in accept() is not woken by a close.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while not self._closing:
            try:
                client, address = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(client, address[0]))
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket, address: str) -> None:
        with client, contextlib.suppress(OSError):
            client.settimeout(IDLE)
            request = _whole(client)
            if not request:
                return
            routed = Routed(request.split(b" ", 2)[1].decode())
            self.requests.append(routed)
            app = self._connect()
            if app is None:
                self._refuse(client, routed, "H10")
                return
            with app:
                app.sendall(self._forwarded(request, address))
                self._pass(client, app, routed)

    def _connect(self) -> socket.socket | None:
        end = time.monotonic() + STARTING
        while time.monotonic() < end and not self._closing:
            with contextlib.suppress(OSError):
                return socket.create_connection(("127.0.0.1", self.port))
            time.sleep(LOOK)
        return None

    def _forwarded(self, request: bytes, address: str) -> bytes:
        head, _, body = request.partition(b"\r\n\r\n")
        first, _, rest = head.partition(b"\r\n")
        rest = _FORGED.sub(b"", rest + b"\r\n")
        ours = (
            f"X-Forwarded-For: {address}\r\nX-Forwarded-Proto: {self._scheme}\r\n"
            f"X-Forwarded-Port: {443 if self._scheme == 'https' else 80}\r\nConnection: close\r\n"
        )
        return first + b"\r\n" + rest + ours.encode() + b"\r\n" + body

    def _refuse(self, client: socket.socket, routed: Routed, why: str) -> None:
        routed.status, routed.cut = 503, why
        client.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")

    def _pass(self, client: socket.socket, app: socket.socket, routed: Routed) -> None:
        """Everything that the app sends, until it or the client has gone or is cut."""
        first_byte, idle, most = self._limits
        began = moved = time.monotonic()
        held, ended = bytearray(), False
        client.setblocking(False)
        with selectors.DefaultSelector() as selector:
            selector.register(client, selectors.EVENT_READ)
            selector.register(app, selectors.EVENT_READ)
            while not (ended and not held) and not self._closing:
                # Data from the client would be the next request: there is none.
                selector.modify(
                    client, selectors.EVENT_READ | (selectors.EVENT_WRITE if held else 0)
                )
                if app in selector.get_map() and (ended or len(held) >= most):
                    selector.unregister(app)
                elif app not in selector.get_map() and not ended and len(held) < most:
                    selector.register(app, selectors.EVENT_READ)
                for key, events in selector.select(LOOK):
                    moved = time.monotonic()
                    if key.fileobj is app:
                        part = app.recv(min(CHUNK, most - len(held)))
                        ended = not part
                        held += part
                        self.most_buffered = max(self.most_buffered, len(held))
                        if part and routed.first_byte is None:
                            routed.first_byte = moved - began
                            routed.status = int(part.split(b" ", 2)[1])
                    elif events & selectors.EVENT_READ and not client.recv(CHUNK):
                        return
                    elif events & selectors.EVENT_WRITE:
                        del held[: client.send(held)]
                now = time.monotonic()
                if routed.first_byte is None and now - began > first_byte:
                    self._refuse(client, routed, "H12")
                    return
                if now - moved > idle:
                    routed.cut = "H15"
                    return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _whole(client: socket.socket) -> bytes:
    """A request's head and its body."""
    request = b""
    while b"\r\n\r\n" not in request:
        part = client.recv(CHUNK)
        if not part:
            return b""
        request += part
    head, _, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"(?im)^content-length: *(\d+)", head)
    while length and len(body) < int(length[1]):
        body += client.recv(CHUNK)
    return head + b"\r\n\r\n" + body
