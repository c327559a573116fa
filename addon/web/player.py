"""``/play``: what a player asks, answered as players need it.

A first open waits for a byte in hand before any header goes out: up to 6.5 s, then a 307 to
itself, at most three times, then the honest Problem. A viewer who has had bytes gets the head soon
and is held silently until data comes, because any error ends the film in their player.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from flask import Blueprint, Request, Response, request
from gevent.event import Event

from addon.access.gate import Gate
from addon.access.installs import RevokedStore
from addon.access.links import Grant, Links
from addon.errors import Problem
from addon.playback.attempt import Attempt
from addon.playback.late import LateStream
from addon.playback.next_episode import NextEpisodes, Sent
from addon.playback.ranges import ByteRange, first_offset
from addon.playback.resolution import Failure, Redirect, Stored
from addon.playback.resolver import Resolver
from addon.playback.store import Kept, Stream
from addon.playback.viewers import Viewer, Viewers
from addon.torrents.metainfo import File
from addon.torrents.selection import select
from addon.web.clips import Clips
from addon.web.cors import open_to_pages
from addon.web.grants import open_grant
from addon.web.heads import describe, film_head
from addon.web.problems import not_found, problem_response
from addon.web.sending import Sender
from addon.web.sockets import watched
from addon.web.urls import itself

log = logging.getLogger(__name__)

# ExoPlayer gives up after 8 s without headers; a PaaS router and Kodi's redirect limit (5 in
# all) bound the number of hops.
HOLD = 6.5
MAX_HOPS = 3
# The last hold is a little longer, so that a resolution that ends with it can say why.
LAST_HOLD = 7.5
# In mid-film a 307 is refused by VLC, and an error ends the film everywhere. So the head goes out,
# which no redirect can follow: it waits this long for an attempt that may end with one.
WATCHING_HOLD = 2.0


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
    next_episodes: NextEpisodes | None = None
    clips: Clips | None = None

    def answer(self, asked: Request, key: str, file: str, token: str) -> Response:
        """GET and HEAD of one play link."""
        self.gate.check_open_request(asked.host, asked.headers.keys())
        grant = open_grant(self.links, self.revoked, self.kept.put_back, key, file, token)
        if asked.method == "HEAD":
            return self._head(grant)
        viewer = Viewer(
            grant.install,
            asked.remote_addr or "",
            asked.headers.get("User-Agent", ""),
            (grant.info_hash.key, str(grant.wanted)),
        )
        if "If-Match" in asked.headers:
            # VLC names the ETag of what it has had, also to a server that has started since.
            self.viewers.had_bytes(viewer)
        if self.clips is not None and (part := self.clips.again(asked, viewer)) is not None:
            return part
        start = first_offset(asked.headers.get("Range")) or 0
        join = partial(
            self.resolver.attempt,
            *(grant.install, grant.info_hash, grant.wanted, start),
            secure=self.secure(asked),
        )
        attempt = join()
        # The resolution and the first byte have one time together.
        until = time.monotonic() + self._patience(viewer)
        left = Event()
        with watched(asked.environ, left.set):
            resolution = attempt.wait(until - time.monotonic(), left)
        match resolution:
            case _ if left.is_set():
                response = Response(status=499)
            case None | Failure() if film := self._in_mid_film(grant, viewer, attempt):
                response = self._late(asked, viewer, film, join)
            case None:
                response = self._hold_on(asked, viewer, attempt)
            case Failure(problem):
                self.viewers.forget(viewer)
                response = self._refuse(asked, viewer, problem)
            case Redirect(link=link, served_by=served_by):
                self.viewers.had_bytes(viewer)
                response = _sent_elsewhere(link.url, served_by)
            case Stored():
                try:
                    response = self._stored(asked, viewer, attempt, resolution, until, join)
                except Problem as problem:
                    response = self._refuse(asked, viewer, problem)
        response.headers["X-Resolution"] = attempt.entry.id
        return response

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
        describe(response, grant.info_hash.key, file)
        response.content_length = file.length
        return response

    def _patience(self, viewer: Viewer) -> float:
        """How long to hold a request while the resolution runs, in seconds."""
        if self.viewers.is_watching(viewer):
            return WATCHING_HOLD
        return HOLD if self.viewers.hops(viewer) < MAX_HOPS else LAST_HOLD

    def _hold_on(self, asked: Request, viewer: Viewer, attempt: Attempt) -> Response:
        """Ask the player to come again; the work goes on meanwhile."""
        hop = self.viewers.hop(viewer)
        if hop > MAX_HOPS:
            self.viewers.forget(viewer)
            done = attempt.entry.steps[-1].what if attempt.entry.steps else "just begun"
            text = f"The film is still being looked for: {done}."
            problem = Problem("busy", text, "Try again in a moment.", retry_after=10)
            return self._refuse(asked, viewer, problem)
        response = Response(status=307)
        response.headers["Location"] = f"{itself(asked)}?hop={hop}"
        response.autocorrect_location_header = False
        response.cache_control.no_store = True
        return response

    def _refuse(self, asked: Request, viewer: Viewer, problem: Problem) -> Response:
        """It does not play: the Problem, or a clip that says it."""
        if self.clips is None:
            return problem_response(problem)
        return self.clips.refuse(asked, viewer, problem)

    def _stored(
        self,
        asked: Request,
        viewer: Viewer,
        attempt: Attempt,
        stored: Stored,
        until: float,
        join: Callable[[], Attempt],
    ) -> Response:
        response, part = film_head(asked, viewer.file[0], stored.file)
        if part is None:
            return response
        self._make_way(viewer)
        stream = stored.torrent.open(stored.file, part.start, part.stop)
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
        response.headers["X-Served-By"] = stored.served_by
        return self._attach(asked, viewer, response, stored.file, part, join, stream)

    def _first_byte(self, asked: Request, viewer: Viewer, stream: Stream, until: float) -> bool:
        """Whether the head may go out: a byte is in hand, or the viewer is in mid-film. Raises
        ConnectionAbortedError when the viewer leaves."""
        if self.viewers.is_watching(viewer):
            return True
        left = Event()

        def leave() -> None:
            left.set()
            stream.cancel()

        with watched(asked.environ, leave):
            try:
                return stream.wait_first(max(0.0, until - time.monotonic()))
            except ConnectionAbortedError:
                if left.is_set():
                    raise
                return False  # the server is stopping

    def _in_mid_film(self, grant: Grant, viewer: Viewer, attempt: Attempt) -> File | None:
        """The file, where its head goes out although nothing has been found yet."""
        if attempt.abandoned or not self.viewers.is_watching(viewer):
            return None
        match attempt.resolution:
            case Failure(problem) if problem.retry_after is None:
                return None
        metainfo = self.kept.metainfo(grant.info_hash)
        return select(metainfo, grant.wanted) if metainfo is not None else None

    def _late(
        self, asked: Request, viewer: Viewer, file: File, join: Callable[[], Attempt]
    ) -> Response:
        response, part = film_head(asked, viewer.file[0], file)
        if part is None:
            return response
        self._make_way(viewer)
        return self._attach(asked, viewer, response, file, part, join)

    def _make_way(self, viewer: Viewer) -> None:
        self.sender.make_room()
        self.sender.outrank(viewer)

    def _attach(
        self,
        asked: Request,
        viewer: Viewer,
        response: Response,
        file: File,
        part: ByteRange,
        join: Callable[[], Attempt],
        found: Stream | None = None,
    ) -> Response:
        """Let the body follow the head, whose length it has."""
        through_store = self.resolver.through_store
        stream: Sent = LateStream(join, through_store, part.start, part.stop, found)
        if self.next_episodes is not None:
            secure = self.secure(asked)
            stream = self.next_episodes.follow(stream, viewer, file, part.start, secure=secure)
        response.response = self.sender.body(
            asked.environ, stream, viewer, lambda: self.viewers.had_bytes(viewer)
        )
        response.call_on_close(stream.close)
        return response


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
        open_to_pages(response)
        response.headers["Access-Control-Expose-Headers"] = (
            "Content-Range, Content-Length, Accept-Ranges, ETag, X-Resolution, X-Served-By"
        )
        response.headers["Content-Security-Policy"] = "sandbox"
        # Default nginx would swallow the whole film into its buffers.
        response.headers["X-Accel-Buffering"] = "no"
        return response

    return routes
