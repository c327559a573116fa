"""The use cases over the real database and a swarm that a test scripts."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
from gevent.event import Event

from addon.database.sqlite import open_sqlite
from addon.database.torrents import KeptTorrents
from addon.errors import Problem
from addon.playback.torrents import Torrents
from addon.swarm.torrent import Progress
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.metainfo import File, Metainfo


class FakeStream:
    """A byte range that never ends by itself; ``reason`` is what it breaks with."""

    def __init__(self, file: File, start: int, stop: int) -> None:
        self.range = (file.name, start, stop)
        self.arrived = Event()
        self.reason: Exception | None = None
        self.closed = False

    def chunks(self) -> Iterator[bytes]:
        self.arrived.wait()
        if self.reason is not None:
            raise self.reason
        yield b"x"

    def close(self) -> None:
        self.closed = True


class FakeTorrent:
    def __init__(self, magnet: Magnet, metainfo: Metainfo | None) -> None:
        self.magnet, self.metainfo = magnet, metainfo
        self.info_hash = metainfo.info_hash if metainfo else magnet.info_hash
        self.progress = Progress()
        self.failure: Problem | None = None
        self.readers = 0
        self.verified = 0
        self.described = Event()
        self.streams: list[FakeStream] = []
        self.refuses: list[Problem | None] = []

    def wait_metadata(self, timeout: float) -> Metainfo | None:
        self.described.wait(timeout)
        return self.metainfo

    def open(self, file: File, start: int, stop: int, *, ahead: bool) -> FakeStream:
        assert not ahead, "what is prepared is no viewer"
        if self.refuses and (problem := self.refuses.pop(0)) is not None:
            raise problem
        self.streams.append(FakeStream(file, start, stop))
        return self.streams[-1]

    def verified_bytes(self, file: File | None = None) -> int:
        return self.verified


class FakeSwarm:
    def __init__(self) -> None:
        self.there: list[FakeTorrent] = []
        self.removed: list[InfoHash] = []

    def get(self, info_hash: InfoHash) -> Any:
        return next((t for t in self.there if t.info_hash.matches(info_hash)), None)

    def torrents(self) -> list[Any]:
        return self.there

    def add(self, magnet: Magnet, metainfo: Metainfo | None = None) -> Any:
        if self.get(magnet.info_hash) is None:
            self.there.append(FakeTorrent(magnet, metainfo))
        return self.get(magnet.info_hash)

    def reserve(self, info_hash: InfoHash, file: File, needed: int | None = None) -> Any:
        assert needed, "what is prepared is not the whole film"
        return self.get(info_hash)

    def remove(self, info_hash: InfoHash) -> None:
        self.removed.append(info_hash)
        self.there.remove(self.get(info_hash))


class FakeSearch:
    """Looks in the swarm alone."""

    def __init__(self, swarm: FakeSwarm) -> None:
        self._swarm = swarm
        self.stopped: list[InfoHash] = []

    def begin(self, magnet: Magnet) -> Any:
        torrent: FakeTorrent = self._swarm.add(magnet)
        return SimpleNamespace(wait=torrent.wait_metadata)

    def stop(self, info_hash: InfoHash) -> None:
        self.stopped.append(info_hash)


class FakeShelf:
    def __init__(self) -> None:
        self.added: list[tuple[Any, ...]] = []
        self.known: list[Metainfo] = []
        self.gone: list[str] = []

    def add(self, magnet: Magnet, metainfo: Metainfo | None, *about: Any) -> str:
        self.added.append((magnet.info_hash.key, metainfo, *about))
        return ""

    def described(self, metainfo: Metainfo) -> None:
        self.known.append(metainfo)

    def removed(self, key: str) -> None:
        self.gone.append(key)


class Depot:
    """Torrents and what is around them; ``restart`` keeps the database alone."""

    def __init__(self, folder: Path) -> None:
        self.engine = open_sqlite(folder / "database")
        self.kept = KeptTorrents(self.engine)
        self._begin()

    def restart(self) -> None:
        self.torrents.close()
        self._begin()

    def _begin(self) -> None:
        self.swarm, self.shelf = FakeSwarm(), FakeShelf()
        self.feeding: list[str] = []
        swarm: Any = self.swarm
        self.search: Any = FakeSearch(self.swarm)
        self.torrents = Torrents(swarm, self.kept, self.shelf, self.search, lambda _: self.feeding)

    def describe(self, metainfo: Metainfo) -> FakeTorrent:
        """Peers send a torrent's metadata, as the session tells it."""
        torrent: FakeTorrent = self.swarm.get(metainfo.info_hash)
        torrent.metainfo, torrent.info_hash = metainfo, metainfo.info_hash
        torrent.described.set()
        self.torrents.metadata_arrived(torrent, metainfo)
        gevent.sleep(0)
        return torrent

    def close(self) -> None:
        self.torrents.close()
        self.engine.dispose()
