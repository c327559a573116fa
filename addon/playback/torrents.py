"""Adding, listing, removing torrents: what ``/api/torrents`` and the library call."""

import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import gevent
from cachetools import LRUCache
from gevent.pool import Group

from addon.errors import Problem, outcome
from addon.playback.ends import Ends, needed
from addon.playback.metadata import MetadataSearch
from addon.playback.store import Swarm, SwarmTorrent
from addon.swarm.torrent import Progress
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.metainfo import Metainfo, load_torrent
from addon.torrents.names import human_size
from addon.torrents.selection import Episode, FileIndex, MainVideo, Wanted, select

log = logging.getLogger(__name__)

METADATA_WAIT = 3.0
# A torrent that somebody adds has both ends of its film ready, which takes no longer than this.
PREPARE_TIME = 60.0
# Decoding blocks the hub: 0.03 ms for 1.5 kB, 300 ms for 10 MB.
DECODE_INLINE = 128 * 1024
REPORT_INTERVAL = 10.0
DECODED = 64


class Kept(Protocol):
    """Where torrents outlive a restart (``database.torrents``); keys are ``InfoHash.key``."""

    def keep(self, magnet: Magnet, raw: bytes | None) -> None: ...
    def magnet(self, key: str) -> Magnet | None: ...
    def raw(self, key: str) -> bytes | None: ...
    def newest(self) -> Sequence[str]: ...
    def find(self, info_hash: InfoHash) -> str | None: ...
    def forget(self, key: str) -> None: ...


class Shelf(Protocol):
    """The library, as far as adding and removing concern it (``library.titles``)."""

    def add(
        self,
        magnet: Magnet,
        metainfo: Metainfo | None,
        imdb_id: str | None = None,
        season: int | None = None,
        episode: int | None = None,
        file_index: int | None = None,
    ) -> str: ...
    def described(self, metainfo: Metainfo) -> None: ...
    def removed(self, key: str) -> None: ...


@dataclass(frozen=True, slots=True)
class About:
    """Which title a torrent is added for."""

    imdb_id: str | None = None
    season: int | None = None
    episode: int | None = None
    file_index: int | None = None

    @property
    def wanted(self) -> Wanted:
        """The file that will be played first."""
        if self.file_index is not None:
            return FileIndex(self.file_index)
        if self.season is not None and self.episode is not None:
            return Episode(self.season, self.episode)
        return MainVideo()


@dataclass(frozen=True, slots=True)
class Listed:
    """One torrent, as it stands now."""

    magnet: Magnet
    metainfo: Metainfo | None
    problem: Problem | None
    progress: Progress
    verified_bytes: int
    readers: int
    sources: tuple[str, ...]
    active: bool

    @property
    def status(self) -> str:
        """``ready``, ``fetching-metadata`` or ``failed``."""
        if self.problem is not None:
            return "failed"
        return "ready" if self.metainfo is not None else "fetching-metadata"

    @property
    def name(self) -> str | None:
        """The torrent's name, once anybody has said it."""
        return self.metainfo.name if self.metainfo is not None else self.magnet.name


class Torrents:
    """The torrents that this server knows, in the session or only kept."""

    def __init__(
        self,
        swarm: Swarm,
        kept: Kept,
        shelf: Shelf,
        search: MetadataSearch,
        feeding: Callable[[str], list[str]] = lambda _: [],
    ) -> None:
        self._search = search
        self._feeding = feeding
        self._swarm = swarm
        self._kept = kept
        self._shelf = shelf
        self._decoded: LRUCache[str, Metainfo] = LRUCache(DECODED)
        self._reporter: gevent.Greenlet | None = None
        self._reported: dict[str, int] = {}
        self._expected: dict[str, Wanted] = {}
        self._lost: set[str] = set()
        self._removed: set[str] = set()
        self._preparing = Group()

    def start(self) -> None:
        """Begin to log the progress of what is being played."""
        self._reporter = gevent.spawn(self._report)

    def close(self) -> None:
        """Stop."""
        self._preparing.kill()
        if self._reporter is not None:
            self._reporter.kill()

    # For the resolver

    def magnet(self, info_hash: InfoHash) -> Magnet | None:
        """What the torrent's magnet said, None for one that is not kept."""
        key = self._kept.find(info_hash)
        return None if key is None else self._kept.magnet(key)

    def metainfo(self, info_hash: InfoHash) -> Metainfo | None:
        """The torrent's kept metadata."""
        key = self._kept.find(info_hash)
        if key is None:
            return None
        if key not in self._decoded:
            raw = self._kept.raw(key)
            if raw is None:
                return None
            self._decoded[key] = decode(raw)
        return self._decoded[key]

    def put_back(self, magnet: Magnet) -> None:
        """Keep again what a link has carried, for no title; what was removed stays removed."""
        key = magnet.info_hash.key
        if key not in self._removed and self._kept.find(magnet.info_hash) is None:
            self._kept.keep(magnet, None)
            self._lost.add(key)
            log.info("[%s] put back by a play link: %s", key[:8], magnet.name or "no name")

    def was_lost(self, info_hash: InfoHash) -> bool:
        """Whether no more is known of it than a link has carried."""
        return info_hash.key in self._lost

    # For people

    def add_magnet(self, magnet: Magnet, about: About) -> Listed:
        """Keep a magnet and put it into the library; waits a moment for its metadata."""
        metainfo = self.put(magnet, None, about)
        if metainfo is None:
            self._expected[magnet.info_hash.key] = about.wanted
            self._search.begin(magnet).wait(METADATA_WAIT)
        elif self._swarm.get(magnet.info_hash) is not None:
            # Somebody who adds a film again may bring peers that it lacks.
            self._swarm.add(magnet, metainfo)
        return self.get(magnet.info_hash)

    def add_torrent(self, raw: bytes, about: About) -> Listed:
        """Keep an uploaded .torrent and put it into the library."""
        metainfo = decode(raw)
        if about.file_index is not None:
            metainfo.file(about.file_index)
        self.put(metainfo.magnet(), raw, about)
        self._prepare(self._swarm.add(metainfo.magnet(), metainfo), metainfo, about.wanted)
        return self.get(metainfo.info_hash)

    def put(self, magnet: Magnet, raw: bytes | None, about: About) -> Metainfo | None:
        """Keep a torrent and put it into the library; its metadata, if it is known."""
        self._kept.keep(magnet, raw)
        self._lost.discard(magnet.info_hash.key)
        self._removed.discard(magnet.info_hash.key)
        metainfo = self.metainfo(magnet.info_hash)
        self._shelf.add(
            magnet, metainfo, about.imdb_id, about.season, about.episode, about.file_index
        )
        log.info("[%s] added: %s", magnet.info_hash.key[:8], magnet.name or "no name yet")
        return metainfo

    def get(self, info_hash: InfoHash) -> Listed:
        """One torrent; Problem ``not-found`` when it is not kept."""
        magnet = self.magnet(info_hash)
        if magnet is None:
            raise Problem(
                "not-found",
                "No torrent with this info hash is in the library.",
                "Add its magnet link or .torrent file first.",
            )
        active = self._swarm.get(magnet.info_hash)
        metainfo = self.metainfo(magnet.info_hash)
        if active is None:
            return Listed(magnet, metainfo, None, Progress(), 0, 0, (), active=False)
        return Listed(
            magnet,
            active.metainfo or metainfo,
            active.failure,
            active.progress,
            active.verified_bytes(),
            active.readers,
            self._delivering(active),
            active=True,
        )

    def _delivering(self, torrent: SwarmTorrent) -> tuple[str, ...]:
        """Who delivers to it now."""
        swarm = ["swarm"] if torrent.readers and torrent.progress.download_rate else []
        return (*swarm, *self._feeding(torrent.info_hash.key))

    def list(self) -> list[Listed]:
        """All torrents, newest first."""
        found = []
        for key in self._kept.newest():
            # Decoding may wait, and somebody may remove a torrent meanwhile.
            with contextlib.suppress(Problem):
                found.append(self.get(InfoHash.from_key(key)))
        return found

    def remove(self, info_hash: InfoHash) -> None:
        """Forget a torrent and delete its files."""
        magnet = self.get(info_hash).magnet
        key = self._kept.find(magnet.info_hash) or magnet.info_hash.key
        self._search.stop(magnet.info_hash)
        self._swarm.remove(magnet.info_hash)
        self._shelf.removed(key)
        self._kept.forget(key)
        self._removed.add(key)
        self._decoded.pop(key, None)
        log.info("[%s] removed, its files deleted", key[:8])

    def metadata_arrived(self, torrent: SwarmTorrent, metainfo: Metainfo) -> None:
        """A torrent's metadata has come: keep it, and fetch what its player reads first."""
        hashes = (torrent.info_hash.v1, torrent.info_hash.v2)
        wanted = next((w for h in hashes if h and (w := self._expected.pop(h, None))), None)
        if wanted is not None:
            self._prepare(torrent, metainfo, wanted)
        log.info("[%s] ✓ metadata: %s", torrent.info_hash.key[:8], metainfo.name)
        magnet = self.magnet(torrent.info_hash)
        if magnet is None:
            return
        magnet = replace(
            magnet, info_hash=metainfo.info_hash, name=magnet.name or metainfo.name or None
        )
        self._kept.keep(magnet, metainfo.raw)
        self._shelf.described(metainfo)

    def _prepare(self, torrent: SwarmTorrent, metainfo: Metainfo, wanted: Wanted) -> None:
        """Fetch the head and the tail of a file that somebody has just added."""
        try:
            file = select(metainfo, wanted)
            if file.length == 0:
                return
            torrent = self._swarm.reserve(metainfo.info_hash, file, needed(file))
            ends = Ends(torrent, metainfo, file, as_player=False)
        except Problem as problem:
            log.debug("[%s] nothing to prepare: %s", torrent.info_hash.key[:8], problem)
            return
        self._preparing.spawn(_hold, ends, torrent.info_hash.key)

    def _report(self) -> None:
        while True:
            gevent.sleep(REPORT_INTERVAL)
            for torrent in self._swarm.torrents():
                self._report_one(torrent)

    def _report_one(self, torrent: SwarmTorrent) -> None:
        key = torrent.info_hash.key
        metainfo = torrent.metainfo
        done = torrent.verified_bytes()
        # Deleted and added anew, it begins from nothing again.
        before = min(done, self._reported.get(key, done))
        if metainfo is None or not torrent.readers or self._reported.get(key) == done:
            return
        self._reported[key] = done
        log.info(
            "[%s] progress: %.1f%% (%s/%s), %s/s from %d peers%s",
            key[:8],
            100 * done / max(1, metainfo.total_size),
            human_size(done),
            human_size(metainfo.total_size),
            human_size(round((done - before) / REPORT_INTERVAL)),
            torrent.progress.peers,
            "".join(f" and {name}" for name in self._feeding(key)),
        )


def _hold(ends: Ends, key: str) -> None:
    """Ask for both ends until they are there, or it takes too long."""
    try:
        ends.fetch(PREPARE_TIME)
    except (Problem, ConnectionAbortedError) as reason:
        log.debug("[%s] not prepared: %s", key[:8], reason)


def decode(raw: bytes) -> Metainfo:
    """Decode a .torrent without holding up everybody else."""
    if len(raw) <= DECODE_INLINE:
        return load_torrent(raw)
    found: Metainfo | Problem = gevent.get_hub().threadpool.apply(outcome, (load_torrent, raw))
    if isinstance(found, Problem):
        raise found
    return found
