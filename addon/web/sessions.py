"""The cookie of people who logged in on the page of a closed server.

It holds when it ends, sealed, and is bound to the access key it was given for: a key that is
taken out of the settings takes its sessions with it. The key itself is in no cookie.
"""

import hashlib
import secrets
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Request, Response

from addon.access.keys import Keys
from addon.access.sealing import Sealer

COOKIE = "streme_session"
DAYS = 30

_SECONDS = DAYS * 24 * 3600
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Sessions:
    """Begins, recognises and ends sessions; nothing is kept on the server.

    ``public_base(request)`` is the public address of this server, without a slash at its end.
    """

    def __init__(
        self,
        keys: Keys,
        public_base: Callable[[Request], str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sealer = Sealer(keys.signing, "session")
        self._known = tuple(_fingerprint(key) for key in keys.access_keys)
        self._public_base = public_base
        self._clock = clock

    def valid(self, request: Request) -> bool:
        """Whether the visitor logged in: enough to be shown a page."""
        token = request.cookies.get(COOKIE, "")
        for fingerprint in self._known:
            payload = self._sealer.open(token, fingerprint)
            if payload is not None:
                return self._clock() < int.from_bytes(payload[:8])
        return False

    def ok(self, request: Request) -> bool:
        """Whether the API may obey: a session, and our own page is the one that asks.

        SameSite alone is not enough: every port of a host is the same site, so a page of any
        other server on 127.0.0.1 could send the cookie along.
        """
        return self.valid(request) and self.same_origin(request)

    def same_origin(self, request: Request) -> bool:
        """Whether a page of this server is the one that asks."""
        # Browsers send Sec-Fetch-Site to https and loopback, and Origin with what changes things.
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None:
            return site == "same-origin" or (site == "none" and request.method in _SAFE_METHODS)
        origin = request.headers.get("Origin")
        if origin is None:
            return request.method in _SAFE_METHODS
        return urlsplit(origin).netloc in (
            request.host,
            urlsplit(self._public_base(request)).netloc,
        )

    def begin(self, request: Request, response: Response, key: str) -> None:
        """Gives the visitor a session for the access key that they just proved to know."""
        ends = int(self._clock()) + _SECONDS
        token = self._sealer.seal(
            ends.to_bytes(8) + secrets.token_bytes(8),  # no two sessions are the same
            _fingerprint(key),
        )
        self._set(request, response, token, _SECONDS)

    def end(self, request: Request, response: Response) -> None:
        """Makes the browser forget its session."""
        self._set(request, response, "", 0)

    def _set(self, request: Request, response: Response, value: str, max_age: int) -> None:
        response.set_cookie(
            COOKIE,
            value,
            max_age=max_age,
            httponly=True,
            samesite="Strict",
            secure=self._public_base(request).startswith("https://"),
        )


def _fingerprint(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="surrogatepass")).digest()
