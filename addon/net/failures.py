"""What can go wrong on the way out, in our own words.

HttpError            no usable answer; ``kind`` says whose fault it is
└── StatusError      an answer, but not the 200 that was wanted (``Client.fetch`` only)
"""

import errno
import http.client
import ssl
from collections.abc import Iterator, Mapping
from enum import Enum

# Not the other side's fault: out of files, ports or memory here, or without a network.
OWN_FAULTS = frozenset(
    {
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.ENOBUFS,
        errno.EADDRNOTAVAIL,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.EBADF,
        errno.EPERM,
        errno.EACCES,
    }
)


class Kind(Enum):
    """Why there is no answer, or no more of it."""

    ADDRESS = "address"  # our policy refuses the URL, or every address it leads to
    NAME = "name"  # the host has no address
    CONNECT = "connect"  # nobody answers at any of its addresses
    TLS = "tls"  # no trusted encryption
    TIMEOUT = "timeout"  # the deadline came first
    REDIRECTS = "redirects"  # a loop, too many, or to nowhere
    TOO_LARGE = "too-large"  # more than the caller would take
    PROTOCOL = "protocol"  # not the HTTP that was asked for
    CUT = "cut"  # the connection ended before the answer did
    STATUS = "status"  # StatusError
    LOCAL = "local"  # our own fault; says nothing about the other side


class HttpError(Exception):
    """No usable answer. ``detail`` is a sentence that names the host at most, never the URL."""

    def __init__(self, kind: Kind, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail

    def __repr__(self) -> str:
        return f"HttpError({self.kind}, {self.detail!r})"


class Headers:
    """An answer's headers: the values of a name that came more than once are joined by ", "."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._values = {name.lower(): given[name] for name in given}

    def get(self, name: str) -> str | None:
        """The header's value; the name's case does not matter."""
        return self._values.get(name.lower())

    def __repr__(self) -> str:  # values may be secret
        return f"Headers({', '.join(self._values)})"


class StatusError(HttpError):
    """The answer has another status than 200; its body was not read."""

    def __init__(self, host: str, status: int, headers: Headers) -> None:
        super().__init__(Kind.STATUS, f"{host} answered with status {status}.")
        self.status = status
        self.headers = headers


def translated(error: BaseException, host: str) -> HttpError:
    """A foreign error as ours; the cause closest to the network decides."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = cause.verify_message.rstrip(".")
            return HttpError(Kind.TLS, f"The certificate of {host} is not to be trusted: {why}.")
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno in OWN_FAULTS:
            return HttpError(Kind.LOCAL, f"{host} cannot be asked from here: {cause.strerror}.")
        # Of these, only an end in mid-connection is also an SSLError.
        cut = (http.client.IncompleteRead, ConnectionError, ssl.SSLEOFError, EOFError)
        if isinstance(cause, cut):
            return HttpError(Kind.CUT, f"{host} ended the connection before its answer.")
        if isinstance(cause, ssl.SSLError):
            return HttpError(Kind.TLS, f"No encrypted connection to {host} could be made.")
        if isinstance(cause, TimeoutError):
            return HttpError(Kind.TIMEOUT, f"{host} took too long to answer.")
    # What is an OSError only because all errors of requests are, carries no number.
    if any(isinstance(cause, OSError) and cause.errno for cause in causes):
        return HttpError(Kind.CUT, f"The connection to {host} broke.")
    return HttpError(Kind.PROTOCOL, f"{host} does not answer as HTTP asks it to.")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all inside it, innermost first.

    requests and urllib3 hand on what they caught as an argument, ``reason`` or ``__cause__``.
    ``__context__`` is left out: it may be an error that our caller is just handling.
    """
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and not any(one is other for other in found):
            found.append(one)
            waiting += [*one.args, getattr(one, "reason", None), one.__cause__]
    return reversed(found)
