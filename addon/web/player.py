"""``/play``: what a player asks, answered as players need it.

A first open waits for a byte in hand before any header goes out: up to 6.5 s, then a 307 to
itself, at most three times, then the honest Problem. A viewer who has had bytes gets the head at
once and is held silently until data comes, because any error ends the film in their player.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Request, Response, request
from gevent.event import Event

from addon.access.gate import Gate
from addon.access.installs import RevokedStore
from addon.access.links import Grant, Links
from addon.errors import Problem
from addon.playback.ranges import (
    ByteRange,
    UnsatisfiableError,
    etag_listed,
    first_offset,
    if_range_holds,
    matches,
    parse_range,
)
from addon.playback.resolution import Failure, Redirect, Stored
from addon.playback.resolver import Attempt, Resolver
from addon.playback.store import Kept, Stream
from addon.playback.viewers import Viewer, Viewers
from addon.torrents.metainfo import File
from addon.torrents.names import content_disposition, content_type
from addon.torrents.selection import parse_wanted, select
from addon.web.problems import not_found, problem_response
from addon.web.sending import Sender, watched

log = logging.getLogger(__name__)

# ExoPlayer gives up after 8 s without headers; a PaaS router and Kodi's redirect limit (5 in
# all) bound the number of hops.
HOLD = 6.5
MAX_HOPS = 3
# The last hold is a little longer, so that a resolution that ends with it can say why.
LAST_HOLD = 7.5
# In mid-film a 307 is refused by VLC and an error ends the film everywhere: Kodi's mp4 lives 20 s.
WATCHING_HOLD = 19.0


@dataclass(frozen=True, slots=True)
class Player:
    """What the play endpoint is made of."""

    gate: Gate
    links: Links
    revoked: RevokedStore
    kept: Kept
    resolver: Resolver
    viewers: Viewers
    sender: Sender
    secure: Callable[[Request], bool]

    def answer(self, asked: Request, key: str, file: str, token: str) -> Response:
        """GET and HEAD of one play link."""
        self.gate.check_open_request(asked.host, asked.headers.keys())
        grant = self._grant(key, file, token)
        if asked.method == "HEAD":
            return self._head(grant)
        viewer = Viewer(
            grant.install,
            asked.remote_addr or "",
            asked.headers.get("User-Agent", ""),
            (grant.info_hash.key, str(grant.wanted)),
        )
        start = first_offset(asked.headers.get("Range")) or 0
        attempt = self.resolver.attempt(
            grant.install, grant.info_hash, grant.wanted, start, secure=self.secure(asked)
        )
        # The resolution and the first byte have one time together.
        until = time.monotonic() + self._patience(viewer)
        left = Event()
        with watched(asked.environ, left.set):
            resolution = attempt.wait(until - time.monotonic(), left)
        match resolution:
            case _ if left.is_set():
                response = Response(status=499)
            case None:
                response = self._hold_on(asked, viewer, attempt)
            case Failure(problem):
                self.viewers.forget(viewer)
                response = problem_response(problem)
            case Redirect(link=link, served_by=served_by):
                self.viewers.had_bytes(viewer)
                response = _sent_elsewhere(link.url, served_by)
            case Stored():
                response = self._stored(asked, viewer, attempt, resolution, until)
        response.headers["X-Resolution"] = attempt.entry.id
        return response

    def _grant(self, key: str, file: str, token: str) -> Grant:
        try:
            grant = self.links.open(token, key.lower(), parse_wanted(file))
        except Problem:
            grant = None
        if grant is None or self.revoked.is_revoked(grant.install):
            raise not_found()
        return grant

    def _head(self, grant: Grant) -> Response:
        """What is known without starting anything."""
        if self.kept.magnet(grant.info_hash) is None:
            raise not_found()
        metainfo = self.kept.metainfo(grant.info_hash)
        response = Response()
        if metainfo is None:
            # Without this, werkzeug would write Content-Length: 0, which is not true.
            response.automatically_set_content_length = False
            response.headers["Accept-Ranges"] = "bytes"
            response.content_type = "application/octet-stream"
            response.cache_control.no_store = True
            return response
        file = select(metainfo, grant.wanted)
        _describe(response, grant.info_hash.key, file)
        response.content_length = file.length
        return response

    def _patience(self, viewer: Viewer) -> float:
        """How long to hold a request while the resolution runs, in seconds."""
        if self.viewers.is_watching(viewer):
            return WATCHING_HOLD
        return HOLD if self.viewers.hops(viewer) < MAX_HOPS else LAST_HOLD

    def _hold_on(self, asked: Request, viewer: Viewer, attempt: Attempt) -> Response:
        """Ask the player to come again; the work goes on meanwhile."""
        # In mid-film a 307 ends the film like any error (VLC), and says less.
        hop = MAX_HOPS + 1 if self.viewers.is_watching(viewer) else self.viewers.hop(viewer)
        if hop > MAX_HOPS:
            self.viewers.forget(viewer)
            return problem_response(
                Problem(
                    "busy",
                    "The film is still being looked for: "
                    + (attempt.entry.steps[-1].what if attempt.entry.steps else "just begun")
                    + ".",
                    "Try again in a moment.",
                    retry_after=10,
                )
            )
        response = Response(status=307)
        # Only the file name, as it was spelled: the one form that survives every client, every
        # proxy prefix and every proxy that rewrites the host.
        response.headers["Location"] = f"{_relative(_last_segment(asked))}?hop={hop}"
        response.autocorrect_location_header = False
        response.cache_control.no_store = True
        return response

    def _stored(
        self, asked: Request, viewer: Viewer, attempt: Attempt, stored: Stored, until: float
    ) -> Response:
        file = stored.file
        etag = _etag(asked.view_args or {}, file)
        if not matches(asked.headers.get("If-Match"), etag):
            raise _changed(file)
        if etag_listed(asked.headers.get("If-None-Match"), etag):
            response = Response(status=304)
            response.headers["ETag"] = etag
            response.headers["Cache-Control"] = "private, no-transform"
            response.automatically_set_content_length = False
            return response
        wanted = None
        if if_range_holds(asked.headers.get("If-Range"), etag):
            try:
                wanted = parse_range(asked.headers.get("Range"), file.length)
            except UnsatisfiableError:
                return _bad_range(file)
        part = wanted or ByteRange(0, file.length, file.length)
        self.sender.make_room()
        self.sender.outrank(viewer)
        stream = stored.torrent.open(file, part.start, part.stop)
        try:
            if not self._first_byte(asked, viewer, stream, until):
                stream.close()
                return self._hold_on(asked, viewer, attempt)
        except ConnectionAbortedError:
            stream.close()
            return Response(status=499)
        except BaseException:
            stream.close()
            raise
        response = Response(status=200 if wanted is None else 206)
        _describe(response, (asked.view_args or {})["key"].lower(), file)
        if wanted is not None:
            response.headers["Content-Range"] = wanted.content_range
        response.headers["X-Served-By"] = stored.served_by
        response.response = self.sender.body(
            asked.environ, stream, viewer, lambda: self.viewers.had_bytes(viewer)
        )
        response.call_on_close(stream.close)
        response.content_length = part.length
        return response

    def _first_byte(self, asked: Request, viewer: Viewer, stream: Stream, until: float) -> bool:
        """Whether the head may go out: a byte is in hand, or the viewer is in mid-film."""
        if self.viewers.is_watching(viewer):
            return True
        with watched(asked.environ, stream.cancel):
            return stream.wait_first(max(0.0, until - time.monotonic()))


def _sent_elsewhere(url: str, served_by: str) -> Response:
    """302, never 301 or 308, which players keep for ever; kept for as long as the choice holds,
    so that libav does not resolve anew at every seek."""
    response = Response(status=302)
    response.headers["Location"] = url
    response.autocorrect_location_header = False
    response.headers["Cache-Control"] = "private, max-age=30"
    response.headers["X-Served-By"] = served_by
    return response


def blueprint(player: Player) -> Blueprint:
    """The play routes; HEAD has its own branch because Flask would run the GET for it."""
    routes = Blueprint("player", __name__)

    @routes.route(
        "/play/<key>/<file>/<token>/<path:filename>",
        methods=["GET", "HEAD", "OPTIONS"],
        provide_automatic_options=False,
    )
    def play(key: str, file: str, token: str, filename: str) -> Response:  # noqa: ARG001
        if request.method == "OPTIONS":
            return Response(status=204)
        return player.answer(request, key, file, token)

    @routes.after_request
    def add_cors(response: Response) -> Response:
        """What a page elsewhere (Stremio's) may see of a play answer."""
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = "*"
        response.headers["Access-Control-Expose-Headers"] = (
            "Content-Range, Content-Length, Accept-Ranges, ETag, X-Resolution, X-Served-By"
        )
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Content-Security-Policy"] = "sandbox"
        # Default nginx would swallow the whole film into its buffers.
        response.headers["X-Accel-Buffering"] = "no"
        return response

    return routes


def _describe(response: Response, key: str, file: File) -> None:
    response.content_type = content_type(file.name)
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["ETag"] = f'"{key}-{file.index}"'
    response.headers["Cache-Control"] = "private, no-transform"
    response.headers["Content-Disposition"] = content_disposition(file.name)


def _etag(view_args: dict[str, str], file: File) -> str:
    return f'"{view_args["key"].lower()}-{file.index}"'


def _changed(file: File) -> Problem:
    return Problem(
        "changed",
        f"What the player has begun is not {file.name} of this torrent (If-Match).",
        "Open the film anew.",
    )


def _bad_range(file: File) -> Response:
    problem = Problem(
        "bad-range",
        f"The file {file.name} has {file.length} bytes; none of those asked for exists.",
        "Ask for a range inside the file.",
    )
    response = problem_response(problem)
    response.headers["Content-Range"] = f"bytes */{file.length}"
    response.headers["Accept-Ranges"] = "bytes"
    return response


def _relative(segment: str) -> str:
    """RFC 3986 §4.2: what stands before a colon in the first segment would be a scheme."""
    return f"./{segment}" if ":" in segment else segment


def _last_segment(asked: Request) -> str:
    raw = str(asked.environ.get("RAW_URI") or asked.path)
    return raw.partition("?")[0].rpartition("/")[2]
