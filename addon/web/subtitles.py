"""``/subtitles-file``: a subtitle file of a torrent as SRT or WebVTT, and the links to them.

``/subtitles-file/<info hash>/<file>/<grant>/<name>.<language>.<srt|vtt>``: media centres read the
language in the name, and the last extension chooses the format.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import get_args

from flask import Blueprint, Request, Response, request
from gevent.event import Event

from addon.access.gate import Gate
from addon.access.installs import RevokedStore
from addon.access.links import Grant, Links
from addon.library.sidecars import Sidecars
from addon.library.streams import StreamEntry
from addon.library.subtitles import MAX_LENGTH, Format, converted, spoken
from addon.playback.ranges import etag_listed
from addon.playback.whole import WholeFiles
from addon.torrents.languages import language
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.metainfo import File, Metainfo
from addon.torrents.names import content_disposition, display_name, extension
from addon.torrents.selection import FileIndex
from addon.torrents.subtitles import Subtitle
from addon.web.cors import open_to_pages
from addon.web.grants import open_grant
from addon.web.problems import not_found
from addon.web.sockets import watched
from addon.web.urls import subtitle_url

# A router in front cuts at 30 s without a byte.
PATIENCE = 20.0
# The text of a file never changes; how we write it may.
WRITING = 1
KINDS = {"srt": "application/x-subrip; charset=utf-8", "vtt": "text/vtt; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class SubtitleLinks:
    """Names the subtitles of a video, with a link for each; ``fingerprint`` is its ``videoHash``
    as far as that is known."""

    links: Links
    sidecars: Sidecars
    fingerprint: Callable[[InfoHash, File], str | None] = lambda *_: None

    def for_stremio(
        self, base: str, info_hash: InfoHash, video: File | None, install: str
    ) -> list[dict[str, str]]:
        """Each as Stremio's Subtitles object; none while the video's file is not known."""
        if video is None:
            return []
        return [
            {
                "id": f"{info_hash.key}-{subtitle.file.index}",
                "lang": subtitle.language,
                "label": subtitle.label,
                "url": self._url(base, info_hash, video, subtitle, install, "srt"),
            }
            for subtitle in self.sidecars.of(info_hash, video)
        ]

    def of_video(
        self, base: str, entries: Iterable[StreamEntry], told: Mapping[str, str], install: str
    ) -> list[dict[str, str]]:
        """Those of all files of a video, each once; first of the file that a player has ``told``
        of by its ``videoHash``, or by ``filename`` and ``videoSize``."""
        ordered = sorted(entries, key=lambda entry: not self._is_told(entry, told))
        found = (self.for_stremio(base, e.info_hash, e.file, install) for e in ordered)
        return list({item["id"]: item for items in found for item in items}.values())

    def _is_told(self, entry: StreamEntry, told: Mapping[str, str]) -> bool:
        file = entry.file
        if file is None:
            return False
        if "videoHash" in told and told["videoHash"] == self.fingerprint(entry.info_hash, file):
            return True
        same_name = told.get("filename") == display_name(file.name)
        return same_name and told.get("videoSize", str(file.length)) == str(file.length)

    def for_pages(self, base: str, metainfo: Metainfo, video: File) -> list[dict[str, str]]:
        """Each as the API tells it: ``lang`` is what HTML calls ``srclang``."""
        return [
            {
                "lang": language(subtitle.language).short,
                "label": subtitle.label,
                "url": self._url(base, metainfo.info_hash, video, subtitle, "", "vtt"),
            }
            for subtitle in self.sidecars.among(metainfo, video)
        ]

    def _url(
        self,
        base: str,
        info_hash: InfoHash,
        video: File,
        subtitle: Subtitle,
        install: str,
        form: Format,
    ) -> str:
        grant = self.links.seal(Grant(info_hash, FileIndex(subtitle.file.index), install))
        return subtitle_url(base, info_hash, subtitle, grant, video.name, form)


@dataclass(frozen=True, slots=True)
class SubtitleFiles:
    """What the route is made of."""

    gate: Gate
    links: Links
    revoked: RevokedStore
    put_back: Callable[[Magnet], None]
    files: WholeFiles
    sidecars: Sidecars

    def answer(self, asked: Request, key: str, file: str, token: str, name: str) -> Response:
        """GET and HEAD of one subtitle link; only GET begins anything."""
        self.gate.check_open_request(asked.host, asked.headers.keys())
        grant = open_grant(self.links, self.revoked, self.put_back, key, file, token)
        form = _format(name)
        if form is None or not isinstance(grant.wanted, FileIndex):
            raise not_found()
        index = grant.wanted.index
        etag = f'"{grant.info_hash.key}-{index}-{form}-{WRITING}"'
        response = Response(content_type=KINDS[form])
        response.headers["ETag"] = etag
        response.headers["Cache-Control"] = "private, max-age=86400"
        response.headers["Content-Disposition"] = content_disposition(name)
        response.automatically_set_content_length = False
        if etag_listed(asked.headers.get("If-None-Match"), etag):
            response.status_code = 304
        elif asked.method == "GET":
            text = self._text(asked, grant, index, form)
            if text is None:
                return Response(status=499)
            response.automatically_set_content_length = True
            response.set_data(text.encode())
        return response

    def _text(self, asked: Request, grant: Grant, index: int, form: Format) -> str | None:
        """The text; None when nobody waits for it any more."""
        gone = Event()
        try:
            with watched(asked.environ, gone.set):
                name, data = self.files.read(
                    grant.install,
                    grant.info_hash,
                    index,
                    most=MAX_LENGTH,
                    timeout=PATIENCE,
                    gone=gone,
                )
        except ConnectionAbortedError:
            if gone.is_set():
                return None
            raise
        text = converted(data, name, form)
        self.sidecars.learn(grant.info_hash, index, spoken(text))
        return text


def blueprint(subtitles: SubtitleFiles) -> Blueprint:
    """The route."""
    routes = Blueprint("subtitles", __name__)

    @routes.route(
        "/subtitles-file/<key>/<file>/<token>/<path:name>",
        methods=["GET", "HEAD", "OPTIONS"],
        provide_automatic_options=False,
    )
    def subtitle(key: str, file: str, token: str, name: str) -> Response:
        if request.method == "OPTIONS":
            return Response(status=204)
        return subtitles.answer(request, key, file, token, name)

    @routes.after_request
    def guarded(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = "sandbox"
        return open_to_pages(response)

    return routes


def _format(name: str) -> Format | None:
    wanted = extension(name)
    return next((form for form in get_args(Format) if form == wanted), None)
