"""A tracker, seeders and servers together, all ended in reverse order, whatever happens."""

import contextlib
import itertools
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.rig.media import random_file
from tests.rig.seeder import Seeder
from tests.rig.server import Server
from tests.rig.torrents import Torrent, make_torrent
from tests.rig.tracker import Tracker

MIB = 1024 * 1024


class Lab:
    """Everything that a test of playing needs; parts are started when first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._parts = contextlib.ExitStack()
        self._count = itertools.count(1)
        self._tracker: Tracker | None = None
        self._seeders: list[Seeder] = []
        self._servers: list[Server] = []

    @property
    def tracker(self) -> Tracker:
        """The one tracker."""
        if self._tracker is None:
            self._tracker = self._parts.enter_context(Tracker())
        return self._tracker

    def seeders(self, count: int = 1) -> list[Seeder]:
        """The first ``count`` seeders; each has its own address."""
        while len(self._seeders) < count:
            address = f"127.0.0.{len(self._seeders) + 2}"
            self._seeders.append(self._parts.enter_context(Seeder(address)))
        return self._seeders[:count]

    def server(self, **environ: str | None) -> Server:
        """A new server in a folder of its own."""
        folder = self.folder / f"server-{next(self._count)}"
        self._servers.append(self._parts.enter_context(Server(folder, **environ)))
        return self._servers[-1]

    @property
    def logs(self) -> str:
        """What all its servers have written."""
        return "\n".join(server.log for server in self._servers)

    def file(self, name: str, size: int) -> Path:
        """A new file of random bytes that no earlier one had."""
        number = next(self._count)
        return random_file(self.folder / f"content-{number}" / name, size, number)

    def torrent(
        self, size: int = 16 * MIB, piece_length: int = MIB, version: str = "v1", **more: bool
    ) -> Torrent:
        """A new torrent of one file, ``film.mkv``."""
        return make_torrent(self.file("film.mkv", size), piece_length, version, **more)

    def renamed(self, source: Path, name: str, piece_length: int = 256 * 1024) -> Torrent:
        """A torrent of a file under a name of its own, so that its hash is its own too."""
        copy = self.folder / "named" / name
        copy.parent.mkdir(exist_ok=True)
        copy.hardlink_to(source)
        return make_torrent(copy, piece_length)

    def share(
        self,
        torrent: Torrent,
        *,
        rate: int = 0,
        count: int = 1,
        pieces: Iterable[int] | None = None,
        stop_after: int = 0,
    ) -> str:
        """Have ``count`` seeders offer it at ``rate`` bytes a second each; its magnet."""
        seeders = self.seeders(count)
        for seeder in seeders:
            seeder.seed(torrent, rate=rate, pieces=pieces, stop_after=stop_after)
        self.tracker.introduce(torrent.hashes, [seeder.peer for seeder in seeders])
        return torrent.magnet([self.tracker.url])

    def close(self) -> None:
        """End everything."""
        self._parts.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._parts.__exit__(kind, error, trace)
