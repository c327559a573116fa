"""One connection of a liar, and the honest answer that a fault bends."""

import hashlib
import mimetypes
import re
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

BLOCK = 64 * 1024
SLACK = 0.02  # seconds that a paced answer may be early or late
MOST_HEAD = 256 * 1024

Change = Callable[[int, bytes], bytes]


class GoneError(Exception):
    """The client has closed its end, or the fault has ended the connection."""


@dataclass
class Request:
    """What a client asks; ``number`` counts the requests of one path."""

    method: str
    path: str
    headers: dict[str, str]
    number: int = 1
    fault: str = field(init=False)
    rest: str = field(init=False)

    def __post_init__(self) -> None:
        self.fault, _, rest = self.path.partition("?")[0].lstrip("/").partition("/")
        self.rest = unquote(rest)


class Line:
    """One connection; it counts what it sends and notices when the client goes."""

    def __init__(
        self, sock: socket.socket, note: Callable[[Request], None], sent: Callable[[int], None]
    ) -> None:
        self._socket = sock
        self._note, self._sent = note, sent
        self._held = b""
        self.told: Callable[[], str] | None = None
        self.rate = 0  # bytes a second, 0 for as fast as the client takes them
        self._due = 0.0

    def request(self) -> Request:
        """The next request."""
        while b"\r\n\r\n" not in self._held and len(self._held) < MOST_HEAD:
            if not (part := self._socket.recv(65536)):
                raise GoneError
            self._held += part
        head, _, self._held = self._held.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        pairs = [line.partition(":") for line in lines]
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        request = Request(method, path, headers)
        self._note(request)
        return request

    def send(self, data: bytes) -> None:
        """Send all of it, at ``rate``."""
        view = memoryview(data)
        while view:
            match self.told and self.told().partition("@")[0]:
                case "down":
                    self.reset()
                case "silent":
                    self.hang()
            count = self._socket.send(view[:65536])
            self._sent(count)
            view = view[count:]
            if self.rate:
                now = time.monotonic()
                self._due = max(self._due, now - SLACK) + count / self.rate
                if self._due > now + SLACK:
                    self.pause(self._due - now)

    def pause(self, seconds: float) -> None:
        """Send nothing for so long; GoneError as soon as the client closes."""
        self._socket.settimeout(seconds)
        try:
            while part := self._socket.recv(65536):
                self._held += part
            raise GoneError
        except TimeoutError:
            pass
        finally:
            self._socket.settimeout(None)

    def hang(self) -> None:
        """Say nothing more until the client goes."""
        while True:
            self.pause(3600)

    def reset(self) -> None:
        """End with RST: what is under way is lost."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        raise GoneError


class Exchange:
    """One request and the honest answer to it, which a fault bends."""

    def __init__(self, line: Line, request: Request, folder: Path, numbers: list[int]) -> None:
        self.line, self.request, self.numbers = line, request, numbers
        self.path = folder / request.rest
        self.found = bool(request.rest) and ".." not in request.rest and self.path.is_file()
        self.total = self.path.stat().st_size if self.found else 0
        self.etag = f'"{hashlib.sha1(f"{request.rest} {self.total}".encode()).hexdigest()}"'
        self.type = mimetypes.guess_type(self.path.name)[0] or "application/octet-stream"
        self.keep = request.headers.get("connection", "").lower() != "close"
        self.change: Change = lambda _, data: data
        self.ranges = True

    def head(self, status: int, *fields: tuple[str, object]) -> None:
        """Status line and headers."""
        shown = [("Connection", "keep-alive" if self.keep else "close"), *fields]
        lines = [f"HTTP/1.1 {status} Such", *(f"{name}: {value}" for name, value in shown)]
        self.line.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def short(self, status: int, *fields: tuple[str, object], body: bytes = b"") -> None:
        """An answer that is no file."""
        self.head(status, ("Content-Length", len(body)), *fields)
        if self.request.method != "HEAD":
            self.line.send(body)

    def span(self) -> tuple[int, int] | None:
        """What is asked for, half-open; None for the whole file."""
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.request.headers.get("range", ""))
        if not self.ranges or asked is None or asked.groups() == ("", ""):
            return None
        if self.request.headers.get("if-range", self.etag) != self.etag:
            return None
        first, last = asked.groups()
        if not first:
            return max(self.total - int(last), 0), self.total
        return int(first), min(int(last) + 1, self.total) if last else self.total

    def file(self, *, promise: int = 0, chunked: bool = False) -> Iterator[bytes]:
        """Send the honest head (``promise``: of so many bytes more), then give the body."""
        if not self.found:
            self.short(404)
            return
        span = self.span()
        start, stop = span or (0, self.total)
        if start >= stop and span is not None:
            self.short(416, ("Content-Range", f"bytes */{self.total}"))
            return
        fields: list[tuple[str, object]] = [("Content-Type", self.type), ("ETag", self.etag)]
        fields += [("Accept-Ranges", "bytes")] * self.ranges
        if span is not None:
            of = self.total + promise
            fields.append(("Content-Range", f"bytes {start}-{stop - 1}/{of}"))
        elif promise:
            stop += promise
        fields.append(
            ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", stop - start)
        )
        self.head(206 if span else 200, *fields)
        if self.request.method == "HEAD":
            return
        with self.path.open("rb") as file:
            file.seek(start)
            for at in range(start, stop, BLOCK):
                size = min(BLOCK, stop - at)
                yield self.change(at, file.read(size).ljust(size, b"\0"))

    def serve(self, *, most: int | None = None, promise: int = 0) -> None:
        """The file, or the first ``most`` bytes of what was promised."""
        for data in self.file(promise=promise):
            self.line.send(data if most is None else data[:most])
            if most is not None and (most := most - len(data)) <= 0:
                return

    def number(self, default: int = 0) -> int:
        """The fault's first argument."""
        return self.numbers[0] if self.numbers else default
