"""The library as a catalog, and the details of titles that have an id of our own."""

from dataclasses import dataclass

from addon.errors import Problem
from addon.library.streams import Known
from addon.library.titles import Library, Title, is_own
from addon.torrents.magnet import InfoHash
from addon.torrents.metainfo import Metainfo
from addon.torrents.names import display_name
from addon.torrents.selection import episodes

PAGE = 100


@dataclass(frozen=True, slots=True)
class Video:
    """One episode of a series; ``id`` is what streams are asked for, ``file`` a file's name."""

    id: str
    season: int
    episode: int
    file: str = ""


@dataclass(frozen=True, slots=True)
class Details:
    """A title, its episodes in order, and the names of its torrents.

    ``complete``: the metadata of every torrent is known, so there are no more episodes to come.
    """

    title: Title
    videos: tuple[Video, ...]
    releases: tuple[str, ...]
    complete: bool


class Catalogs:
    """What a player lists."""

    def __init__(self, library: Library, known: Known) -> None:
        self._library = library
        self._known = known

    def page(self, kind: str, search: str = "", skip: int = 0) -> list[Title]:
        """At most PAGE titles of one type, the newest first."""
        return self._library.titles(kind, search, skip, PAGE)

    def details(self, title_id: str) -> Details | None:
        """What we alone know: None for a title with an id that is not ours."""
        title = self._library.title(title_id) if is_own(title_id) else None
        if title is None:
            return None
        found: dict[tuple[int, int], Video] = {}
        releases: list[str] = []
        complete = True
        for link in self._library.links_of_title(title_id):
            name, metainfo = self._read(link.key)
            complete = complete and metainfo is not None
            releases.append(name)
            if link.season is not None and link.episode is not None:
                numbers = {(link.season, link.episode): name}
            elif metainfo is not None:
                numbers = {number: file.name for number, file in episodes(metainfo).items()}
            else:
                numbers = {}
            for (season, episode), file in numbers.items():
                video_id = f"{title_id}:{season}:{episode}"
                found[season, episode] = Video(video_id, season, episode, display_name(file))
        is_series = title.type == "series"
        return Details(
            title,
            tuple(found[number] for number in sorted(found)) if is_series else (),
            tuple(dict.fromkeys(name for name in releases if name)),
            complete,
        )

    def _read(self, key: str) -> tuple[str, Metainfo | None]:
        """A torrent's name and metadata, as far as they are known."""
        info_hash = InfoHash.from_key(key)
        try:
            magnet, metainfo = self._known.magnet(info_hash), self._known.metainfo(info_hash)
        except Problem:
            return "", None
        name = metainfo.name if metainfo is not None else (magnet.name if magnet else None)
        return display_name(name or ""), metainfo
