"""From a video to something that Kodi can play: choose, wait until it is ready, hand over."""

from __future__ import annotations

import mimetypes
import time
from typing import Any

import xbmc
import xbmcgui

from . import choosing, rows
from .errors import AddonError
from .http import Json
from .memory import Memory
from .server import Server, stream_key
from .settings import Settings
from .words import Word, say

POLL = 0.5  # seconds
FEW_FAILURES = 3
NO_NEWS = 90.0  # seconds; a server that works answers "failed" long before
MATROSKA = "video/x-matroska"
TYPES = {".mkv": MATROSKA, ".ts": "video/mp2t", ".m2ts": "video/mp2t", ".avi": "video/x-msvideo"}


class Playing:
    """Makes one video ready. Nothing here starts a player: Kodi does, and so its own resume
    points, watched marks and next-up work."""

    def __init__(self, server: Server, settings: Settings, memory: Memory) -> None:
        self._server = server
        self._settings = settings
        self._memory = memory
        self._monitor = xbmc.Monitor()

    def prepare(self, asked: dict[str, str]) -> xbmcgui.ListItem | None:
        """What Kodi is to play; None if the viewer thought better of it."""
        video = video_id(asked)
        stream = self._chosen(asked, video)
        if stream is None:
            return None
        status = self._ready(stream)
        if status is None:
            return None
        if "season" in asked:
            self._memory.played(asked["id"], choosing.group(stream))
        item = self._item(stream, status, self._subtitles(asked, video, stream))
        self._describe(item, asked)
        return item

    def choose(self, asked: dict[str, str]) -> bool:
        """Have the viewer choose the stream that the next play of the video is to take."""
        video = video_id(asked)
        stream = self._ask(asked, self._streams(asked, video))
        if stream is not None:
            self._memory.choose(video, stream_key(stream))
        return stream is not None

    def _streams(self, asked: dict[str, str], video: str) -> list[Json]:
        streams = self._server.streams(asked["type"], video)
        if not streams:
            raise AddonError(say(Word.NO_STREAM), say(Word.ADD_TORRENT))
        return choosing.ordered(streams, self._settings.most_lines)

    def _chosen(self, asked: dict[str, str], video: str) -> Json | None:
        streams = self._streams(asked, video)
        place = choosing.place(
            streams,
            chosen=self._memory.take_choice(video),
            remembered=self._remembered(asked),
        )
        if place is None and (self._settings.play_best or len(streams) == 1):
            place = 0
        return streams[place] if place is not None else self._ask(asked, streams)

    def _remembered(self, asked: dict[str, str]) -> str:
        return self._memory.group(asked["id"]) if "season" in asked else ""

    def _ask(self, asked: dict[str, str], streams: list[Json]) -> Json | None:
        items: list[str | xbmcgui.ListItem] = []
        for stream in streams:
            label, facts = choosing.labels(stream)
            items.append(xbmcgui.ListItem(label, facts, offscreen=True))
        before = choosing.place(streams, remembered=self._remembered(asked))
        number = xbmcgui.Dialog().select(
            say(Word.CHOOSE_SOURCE), items, preselect=before or 0, useDetails=True
        )
        return streams[number] if number >= 0 else None

    def _ready(self, stream: Json) -> Json | None:
        """The status of a stream that can be played; None if the viewer cancels."""
        url = stream["url"]
        status = self._poll(url, again=True)
        if status is not None and status["state"] == "ready":
            return status
        dialog = xbmcgui.DialogProgress()
        dialog.create(say(Word.PREPARING), progress_text(status or {}))
        try:
            return self._wait(url, status, dialog)
        finally:
            dialog.close()

    def _wait(self, url: str, status: Json | None, dialog: Any) -> Json | None:
        failures, news, since = 0, status, time.monotonic()
        while True:
            if status is None:
                failures += 1
            else:
                failures = 0
                if status["state"] == "ready":
                    return status
                if status["state"] == "failed":
                    raise told(status)
                dialog.update(percent(status), progress_text(status))
            if status is not None and status != news:
                news, since = status, time.monotonic()
            if time.monotonic() - since > NO_NEWS:
                raise AddonError(say(Word.NO_NEWS, int(NO_NEWS)), say(Word.TRY_ANOTHER))
            if self._monitor.waitForAbort(POLL) or dialog.iscanceled():
                return None
            status = self._poll(url, last=failures >= FEW_FAILURES)

    def _poll(self, url: str, *, again: bool = False, last: bool = False) -> Json | None:
        """None for no answer, which may be an accident; but not if it was the ``last`` try."""
        try:
            status = self._server.status(url, again=again)
        except AddonError as failure:
            if last or not failure.passing:
                raise
            return None
        return {**status, "state": str(status.get("state"))}

    def _subtitles(self, asked: dict[str, str], video: str, stream: Json) -> list[str]:
        """Addresses of subtitles. Those in a torrent are known once its metadata is: ask again."""
        hints = stream.get("behaviorHints") or {}
        if not stream.get("subtitles") and not hints.get("filename"):
            torrent = stream_key(stream).partition("/")[0]
            try:
                now = self._server.streams(asked["type"], video)
            except AddonError:
                now = []  # the film can be played all the same
            same = [s for s in now if torrent and stream_key(s).partition("/")[0] == torrent]
            stream = same[0] if len(same) == 1 else stream
        found = stream.get("subtitles") or []
        return [str(each["url"]) for each in found if isinstance(each, dict) and each.get("url")]

    def _item(self, stream: Json, status: Json, subtitles: list[str]) -> xbmcgui.ListItem:
        item = xbmcgui.ListItem(path=stream["url"], offscreen=True)
        hints = stream.get("behaviorHints") or {}
        name = str(status.get("fileName") or hints.get("filename") or "")
        if kind := str(status.get("contentType") or "") or content_type(name):
            # Otherwise Kodi asks for the film two or three times before it plays it.
            item.setMimeType(kind)
            item.setContentLookup(False)
        if subtitles:
            item.setSubtitles(subtitles)
        return item

    def _describe(self, item: xbmcgui.ListItem, asked: dict[str, str]) -> None:
        """For a play from elsewhere than our lists: a favourite, a remote control, the queue."""
        try:
            meta = self._server.title(asked["type"], asked["id"])
        except AddonError:
            return
        numbers = (asked.get("season"), asked.get("episode"))
        videos = rows.episodes(meta)
        video = next((v for v in videos if tuple(map(str, rows.numbers(v))) == numbers), None)
        if meta.get("name") and (video is not None or "season" not in asked):
            rows.describe(item, meta, video)


def video_id(asked: dict[str, str]) -> str:
    """The server's name for what is to be played."""
    if "season" in asked:
        return f"{asked['id']}:{asked['season']}:{asked['episode']}"
    return asked["id"]


def told(status: Json) -> AddonError:
    """What the server says of a film that it could not make ready."""
    problem = status.get("problem")
    if not isinstance(problem, dict) or not problem.get("detail"):
        return AddonError(say(Word.NO_STREAM), say(Word.TRY_ANOTHER))
    return AddonError(str(problem["detail"]), str(problem.get("hint") or ""))


def percent(status: Json) -> int:
    """How much of the film is there, 0 to 100."""
    progress = status.get("progress")
    return int(100 * min(1.0, max(0.0, progress))) if isinstance(progress, (int, float)) else 0


def progress_text(status: Json) -> str:
    """What the viewer reads while waiting: the last step, peers and rate, sources."""
    peers, rate = status.get("peers") or 0, status.get("downloadRate") or 0
    figures = [say(Word.PEERS, peers), say(Word.RATE, f"{rate / 1e6:.1f}")]
    sources = ", ".join(map(str, status.get("sources") or ()))
    found = [
        str(status.get("step") or ""),
        " · ".join(figures) if peers or rate else "",
        say(Word.SOURCES, sources) if sources else "",
    ]
    return "\n".join(line for line in found if line)


def content_type(name: str) -> str:
    """By a file's extension; empty if that says nothing."""
    extension = "." + name.rpartition(".")[2].lower() if "." in name else ""
    return TYPES.get(extension) or mimetypes.guess_type("x" + extension)[0] or ""
