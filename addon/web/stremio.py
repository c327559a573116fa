"""The Stremio face: manifest, catalog, meta and stream answers.

Stremio's core drops whatever does not fit its schema without a word: a key that is null, a
relative URL, a stream with both ``title`` and ``description``. So absent keys are left out, every
URL is absolute, and ``description`` is the only text.
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from flask import Blueprint, Request, Response, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from addon.access.gate import Gate
from addon.access.installs import Installs
from addon.access.links import Grant, Links
from addon.errors import Problem
from addon.library.catalogs import Catalogs, Details, Video
from addon.library.streams import StreamEntry, Streams, VideoId
from addon.library.titles import Title
from addon.torrents.magnet import InfoHash
from addon.torrents.names import display_name, extension, human_size
from addon.web.cors import open_to_pages
from addon.web.problems import not_found
from addon.web.subtitles import SubtitleLinks
from addon.web.urls import play_url, public_base

log = logging.getLogger(__name__)

NAME = "Self-Streme"
CATALOG = "library"
MANIFEST_FILE = Path(__file__).parents[2] / "manifest.json"
RESOURCES = {"catalog": "metas", "meta": "meta", "stream": "streams", "subtitles": "subtitles"}
"""Each resource and the key that its answer stands under."""

# Seconds. A film that was just added should be there when its owner looks for it.
KEEP = {"catalog": 10, "meta": 60, "stream": 30, "subtitles": 60}
# What is empty, or will change as soon as a torrent's metadata comes.
KEEP_PASSING = 5

# Browsers play these; anything else goes through Stremio's own converter, where there is one.
WEB_READY = frozenset({"mp4", "m4v", "webm"})

_SAMPLE = "A sample: an openly licensed film. It can be removed on the server's page."


@dataclass(frozen=True, slots=True)
class Asked:
    """One resource as Stremio asks for it."""

    resource: str
    kind: str
    id: str
    extra: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Stremio:
    """What the Stremio routes are made of."""

    gate: Gate
    installs: Installs
    links: Links
    catalogs: Catalogs
    streams: Streams
    base_url: str | None
    subtitles: SubtitleLinks
    p2p: bool = True
    peers: Callable[[InfoHash], int | None] = lambda _: None

    def enter(self, asked: Request, token: str | None) -> str:
        """The id of the install that asks, empty for none; ``not-found`` where one is needed."""
        self.gate.check_open_request(asked.host, asked.headers.keys())
        if token is None:
            if self.gate.is_open:
                return ""
            raise not_found()
        install = self.installs.open(token)
        if install is None:
            raise not_found()
        return install.id

    def answer(self, asked: Asked, install: str, base: str) -> tuple[dict[str, Any], int]:
        """The body, and for how many seconds it may be kept."""
        key, keep = RESOURCES[asked.resource], KEEP[asked.resource]
        if asked.resource == "meta":
            details = self.catalogs.details(asked.id)
            if details is None:
                # The one resource without an empty answer: an error sends the player elsewhere.
                raise not_found()
            return {key: _meta(details)}, keep if details.complete else KEEP_PASSING
        items, passing = self._list(asked, install, base)
        return {key: items}, KEEP_PASSING if passing or not items else keep

    def _list(self, asked: Asked, install: str, base: str) -> tuple[list[dict[str, Any]], bool]:
        """The items of the resource, and whether they will soon be others."""
        if asked.resource == "catalog" and asked.id == CATALOG:
            skip = asked.extra.get("skip", "")
            number = int(skip) if skip.isascii() and skip.isdecimal() and len(skip) < 10 else 0
            search = asked.extra.get("search", "")
            return [_preview(t) for t in self.catalogs.page(asked.kind, search, number)], False
        if asked.resource == "stream":
            found = self.streams.find(VideoId.parse(asked.id))
            return (
                [self._stream(entry, install, base) for entry in found],
                any(entry.file is None for entry in found),
            )
        if asked.resource == "subtitles":
            entries = self.streams.find(VideoId.parse(asked.id))
            return self.subtitles.of_video(base, entries, asked.extra, install), False
        return [], False

    def _stream(self, entry: StreamEntry, install: str, base: str) -> dict[str, Any]:
        release, file = entry.release, entry.file
        grant = self.links.seal(Grant(entry.info_hash, entry.wanted, install))
        url = play_url(base, entry.info_hash, entry.wanted, grant, file.name if file else None)
        quality = " ".join(word for word in (release.resolution, release.hdr) if word)
        hints: dict[str, Any] = {"bingeGroup": _binge_group(entry)}
        if file is not None:
            hints["filename"] = display_name(file.name)
            hints["videoSize"] = file.length
            fingerprint = self.subtitles.fingerprint(entry.info_hash, file)
            if fingerprint is not None:
                hints["videoHash"] = fingerprint
        in_browsers = file is not None and extension(file.name) in WEB_READY
        if not (in_browsers and url.startswith("https://")):
            hints["notWebReady"] = True
        stream: dict[str, Any] = {
            "name": f"{NAME}\n{quality}" if quality else NAME,
            "description": "\n".join([*_names(entry), self._facts(entry)]),
            "url": url,
            "behaviorHints": hints,
        }
        subtitles = self.subtitles.for_stremio(base, entry.info_hash, file, install)
        if subtitles:
            stream["subtitles"] = subtitles
        return stream

    def _facts(self, entry: StreamEntry) -> str:
        """Size, kind of release, and where its bytes come from."""
        release, file = entry.release, entry.file
        facts = [human_size(file.length)] if file is not None else ["size not known yet"]
        facts += [word for word in (release.source, release.codec, release.audio) if word]
        facts.append("P2P" if self.p2p else "HTTP sources")
        # Only of a torrent that is active: listing starts none.
        peers = self.peers(entry.info_hash) if self.p2p else None
        if peers is not None:
            facts.append(f"{peers} peer{'' if peers == 1 else 's'}")
        return " · ".join(facts)


def blueprint(stremio: Stremio) -> Blueprint:
    """The routes; each exists with and without an install token in front."""
    routes = Blueprint("stremio", __name__)
    manifest = json.loads(MANIFEST_FILE.read_text())

    def add(rule: str, name: str, view: Any) -> None:
        for prefix in ("", "/<token>"):
            routes.add_url_rule(
                prefix + rule,
                f"install-{name}" if prefix else name,
                view,
                methods=["GET", "OPTIONS"],
                provide_automatic_options=False,
            )

    def manifest_json(token: str | None = None) -> Response:
        stremio.enter(request, token)
        return _answer(manifest, "no-cache")

    def configure(token: str | None = None) -> BaseResponse:  # noqa: ARG001
        return redirect(public_base(request, stremio.base_url) + "/")

    def resource(token: str | None = None, **_: str) -> Response:
        # Flask has decoded the path, so what it found is taken for the choice of the route only.
        token, asked = _asked(request, has_token=token is not None)
        install = stremio.enter(request, token)
        base = public_base(request, stremio.base_url)
        try:
            body, keep = stremio.answer(asked, install, base)
        except Problem:
            raise
        except Exception:
            if asked.resource == "meta":
                raise
            # The border: for a player an error hides everything else that it would list.
            log.exception("no %s for %s %s", asked.resource, asked.kind, display_name(asked.id))
            return _answer({RESOURCES[asked.resource]: []}, "no-store")
        # Links are for whoever asked: no cache between us may hand them to others.
        return _answer(body, f"private, max-age={keep}")

    add("/manifest.json", "manifest", manifest_json)
    add("/configure", "configure", configure)
    for name in RESOURCES:
        add(f"/{name}/<kind>/<path:rest>", name, resource)

    @routes.before_request
    def preflight() -> Response | None:
        return Response(status=204) if request.method == "OPTIONS" else None

    routes.after_request(open_to_pages)
    return routes


def _asked(request: Request, *, has_token: bool) -> tuple[str | None, Asked]:
    """The install token and the resource, from the path as it was sent.

    The decoded path is ambiguous: in ``search=a%2Fb`` and in an id with a slash there would be more
    segments. A server other than gunicorn may not hand over the raw one.
    """
    raw = str(request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or request.path)
    path = raw.partition("?")[0] if raw.startswith("/") else urlsplit(raw).path
    segments = path.removeprefix("/").split("/")
    token = unquote(segments.pop(0)) if has_token else None
    if len(segments) not in (3, 4) or not segments[-1].endswith(".json"):
        raise not_found()
    segments[-1] = segments[-1].removesuffix(".json")
    resource, kind, identifier = map(unquote, segments[:3])
    if resource not in RESOURCES:
        raise not_found()
    # Stremio writes a space as %20 and a plus as %2B; a bare plus is a space to others.
    extra = dict(parse_qsl(segments[3], keep_blank_values=True)) if len(segments) == 4 else {}
    return token, Asked(resource, kind, identifier, extra)


def _answer(body: dict[str, Any], cache: str) -> Response:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    response = Response(text, content_type="application/json; charset=utf-8")
    response.headers["Cache-Control"] = cache
    return response


def _preview(title: Title) -> dict[str, Any]:
    name = f"{title.name} (sample)" if title.sample else title.name
    preview: dict[str, Any] = {"id": title.id, "type": title.type, "name": name}
    if title.year:
        preview["releaseInfo"] = str(title.year)
    if title.sample:
        preview["description"] = _SAMPLE
    return preview


def _meta(details: Details) -> dict[str, Any]:
    meta = _preview(details.title)
    lines = [_SAMPLE] if details.title.sample else []
    lines += details.releases
    if not details.complete:
        lines.append("What the torrent holds is not known yet.")
    if lines:
        meta["description"] = "\n".join(lines)
    if details.videos:
        meta["videos"] = [_video(video) for video in details.videos]
    return meta


def _video(video: Video) -> dict[str, Any]:
    shaped: dict[str, Any] = {
        "id": video.id,
        "title": f"Episode {video.episode}",
        "season": video.season,
        "episode": video.episode,
    }
    if video.file:
        shaped["overview"] = video.file
    return shaped


def _names(entry: StreamEntry) -> list[str]:
    """The torrent's name, and the file's if it is another one."""
    names = [display_name(entry.name)] if entry.name else []
    if entry.file is not None and display_name(entry.file.name) not in names:
        names.append(display_name(entry.file.name))
    return names


def _binge_group(entry: StreamEntry) -> str:
    """What the next episode has in common with this one: the pack, or the kind of release."""
    release = entry.release
    alike = (release.resolution, release.hdr, release.group)
    if entry.pack or not any(alike):
        return f"self-streme|{entry.info_hash.key}"
    return "|".join(("self-streme", *(word or "" for word in alike)))
