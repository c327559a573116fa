"""Torrents to test with: real ones made by libtorrent, wicked ones written by hand."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import libtorrent as lt

from addon.torrents.magnet import InfoHash
from addon.torrents.metainfo import File, Metainfo

PIECE = 16 * 1024
MB = 1_000_000
FLAGS = {"v1": lt.create_torrent.v1_only, "v2": lt.create_torrent.v2_only, "hybrid": 0}


def real(folder: Path, files: Mapping[str, bytes], version: str, **outer: Any) -> bytes:
    """Writes the files below ``folder`` and has libtorrent make their .torrent."""
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    root = folder / next(iter(files)).partition("/")[0]
    torrent = lt.create_torrent(lt.list_files(str(root)), PIECE, FLAGS[version])
    lt.set_piece_hashes(torrent, str(folder))
    for url in outer.get("trackers", ()):
        torrent.add_tracker(url)
    for url in outer.get("web_seeds", ()):
        torrent.add_url_seed(url)
    torrent.set_priv(outer.get("private", False))
    return lt.bencode(torrent.generate())


def bencode(value: Any) -> bytes:
    """Without any check, so that it can write nonsense."""
    match value:
        case int():
            return b"i%de" % value
        case str():
            return bencode(value.encode())
        case bytes():
            return b"%d:%b" % (len(value), value)
        case list():
            return b"l" + b"".join(map(bencode, value)) + b"e"
        case dict():
            pairs = sorted((k.encode(), v) for k, v in value.items())
            return b"d" + b"".join(bencode(k) + bencode(v) for k, v in pairs) + b"e"
    raise TypeError(type(value))


def info(files: Iterable[tuple[list[Any], int]], name: Any = "Root", **more: Any) -> dict[str, Any]:
    """The info dictionary of a v1 torrent of these (path, length), with made-up hashes."""
    listed = [{"path": path, "length": length} for path, length in files]
    total = sum(length for _, length in files)
    pieces = b"x" * 20 * max(0, -(-total // PIECE))
    base = {"name": name, "piece length": PIECE, "pieces": pieces, "files": listed}
    return base | more


def torrent(info_dictionary: dict[str, Any], **outer: Any) -> bytes:
    return bencode({"info": info_dictionary} | outer)


def pack(name: str, *files: str | tuple[str, float]) -> Metainfo:
    """A Metainfo of these paths, each of 500 MB or of the megabytes that stand with it.

    A single path without a folder is a torrent of one file; else all stand in a folder ``name``.
    """
    listed = [(f, 500.0) if isinstance(f, str) else f for f in files]
    whole = []
    offset = 0
    alone = len(listed) == 1 and listed[0][0] == name
    for index, (path, megabytes) in enumerate(listed):
        length = int(megabytes * MB)
        whole.append(File(index, path if alone else f"{name}/{path}", offset, length))
        offset += length
    return Metainfo(
        info_hash=InfoHash(v1="ab" * 20),
        name=name,
        piece_length=MB,
        piece_count=-(-offset // MB),
        total_size=offset,
        files=tuple(whole),
        private=False,
        trackers=(),
        web_seeds=(),
        raw=b"",
    )
