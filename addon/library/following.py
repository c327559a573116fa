"""Which file a viewer will want after an episode: of the same torrent, else of the library."""

from collections.abc import Callable, Sequence

from addon.library.streams import StreamEntry, Streams, VideoId
from addon.library.titles import Link, is_own
from addon.torrents.following import numbers_of, successors
from addon.torrents.magnet import InfoHash
from addon.torrents.metainfo import File, Metainfo
from addon.torrents.names import parse_release
from addon.torrents.selection import Episode, FileIndex, Wanted, episodes


class Following:
    """``links_of`` are the titles that a torrent holds (``Titles.links``)."""

    def __init__(self, links_of: Callable[[InfoHash], Sequence[Link]], streams: Streams) -> None:
        self._links_of = links_of
        self._streams = streams

    def after(self, metainfo: Metainfo, file: File) -> tuple[InfoHash, Wanted] | None:
        """The torrent and the file of the next episode; None for a film, or where it is not
        known."""
        links = [link for link in self._links_of(metainfo.info_hash) if not is_own(link.title_id)]
        number = _linked(links, file) or numbers_of(metainfo, file)
        if number is None:
            return None
        inside = episodes(metainfo)
        for episode in successors(number, metainfo):
            held = inside.get((episode.season, episode.episode))
            if held is not None and held.index != file.index:
                return metainfo.info_hash, FileIndex(held.index)
            for link in links:
                found = self._streams.find(VideoId(link.title_id, episode))
                if found:
                    entry = _like(metainfo, file, found)
                    return entry.info_hash, entry.wanted
        return None


def _linked(links: Sequence[Link], file: File) -> Episode | None:
    """Which episode a file was added as, whatever its name says."""
    for link in links:
        named = link.season is not None and link.episode is not None
        if named and link.file_index in (None, file.index):
            return Episode(link.season or 0, link.episode or 0)
    return None


def _like(metainfo: Metainfo, file: File, found: Sequence[StreamEntry]) -> StreamEntry:
    """The one in the resolution of what is being watched, else the best."""
    own = parse_release(file.name).resolution or parse_release(metainfo.name).resolution
    return next((entry for entry in found if entry.release.resolution == own), found[0])
