"""A plain HTTP/1.1 client over one socket: it adds nothing, hides nothing, follows nothing."""

import contextlib
import hashlib
import json
import socket
import struct
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

TIMEOUT = 30.0
CHUNK = 256 * 1024


@dataclass
class Reply:
    """One answer, its body read; ``headers`` by lower-case name, ``ttfb`` in seconds."""

    status: int
    headers: dict[str, str]
    body: bytes
    ttfb: float
    hops: list[str] = field(default_factory=list)

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Connection:
    """One connection; an answer's body is read as slowly or as little as the caller likes.

    ``buffer`` is the size of the socket's receive buffer: small, so that a reader that stops
    stops the server too.
    """

    def __init__(
        self, url: str, *, timeout: float = TIMEOUT, buffer: int | None = None, source: str = ""
    ) -> None:
        parts = urlsplit(url)
        assert parts.hostname
        self._host = parts.netloc
        self._socket = socket.socket()
        self._socket.settimeout(timeout)
        if buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        if source:
            self._socket.bind((source, 0))
        try:
            self._socket.connect((parts.hostname, parts.port or 80))
        except BaseException:
            self._socket.close()
            raise
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._held = b""
        self.status = 0
        self.headers: dict[str, str] = {}
        self.left: int | None = 0
        self.asked_at = 0.0

    def ask(
        self,
        url: str,
        headers: dict[str, str] | None = None,
        method: str = "GET",
        body: bytes = b"",
    ) -> None:
        """Send one request; its answer is not read yet."""
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        given = {"Host": self._host} | (headers or {})
        if body:
            given["Content-Length"] = str(len(body))
        lines = [f"{method} {target} HTTP/1.1", *(f"{k}: {v}" for k, v in given.items()), "", ""]
        self.asked_at = time.monotonic()
        self._method = method
        self._socket.sendall("\r\n".join(lines).encode("latin-1") + body)

    def head(self) -> int:
        """Read the answer's head; its status."""
        while b"\r\n\r\n" not in self._held:
            self._held += self._receive(CHUNK)
        head, _, self._held = self._held.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split()[1])
        pairs = [line.partition(":") for line in lines]
        self.headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        assert len(self.headers) == len(lines), f"a header twice: {lines}"
        length = self.headers.get("content-length")
        self.left = int(length) if length is not None else None
        if self._method == "HEAD" or self.status in (204, 304):
            self.left = 0
        return self.status

    def read(self, most: int) -> bytes:
        """Up to ``most`` bytes of the body, at least one; b"" when it has ended."""
        if self.left == 0:
            return b""
        most = min(most, self.left) if self.left is not None else most
        part, self._held = self._held[:most], self._held[most:]
        if not part:
            part = self._socket.recv(most)
            if not part:
                if self.left:
                    raise ConnectionError(f"cut {self.left} bytes before the end")
                return b""
        if self.left is not None:
            self.left -= len(part)
        return part

    def read_exactly(self, count: int) -> bytes:
        """So many bytes of the body."""
        parts = []
        while count:
            part = self.read(min(count, CHUNK))
            assert part, f"the body ended {count} bytes early"
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def read_all(self) -> bytes:
        """The rest of the body."""
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            return self._chunked()
        return b"".join(iter(lambda: self.read(CHUNK), b""))

    def digest(self) -> str:
        """SHA-256 of the rest of the body."""
        digest = hashlib.sha256()
        while part := self.read(CHUNK):
            digest.update(part)
        return digest.hexdigest()

    def reply(self) -> Reply:
        """The whole answer."""
        self.head()
        ttfb = 0.0
        first = self.read(CHUNK) if self.left else b""
        ttfb = time.monotonic() - self.asked_at
        return Reply(self.status, self.headers, first + self.read_all(), ttfb)

    def stray(self, seconds: float = 0.3) -> bytes:
        """What arrives although nothing was asked for."""
        if self._held:
            return self._held
        before = self._socket.gettimeout()
        self._socket.settimeout(seconds)
        try:
            return self._socket.recv(CHUNK)
        except TimeoutError:
            return b""
        finally:
            self._socket.settimeout(before)

    def reset(self) -> None:
        """Go away without a word to the program on the other side (RST)."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def close(self) -> None:
        """Close it (FIN)."""
        self._socket.close()

    def _receive(self, most: int) -> bytes:
        part = self._socket.recv(most)
        if not part:
            raise ConnectionError("closed before the answer's head was complete")
        return part

    def _chunked(self) -> bytes:
        body = b""
        while True:
            while b"\r\n" not in self._held:
                self._held += self._receive(CHUNK)
            size, _, self._held = self._held.partition(b"\r\n")
            length = int(size, 16) + 2
            while len(self._held) < length:
                self._held += self._receive(CHUNK)
            part, self._held = self._held[: length - 2], self._held[length:]
            if not part:
                return body
            body += part

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            self.close()


def request(
    url: str,
    headers: dict[str, str] | None = None,
    method: str = "GET",
    body: bytes = b"",
    *,
    timeout: float = TIMEOUT,
) -> Reply:
    """One request on a connection of its own; redirects are not followed."""
    with Connection(url, timeout=timeout) as connection:
        connection.ask(url, (headers or {}) | {"Connection": "close"}, method, body)
        return connection.reply()


def ask_for(first: int, last: int | None = None) -> dict[str, str]:
    """A Range header for ``first``-``last``, both included."""
    return {"Range": f"bytes={first}-{'' if last is None else last}"}


def follow(url: str, headers: dict[str, str] | None = None, *, most: int = 10) -> Reply:
    """One request, following 307 as players do; ``hops`` are the locations it was sent to."""
    hops: list[str] = []
    while True:
        reply = request(url, headers)
        if reply.status != 307 or len(hops) == most:
            reply.hops = hops
            return reply
        hops.append(reply.headers["location"])
        url = urljoin(url, hops[-1])


def open_stream(
    url: str,
    headers: dict[str, str] | None = None,
    *,
    timeout: float = TIMEOUT,
    buffer: int | None = None,
) -> Connection:
    """A GET whose head has been read (307s followed) and whose body waits to be read."""
    while True:
        connection = Connection(url, timeout=timeout, buffer=buffer)
        try:
            connection.ask(url, headers)
            if connection.head() != 307:
                return connection
        except BaseException:
            connection.close()
            raise
        connection.close()
        url = urljoin(url, connection.headers["location"])


def post_json(
    url: str, value: Any, headers: dict[str, str] | None = None, *, timeout: float = TIMEOUT
) -> Reply:
    """POST a value as JSON."""
    typed = {"Content-Type": "application/json"} | (headers or {})
    return request(url, typed, "POST", json.dumps(value).encode(), timeout=timeout)
