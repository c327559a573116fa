"""The hashes by which subtitle services know our videos, as soon as both ends are verified."""

import logging

import gevent
from cachetools import LRUCache

from addon.errors import Problem
from addon.playback.store import Swarm, SwarmTorrent
from addon.playback.whole import read_part
from addon.torrents.fingerprint import EDGE, video_hash
from addon.torrents.magnet import InfoHash
from addon.torrents.metainfo import File

log = logging.getLogger(__name__)

KNOWN = 4096
# The bytes are there; only a busy disk can keep them back.
PATIENCE = 1.0


class Fingerprints:
    """Reads them from the store and remembers them; never starts anything."""

    def __init__(self, swarm: Swarm) -> None:
        self._swarm = swarm
        self._known: LRUCache[tuple[str, int], str] = LRUCache(KNOWN)

    def of(self, info_hash: InfoHash, file: File) -> str | None:
        """The hash of a file; None while its ends are not there, or the torrent is not active."""
        key = info_hash.key, file.index
        if key in self._known:
            return self._known[key]
        torrent = self._swarm.get(info_hash)
        if torrent is None or file.length < 2 * EDGE or not _is_there(torrent, file):
            return None
        try:
            with gevent.Timeout(PATIENCE):
                head = read_part(torrent, file, 0, EDGE)
                tail = read_part(torrent, file, file.length - EDGE, file.length)
        except (Problem, OSError, gevent.Timeout) as reason:
            log.debug("[%s] no hash of file %d yet: %r", info_hash.key[:8], file.index, reason)
            return None
        self._known[key] = video_hash(file.length, head, tail)
        return self._known[key]


def _is_there(torrent: SwarmTorrent, file: File) -> bool:
    metainfo = torrent.metainfo
    if metainfo is None or torrent.failure is not None:
        return False
    length = metainfo.piece_length
    return all(
        torrent.has_piece(piece)
        for start in (file.offset, file.offset + file.length - EDGE)
        for piece in range(start // length, (start + EDGE - 1) // length + 1)
    )
