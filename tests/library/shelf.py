"""The library over a real database, and torrents whose metadata is made up."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from addon.database.library import KeptLibrary
from addon.database.sqlite import open_sqlite
from addon.database.torrents import KeptTorrents
from addon.errors import Problem
from addon.library.catalogs import Catalogs
from addon.library.streams import StreamEntry, Streams, VideoId
from addon.library.titles import Titles
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.metainfo import Metainfo
from tests.torrents.build import pack

KEY = "ab" * 20


def torrent(name: str, *files: str | tuple[str, float], key: str = KEY) -> Metainfo:
    """Like ``pack``; a name alone is a torrent of that one file."""
    return replace(pack(name, *(files or (name,))), info_hash=InfoHash(v1=key))


class Shelf:
    """Stands for ``addon.playback.torrents``, as far as the library sees it."""

    def __init__(self, kept: KeptTorrents, library: KeptLibrary) -> None:
        self.kept = kept
        self.library = library
        self.metainfos: dict[str, Metainfo] = {}
        self.broken: set[str] = set()
        self.titles = Titles(library, kept)
        self.catalogs = Catalogs(library, self)
        self.streams = Streams(library, self)

    def magnet(self, info_hash: InfoHash) -> Magnet | None:
        key = self.kept.find(info_hash)
        return None if key is None else self.kept.magnet(key)

    def metainfo(self, info_hash: InfoHash) -> Metainfo | None:
        key = self.kept.find(info_hash) or ""
        if key in self.broken:
            raise Problem("bad-torrent", "The .torrent file cannot be read.")
        return self.metainfos.get(key)

    def add(self, what: Metainfo | Magnet, imdb_id: str | None = None, **about: int) -> str:
        """Adds a torrent, with its metadata or by its magnet alone; the title's id."""
        if isinstance(what, Magnet):
            self.kept.keep(what, None)
            return self.titles.add(what, self.metainfo(what.info_hash), imdb_id, **about)
        self.kept.keep(what.magnet(), what.raw)
        key = self.kept.find(what.info_hash) or ""
        self.metainfos[key] = what
        return self.titles.add(what.magnet(), what, imdb_id, **about)

    def describe(self, metainfo: Metainfo) -> None:
        """The metadata of a torrent arrives."""
        self.metainfos[self.kept.find(metainfo.info_hash) or ""] = metainfo
        self.titles.described(metainfo)

    def find(self, video_id: str) -> list[StreamEntry]:
        return self.streams.find(VideoId.parse(video_id))

    def played(self, video_id: str) -> list[str]:
        """What is offered for a video: file names, or what is wanted where none is known."""
        entries = self.find(video_id)
        return [entry.file.name if entry.file else str(entry.wanted) for entry in entries]

    def listed(self, kind: str) -> list[tuple[str, str, int | None]]:
        return [(title.id, title.name, title.year) for title in self.catalogs.page(kind)]


@contextmanager
def shelf(folder: Path) -> Iterator[Shelf]:
    engine = open_sqlite(folder / "self-streme.sqlite")
    try:
        yield Shelf(KeptTorrents(engine), KeptLibrary(engine))
    finally:
        engine.dispose()
