"""A torrent whose bytes are all in the store, or have not come yet."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gevent.event import Event

from addon.torrents.metainfo import File
from tests.torrents.build import pack

METAINFO = pack("Film", ("film.mkv", 3), ("film.en.srt", 0.05))
HASH = METAINFO.info_hash
FILM, TEXT = METAINFO.files


class InStore:
    """A torrent whose bytes lie in a real file, or in memory, or have not come."""

    def __init__(self, folder: Path) -> None:
        self.data = bytes(range(256)) * (METAINFO.total_size // 256 + 1)
        self.path = folder / "data"
        self.path.write_bytes(self.data)
        self.metainfo, self.failure = METAINFO, None
        self.missing: set[int] = set()
        self.comes = Event()
        self.comes.set()
        self.opened = self.closed = 0

    def has_piece(self, index: int) -> bool:
        return index not in self.missing

    def open(self, file: File, start: int, stop: int, *, ahead: bool) -> Any:
        assert not ahead, "it is no viewer"
        self.opened += 1
        return Range(self, file.offset + start, file.offset + stop)


class Range:
    def __init__(self, torrent: InStore, start: int, stop: int) -> None:
        self.torrent, self.start, self.stop = torrent, start, stop
        self.cancelled = False

    def chunks(self) -> Iterator[bytes | tuple[int, int, int]]:
        self.torrent.comes.wait()
        if self.cancelled:
            raise ConnectionAbortedError
        half = (self.start + self.stop) // 2
        yield self.torrent.data[self.start : half]
        with self.torrent.path.open("rb") as file:
            yield file.fileno(), half, self.stop - half

    def cancel(self) -> None:
        self.cancelled = True
        self.torrent.comes.set()

    def close(self) -> None:
        self.torrent.closed += 1
