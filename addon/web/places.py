"""Where a visitor is, and which addresses work from there. Pure rules.

Stremio rewrites ``stremio://`` to https, so such a link needs an https server. Its web page may
fetch from https and from the visitor's own computer only; a browser calls anything else mixed
content.
"""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal
from urllib.parse import quote, urlsplit

Place = Literal["here", "network", "https"]


@dataclass(frozen=True, slots=True)
class InstallLinks:
    """How this server is put into players by a visitor who sees it at ``place``.

    ``here``: plain http on the visitor's own computer. ``network``: plain http from elsewhere.
    ``https``: anywhere. ``base`` is what media centres add their paths to; it ends in the install
    token where there is one. ``stremio`` and ``web`` are None where they could not work.
    ``others`` is the address of this page for another device; None where there is none.
    """

    place: Place
    base: str
    stremio: str | None
    web: str | None
    others: str | None

    @property
    def manifest(self) -> str:
        return f"{self.base}/manifest.json"


def install_links(base: str, token: str | None, network: str | None = None) -> InstallLinks:
    """The links for a visitor who sees the server at ``base``.

    ``token`` is the install token, None when the server is open. ``network`` is the server's
    address in the home network, None when others cannot reach it or the address is not known.
    """
    links = f"{base}/{token}" if token else base
    manifest = f"{links}/manifest.json"
    web = f"https://web.stremio.com/#/addons?addon={quote(manifest, safe='')}"
    here = _is_loopback(urlsplit(base).hostname or "")
    others = _elsewhere(base, network) if here else f"{base}/"
    if urlsplit(base).scheme == "https":
        stremio = "stremio://" + manifest.removeprefix("https://")
        return InstallLinks("https", links, stremio, web, others)
    if here:
        return InstallLinks("here", links, None, web, others)
    return InstallLinks("network", links, None, None, others)


def _elsewhere(base: str, network: str | None) -> str | None:
    """A loopback address with the name that others use; of https the certificate would not fit."""
    parts = urlsplit(base)
    if network is None or parts.scheme == "https":
        return None
    host = f"{network}:{parts.port}" if parts.port else network
    return f"{parts.scheme}://{host}{parts.path}/"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
