"""``/kodi/``: the repository from which Kodi installs our add-on, made for this server alone."""

import base64
import hashlib
import html
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path

from flask import Blueprint, Request, Response, request

from addon.torrents.names import quote_segment
from addon.web.problems import not_found
from addon.web.repository import build

SOURCE = Path(__file__).parents[1] / "kodi"
# A server is reached by a few addresses; on an open one anybody may invent more.
KEPT = 8
# Kodi looks for a new version once a day by itself; a server that was updated may be sooner.
RECHECK = 6 * 3600

_TYPES = {
    "zip": "application/zip",
    "xml": "text/xml; charset=utf-8",
    "sha256": "text/plain; charset=utf-8",
    "png": "image/png",
    "jpg": "image/jpeg",
}


def blueprint(
    enter: Callable[[Request, str | None], object],
    public_base: Callable[[Request], str],
    source: Path = SOURCE,
) -> Blueprint:
    """The routes; each exists with and without an install token in front.

    ``enter(request, token)`` refuses who may not come in; ``source`` holds the add-ons.
    """
    routes = Blueprint("kodi", __name__)
    built = lru_cache(KEPT)(partial(build, source))

    def folder_or_file(token: str | None = None, name: str = "") -> Response:
        enter(request, token)
        base = public_base(request) + (f"/{token}" if token else "")
        files = built(base)
        response = _file(name, files[name]) if name in files else _listing(name, files)
        response.headers["Cache-Control"] = "private, no-cache"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    for prefix in ("", "/<token>"):
        named = "install-" if prefix else ""
        routes.add_url_rule(f"{prefix}/kodi/", f"{named}folder", folder_or_file)
        routes.add_url_rule(f"{prefix}/kodi/<path:name>", f"{named}file", folder_or_file)
    return routes


def _file(name: str, data: bytes) -> Response:
    digest = hashlib.sha256(data)
    extension = name.rpartition(".")[2]
    response = Response(
        data, content_type=_TYPES.get(extension.lower(), "application/octet-stream")
    )
    response.set_etag(digest.hexdigest())
    if extension == "zip":
        # Saves Kodi the request for the checksum.
        response.headers["Content-SHA256"] = base64.b64encode(digest.digest()).decode()
    if name == "addons.xml.sha256":
        response.headers["X-Kodi-Recheck-After"] = str(RECHECK)
    # Kodi asks for "bytes=0-" of everything.
    response.make_conditional(request, accept_ranges=True, complete_length=len(data))
    return response


def _listing(folder: str, files: dict[str, bytes]) -> Response:
    """What "Install from zip file" shows: Kodi reads the links of a plain page."""
    inside = [name.removeprefix(folder) for name in files if name.startswith(folder)]
    if not inside or (folder and not folder.endswith("/")):
        raise not_found()
    # All of them: what a folder that Kodi has listed does not name, it will not even ask for.
    here = sorted((name for name in inside if "/" not in name), key=lambda n: n[-4:] != ".zip")
    folders = dict.fromkeys(f"{name.partition('/')[0]}/" for name in inside if "/" in name)
    links = "\n".join(
        f'<a href="{_href(name)}">{html.escape(name)}</a>' for name in [*here, *folders]
    )
    page = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        "<title>Self-Streme for Kodi</title></head><body>\n"
        "<p>In Kodi, add this address as a source of the file manager, then install the repository "
        f"from its zip file.</p>\n<pre>\n{links}\n</pre>\n</body></html>\n"
    )
    return Response(page, content_type="text/html; charset=utf-8")


def _href(name: str) -> str:
    return quote_segment(name.removesuffix("/")) + ("/" if name.endswith("/") else "")
