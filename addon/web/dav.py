"""``/dav/``: the library as a read-only WebDAV tree (RFC 4918, class 1), for Kodi, Infuse, VLC,
rclone; a browser and Kodi's plain http sources get the same tree as pages.

Only PROPFIND is ours. A film is answered by the player, at the path where it was listed: Kodi
refuses a file that is spelled in another way than its folder said.
"""

import html
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from flask import Blueprint, Request, Response, request

from addon.access.links import Grant, Links
from addon.library.shelves import Path, Shelves, Tree
from addon.torrents.names import content_type, quote_segment
from addon.torrents.selection import FileIndex
from addon.web.bodies import drain
from addon.web.heads import file_etag
from addon.web.problems import not_found
from addon.web.zips import DATE

ROOT = "dav"
METHODS = ["GET", "HEAD", "OPTIONS", "PROPFIND"]
# A torrent says no time that can be trusted, and players take a new one for a new file.
_DATED = DATE.strftime("%a, %d %b %Y %H:%M:%S GMT")
_DATED_PAGE = DATE.strftime("%d-%b-%Y %H:%M")
_XML = "application/xml; charset=utf-8"
_NO_DEPTH = (
    '<?xml version="1.0" encoding="utf-8"?>\n'
    '<D:error xmlns:D="DAV:"><D:propfind-finite-depth/></D:error>\n'
)

ET.register_namespace("D", "DAV:")


@dataclass(frozen=True, slots=True)
class Dav:
    """What the tree is made of: ``enter(request, token)`` is the id of the install that asks and
    refuses who may not come in; ``play`` answers GET and HEAD of a play link's three parts."""

    enter: Callable[[Request, str | None], str]
    public_base: Callable[[Request], str]
    links: Links
    shelves: Shelves
    play: Callable[[Request, str, str, str], Response]

    def answer(self, asked: Request, token: str | None, name: str) -> Response:
        """One request for ``name`` below the root; a folder's may end with a slash."""
        install = self.enter(asked, token)
        if asked.method == "OPTIONS":
            return Response(headers={"DAV": "1", "Allow": ", ".join(METHODS)})
        # macOS writes accents as signs of their own.
        path = tuple(unicodedata.normalize("NFC", name).split("/")) if name else ()
        if asked.method == "PROPFIND":
            return self._propfind(asked, token, path)
        if leaf := self.shelves.file(path):
            grant = self.links.seal(Grant(leaf.info_hash, FileIndex(leaf.file.index), install))
            return self.play(asked, leaf.info_hash.key, str(leaf.file.index), grant)
        return self._folder(asked, path)

    def _folder(self, asked: Request, path: Path) -> Response:
        tree = self.shelves.now().tree
        path = _existing(tree, path)
        if asked.path.endswith("/"):
            return _page(tree, path)
        # The links of the page are relative to the folder.
        response = Response(status=302)
        response.headers["Location"] = f"{quote_segment((ROOT, *path)[-1])}/"
        response.autocorrect_location_header = False
        return response

    def _propfind(self, asked: Request, token: str | None, path: Path) -> Response:
        # What is asked for is not read: everybody gets the few properties that there are.
        drain(asked)
        depth = asked.headers.get("Depth", "infinity")
        if depth not in ("0", "1"):
            return Response(_NO_DEPTH, 403, content_type=_XML)
        tree = self.shelves.now().tree
        path = _existing(tree, path)
        prefix = urlsplit(self.public_base(asked)).path + (f"/{token}" if token else "")
        answer = ET.Element("{DAV:}multistatus")
        for inside in _members(tree, path, with_children=depth == "1"):
            _describe(ET.SubElement(answer, "{DAV:}response"), prefix, tree, inside)
        body = ET.tostring(answer, "utf-8", xml_declaration=True)
        return Response(body, 207, content_type=_XML)


def blueprint(dav: Dav) -> Blueprint:
    """The routes; each exists with and without an install token in front. Other methods than
    those of reading are refused by Flask (405)."""
    routes = Blueprint("dav", __name__)

    def answer(token: str | None = None, name: str = "") -> Response:
        return dav.answer(request, token, name)

    rules = {"root": f"/{ROOT}", "folder": f"/{ROOT}/", "inside": f"/{ROOT}/<path:name>"}
    for prefix in ("", "/<token>"):
        for what, rule in rules.items():
            routes.add_url_rule(
                prefix + rule,
                f"install-{what}" if prefix else what,
                answer,
                methods=METHODS,
                provide_automatic_options=False,
            )

    @routes.after_request
    def guarded(response: Response) -> Response:
        response.headers.setdefault("Cache-Control", "private, no-cache")
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Content-Security-Policy"] = "sandbox"
        # Default nginx would swallow the whole film into its buffers.
        response.headers["X-Accel-Buffering"] = "no"
        return response

    return routes


def _existing(tree: Tree, path: Path) -> Path:
    """The path of a file, or of a folder with or without its slash; ``not-found`` for others."""
    if path and not path[-1]:
        path = path[:-1]
    elif path and path[-1] in tree.get(path[:-1], {}):
        return path
    if path not in tree:
        raise not_found()
    return path


def _members(tree: Tree, path: Path, *, with_children: bool) -> Iterator[Path]:
    """A file or folder, and what is in it."""
    yield path
    if with_children and path in tree:
        yield from ((*path, name) for name in sorted(tree[path]))


def _describe(told: ET.Element, prefix: str, tree: Tree, path: Path) -> None:
    """One ``response``: the properties of what is at ``path``."""
    leaf = None if path in tree else tree[path[:-1]][path[-1]]
    href = "/".join([prefix, ROOT, *map(quote_segment, path)])
    ET.SubElement(told, "{DAV:}href").text = href if leaf else f"{href}/"
    status = ET.SubElement(told, "{DAV:}propstat")
    properties = ET.SubElement(status, "{DAV:}prop")
    ET.SubElement(status, "{DAV:}status").text = "HTTP/1.1 200 OK"
    values = {"displayname": path[-1] if path else "Self-Streme", "getlastmodified": _DATED}
    kind = ET.SubElement(properties, "{DAV:}resourcetype")
    if leaf is None:
        ET.SubElement(kind, "{DAV:}collection")
    else:
        values["getcontentlength"] = str(leaf.file.length)
        values["getcontenttype"] = content_type(leaf.file.name)
        values["getetag"] = file_etag(leaf.info_hash.key, leaf.file)
    for name, value in values.items():
        ET.SubElement(properties, f"{{DAV:}}{name}").text = value


def _page(tree: Tree, path: Path) -> Response:
    """A folder as a page of links, in the form of Apache's, of which Kodi reads the sizes."""
    lines = [] if not path else ['<a href="../">../</a>']
    for name, leaf in sorted(tree[path].items()):
        slash = "/" if leaf is None else ""
        size = "-" if leaf is None else _size(leaf.file.length)
        link = f'<a href="{quote_segment(name)}{slash}">{html.escape(name)}{slash}</a>'
        lines.append(f"{link}  {_DATED_PAGE}  {size}")
    title = html.escape("/".join(["Self-Streme", *path]))
    listed = "\n".join(lines)
    page = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{title}</title></head><body>\n<h1>{title}</h1>\n<pre>\n{listed}\n</pre>\n"
        "</body></html>\n"
    )
    return Response(page, content_type="text/html; charset=utf-8")


def _size(size: int) -> str:
    """``188M``, in units of 1024."""
    value, units = float(size), iter("BKMGT")
    while value >= 1000:
        value, _ = value / 1024, next(units)
    return f"{value:.0f}{next(units)}"
