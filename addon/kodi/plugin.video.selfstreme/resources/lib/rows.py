"""Titles, seasons and episodes as Kodi's list items."""

from __future__ import annotations

from typing import Any, Iterable, Tuple

import xbmcgui

from . import urls
from .http import Json
from .words import Word, say

Row = Tuple[str, xbmcgui.ListItem, bool]
"""Address, item, and whether it is a folder."""


def folder(label: str, url: str, art: dict[str, str]) -> Row:
    """A page of the add-on."""
    item = xbmcgui.ListItem(label, offscreen=True)
    item.setArt(art)
    return url, item, True


def action(label: str, url: str, art: dict[str, str]) -> Row:
    """Something to do: it is run when it is chosen, and never by being listed."""
    item = xbmcgui.ListItem(label, offscreen=True)
    item.setArt(art)
    item.setProperty("IsPlayable", "false")
    return url, item, False


def next_page(url: str, art: dict[str, str]) -> Row:
    """The last row of a page, however it is sorted."""
    row = folder(say(Word.NEXT_PAGE), url, art)
    row[1].setProperty("SpecialSort", "bottom")
    return row


def title(meta: Json) -> Row:
    """A film, to play; a series, to open."""
    kind, identifier = str(meta.get("type")), str(meta.get("id"))
    item = xbmcgui.ListItem(str(meta.get("name") or identifier), offscreen=True)
    describe(item, meta)
    if kind == "series":
        return urls.to("seasons", type=kind, id=identifier), item, True
    return _playable(item, urls.play(kind, identifier))


def season(meta: Json, number: int) -> Row:
    """One season of a series."""
    label = say(Word.SEASON, number) if number else say(Word.SPECIALS)
    item = xbmcgui.ListItem(label, offscreen=True)
    describe(item, meta)
    tag = item.getVideoInfoTag()
    tag.setMediaType("season")
    tag.setTitle(label)
    tag.setTvShowTitle(str(meta.get("name") or ""))
    tag.setSeason(number)
    return urls.to("episodes", type=meta["type"], id=meta["id"], season=number), item, True


def episode(meta: Json, video: Json) -> Row:
    """One episode, to play."""
    item = xbmcgui.ListItem(_episode_name(video), offscreen=True)
    describe(item, meta, video)
    season, number = numbers(video)
    return _playable(item, urls.play(meta["type"], meta["id"], season, number))


def describe(item: xbmcgui.ListItem, meta: Json, video: Json | None = None) -> None:
    """Write what is known of a title, or of its episode, into an item."""
    tag = item.getVideoInfoTag()
    name, plot = str(meta.get("name") or ""), str(meta.get("description") or "")
    tag.setMediaType("tvshow" if meta.get("type") == "series" else "movie")
    tag.setTitle(name)
    if identifier := _imdb_id(meta):
        tag.setUniqueIDs({"imdb": identifier}, "imdb")
        tag.setIMDBNumber(identifier)
    if year := _number(str(meta.get("releaseInfo") or "")[:4]):
        tag.setYear(int(year))
    if rating := _number(meta.get("imdbRating")):
        tag.setRating(rating)
    if genres := [str(genre) for genre in meta.get("genres") or ()]:
        tag.setGenres(genres)
    if minutes := _number(str(meta.get("runtime") or "").partition(" ")[0]):
        tag.setDuration(int(minutes * 60))
    if video is not None:
        season, number = numbers(video)
        tag.setMediaType("episode")
        tag.setTitle(_episode_name(video))
        tag.setTvShowTitle(name)
        tag.setSeason(season)
        tag.setEpisode(number)
        # Were the title's id an episode's, Kodi and other add-ons would take one for the other.
        plot = str(video.get("overview") or video.get("description") or plot)
    if day := str((video or meta).get("released") or "")[:10]:
        tag.setPremiered(day)
    tag.setPlot(plot)
    item.setArt(_art(meta, video))


def numbers(video: Json) -> tuple[int, int]:
    """Season and episode."""
    return int(video["season"]), int(video["episode"])


def episodes(meta: Json) -> list[Json]:
    """The episodes that a title names, in order."""
    found = [video for video in _dicts(meta.get("videos")) if _is_numbered(video)]
    return sorted(found, key=numbers)


def seasons(videos: Iterable[Json]) -> list[int]:
    """Their numbers in order; what is not part of any season comes last."""
    return sorted({numbers(video)[0] for video in videos}, key=lambda number: (not number, number))


def _playable(item: xbmcgui.ListItem, url: str) -> Row:
    item.setProperty("IsPlayable", "true")
    choose = url.replace("action=play", "action=choose", 1)
    item.addContextMenuItems([(say(Word.CHOOSE_SOURCE), f"RunPlugin({choose})")])
    return url, item, False


def _episode_name(video: Json) -> str:
    name = video.get("title") or video.get("name")
    return str(name or say(Word.EPISODE, video["episode"]))


def _art(meta: Json, video: Json | None) -> dict[str, str]:
    still = video.get("thumbnail") if video else None
    found = {
        "poster": meta.get("poster"),
        "thumb": still or meta.get("poster"),
        "fanart": meta.get("background"),
        "clearlogo": meta.get("logo"),
    }
    return {kind: str(url) for kind, url in found.items() if url}


def _imdb_id(meta: Json) -> str:
    told = str(meta.get("id") or "")
    return told if told.startswith("tt") else ""


def _number(told: Any) -> float:
    try:
        return float(told)
    except (TypeError, ValueError):
        return 0.0


def _is_numbered(video: Json) -> bool:
    return isinstance(video.get("season"), int) and isinstance(video.get("episode"), int)


def _dicts(told: Any) -> list[Json]:
    return [each for each in told if isinstance(each, dict)] if isinstance(told, list) else []
