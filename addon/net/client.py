"""The only way out over HTTP.

Every request has a deadline for everything it does, asks only where the address policy allows,
opens one connection of its own and leaves nothing behind. Every failure is an ``HttpError``.
"""

import contextlib
import time
from collections.abc import Callable, Sequence
from http.client import HTTPException
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import urldefrag, urljoin, urlsplit

import gevent
import requests
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError as Urllib3Error

from addon.net.addresses import PORTS, AddressPolicy, Refused
from addon.net.dialing import dial
from addon.net.failures import Headers, HttpError, Kind, StatusError, translated
from addon.net.names import Names, Resolve, ask_system
from addon.net.transport import Exchange, tls_context

__all__ = ["Answer", "Client", "Headers", "HttpError", "Kind", "StatusError"]

USER_AGENT = "Self-Streme"
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTS = 5
CHUNK = 256 * 1024  # 64 KiB costs a fifth of the throughput

T = TypeVar("T")


class Answer:
    """An answer whose body is read piece by piece. Close it, or use it with ``with``.

    ``url`` is where it came from at last, ``hops`` are the URLs that redirected there, in order.
    After an error it is closed.
    """

    def __init__(
        self, exchange: Exchange, raw: HTTPResponse, url: str, hops: tuple[str, ...]
    ) -> None:
        self.status = raw.status
        self.url = url
        self.headers = Headers(raw.headers)
        self.hops = hops
        self._host = urlsplit(url).hostname or ""
        self._exchange = exchange
        self._raw = raw
        self._closed = False

    def read(self, most: int, deadline: float) -> bytes:
        """What there is, up to ``most`` bytes, as sent; b"" at the end and only there.

        An end before the promised length is CUT. Lets other greenlets run, however fast it comes.
        """
        if most <= 0:
            raise ValueError(most)
        if self._closed:
            raise HttpError(Kind.LOCAL, "The answer is closed.")
        try:
            part = _bounded(
                self._host, deadline, lambda: self._raw.read1(most, decode_content=False)
            )
        except BaseException:
            self.close()
            raise
        if self._closed:  # by another greenlet, while this one waited
            raise HttpError(Kind.LOCAL, "The answer is closed.")
        return part

    def close(self) -> None:
        """Leave at once, with whatever is unread; a greenlet that reads gets an HttpError."""
        if not self._closed:
            self._closed = True
            self._exchange.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Client:
    """Asks over HTTP, many at a time; one for the program.

    ``resolve`` is asked for every name, in a thread, and its answers are kept for minutes;
    ``certificates`` is a file of authorities to trust instead of the usual ones; ``clock`` tells
    the names when an answer is old.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        resolve: Resolve = ask_system,
        user_agent: str = USER_AGENT,
        *,
        certificates: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._policy = policy
        self._names = Names(resolve, clock)
        self._context = tls_context(certificates)
        self._user_agent = user_agent

    def open(
        self,
        url: str,
        *,
        headers: Sequence[tuple[str, str]] = (),
        span: tuple[int, int] | None = None,
        deadline: float,
    ) -> Answer:
        """GET a URL, whatever the status of its answer; ``deadline`` is ``time.monotonic``'s.

        ``span`` asks for the bytes from its first number up to, without, its second. ``headers``
        go to the URL's own scheme, host and port only. Redirects (5 at most) are followed.
        """
        if deadline <= time.monotonic():
            raise HttpError(Kind.LOCAL, "There was no time left to ask.")
        hops: list[str] = []
        while True:
            answer = self._ask(url, headers, span, deadline, tuple(hops))
            if answer.status not in REDIRECTS:
                return _as_sent(answer)
            answer.close()  # its body is never read, it may be endless
            hops.append(answer.url)
            url = _target(answer)
            if url in hops or len(hops) > MOST_REDIRECTS:
                host = urlsplit(hops[0]).hostname
                raise HttpError(Kind.REDIRECTS, f"{host} redirects without end.")
            if _origin(url) != _origin(answer.url):
                headers = ()

    def fetch(
        self, url: str, *, most: int, deadline: float, headers: Sequence[tuple[str, str]] = ()
    ) -> bytes:
        """The whole body of a 200, of ``most`` bytes at most (else TOO_LARGE).

        Any other status raises ``StatusError``, an ``HttpError`` with ``status`` and ``headers``.
        """
        with self.open(url, headers=headers, deadline=deadline) as answer:
            host = urlsplit(answer.url).hostname or ""
            if answer.status != 200:
                raise StatusError(host, answer.status, answer.headers)
            too_large = HttpError(Kind.TOO_LARGE, f"{host} sends more than {most} bytes.")
            length = answer.headers.get("Content-Length") or ""
            if length.isascii() and length.isdecimal() and int(length[:20]) > most:
                raise too_large
            body = bytearray()
            while part := answer.read(min(CHUNK, most + 1 - len(body)), deadline):
                body += part
                if len(body) > most:
                    raise too_large
            return bytes(body)

    def close(self) -> None:
        """No name is looked up any more. Answers that are open stay with whoever has them."""
        self._names.close()

    def _ask(
        self,
        url: str,
        headers: Sequence[tuple[str, str]],
        span: tuple[int, int] | None,
        deadline: float,
        hops: tuple[str, ...],
    ) -> Answer:
        """One request to one place."""
        request = self._prepared(url, headers, span)
        asked = request.url or ""
        exchange = Exchange(
            lambda host, port: dial(self._names, self._policy, host, port, deadline),
            self._context,
        )
        try:
            host = urlsplit(asked).hostname or ""
            raw = _bounded(host, deadline, lambda: exchange.ask(request))
            return Answer(exchange, raw, asked, hops)
        except BaseException:
            exchange.close()
            raise

    def _prepared(
        self, url: str, headers: Sequence[tuple[str, str]], span: tuple[int, int] | None
    ) -> requests.PreparedRequest:
        """The request, its URL allowed, as it was given and as requests spells it."""
        failure: HttpError | None = None
        request = requests.PreparedRequest()
        given = requests.structures.CaseInsensitiveDict(headers)
        given.update({"Accept-Encoding": "identity", "Connection": "close"})
        given.setdefault("User-Agent", self._user_agent)
        given.setdefault("Accept", "*/*")
        if span is not None:
            if not 0 <= span[0] < span[1]:
                raise ValueError(span)
            given["Range"] = f"bytes={span[0]}-{span[1] - 1}"
        try:
            self._policy.check_url(url)
            request.prepare(method="GET", url=url, headers=given)
            self._policy.check_url(request.url or "")
        except Refused as refused:
            failure = HttpError(Kind.ADDRESS, str(refused))
        except requests.exceptions.InvalidHeader:
            failure = HttpError(Kind.LOCAL, "A header that should be sent is not valid.")
        except (requests.RequestException, Urllib3Error, ValueError):
            failure = HttpError(Kind.ADDRESS, "It is not a URL that can be asked.")
        if failure is not None:
            raise failure
        return request


def _bounded(host: str, deadline: float, act: Callable[[], T]) -> T:
    """Do it by the deadline; whatever foreign error comes out of it is ours then."""
    remaining = deadline - time.monotonic()
    late = HttpError(Kind.TIMEOUT, f"{host} took too long to answer.")
    if remaining <= 0:
        raise late
    timer = gevent.Timeout.start_new(remaining)
    try:
        return act()
    except gevent.Timeout as fired:  # a BaseException, and perhaps one of our caller's
        if fired is not timer:
            raise
        failure = late
    except HttpError as error:
        failure = error.with_traceback(None)
    except (OSError, EOFError, ValueError, Urllib3Error, HTTPException) as error:
        failure = translated(error, host)
    finally:
        timer.close()
    # Not inside the handler: what was caught names the whole URL and holds sockets in its frames.
    raise failure


def _as_sent(answer: Answer) -> Answer:
    """The answer, unless its body is not what its length and ranges speak of."""
    framing = (answer.headers.get("Transfer-Encoding") or "chunked").strip().lower()
    coding = (answer.headers.get("Content-Encoding") or "identity").strip().lower()
    failure = ""
    if framing != "chunked":
        failure = "frames its answer in an unknown way"
    elif coding != "identity" and 200 <= answer.status < 300:
        # Never inflated: 2 MB became 2 GiB, and a deadline could not stop it.
        failure = "compresses what was asked for uncompressed"
    if failure:
        answer.close()
        raise HttpError(Kind.PROTOCOL, f"{urlsplit(answer.url).hostname} {failure}.")
    return answer


def _target(answer: Answer) -> str:
    """Where a redirect leads."""
    host = urlsplit(answer.url).hostname
    given = answer.headers.get("Location") or ""
    with contextlib.suppress(UnicodeError):
        given = given.encode("latin-1").decode("utf-8")  # http.client reads headers as Latin-1
    try:
        target = urldefrag(urljoin(answer.url, given.strip())).url
        scheme = urlsplit(target).scheme
    except ValueError:
        scheme = ""
    if not given.strip() or scheme not in PORTS:
        raise HttpError(Kind.REDIRECTS, f"{host} redirects to nowhere.")
    if scheme == "http" and urlsplit(answer.url).scheme == "https":
        raise HttpError(Kind.REDIRECTS, f"{host} redirects to an unencrypted place.")
    return target


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    return parts.scheme, parts.hostname, port or PORTS.get(parts.scheme)
