"""What the torrents of the library hold: the episodes, the main video, the videos."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from cachetools import LRUCache

from addon.errors import Problem
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.metainfo import File, Metainfo
from addon.torrents.selection import MainVideo, episodes, select, videos

log = logging.getLogger(__name__)

# Reading the file names of a pack takes 0.1 ms a file, and a player asks for each episode.
READ = 256
MAX_VIDEOS = 50
"""How many files of one torrent are offered one by one."""


class Known(Protocol):
    """What is known of torrents; ``addon.playback.torrents`` implements it."""

    def magnet(self, info_hash: InfoHash) -> Magnet | None: ...
    def metainfo(self, info_hash: InfoHash) -> Metainfo | None: ...


@dataclass(frozen=True, slots=True)
class Content:
    """The files of a torrent that somebody may want to watch.

    ``main`` is None where no video is clearly the main one. ``videos`` are the biggest.
    """

    metainfo: Metainfo
    episodes: Mapping[tuple[int, int], File]
    main: File | None
    videos: tuple[File, ...]

    @property
    def is_pack(self) -> bool:
        return len(self.episodes) > 1


class Contents:
    """Looks into torrents, once into each."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._read: LRUCache[str, Content] = LRUCache(READ)

    def of(self, key: str) -> tuple[Magnet | None, Content | None]:
        """A torrent's magnet, and what it holds as soon as its metadata is known.

        (None, None) for one that is not kept, or cannot be read any more.
        """
        info_hash = InfoHash.from_key(key)
        try:
            magnet, metainfo = self._known.magnet(info_hash), self._known.metainfo(info_hash)
        except Problem as problem:
            # The others still play.
            log.warning("[%s] is not listed: %s", key[:8], problem.detail)
            return None, None
        if magnet is None or metainfo is None:
            return magnet, None
        # The key is a hash of all that is read here, so what was read once stays true.
        if key not in self._read:
            self._read[key] = _read(metainfo)
        return magnet, self._read[key]


def _read(metainfo: Metainfo) -> Content:
    try:
        main = select(metainfo, MainVideo())
    except Problem:
        main = None
    return Content(metainfo, episodes(metainfo), main, videos(metainfo)[:MAX_VIDEOS])
