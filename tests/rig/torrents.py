"""Real torrents of real files, made by libtorrent."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import libtorrent as lt

FLAGS = {"v1": lt.create_torrent.v1_only, "v2": lt.create_torrent.v2_only, "hybrid": 0}


@dataclass(frozen=True)
class TorrentFile:
    """One file: libtorrent's index, its place on disk and among the torrent's bytes."""

    index: int
    path: Path
    offset: int
    length: int

    def data(self) -> bytes:
        """Its content."""
        return self.path.read_bytes()


@dataclass(frozen=True)
class Torrent:
    """A .torrent and the files it was made from; hashes are hexadecimal."""

    raw: bytes
    name: str
    folder: Path
    v1: str | None
    v2: str | None
    piece_length: int
    files: tuple[TorrentFile, ...]

    @property
    def key(self) -> str:
        """What the server's URLs call it."""
        key = self.v1 or self.v2
        assert key is not None
        return key

    @property
    def hashes(self) -> list[str]:
        """What it is called at a tracker: 40 digits each, a v2 hash cut short."""
        return [text[:40] for text in (self.v1, self.v2) if text]

    @property
    def pieces(self) -> int:
        """How many pieces it has."""
        return -(-self.size // self.piece_length)

    @property
    def size(self) -> int:
        """Bytes that its pieces cover."""
        return max(file.offset + file.length for file in self.files)

    def file(self, name: str) -> TorrentFile:
        """The file of this name."""
        return next(file for file in self.files if file.path.name == name)

    def magnet(
        self, trackers: Sequence[str] = (), peers: Sequence[tuple[str, int]] = (), only: str = ""
    ) -> str:
        """Its magnet link; ``only`` is ``v1`` or ``v2`` for one hash of a hybrid."""
        topics = [f"xt=urn:btih:{self.v1}"] if self.v1 and only != "v2" else []
        if self.v2 and only != "v1":
            topics.append(f"xt=urn:btmh:1220{self.v2}")
        parts = [*topics, f"dn={self.name}", *(f"tr={url}" for url in trackers)]
        return "magnet:?" + "&".join([*parts, *(f"x.pe={ip}:{port}" for ip, port in peers)])


def make_torrent(
    source: Path,
    piece_length: int = 1024 * 1024,
    version: str = "v1",
    *,
    trackers: Sequence[str] = (),
    private: bool = False,
) -> Torrent:
    """The torrent of a file or of a whole folder; ``version`` is v1, v2 or hybrid."""
    listed = sorted(lt.list_files(str(source)), key=lambda entry: entry.filename)
    made = lt.create_torrent(listed, piece_length, FLAGS[version])
    lt.set_piece_hashes(made, str(source.parent))
    for url in trackers:
        made.add_tracker(url)
    made.set_priv(private)
    raw = lt.bencode(made.generate())
    loaded = lt.load_torrent_buffer(raw)
    info = loaded.ti
    assert info is not None
    hashes: Any = loaded.info_hashes
    layout = info.layout()
    files = (
        TorrentFile(
            index,
            source.parent / layout.file_path(index),
            layout.file_offset(index),
            layout.file_size(index),
        )
        for index in range(layout.num_files())
        if not layout.file_flags(index) & lt.file_flags_t.flag_pad_file
    )
    return Torrent(
        raw,
        info.name(),
        source.parent,
        str(hashes.v1) if hashes.has_v1() else None,
        str(hashes.v2) if hashes.has_v2() else None,
        info.piece_length(),
        tuple(files),
    )
