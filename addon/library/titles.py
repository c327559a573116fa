"""Titles: what the user has added, under the ids that players ask for.

A title that is added with an IMDb id answers for that id; without one it has an id of its own,
``streme:<info hash>``. Both may stand for one torrent: then the own id goes on answering, for
players that remember it, but only the other is listed.
"""

import unicodedata
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from addon.library.samples import SAMPLES
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.metainfo import Metainfo
from addon.torrents.names import display_name, parse_release
from addon.torrents.selection import Episode, episodes

OWN_PREFIX = "streme:"
Kind = Literal["movie", "series"]


@dataclass(frozen=True, slots=True)
class Title:
    """A film or a series; ``listed``: it stands in the catalog."""

    id: str
    type: Kind
    name: str
    year: int | None = None
    sample: bool = False
    listed: bool = True


@dataclass(frozen=True, slots=True)
class Link:
    """A torrent, by the key under which it is kept, holds a title.

    Without ``season`` and ``episode`` it may hold all of it, be that a film or a pack of episodes;
    with them, that episode. ``file_index`` names the one file.
    """

    title_id: str
    key: str
    season: int | None = None
    episode: int | None = None
    file_index: int | None = None


class Library(Protocol):
    """Where titles are kept; ``addon.database.library`` implements it and says more."""

    def put(self, title: Title, link: Link | None = None) -> None: ...
    def title(self, title_id: str) -> Title | None: ...
    def titles(self, kind: str, search: str, skip: int, limit: int) -> list[Title]: ...
    def links_of_title(self, title_id: str) -> list[Link]: ...
    def links_of_torrent(self, key: str) -> list[Link]: ...
    def drop_torrent(self, key: str) -> None: ...
    def sample_given(self, key: str) -> bool: ...
    def give_sample(self, key: str) -> None: ...


class Kept(Protocol):
    """Where torrents are kept; ``addon.database.torrents`` implements it."""

    def keep(self, magnet: Magnet, raw: bytes | None) -> None: ...
    def find(self, info_hash: InfoHash) -> str | None: ...


class Titles:
    """Puts torrents into the library and takes them out."""

    def __init__(self, library: Library, kept: Kept) -> None:
        self._library = library
        self._kept = kept

    def add(
        self,
        magnet: Magnet,
        metainfo: Metainfo | None,
        imdb_id: str | None = None,
        season: int | None = None,
        episode: int | None = None,
        file_index: int | None = None,
    ) -> str:
        """Lets a torrent answer for a title; the title's id. Adding it again changes nothing.

        The torrent must be kept. ``season`` and ``episode`` come together or not at all.
        """
        return self._add(
            Link(imdb_id or "", self._key(magnet.info_hash), season, episode, file_index),
            magnet.name,
            metainfo,
            sample=False,
        )

    def samples(self) -> None:
        """Puts the sample films into the library, each once: a removed one does not come back."""
        for sample in SAMPLES:
            magnet = sample.magnet()
            if self._library.sample_given(magnet.info_hash.key):
                continue
            if self._kept.find(magnet.info_hash) is None:
                self._kept.keep(magnet, None)
                link = Link(sample.imdb_id or "", magnet.info_hash.key)
                self._add(link, magnet.name, None, sample=True)
            self._library.give_sample(magnet.info_hash.key)

    def described(self, metainfo: Metainfo) -> None:
        """A torrent's metadata has arrived: now its name and its episodes are known."""
        for link in self._library.links_of_torrent(self._key(metainfo.info_hash)):
            known = self._library.title(link.title_id)
            if known is None:
                continue
            fresh = _described(link, None, metainfo)
            if is_own(known.id) and not known.sample:
                known = replace(known, type=fresh.type, name=fresh.name, year=fresh.year)
            elif known.name == known.id:
                known = replace(known, name=fresh.name, year=fresh.year)
            self._library.put(replace(known, type=_wider(known, fresh)))

    def title_of(self, info_hash: InfoHash) -> Title | None:
        """The title under which a torrent is listed; the newest, should there be several."""
        for link in self._library.links_of_torrent(self._key(info_hash)):
            title = self._library.title(link.title_id)
            if title is not None and title.listed:
                return title
        return None

    def links(self, info_hash: InfoHash) -> list[Link]:
        """The titles that a torrent holds."""
        return self._library.links_of_torrent(self._key(info_hash))

    def removed(self, key: str) -> None:
        """A torrent is gone, and with it the titles that no other holds."""
        self._library.drop_torrent(key)

    def _key(self, info_hash: InfoHash) -> str:
        """The key under which a torrent is kept: a hybrid may have come by its other hash."""
        return self._kept.find(info_hash) or info_hash.key

    def _add(self, link: Link, name: str | None, metainfo: Metainfo | None, *, sample: bool) -> str:
        own_id = OWN_PREFIX + link.key
        if not link.title_id:
            link = replace(link, title_id=own_id)
        linked = self._library.links_of_torrent(link.key)
        if linked and link == Link(own_id, link.key):
            # Added once more, and nothing new is said of it.
            return linked[0].title_id
        fresh = _described(link, name, metainfo)
        known = self._library.title(link.title_id)
        if known is None:
            self._library.put(replace(fresh, sample=sample), link)
        else:
            self._library.put(replace(known, listed=True, type=_wider(known, fresh)), link)
        own = self._library.title(own_id)
        if own is not None and link.title_id != own_id:
            self._library.put(replace(own, listed=False))
        return link.title_id


def is_own(title_id: str) -> bool:
    """Whether the id is one of ours, so that nobody else knows what it is."""
    return title_id.startswith(OWN_PREFIX)


def fold(text: str) -> str:
    """Text as a search compares it: no accents, no difference between large and small letters."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in plain if not unicodedata.combining(sign))


def _described(link: Link, name: str | None, metainfo: Metainfo | None) -> Title:
    """The title as far as its torrent tells; ``name`` is the magnet's."""
    told = display_name((metainfo.name if metainfo is not None else name) or "")
    if metainfo is not None and link.file_index is not None:
        told = next((f.name for f in metainfo.files if f.index == link.file_index), told)
    release = parse_release(told)
    kind = _kind(link, told, metainfo)
    shown = release.title or told
    if kind == "movie" and release.season is not None and release.episode is not None:
        shown = f"{shown} {str(Episode(release.season, release.episode)).upper()}"
    if not told:
        shown = f"Torrent {link.key[:8]}" if is_own(link.title_id) else link.title_id
    return Title(link.title_id, kind, shown, release.year)


def _kind(link: Link, told: str, metainfo: Metainfo | None) -> Kind:
    if link.season is not None:
        return "series"
    if link.file_index is not None:
        return "movie"
    if metainfo is not None and len(episodes(metainfo)) > 1:
        return "series"
    # A name that speaks of a season makes a series of a known show. By itself it does not: until
    # the files are known there is nothing to list, and a single episode plays like a film.
    if not is_own(link.title_id) and parse_release(told).season is not None:
        return "series"
    return "movie"


def _wider(known: Title, fresh: Title) -> Kind:
    """One torrent of a series that shows no episodes does not make a film of it."""
    return "series" if "series" in (known.type, fresh.type) else "movie"
