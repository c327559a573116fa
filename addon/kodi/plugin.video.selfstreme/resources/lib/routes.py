"""What Kodi asks for, and the one place where a failure is shown."""

from __future__ import annotations

import traceback
from typing import Sequence

import xbmc
import xbmcgui
import xbmcplugin

from . import pages, urls
from .errors import AddonError
from .memory import Memory
from .pages import Pages
from .pairing import Pairing
from .playing import Playing
from .rows import Row
from .server import Server
from .settings import Settings
from .words import Word, say

NAME = "Self-Streme"
SORTS = {
    "movies": (xbmcplugin.SORT_METHOD_TITLE, xbmcplugin.SORT_METHOD_VIDEO_YEAR),
    "tvshows": (xbmcplugin.SORT_METHOD_TITLE, xbmcplugin.SORT_METHOD_VIDEO_YEAR),
    "episodes": (xbmcplugin.SORT_METHOD_EPISODE,),
}


def run(argv: Sequence[str]) -> None:
    """Answer one call: ``plugin://...``, the handle, ``?query`` (and Kodi's own ``resume:...``)."""
    handle, asked = int(argv[1]), urls.parse(argv[2])
    action = asked.get("action", "")
    try:
        visit = Visit(handle, asked)
        if action == "play":
            visit.play()
        elif action in visit.actions:
            visit.actions[action]()
        else:
            visit.page(action)
    except AddonError as failure:
        _end(handle, action, failure)
    except Exception:  # noqa: BLE001 - the border: logged, and the viewer gets a sentence
        xbmc.log(traceback.format_exc(), xbmc.LOGERROR)
        _end(handle, action, AddonError(say(Word.MISTAKE)))


def _end(handle: int, action: str, failure: AddonError) -> None:
    if action == "play":
        _resolve(handle, None)
        xbmcgui.Dialog().ok(NAME, failure.text)
    elif handle < 0:
        xbmcgui.Dialog().ok(NAME, failure.text)
    else:
        xbmcgui.Dialog().notification(NAME, failure.sentence, xbmcgui.NOTIFICATION_ERROR)
        xbmcplugin.endOfDirectory(handle, succeeded=False)


def _resolve(handle: int, item: xbmcgui.ListItem | None) -> None:
    """Give Kodi what it is to play, or tell it that there is nothing."""
    xbmcplugin.setResolvedUrl(handle, item is not None, item or xbmcgui.ListItem(offscreen=True))


class Visit:
    """One call of the add-on."""

    def __init__(self, handle: int, asked: dict[str, str]) -> None:
        self._handle = handle
        self._asked = asked
        self._settings = Settings()
        self._memory = Memory(self._settings.folder)
        self.actions = {
            "find": self._find,
            "pair": self._pair,
            "choose": self._choose,
            "forget": self._forget,
            "settings": self._settings.open,
        }

    def page(self, action: str) -> None:
        """Show a page; an unknown one is home."""
        if action == "searches":
            # Kodi keeps what it has listed, and this list grows by being used.
            return self._show(pages.searches(self._memory, self._settings.art), "", cache=False)
        try:
            found, content = self._rows(action)
        except AddonError as failure:
            if action or not failure.unknown:
                raise
            self._notify(failure.sentence)
            return self._show(pages.unpaired(self._settings.art), "", cache=False)
        if not found:
            series = action in ("seasons", "episodes")
            self._notify(say(Word.NO_EPISODES if series else Word.NOTHING_FOUND))
        return self._show(found, content)

    def play(self) -> None:
        """Answer what is to be played, as soon as it can be."""
        _resolve(self._handle, self._playing().prepare(self._asked))

    def _rows(self, action: str) -> tuple[list[Row], str]:
        asked = self._asked
        shown = Pages(self._server(), self._settings.art)
        if action == "catalog":
            return shown.catalog(asked["type"], asked["id"], int(asked.get("skip") or 0))
        if action == "search":
            return shown.search(asked["query"])
        if action == "seasons":
            return shown.seasons(asked["type"], asked["id"])
        if action == "episodes":
            return shown.episodes(asked["type"], asked["id"], int(asked["season"]))
        return shown.home()

    def _show(self, found: list[Row], content: str, *, cache: bool = True) -> None:
        xbmcplugin.setContent(self._handle, content)
        xbmcplugin.addDirectoryItems(self._handle, found, len(found))
        for method in (xbmcplugin.SORT_METHOD_UNSORTED, *SORTS.get(content, ())):
            xbmcplugin.addSortMethod(self._handle, method)
        xbmcplugin.endOfDirectory(self._handle, cacheToDisc=cache)

    def _find(self) -> None:
        text = xbmcgui.Dialog().input(say(Word.SEARCH)).strip()
        if text:
            self._memory.searched(text)
            xbmc.executebuiltin(f"Container.Update({urls.to('search', query=text)})")

    def _pair(self) -> None:
        if Pairing(self._settings).pair():
            self._notify(say(Word.PAIRED))
            xbmc.executebuiltin("Container.Refresh")

    def _choose(self) -> None:
        if self._playing().choose(self._asked):
            there = urls.play(
                self._asked["type"],
                self._asked["id"],
                self._asked.get("season"),
                self._asked.get("episode"),
            )
            # Not within a resolve: two plays at once end Kodi ("two concurrent busydialogs").
            xbmc.executebuiltin(f'PlayMedia("{there}")')

    def _forget(self) -> None:
        self._memory.forget()
        self._notify(say(Word.FORGOTTEN))

    def _server(self) -> Server:
        return Server(self._settings.manifest_url)

    def _playing(self) -> Playing:
        return Playing(self._server(), self._settings, self._memory)

    def _notify(self, text: str) -> None:
        xbmcgui.Dialog().notification(NAME, text, self._settings.art["icon"])
