"""One request over one connection of its own: urllib3 and requests, with their traps removed.

What they would do otherwise: keep connections in pools, read the bodies of redirects whole, take
proxies and passwords from the environment, keep cookies, load the certificates anew for each
connection, and never let others run while a fast server floods them.
"""

import contextlib
import http.client
import io
import logging
import re
import socket
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import gevent
import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

Dial = Callable[[str, int], socket.socket]

MOST_INTERIM = 16
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}")


# It warns of odd headers with the whole URL, and that may hold a secret.
logging.getLogger("urllib3").setLevel(logging.CRITICAL)


class TlsContext(ssl.SSLContext):
    """gevent's wrap_socket leaves the socket open when a greenlet is killed in the handshake."""

    def wrap_socket(self, sock: socket.socket, *args: Any, **options: Any) -> ssl.SSLSocket:
        line = super().wrap_socket(sock, *args, **options | {"do_handshake_on_connect": False})
        try:
            line.do_handshake()
        except BaseException:
            line.close()
            raise
        return line


def tls_context(certificates: str | None = None) -> TlsContext:
    """Certificates and names are checked, always; for all connections of a client."""
    context = TlsContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(certificates or DEFAULT_CA_BUNDLE_PATH)
    return context


class _Fair(io.RawIOBase):
    """A socket's stream that lets others run before each read.

    gevent waits only where nothing has arrived yet. A server that is faster than we are (100
    Continue without end, trailers without end) would stop the hub, its timers and so the deadline.
    """

    def __init__(self, stream: io.RawIOBase) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        gevent.sleep(0)
        count: int | None = self._stream.readinto(buffer)
        return count

    def cut(self) -> None:
        """Close the socket below, also while another greenlet reads from it."""
        self._stream.close()

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Reply(http.client.HTTPResponse):
    """The standard library's answer with an end to everything it reads."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self._fair = _Fair(self.fp.detach())
        self.fp = io.BufferedReader(self._fair)
        self._interim = 0

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]
        if 100 <= status < 200 and status != http.HTTPStatus.SWITCHING_PROTOCOLS:
            self._interim += 1
            if self._interim > MOST_INTERIM:
                raise http.client.HTTPException("interim answers without end")
            status = int(http.HTTPStatus.CONTINUE)  # the one kind that begin() passes over
        return version, status, reason

    def _read_next_chunk_size(self) -> int:
        line = self.fp.readline(1024)
        if not line:
            raise http.client.IncompleteRead(b"")
        size = line.partition(b";")[0].strip()
        if not line.endswith(b"\n") or not _CHUNK_SIZE.fullmatch(size):
            raise http.client.HTTPException("not a chunk's size")
        return int(size, 16)

    def cut(self) -> None:
        self._fair.cut()
        # A buffered reader refuses to be closed while another greenlet reads from it.
        with contextlib.suppress(RuntimeError, OSError):
            self.close()


class _Plain(HTTPConnection):
    """A connection that is dialled by us; it knows the answer that holds its socket."""

    def __init__(self, *args: Any, dial: Dial, replies: list[_Reply], **options: Any) -> None:
        super().__init__(*args, **options)
        self._dial = dial
        self._replies = replies

    def _new_conn(self) -> socket.socket:
        return self._dial(self._dns_host, self.port)

    def response_class(self, sock: socket.socket, **options: Any) -> _Reply:  # type: ignore[override]
        reply = _Reply(sock, **options)
        self._replies.append(reply)
        return reply


class _Secure(_Plain, HTTPSConnection):
    """The same, encrypted."""


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


class Exchange(HTTPAdapter):
    """One request and all that it opens; ``close`` leaves nothing of it."""

    def __init__(self, dial: Dial, context: TlsContext) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)
        self._dial = dial
        self._context = context
        self._pool: HTTPConnectionPool | None = None
        self._replies: list[_Reply] = []
        self._raw: HTTPResponse | None = None

    def ask(self, request: requests.PreparedRequest) -> HTTPResponse:
        """Send the request; its answer, the body not read. Only our deadlines limit the time."""
        self._raw = self.send(request, stream=True, timeout=None, verify=True).raw
        return self._raw

    def close(self) -> None:
        """At once, whatever is still to be read, and whoever is just reading."""
        for reply in self._replies:
            reply.cut()
        if self._raw is not None:
            with contextlib.suppress(RuntimeError, OSError):
                self._raw.close()
        if self._pool is not None:
            self._pool.close()
        super().close()

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, *_: Any, **__: Any
    ) -> HTTPConnectionPool:
        parts = urlsplit(request.url or "")
        host = str(parts.hostname)
        own: dict[str, Any] = {"dial": self._dial, "replies": self._replies}
        if parts.scheme == "https":
            own["ssl_context"] = self._context
            self._pool = _SecurePool(host, parts.port, **own)
        else:
            self._pool = _PlainPool(host, parts.port, **own)
        return self._pool

    def cert_verify(self, *_: Any, **__: Any) -> None:
        """Done by the context, which has the certificates already."""

    def build_response(self, _: requests.PreparedRequest, resp: HTTPResponse) -> requests.Response:
        """Nothing of the answer is interpreted here: no cookies, no character sets."""
        answer = requests.Response()
        answer.raw = resp
        return answer
