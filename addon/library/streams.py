"""Which files answer for a title: the stream list. Nothing is resolved by listing."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Self

from addon.library.contents import Content, Contents, Known
from addon.library.titles import Library, Link, Title, is_own
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.metainfo import File
from addon.torrents.names import Release, parse_release
from addon.torrents.numbering import explicit, season_of
from addon.torrents.selection import Episode, FileIndex, MainVideo, Wanted

_EPISODE_ID = re.compile(r"(.+):([0-9]{1,4}):([0-9]{1,4})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class VideoId:
    """What a player asks for: a title, and in a series the season and the episode."""

    title_id: str
    episode: Episode | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """``tt1254207``, ``tt0944947:1:2``, ``streme:<hash>``, ``streme:<hash>:1:2``."""
        numbered = _EPISODE_ID.fullmatch(text)
        if numbered:
            return cls(numbered[1], Episode(int(numbered[2]), int(numbered[3])))
        return cls(text)


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """One way to play a video.

    ``file`` is None while the metadata is not known. ``name`` is the torrent's, empty while nobody
    has said it; ``release`` is what the names of file and torrent tell. ``pack``: the torrent holds
    further episodes.
    """

    info_hash: InfoHash
    wanted: Wanted
    file: File | None
    name: str
    release: Release
    pack: bool


# A link of a title, its torrent, and what is in it as soon as that is known.
_Look = tuple[Link, Magnet, Content | None]


class Streams:
    """Finds the files of a title in the library."""

    def __init__(self, library: Library, known: Known) -> None:
        self._library = library
        self._contents = Contents(known)

    def find(self, video: VideoId) -> list[StreamEntry]:
        """All that may be played for a video: best resolution first, then the biggest."""
        return sorted(_entries(self._look(video.title_id), video), key=_rank)

    def every(self, title: Title) -> Iterator[tuple[VideoId, list[StreamEntry]]]:
        """All that may be played of a title: its videos in order, and of each what was added first
        before what came later, so that the order of the old does not change with the new. One by
        one: a pack of many thousands takes seconds."""
        looked = self._look(title.id)[::-1]
        wanted = [VideoId(title.id)]
        if title.type == "series":
            numbers = sorted({number for look in looked for number in _numbers(*look)})
            wanted = [VideoId(title.id, Episode(*number)) for number in numbers]
        for video in wanted:
            yield video, _entries(looked, video)

    def _look(self, title_id: str) -> list[_Look]:
        """Each torrent of a title that can be read, with what it holds; the newest first."""
        links = self._library.links_of_title(title_id)
        looked = ((link, *self._contents.of(link.key)) for link in links)
        return [(link, magnet, content) for link, magnet, content in looked if magnet is not None]


def _entries(looked: Iterable[_Look], video: VideoId) -> list[StreamEntry]:
    found: dict[tuple[str, Wanted], StreamEntry] = {}
    for link, magnet, content in looked:
        for entry in _of_torrent(link, video, magnet, content):
            found.setdefault((link.key, entry.wanted), entry)
    return list(found.values())


def _of_torrent(
    link: Link, video: VideoId, magnet: Magnet, content: Content | None
) -> list[StreamEntry]:
    if content is None:
        return _unknown(link, video, magnet)
    name = content.metainfo.name
    return [
        StreamEntry(
            magnet.info_hash,
            FileIndex(file.index),
            file,
            name,
            _release(file.name, name),
            content.is_pack,
        )
        for file in _files(link, video, content)
    ]


def _numbers(link: Link, magnet: Magnet, content: Content | None) -> Iterable[tuple[int, int]]:
    """The episodes that a torrent of a series is known to hold."""
    if link.season is not None and link.episode is not None:
        return [(link.season, link.episode)]
    if content is not None:
        return content.episodes
    numbers = explicit(magnet.name or "")
    return [(numbers.season, episode) for episode in numbers.episodes] if numbers else []


def _unknown(link: Link, video: VideoId, magnet: Magnet) -> list[StreamEntry]:
    """The stream of a torrent whose files are not known: playing it will tell."""
    name = magnet.name or ""
    wanted: Wanted = MainVideo()
    if not _may_hold(link, video, name):
        return []
    if link.file_index is not None:
        wanted = FileIndex(link.file_index)
    elif video.episode is not None:
        wanted = video.episode
    is_pack = video.episode is not None and explicit(name) is None
    return [StreamEntry(magnet.info_hash, wanted, None, name, parse_release(name), is_pack)]


def _may_hold(link: Link, video: VideoId, name: str) -> bool:
    """Whether a torrent, of which only its name is known, is no other episode for sure."""
    if link.season is not None or link.file_index is not None:
        return _linked(link) == video.episode
    if video.episode is None:
        return True
    numbers = explicit(name)
    if numbers is not None:
        return numbers.season == video.episode.season and video.episode.episode in numbers.episodes
    return season_of(name) in (None, video.episode.season)


def _files(link: Link, video: VideoId, content: Content) -> tuple[File, ...]:
    """The files that answer; none rather than another film or episode."""
    if link.season is not None or link.file_index is not None:
        if _linked(link) != video.episode:
            return ()
        if link.file_index is not None:
            return tuple(f for f in content.metainfo.files if f.index == link.file_index)
    if video.episode is not None:
        file = content.episodes.get((video.episode.season, video.episode.episode))
        return (file,) if file is not None else _only_video(link, content)
    if content.main is not None:
        return (content.main,)
    # Several films, or a pack that a player remembers as a film: each by its own name.
    return () if content.is_pack and not is_own(link.title_id) else content.videos


def _only_video(link: Link, content: Content) -> tuple[File, ...]:
    """Added for just this episode, a single video is it, unless its name says another one."""
    if link.season is None or len(content.videos) != 1:
        return ()
    return content.videos if explicit(content.videos[0].name) is None else ()


def _linked(link: Link) -> Episode | None:
    if link.season is None or link.episode is None:
        return None
    return Episode(link.season, link.episode)


def _release(file_name: str, torrent_name: str) -> Release:
    """What the file's name says, and where it is silent, the torrent's."""
    own, around = parse_release(file_name), parse_release(torrent_name)
    silent = [field.name for field in fields(Release) if getattr(own, field.name) is None]
    return replace(own, **{name: getattr(around, name) for name in silent})


def _rank(entry: StreamEntry) -> tuple[int, int, str]:
    lines = int((entry.release.resolution or "0p").rstrip("p"))
    return -lines, -(entry.file.length if entry.file else 0), str(entry.wanted)
