"""One feeder for each file that is read."""

import time

import gevent
from gevent.threadpool import ThreadPool

from addon.playback.demand import Assist
from addon.playback.feeder import Feeder
from addon.playback.store import SwarmTorrent
from addon.sources.base import Media
from addon.sources.fetch import Client
from addon.sources.finder import Sources
from addon.sources.probe import Found


class Feeders:
    """Starts feeders and knows who delivers; ``close`` ends them."""

    def __init__(self, client: Client, sources: Sources, assist: Assist = "when-needed") -> None:
        self._client = client
        self._sources = sources
        self._assist = assist
        self._pool = ThreadPool(2)
        self._running: dict[tuple[str, int], tuple[Feeder, gevent.Greenlet]] = {}

    def keep(
        self,
        torrent: SwarmTorrent,
        media: Media,
        winner: Found | None = None,
        *,
        swarm: bool = False,
    ) -> None:
        """See to it that somebody fills this file while it is read; ``winner`` leads, if given.
        ``swarm``: peers have sent of it, perhaps a moment ago."""
        if media.metainfo is None or media.file is None:
            raise RuntimeError("a feeder works only once the metadata is known")
        key = media.metainfo.info_hash.key, media.file.index
        running = self._running.get(key)
        if running is None or running[1].dead or running[0].torrent is not torrent:
            if running is not None:
                running[1].kill(block=False)
            feeder = Feeder(torrent, media, self._client, self._sources, self._pool, self._assist)
            greenlet = gevent.spawn(feeder.run)
            self._running[key] = running = feeder, greenlet
            greenlet.link(lambda done: self._ended(key, done))
        running[0].demand.wanted_at = time.monotonic()
        if swarm:
            running[0].demand.swarm_at = time.monotonic()
        if winner is not None:
            running[0].join(winner)

    def names(self, info_hash: str) -> list[str]:
        """Who is delivering to a torrent at this moment."""
        return [
            name
            for (key, _), (feeder, _) in self._running.items()
            if key == info_hash
            for name in feeder.active
        ]

    @property
    def running(self) -> int:
        """How many feeders work or linger."""
        return len(self._running)

    def close(self) -> None:
        """End all feeders and their threads."""
        gevent.killall([greenlet for _, greenlet in self._running.values()])
        self._running.clear()
        self._pool.kill()

    def _ended(self, key: tuple[str, int], greenlet: gevent.Greenlet) -> None:
        running = self._running.get(key)
        if running is not None and running[1] is greenlet:
            del self._running[key]
