"""The gate: who may come in. Pure; HTTP is parsed by the web layer and handed over as text."""

import hashlib
import hmac
import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from addon.access.keys import Keys
from addon.errors import Problem


class Gate:
    """Answers for one server; ``host`` is where it listens, ``base_url`` its public address.

    ``is_open``: no access key is asked for.
    """

    def __init__(self, keys: Keys, host: str, base_url: str | None, trust_proxy: bool) -> None:  # noqa: FBT001
        self._digests = tuple(_digest(key) for key in keys.access_keys)
        self._public = keys.public
        self.is_open = keys.public or not keys.access_keys
        if self.is_open and not keys.public:
            outside = urlsplit(base_url).hostname or "" if base_url else "localhost"
            if trust_proxy or not _is_loopback(host) or not _is_loopback(outside):
                raise ValueError("a server that others can reach needs an access key")

    def check_open_request(self, host_header: str, header_names: Iterable[str]) -> None:
        """Raises Problem("set-access-key") unless this request began on this machine.

        It concerns only the server that is open because it listens on loopback: a web page whose
        name was pointed at 127.0.0.1 shows in the Host header, a proxy in front in what it adds.
        A server with keys and a public one let it pass; keys are asked for elsewhere.
        """
        if self._public or not self.is_open:
            return
        if _is_loopback(_host_of(host_header)) and not any(map(_by_proxy, header_names)):
            return
        raise Problem(
            "set-access-key",
            "This server has no access key, so it answers only programs on its own machine.",
            "Set ACCESS_KEY to at least 16 characters and start the server again.",
        )

    def bearer_ok(self, header: str | None) -> bool:
        """Whether an Authorization header holds an access key: ``Bearer <key>``."""
        scheme, _, key = (header or "").strip().partition(" ")
        return scheme.lower() == "bearer" and self.key_ok(key.strip())

    def key_ok(self, text: str) -> bool:
        """Whether this is an access key; the time it takes tells nothing about the keys."""
        given = _digest(text)
        # Digests have one length, and no key is skipped after a match.
        return sum(hmac.compare_digest(given, known) for known in self._digests) > 0


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()


def _by_proxy(header_name: str) -> bool:
    name = header_name.lower().replace("_", "-")
    return name in ("forwarded", "via", "x-real-ip") or name.startswith("x-forwarded-")


def _host_of(header: str) -> str:
    """The name or address in a Host header, "" for whatever is none."""
    try:
        parts = urlsplit(f"//{header}")
        parts.port  # noqa: B018 - reading it raises ValueError for a wrong one
    except ValueError:
        return ""
    return parts.hostname or "" if parts.netloc == header and "@" not in header else ""


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
