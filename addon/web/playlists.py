"""``playlist.m3u``, ``strm/…`` and ``strm.zip``: the library as lists of play links, which never
expire, so that what a player keeps goes on playing.

There is no listing of ``strm/``: Kodi fetches each file of such a folder as soon as it shows it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import gevent
from flask import Blueprint, Request, Response, request

from addon.access.links import Grant, Links
from addon.library.shelves import ROOTS, Item, Shelves
from addon.web.problems import not_found
from addon.web.urls import play_url
from addon.web.zips import pack

# Never .m3u8: Kodi and VLC take that for HLS and play nothing.
PLAYLIST_TYPE = "audio/x-mpegurl; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Lists:
    """What the lists are made of; ``enter(request, token)`` is the id of the install that asks,
    and refuses who may not come in."""

    enter: Callable[[Request, str | None], str]
    public_base: Callable[[Request], str]
    links: Links
    shelves: Shelves

    def url(self, item: Item, install: str) -> str:
        """The play link of a stream, for this visitor."""
        entry = item.entry
        grant = self.links.seal(Grant(entry.info_hash, entry.wanted, install))
        name = entry.file.name if entry.file else None
        return play_url(self.public_base(request), entry.info_hash, entry.wanted, grant, name)

    def playlist(self, install: str) -> str:
        """The M3U. No name can begin a line of its own: labels are of one line."""
        lines = ["#EXTM3U"]
        for item in self.shelves.now().items:
            group = ROOTS[item.title.type]
            lines.append(f'#EXTINF:-1 group-title="{group}",{item.label}')
            lines.append(self.url(item, install))
        return "\n".join([*lines, ""])

    def strm(self, install: str, path: str) -> str:
        """The content of one .strm; Problem("not-found") where there is none of this path."""
        for item in self.shelves.now().items:
            if _path(item) == path:
                return self.url(item, install)
        raise not_found()

    def archive(self, install: str) -> dict[str, bytes]:
        """Every .strm by its path."""
        items = self.shelves.now().items
        return {_path(item): self.url(item, install).encode() for item in items}


def _path(item: Item) -> str:
    return f"{'/'.join([*item.folders, item.stem])}.strm"


def blueprint(lists: Lists) -> Blueprint:
    """The routes; each exists with and without an install token in front."""
    routes = Blueprint("playlists", __name__)

    def playlist(token: str | None = None) -> Response:
        return Response(
            lists.playlist(lists.enter(request, token)),
            content_type=PLAYLIST_TYPE,
            headers={"Content-Disposition": 'inline; filename="self-streme.m3u"'},
        )

    def strm(name: str, token: str | None = None) -> Response:
        text = lists.strm(lists.enter(request, token), name)
        return Response(text, content_type="text/plain; charset=utf-8")

    def archive(token: str | None = None) -> Response:
        files = lists.archive(lists.enter(request, token))
        # A large library takes a second to pack.
        packed = gevent.get_hub().threadpool.apply(pack, (files,))
        return Response(
            packed,
            content_type="application/zip",
            headers={"Content-Disposition": 'attachment; filename="self-streme-strm.zip"'},
        )

    for prefix in ("", "/<token>"):
        named = "install-" if prefix else ""
        routes.add_url_rule(f"{prefix}/playlist.m3u", f"{named}playlist", playlist)
        routes.add_url_rule(f"{prefix}/strm.zip", f"{named}archive", archive)
        routes.add_url_rule(f"{prefix}/strm/<path:name>", f"{named}strm", strm)

    @routes.after_request
    def private(response: Response) -> Response:
        # The links are for whoever asked.
        response.headers["Cache-Control"] = "private, no-cache"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return routes
