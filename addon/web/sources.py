"""``/api/sources``: who may be asked for films, what is known of each, and trying them."""

from collections.abc import Callable
from typing import Any, Protocol

from flask import Blueprint, Request, Response, jsonify, request

from addon.errors import Problem
from addon.sources.base import Media
from addon.sources.finder import Found, Sources, media_of
from addon.sources.registry import Entry, Registry
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.metainfo import Metainfo
from addon.torrents.selection import FileIndex, MainVideo, select
from addon.web.bodies import TOO_LARGE, drain, read_object

MAX_WORKING = 12


class Kept(Protocol):
    """What is kept of each torrent (``playback.torrents.Torrents``)."""

    def magnet(self, info_hash: InfoHash) -> Magnet | None: ...
    def metainfo(self, info_hash: InfoHash) -> Metainfo | None: ...


def blueprint(
    require_access: Callable[[Request], None], registry: Registry, sources: Sources, kept: Kept
) -> Blueprint:
    """The routes; ``require_access`` raises for whoever may not use the API."""
    routes = Blueprint("sources", __name__, url_prefix="/api/sources")

    @routes.before_request
    def enter() -> None:
        require_access(request)

    @routes.after_request
    def never_stored(response: Response) -> Response:
        response.headers["Cache-Control"] = "no-store"
        if response.status_code == TOO_LARGE:
            drain(request)
        return response

    @routes.get("")
    def listed() -> Response:
        return jsonify({"sources": [_shape(entry, sources) for entry in registry.all()]})

    @routes.get("/stats")
    def stats() -> Response:
        entries = [entry for entry in registry.all() if entry.enabled]
        shaped = [
            {
                "name": entry.source.name,
                "priority": entry.source.priority,
                "note": entry.source.note,
                **_health(entry.source.name, sources),
            }
            for entry in entries
        ]
        return jsonify({"totalSources": registry.total, "sources": shaped})

    @routes.post("")
    def add() -> tuple[Response, int]:
        return jsonify(_shape(registry.add(_fields(request)), sources)), 201

    @routes.patch("/<path:name>")
    def change(name: str) -> Response:
        return jsonify(_shape(registry.change(name, _fields(request)), sources))

    @routes.delete("/<path:name>")
    def remove(name: str) -> tuple[str, int]:
        registry.remove(name)
        return "", 204

    @routes.post("/test")
    def test() -> Response:
        fields = _fields(request)
        tried = sources.test(_media(fields, kept), _most(fields))
        return jsonify(
            {
                "working": [_shape_working(found) for found in tried if found.works],
                "tried": [_shape_tried(found) for found in tried],
            }
        )

    return routes


def _fields(asked: Request) -> dict[str, Any]:
    fields = read_object(asked)
    if fields is None:
        raise _bad("the body is no JSON object")
    return fields


def _media(fields: dict[str, Any], kept: Kept) -> Media:
    text = fields.get("infoHash")
    if not isinstance(text, str):
        raise _bad('it has no text "infoHash"')
    info_hash = InfoHash.from_key(text)
    metainfo = kept.metainfo(info_hash)
    name, index = fields.get("fileName"), fields.get("fileIndex")
    if name is not None and not isinstance(name, str):
        raise _bad('"fileName" is no text')
    if index is not None and (isinstance(index, bool) or not isinstance(index, int)):
        raise _bad('"fileIndex" is not a whole number')
    if metainfo is not None and not name:
        wanted = MainVideo() if index is None else FileIndex(index)
        name = select(metainfo, wanted).path
    media = media_of(text, name or "", metainfo)
    magnet = kept.magnet(info_hash)
    return media if magnet is None else media.knowing(magnet)


def _most(fields: dict[str, Any]) -> int:
    most = fields.get("max", 1)
    if isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= MAX_WORKING:
        raise _bad(f'"max" is not a whole number from 1 to {MAX_WORKING}')
    return most


def _bad(what: str) -> Problem:
    return Problem(
        "bad-request", f"The sources were not asked: {what}.", 'Send {"infoHash": "…"} as JSON.'
    )


def _shape(entry: Entry, sources: Sources) -> dict[str, Any]:
    source = entry.source
    return {
        "name": source.name,
        "priority": source.priority,
        "kind": source.kind.value,
        "trust": source.trust.value,
        "enabled": entry.enabled,
        "needsMetadata": source.needs_metadata,
        "supportsResume": source.resumable,
        "redirect": source.redirect,
        "note": source.note,
        "health": _health(source.name, sources),
    }


def _health(name: str, sources: Sources) -> dict[str, Any]:
    health, now = sources.experience.of(name), sources.experience.now()
    return {
        "score": round(health.chance(now), 3),
        "successes": round(health.ok, 2),
        "failures": round(health.bad, 2),
        "ttfb": health.ttfb,
        "restsFor": round(max(0.0, health.cool_until - now), 1),
        "last": health.last,
    }


def _shape_working(found: Found) -> dict[str, Any]:
    return {
        "name": found.name,
        "url": found.url,
        "verified": found.verified,
        "ttfb": found.ttfb,
        "size": found.size,
    }


def _shape_tried(found: Found) -> dict[str, Any]:
    return {
        "name": found.name,
        "verdict": found.verdict.value,
        "reason": found.reason,
        "ttfb": found.ttfb,
    }
