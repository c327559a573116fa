"""What sources are asked for in these tests."""

from dataclasses import replace
from typing import Any

from addon.sources.base import Media
from addon.torrents.magnet import InfoHash, Magnet
from tests.torrents.build import pack

V1, V2 = "ab" * 20, "cd" * 32
HASH = InfoHash(v1=V1)


def unknown(file_name: str = "", /, **magnet: Any) -> Media:
    """A file whose torrent is known by its magnet only."""
    magnet = {"info_hash": HASH} | magnet
    return Media(magnet["info_hash"], Magnet(**magnet), file_name=file_name)


def known(folder: str, *paths: str, at: int = 0, **more: Any) -> Media:
    """One file of a torrent whose metadata is known; ``more`` goes to the Metainfo.

    A single path that is called like the torrent is a torrent of one file.
    """
    metainfo = replace(pack(folder, *paths), **more)
    file = metainfo.files[at]
    return Media(metainfo.info_hash, metainfo.magnet(), metainfo, file, file.name)
