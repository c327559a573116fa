"""The library as a catalog, and the details of its titles."""

from dataclasses import dataclass

from addon.library.contents import Contents, Known
from addon.library.titles import Library, Title
from addon.torrents.names import display_name

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
        self._contents = Contents(known)

    def page(self, kind: str, search: str = "", skip: int = 0) -> list[Title]:
        """At most PAGE titles of one type, the newest first."""
        return self._library.titles(kind, search, skip, PAGE)

    def details(self, title_id: str) -> Details | None:
        """What the library knows of a title, whoever made its id; None for one that it lacks.

        Stremio asks only for our own ids (the manifest says so) and has the others described
        better; Kodi has nobody else to ask.
        """
        title = self._library.title(title_id)
        if title is None:
            return None
        found: dict[tuple[int, int], Video] = {}
        releases: list[str] = []
        complete = True
        for link in self._library.links_of_title(title_id):
            magnet, content = self._contents.of(link.key)
            complete = complete and content is not None
            told = content.metainfo.name if content is not None else magnet and magnet.name
            name = display_name(told or "")
            releases.append(name)
            numbers: dict[tuple[int, int], str] = {}
            if link.season is not None and link.episode is not None:
                numbers[link.season, link.episode] = name
            elif content is not None:
                numbers = {number: file.name for number, file in content.episodes.items()}
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
