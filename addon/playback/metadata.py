"""A torrent's metadata by a race: the swarm, the magnet's own places and .torrent caches at once.

One search runs for each torrent, however many ask. It belongs to nobody: it goes on after whoever
began it has stopped waiting, because they come back.
"""

import logging
import time
from collections.abc import Callable

import gevent
from gevent.event import Event

from addon.errors import Problem
from addon.playback.store import Swarm, SwarmTorrent
from addon.sources.metadata import Answer, MetadataSources
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.metainfo import Metainfo

log = logging.getLogger(__name__)

# Nobody who is still silent after so long will speak.
PATIENCE = 30.0


Found = Callable[[SwarmTorrent, Metainfo], None]


class Search:
    """The search for one torrent's metadata. ``answers`` is what HTTP places have said so far."""

    def __init__(
        self, magnet: Magnet, swarm: Swarm, places: MetadataSources | None, found: Found
    ) -> None:
        self.answers: list[Answer] = []
        self._listed = [] if places is None else places.places(magnet)
        self.asked = len(self._listed)
        self._magnet = magnet
        self._swarm = swarm
        self._places = places
        self._found = found
        self._over = Event()
        self._problem: Problem | None = None
        self.torrent: SwarmTorrent | None = swarm.add(magnet) if swarm.p2p else None
        self._asking = gevent.spawn(self._ask) if self.asked else None
        if self._asking is None:
            self._over.set()

    @property
    def alive(self) -> bool:
        """Whether somebody may still answer over HTTP."""
        return not self._over.is_set()

    @property
    def silent(self) -> list[str]:
        """The places over HTTP that have not answered."""
        answered = [answer.place for answer in self.answers]
        return [place.name for place in self._listed if place not in answered]

    def wait(self, timeout: float, *, to_read: bool = False) -> SwarmTorrent | None:
        """The torrent, with its metadata; None when nobody has sent it in ``timeout`` seconds, or
        nobody is left who could. Raises the Problem that stopped the torrent."""
        if self._swarm.p2p and self.torrent is not None:
            found = self.torrent.wait_metadata(timeout, to_read=to_read)
            if found is None:
                return None
            self.close()
            return self.torrent
        self._over.wait(timeout)
        if self._problem is not None:
            raise self._problem
        return self.torrent

    def close(self) -> None:
        """Stop asking."""
        if self._asking is not None:
            self._asking.kill()
        self._over.set()

    def _ask(self) -> None:
        try:
            if self._places is None:
                return
            deadline = time.monotonic() + PATIENCE
            metainfo = self._places.find(self._magnet, deadline, self._told)
            if metainfo is None:
                return
            if self.torrent is None:
                self.torrent = self._swarm.add(self._magnet, metainfo)
                self._found(self.torrent, metainfo)
            else:
                self.torrent.give_metadata(metainfo)
        except Problem as problem:  # whoever waits is told
            self._problem = problem
        finally:
            self._over.set()

    def _told(self, answer: Answer) -> None:
        self.answers.append(answer)
        key = self._magnet.info_hash.key[:8]
        if answer.metainfo is not None:
            log.info("[%s] ✓ valid torrent from %s", key, answer.place.name)
        else:
            log.info("[%s] ✗ no metadata from %s: %s", key, answer.place.name, answer.reason)


class MetadataSearch:
    """All searches; ``places`` is None where HTTP sources are switched off.

    ``found`` hears of metadata that came while there was no torrent to give it to: peers bring
    theirs to the session, which tells by itself.
    """

    def __init__(self, swarm: Swarm, places: MetadataSources | None, found: Found) -> None:
        self._swarm = swarm
        self._places = places
        self._found = found
        self._running: dict[str, Search] = {}

    def begin(self, magnet: Magnet) -> Search:
        """The search for this torrent's metadata, begun if there is none."""
        key = magnet.info_hash.key
        search = self._running.get(key)
        if search is None or not search.alive:
            search = self._running[key] = Search(magnet, self._swarm, self._places, self._found)
        self._running = {k: s for k, s in self._running.items() if s.alive or k == key}
        return search

    def stop(self, info_hash: InfoHash) -> None:
        """The torrent was removed."""
        search = self._running.pop(info_hash.key, None)
        if search is not None:
            search.close()

    def close(self) -> None:
        """End all searches."""
        for search in self._running.values():
            search.close()
        self._running.clear()
