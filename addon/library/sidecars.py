"""The subtitles that lie beside the videos of the library's torrents; nothing is fetched for it."""

from collections.abc import Mapping
from dataclasses import replace

from cachetools import LRUCache

from addon.errors import Problem
from addon.library.contents import Known
from addon.torrents.languages import UNKNOWN
from addon.torrents.magnet import InfoHash
from addon.torrents.metainfo import File, Metainfo
from addon.torrents.subtitles import Subtitle, all_subtitles

# Reading the names of a pack takes up to 0.1 ms a file, and pages ask every few seconds.
READ = 256
LEARNED = 4096


class Sidecars:
    """Looks into torrents, once into each."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._read: LRUCache[str, Mapping[int, tuple[Subtitle, ...]]] = LRUCache(READ)
        self._learned: LRUCache[tuple[str, int], str] = LRUCache(LEARNED)

    def of(self, info_hash: InfoHash, video: File) -> tuple[Subtitle, ...]:
        """The subtitles of a video; none while the metadata is not known."""
        try:
            metainfo = self._known.metainfo(info_hash)
        except Problem:
            # What is kept cannot be read: whoever lists the torrent says so.
            return ()
        return () if metainfo is None else self.among(metainfo, video)

    def among(self, metainfo: Metainfo, video: File) -> tuple[Subtitle, ...]:
        """As ``of``, where the metadata is in hand."""
        key = metainfo.info_hash.key
        if key not in self._read:
            self._read[key] = all_subtitles(metainfo)
        found = self._read[key].get(video.index, ())
        return tuple(self._with_learned(key, subtitle) for subtitle in found)

    def learn(self, info_hash: InfoHash, index: int, language: str) -> None:
        """What the text of a subtitle file says of its language."""
        if language != UNKNOWN:
            self._learned[info_hash.key, index] = language

    def _with_learned(self, key: str, subtitle: Subtitle) -> Subtitle:
        learned = self._learned.get((key, subtitle.file.index))
        if subtitle.language != UNKNOWN or learned is None:
            return subtitle
        return replace(subtitle, language=learned)
