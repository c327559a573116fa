"""HTTP servers that misbehave on purpose, in a process of their own.

The first segment of a URL's path names the fault, the rest a file of the folder, served honestly
otherwise: ``http://127.0.0.5:40123/stall-after-65536/film.mkv``. All faults: ``liars_faults.py``.
"""

import contextlib
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.rig.child import Child, options, serve
from tests.rig.liars_faults import answer
from tests.rig.liars_line import GoneError, Line, Request

MOST_SEEN = 10_000


class Liars(Child):
    """The parent's end: one server at ``host``.

    ``certificate`` is a PEM file with a certificate and its key: the server then speaks HTTPS.
    """

    def __init__(
        self, folder: Path, host: str = "127.0.0.1", certificate: Path | None = None
    ) -> None:
        given = {"folder": str(folder), "host": host, "certificate": str(certificate or "")}
        super().__init__("tests.rig.liars", **given)
        self.host, self.port = host, int(self.started["port"])
        self.base = f"http{'s' if certificate else ''}://{host}:{self.port}"

    def url(self, fault: str, name: str = "") -> str:
        """Where a file is to be had with this fault."""
        return f"{self.base}/{fault}/{quote(name)}"

    def tell(self, faults: Mapping[str, str]) -> None:
        """From now on, ``told-<name>`` has this fault; honest before it is told. A name may be of
        one file only: ``<name>/<file>``."""
        self.ask("tell", faults={f"told-{name}": fault for name, fault in faults.items()})

    def redirecting(self, target: str) -> str:
        """A URL that answers 302 to ``target``, whatever that is."""
        return f"{self.base}/redirect-to/{quote(target, safe='')}"

    def requests(self) -> list[dict[str, Any]]:
        """All requests since the last ``forget``: method, path, headers (names in lower case)."""
        seen: list[dict[str, Any]] = self.ask("requests")
        return seen

    def counts(self) -> dict[str, Any]:
        """``paths`` (requests of each), ``total`` and ``open`` connections, ``sent`` bytes."""
        counted: dict[str, Any] = self.ask("counts")
        return counted

    def forget(self) -> None:
        """Begin to count anew; connections that are open stay counted as open."""
        self.ask("forget")

    def open_after(self, seconds: float = 2.0) -> int:
        """Connections still open, once none is or the time is over."""
        end = time.monotonic() + seconds
        while (still := int(self.counts()["open"])) and time.monotonic() < end:
            time.sleep(0.02)
        return still


class Host:
    """The child's end: it accepts, counts, and lets the faults do the rest."""

    def __init__(self, folder: str, host: str, certificate: str) -> None:
        self.folder = Path(folder)
        self._context: ssl.SSLContext | None = None
        if certificate:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate)
        self._lock = threading.Lock()
        self._paths: Counter[str] = Counter()
        self._ever: Counter[str] = Counter()
        self._seen: list[dict[str, Any]] = []
        self._open = self._total = self._sent = 0
        self._told: dict[str, str] = {}
        self._listener = socket.create_server((host, 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def note(self, request: Request) -> None:
        with self._lock:
            self._ever[request.path] += 1
            request.number = self._ever[request.path]
            self._paths[request.path] += 1
            if len(self._seen) < MOST_SEEN:
                keep = ("method", "path", "headers")
                self._seen.append({name: getattr(request, name) for name in keep})

    def sent(self, count: int) -> None:
        with self._lock:
            self._sent += count

    def requests(self) -> list[dict[str, Any]]:
        with self._lock:
            return list(self._seen)

    def counts(self) -> dict[str, Any]:
        with self._lock:
            return {
                "paths": dict(self._paths),
                "total": self._total,
                "open": self._open,
                "sent": self._sent,
            }

    def tell(self, faults: dict[str, str]) -> None:
        self._told.update(faults)

    def forget(self) -> None:
        with self._lock:
            self._paths.clear()
            self._ever.clear()
            self._seen.clear()
            self._total = self._sent = 0

    def _accept(self) -> None:
        while True:
            sock, _ = self._listener.accept()
            with self._lock:
                self._total += 1
                self._open += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            # A client may leave at any point; that is its right, and no news here.
            with contextlib.suppress(OSError, GoneError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._context is not None:
                    sock = self._context.wrap_socket(sock, server_side=True)
                line = Line(sock, self.note, self.sent)
                while answer(line, line.request(), self.folder, self._told):
                    pass
        finally:
            sock.close()
            with self._lock:
                self._open -= 1


def main() -> None:
    """Run until the parent goes."""
    host = Host(**options())
    commands = ("requests", "counts", "forget", "tell")
    serve({"port": host.port}, {name: getattr(host, name) for name in commands})


if __name__ == "__main__":
    main()
