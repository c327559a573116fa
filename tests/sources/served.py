"""Films that servers of the rig serve, well or badly, and the sources that lead there."""

import random
import time
from pathlib import Path
from typing import Any

from addon.sources.base import Media
from addon.sources.template import TemplateSource, parse_template
from addon.torrents.metainfo import Metainfo, load_torrent
from tests.rig.liars import Liars
from tests.rig.torrents import Torrent, make_torrent

PIECE = 64 * 1024
KIB = 1024
EBML = b"\x1a\x45\xdf\xa3"


def soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


def film(folder: Path, name: str, size: int, seed: int = 1) -> Path:
    """A file that begins as Matroska does."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(EBML + random.Random(seed).randbytes(size - 4))
    return path


def one_film(folder: Path, size: int = 300 * KIB + 77, version: str = "v1") -> Torrent:
    return make_torrent(film(folder, f"film-{version}-{size}.mkv", size), PIECE, version)


def pack(folder: Path, version: str = "v1") -> Torrent:
    """Three episodes; in v1 they share their first and last pieces."""
    name = f"Show-{version}"
    for number, size in enumerate((3 * PIECE + 1000, 4 * PIECE + 2000, 2 * PIECE + 5), 1):
        film(folder, f"{name}/e{number}.mkv", size, number)
    return make_torrent(folder / name, PIECE, version)


def media_of(made: Torrent, name: str = "", **more: Any) -> Media:
    """One file of it, the first unless it is named."""
    metainfo = load_torrent(made.raw)
    named = (file for file in metainfo.files if name in ("", file.name))
    file = next(named)
    return Media(metainfo.info_hash, metainfo.magnet(), metainfo, file, file.name, **more)


def known(media: Media) -> Metainfo:
    assert media.metainfo is not None
    return media.metainfo


def pieces_of(media: Media) -> range:
    assert media.file is not None
    return known(media).pieces_of(media.file)


def content(made: Torrent, index: int) -> bytes:
    """What a piece holds."""
    files = {file.index: file.data() for file in made.files}
    parts = []
    for segment in load_torrent(made.raw).segments(range(index, index + 1)):
        data = bytes(segment.stop) if segment.file is None else files[segment.file.index]
        parts.append(data[segment.start : segment.stop])
    return b"".join(parts)


def source(liars: Liars, fault: str = "honest", name: str = "liar", **more: Any) -> TemplateSource:
    """One that has the torrent's files by their paths, with a fault."""
    template = parse_template(f"{liars.base}/{fault}/{{file_path}}")
    return TemplateSource(name, template, **more)
