"""Which addresses may be connected to, and which URLs may be asked (pure rules).

A URL is hostile input and so is what its name resolves to. ``getaddrinfo`` takes ``0x7f.1``,
``2130706433`` and ``127。0。0。1`` for loopback, so the text of a URL proves nothing: the rule that
counts is the one for the address that is about to be connected to.
"""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

MOST_URL = 8 * 1024
MOST_LOCATION = 2 * 1024
PORTS = {"http": 80, "https": 443}
LOW_PORTS = frozenset({80, 443, 8080, 8443})

# What "the local network" means where the user allows it. Link-local is not part of it: nobody's
# films live there, a cloud machine's credentials do (169.254.169.254).
HOME = tuple(
    ip_network(text)
    for text in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
    )
)
# Python 3.11 calls these global.
NOT_GLOBAL = (ip_network("192.88.99.0/24"), ip_network("3fff::/20"), ip_network("5f00::/16"))
NAT64 = ip_network("64:ff9b::/96")
LOCAL_SUFFIXES = (".local", ".internal", ".localhost", ".lan", ".home.arpa")

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")
_LOCATION = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+")
_PLAIN_HOST = re.compile(r"[A-Za-z0-9._-]+")
_NUMBER = re.compile(r"(?:0[xX][0-9A-Fa-f]*|[0-9]+)")


class Refused(Exception):  # noqa: N818 (the policy's answer, not a fault)
    """It may not be; the text says why in one sentence and never repeats the URL."""


class AddressPolicy:
    """The rules.

    ``allow_private`` opens the local network: its addresses, names without a dot and every port;
    nothing else. ``own`` are the places where this server itself is reached, as (host or address,
    port): asking there would be a loop.
    """

    def __init__(
        self, *, allow_private: bool = False, own: frozenset[tuple[str, int]] = frozenset()
    ) -> None:
        self._allow_private = allow_private
        self._own = frozenset((host.lower().strip("[]").rstrip("."), port) for host, port in own)

    def check_address(self, text: str, port: int) -> None:
        """Raise Refused unless this address, as a resolver gave it, may be connected to."""
        try:
            address = ip_address(text.partition("%")[0])
        except ValueError:
            raise Refused("It resolves to something that is no address.") from None
        address = _unwrapped(address)
        if (str(address), port) in self._own:
            raise Refused("It leads back to this server.")
        if not self.may_reach(address):
            raise Refused("It leads to an address that is not on the public Internet.")

    def may_reach(self, address: IPv4Address | IPv6Address) -> bool:
        """Whether an address that wraps no other one is on the side that may be reached."""
        if self._allow_private and any(address in network for network in HOME):
            return True
        if isinstance(address, IPv6Address) and (
            address.sixtofour is not None or address.teredo is not None or address.is_site_local
        ):
            return False
        if any(address in network for network in NOT_GLOBAL):
            return False
        return address.is_global and not address.is_multicast and not address.is_reserved

    def check_url(self, url: str) -> None:
        """Raise Refused unless this URL may be asked. Its name is not resolved."""
        if len(url) > MOST_URL:
            raise Refused("The URL is too long.")
        if _CONTROL.search(url):
            raise Refused("The URL holds control characters.")
        self._checked(url)

    def check_redirect_target(self, url: str) -> None:
        """Raise Refused unless a player may be sent to this URL, as it stands, in a Location.

        Here the player resolves the name, not we: other spellings of an address are refused.
        """
        if len(url) > MOST_LOCATION:
            raise Refused("The URL is too long for a Location header.")
        if not _LOCATION.fullmatch(url):
            raise Refused("The URL is not percent-encoded ASCII.")
        host = (self._checked(url).hostname or "").rstrip(".")
        if _literal(host) is None and (
            not _PLAIN_HOST.fullmatch(host) or _NUMBER.fullmatch(host.rpartition(".")[2])
        ):
            raise Refused("The URL's host is neither a name nor an address.")

    def _checked(self, url: str) -> SplitResult:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise Refused("It is not a URL.") from None
        if parts.scheme not in PORTS:
            raise Refused("The URL is neither http nor https.")
        # The parsers that come later read "http://a\@b" otherwise than this one.
        if "@" in parts.netloc or "\\" in parts.netloc:
            raise Refused("The URL names a user.")
        host = (host or "").rstrip(".")
        if not host or "%" in host:
            raise Refused("The URL names no host.")
        port = PORTS[parts.scheme] if port is None else port
        if port == 0 or (not self._allow_private and port < 1024 and port not in LOW_PORTS):
            raise Refused("The URL's port is not one where HTTP is served.")
        if (host, port) in self._own:
            raise Refused("It leads back to this server.")
        if _literal(host) is not None:
            self.check_address(host, port)
        else:
            self._check_name(host)
        return parts

    def _check_name(self, name: str) -> None:
        if name.endswith(".onion"):
            raise Refused("The host's name is not a name of the Internet.")
        if not self._allow_private and ("." not in name or name.endswith(LOCAL_SUFFIXES)):
            raise Refused("The host's name is one of a local network.")


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address inside an IPv6 one, where the network would unwrap it too."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in NAT64:  # on a network without IPv4 every name resolves to these
            return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address
