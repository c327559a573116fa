"""Every URL that we publish: absolute, and spelled by one quoting function."""

from flask import Request

from addon.torrents.magnet import InfoHash
from addon.torrents.names import quote_segment
from addon.torrents.selection import Wanted

UNNAMED = "video"


def public_base(request: Request, base_url: str | None) -> str:
    """``http://host:port`` as the visitor sees it: BASE_URL, else the request's own."""
    return base_url or f"{request.scheme}://{request.host}"


def play_url(
    base: str, info_hash: InfoHash, wanted: Wanted, grant: str, filename: str | None
) -> str:
    """The play link of a file; ``filename`` only helps players and is not checked."""
    name = quote_segment(filename or UNNAMED)
    return f"{base}/play/{info_hash.key}/{wanted}/{grant}/{name}"
