"""The lists: home, catalogs, search, series. None of them opens a dialog: skins list them too."""

from __future__ import annotations

from . import rows, urls
from .http import Json
from .memory import Memory
from .rows import Row
from .server import Server, answers
from .words import Word, say

PAGE = 100  # titles; a shorter page is the last one
KINDS = {"movie": Word.FILMS, "series": Word.SERIES}
CONTENT = {"movie": "movies", "series": "tvshows"}


class Pages:
    """Each method gives the rows of a page and what they are, in Kodi's words."""

    def __init__(self, server: Server, art: dict[str, str]) -> None:
        self._server = server
        self._art = art

    def home(self) -> tuple[list[Row], str]:
        """The catalogs of the server, search, settings."""
        found = [
            rows.folder(self._label(catalog), self._catalog_url(catalog), self._art)
            for catalog in self._server.catalogs()
            if answers(catalog)
        ]
        search = rows.folder(say(Word.SEARCH), urls.to("searches"), self._art)
        return [*found, search, settings_row(self._art)], ""

    def catalog(self, kind: str, catalog: str, skip: int) -> tuple[list[Row], str]:
        """A page of titles, and the way to the next."""
        metas = self._server.page(kind, catalog, skip)
        found = [rows.title(meta) for meta in metas]
        if len(metas) >= PAGE:
            there = urls.to("catalog", type=kind, id=catalog, skip=skip + len(metas))
            found.append(rows.next_page(there, self._art))
        return found, CONTENT.get(kind, "videos")

    def search(self, query: str) -> tuple[list[Row], str]:
        """What all catalogs find."""
        metas: dict[tuple[str, str], Json] = {}
        for catalog in self._server.catalogs():
            if answers(catalog, "search"):
                for meta in self._server.page(catalog["type"], catalog["id"], search=query):
                    metas.setdefault((str(meta.get("type")), str(meta.get("id"))), meta)
        kinds = {kind for kind, _ in metas}
        content = CONTENT.get(kinds.pop(), "videos") if len(kinds) == 1 else "videos"
        return [rows.title(meta) for meta in metas.values()], content

    def seasons(self, kind: str, title: str) -> tuple[list[Row], str]:
        """The seasons of a series; its episodes if there is only one."""
        meta = self._meta(kind, title)
        numbers = rows.seasons(rows.episodes(meta))
        if len(numbers) == 1:
            return self._episodes(meta, numbers[0]), "episodes"
        return [rows.season(meta, number) for number in numbers], "seasons"

    def episodes(self, kind: str, title: str, season: int) -> tuple[list[Row], str]:
        """The episodes of a season."""
        return self._episodes(self._meta(kind, title), season), "episodes"

    def _meta(self, kind: str, title: str) -> Json:
        # By these the rows are named, so they must be what was asked for.
        return {**self._server.title(kind, title), "type": kind, "id": title}

    def _episodes(self, meta: Json, season: int) -> list[Row]:
        videos = [v for v in rows.episodes(meta) if rows.numbers(v)[0] == season]
        return [rows.episode(meta, video) for video in videos]

    def _label(self, catalog: Json) -> str:
        kind, name = str(catalog.get("type")), str(catalog.get("name") or "")
        shown = say(KINDS[kind]) if kind in KINDS else kind
        return f"{shown} · {name}" if name else shown

    def _catalog_url(self, catalog: Json) -> str:
        return urls.to("catalog", type=catalog.get("type"), id=catalog.get("id"))


def searches(memory: Memory, art: dict[str, str]) -> list[Row]:
    """The way to a new search, and what was searched for before."""
    new = rows.action(say(Word.NEW_SEARCH), urls.to("find"), art)
    return [new, *(rows.folder(t, urls.to("search", query=t), art) for t in memory.searches)]


def unpaired(art: dict[str, str]) -> list[Row]:
    """Home, while there is no server that knows this Kodi."""
    return [rows.action(say(Word.PAIR), urls.to("pair"), art), settings_row(art)]


def settings_row(art: dict[str, str]) -> Row:
    """The way to the settings."""
    return rows.action(say(Word.SETTINGS), urls.to("settings"), art)
