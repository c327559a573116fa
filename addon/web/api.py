"""``/api``: torrents and resolutions, for the front page and for other programs."""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Request, Response, jsonify, request

from addon.access.gate import Gate
from addon.access.links import Grant, Links
from addon.errors import Problem
from addon.library.titles import Title
from addon.playback.journal import Entry, Journal
from addon.playback.torrents import About, Listed, Torrents
from addon.torrents.magnet import InfoHash, parse_magnet
from addon.torrents.metainfo import File, Metainfo
from addon.torrents.selection import FileIndex, MainVideo, Wanted
from addon.web.bodies import MAX_JSON, TOO_LARGE, drain, read_body, read_object
from addon.web.problems import not_found
from addon.web.sessions import Sessions
from addon.web.subtitles import SubtitleLinks
from addon.web.urls import play_url, public_base

log = logging.getLogger(__name__)

MAX_TORRENT = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Api:
    """What the API is made of."""

    gate: Gate
    sessions: Sessions
    links: Links
    torrents: Torrents
    journal: Journal
    base_url: str | None
    subtitles: SubtitleLinks
    title_of: Callable[[InfoHash], Title | None] = lambda _: None

    def require_access(self, asked: Request) -> None:
        """Raise ``not-found`` unless this request may use the API."""
        self.gate.check_open_request(asked.host, asked.headers.keys())
        self._require_same_origin(asked)
        if self.gate.is_open or self.gate.bearer_ok(asked.headers.get("Authorization")):
            return
        if self.sessions.ok(asked):
            return
        raise not_found()

    def _require_same_origin(self, asked: Request) -> None:
        """A page elsewhere must not use a visitor's server: browsers name their Origin."""
        origin = asked.headers.get("Origin")
        ours = {asked.host}
        if self.base_url:
            ours.add(urlsplit(self.base_url).netloc)
        if origin and urlsplit(origin).netloc not in ours:
            raise not_found()

    def shape(self, listed: Listed, base: str) -> dict[str, Any]:
        """One torrent as JSON (DESIGN: shapes)."""
        metainfo = listed.metainfo
        info_hash = listed.magnet.info_hash
        shaped: dict[str, Any] = {
            "infoHash": info_hash.key,
            "status": listed.status,
            "files": [self._shape_file(base, metainfo, f) for f in metainfo.files]
            if metainfo
            else [],
            "playUrl": self._play(base, info_hash, MainVideo(), None),
            "progress": listed.verified_bytes / metainfo.total_size
            if metainfo and metainfo.total_size
            else 0.0,
            "verifiedBytes": listed.verified_bytes,
            "downloadRate": listed.progress.download_rate,
            "peers": listed.progress.peers,
            "readers": listed.readers,
            "sources": list(listed.sources),
            "active": listed.active,
        }
        title = self.title_of(info_hash)
        if title is not None:
            shaped["title"] = {"id": title.id, "type": title.type, "name": title.name}
            shaped["sample"] = title.sample
        if listed.name:
            shaped["name"] = listed.name
        if metainfo:
            shaped["length"] = metainfo.total_size
        if listed.problem is not None:
            shaped["problem"] = _shape_problem(listed.problem)
        return shaped

    def _shape_file(self, base: str, metainfo: Metainfo, file: File) -> dict[str, Any]:
        shaped: dict[str, Any] = {
            "index": file.index,
            "path": file.path,
            "length": file.length,
            "playUrl": self._play(base, metainfo.info_hash, FileIndex(file.index), file),
        }
        subtitles = self.subtitles.for_pages(base, metainfo, file)
        if subtitles:
            shaped["subtitles"] = subtitles
        return shaped

    def _play(self, base: str, info_hash: InfoHash, wanted: Wanted, file: File | None) -> str:
        grant = self.links.seal(Grant(info_hash, wanted, ""))
        return play_url(base, info_hash, wanted, grant, file.name if file else None)


def blueprint(api: Api) -> Blueprint:
    """The API's routes."""
    routes = Blueprint("api", __name__, url_prefix="/api")

    @routes.before_request
    def enter() -> None:
        api.require_access(request)

    @routes.after_request
    def never_stored(response: Response) -> Response:
        response.headers["Cache-Control"] = "no-store"
        if response.status_code == TOO_LARGE:
            drain(request)
        return response

    @routes.post("/torrents")
    def add() -> tuple[Response, int]:
        listed = _add(api.torrents, request)
        shaped = api.shape(listed, public_base(request, api.base_url))
        return jsonify(shaped), 202 if listed.metainfo is None else 201

    @routes.get("/torrents")
    def torrents() -> Response:
        base = public_base(request, api.base_url)
        return jsonify({"torrents": [api.shape(listed, base) for listed in api.torrents.list()]})

    @routes.get("/torrents/<key>")
    def torrent(key: str) -> Response:
        listed = api.torrents.get(_info_hash(key))
        return jsonify(api.shape(listed, public_base(request, api.base_url)))

    @routes.delete("/torrents/<key>")
    def remove(key: str) -> tuple[str, int]:
        api.torrents.remove(_info_hash(key))
        return "", 204

    @routes.get("/resolutions")
    def resolutions() -> Response:
        entries = api.journal.newest(request.args.get("infoHash"))
        return jsonify({"resolutions": [_shape_entry(entry) for entry in entries]})

    @routes.get("/resolutions/<entry_id>")
    def resolution(entry_id: str) -> Response:
        entry = api.journal.get(entry_id)
        if entry is None:
            raise Problem("not-found", "No such resolution is kept (any more).", "List them all.")
        return jsonify(_shape_entry(entry))

    return routes


def _info_hash(key: str) -> InfoHash:
    try:
        return InfoHash.from_key(key)
    except Problem:
        raise Problem(
            "not-found",
            "This is not an info hash: 40 or 64 hexadecimal digits are one.",
            "List the torrents to see theirs.",
        ) from None


def _add(torrents: Torrents, asked: Request) -> Listed:
    kind = asked.mimetype
    if kind == "application/x-bittorrent":
        return torrents.add_torrent(read_body(asked, MAX_TORRENT), _about(dict(asked.args)))
    if kind == "multipart/form-data":
        # The form's own framing comes on top of the file.
        asked.max_content_length = MAX_TORRENT + MAX_JSON
        upload = asked.files.get("torrent")
        if upload is None:
            raise _bad('the form has no field "torrent"')
        return torrents.add_torrent(upload.read(MAX_TORRENT + 1), _about(dict(asked.form)))
    fields = read_object(asked)
    if fields is None or not isinstance(fields.get("magnetUri"), str):
        raise _bad('the body is not JSON with a text "magnetUri"')
    return torrents.add_magnet(parse_magnet(fields["magnetUri"]), _about(fields))


def _about(fields: dict[str, Any]) -> About:
    imdb_id = fields.get("imdbId") or None
    if imdb_id is not None and not (
        isinstance(imdb_id, str)
        and imdb_id.isascii()
        and imdb_id.startswith("tt")
        and imdb_id[2:].isdecimal()
        and len(imdb_id) <= 12
    ):
        raise _bad('"imdbId" is not like tt1234567')
    season, episode = _number(fields, "season"), _number(fields, "episode")
    if (season is None) != (episode is None):
        raise _bad('"season" and "episode" belong together')
    return About(imdb_id, season, episode, _number(fields, "fileIndex"))


def _number(fields: dict[str, Any], name: str) -> int | None:
    value = fields.get(name)
    if value is None or value == "":
        return None
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdecimal() and len(text) <= 5):
        raise _bad(f'"{name}" is not a whole number')
    return int(text)


def _bad(what: str) -> Problem:
    return Problem(
        "bad-request",
        f"The torrent was not added: {what}.",
        'Send {"magnetUri": "magnet:?xt=…"} as JSON, or a .torrent file.',
    )


def _shape_entry(entry: Entry) -> dict[str, Any]:
    steps = [
        {name: value for name, value in asdict(step).items() if value is not None}
        for step in entry.steps
    ]
    shaped = {
        "id": entry.id,
        "infoHash": entry.info_hash,
        "file": entry.file,
        "fileIndex": entry.file_index,
        "outcome": entry.outcome,
        "source": entry.source,
        "startedAt": entry.started_at,
        "duration": entry.duration,
        "problem": _shape_problem(entry.problem) if entry.problem is not None else None,
        "steps": steps,
    }
    return {name: value for name, value in shaped.items() if value is not None}


def _shape_problem(problem: Problem) -> dict[str, str]:
    return {"code": problem.code, "detail": problem.detail, "hint": problem.hint}
