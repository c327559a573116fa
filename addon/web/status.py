"""``/status``: whether a play link plays now, for a media centre that shows its progress.

Its address has the three parts of the play link, ``/play/<info hash>/<file>/<grant>/…``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Request, Response, json, request

from addon.access.gate import Gate
from addon.access.installs import RevokedStore
from addon.access.links import Links
from addon.playback.readiness import Film, Readiness, Standing
from addon.torrents.magnet import Magnet
from addon.torrents.names import content_type
from addon.web.cors import open_to_pages
from addon.web.grants import open_grant


@dataclass(frozen=True, slots=True)
class Status:
    """What the status endpoint is made of."""

    gate: Gate
    links: Links
    revoked: RevokedStore
    readiness: Readiness
    secure: Callable[[Request], bool]
    put_back: Callable[[Magnet], None] = lambda _: None

    def answer(self, asked: Request, key: str, file: str, token: str) -> dict[str, Any]:
        """How the film of one link stands, as JSON; asking begins to make it ready."""
        self.gate.check_open_request(asked.host, asked.headers.keys())
        grant = open_grant(self.links, self.revoked, self.put_back, key, file, token)
        film = Film(grant.install, grant.info_hash, grant.wanted, self.secure(asked))
        return _shape(self.readiness.look(film, again=asked.args.get("again") == "1"))


def blueprint(status: Status) -> Blueprint:
    """The route; only a GET begins anything."""
    routes = Blueprint("status", __name__)

    @routes.route(
        "/status/<key>/<file>/<token>",
        methods=["GET", "HEAD", "OPTIONS"],
        provide_automatic_options=False,
    )
    def standing(key: str, file: str, token: str) -> Response:
        if request.method != "GET":
            return Response(status=204)
        body = json.dumps(status.answer(request, key, file, token))
        return Response(body, content_type="application/json; charset=utf-8")

    @routes.after_request
    def guarded(response: Response) -> Response:
        response.headers["Cache-Control"] = "no-store"
        return open_to_pages(response)

    return routes


def _shape(standing: Standing) -> dict[str, Any]:
    shaped: dict[str, Any] = {
        "state": standing.state,
        "step": standing.step,
        "peers": standing.peers,
        "downloadRate": standing.download_rate,
        "progress": round(standing.progress, 3),
        "sources": list(standing.sources),
    }
    if standing.file is not None:
        shaped["fileName"] = standing.file.name
        shaped["length"] = standing.file.length
        shaped["contentType"] = content_type(standing.file.name)
    if standing.problem is not None:
        problem = standing.problem
        shaped["problem"] = {
            "code": problem.code,
            "detail": problem.detail,
            "hint": problem.hint,
        }
    return shaped
