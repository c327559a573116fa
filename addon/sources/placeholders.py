"""What may stand in braces in a URL template, and where its value comes from.

| placeholder | value |
| --- | --- |
| ``{infohash}`` ``{INFOHASH}`` ``{infohash_b32}`` | the v1 info hash: lower, upper case, base32 |
| ``{filename}`` | the last component of the file's path |
| ``{file_path}`` | the whole path, with the torrent's folder, as web seeds use it |
| ``{inner_path}`` | the path inside that folder; of a single file its name |
| ``{file_index}`` ``{file_index1}`` | the file's number in the torrent, from 0 and from 1 |
| ``{magnet}`` ``{name}`` | the magnet link, the torrent's name |
| ``{size}`` ``{ext}`` | the file's bytes, its extension without the dot |
| ``{trackers}`` | ``&tr=`` and a tracker, for each tracker |

Every value is percent-encoded, and None where it is not known.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import replace

from addon.sources.base import Media
from addon.torrents.hints import MAX_URL
from addon.torrents.names import extension, quote_segment

MANY_TRACKERS = 10


def quoted_path(path: str) -> str:
    """A file's path as a web server wants it: each component quoted, the slashes kept."""
    return "/".join(map(quote_segment, path.split("/")))


def _infohash(media: Media) -> str | None:
    return media.info_hash.v1


def _upper_infohash(media: Media) -> str | None:
    return media.info_hash.v1 and media.info_hash.v1.upper()


def _base32_infohash(media: Media) -> str | None:
    v1 = media.info_hash.v1
    return v1 and base64.b32encode(bytes.fromhex(v1)).decode()


def _filename(media: Media) -> str | None:
    name = media.file.name if media.file is not None else media.file_name
    return quote_segment(name) or None


def _file_path(media: Media) -> str | None:
    return None if media.file is None else quoted_path(media.file.path)


def _inner_path(media: Media) -> str | None:
    if media.file is None:
        return None
    folder, _, inner = media.file.path.partition("/")
    return quoted_path(inner or folder)


def _file_index(media: Media) -> str | None:
    return None if media.file is None else str(media.file.index)


def _file_index1(media: Media) -> str | None:
    return None if media.file is None else str(media.file.index + 1)


def _magnet(media: Media) -> str | None:
    magnet = media.magnet
    if len(magnet.uri()) > MAX_URL:
        # A URL has less room than a magnet: the hash and some trackers do.
        few = magnet.trackers[:MANY_TRACKERS]
        magnet = replace(magnet, trackers=few, web_seeds=(), exact_sources=(), peers=(), only=())
    return quote_segment(magnet.uri())


def _name(media: Media) -> str | None:
    name = media.metainfo.name if media.metainfo is not None else media.magnet.name
    return quote_segment(name or "") or None


def _size(media: Media) -> str | None:
    return None if media.length is None else str(media.length)


def _ext(media: Media) -> str | None:
    return extension(media.file.name if media.file is not None else media.file_name) or None


def _trackers(media: Media) -> str | None:
    return "".join(f"&tr={quote_segment(url)}" for url in media.magnet.trackers[:MANY_TRACKERS])


VALUES: Mapping[str, Callable[[Media], str | None]] = {
    "infohash": _infohash,
    "INFOHASH": _upper_infohash,
    "infohash_b32": _base32_infohash,
    "filename": _filename,
    "file_path": _file_path,
    "inner_path": _inner_path,
    "file_index": _file_index,
    "file_index1": _file_index1,
    "magnet": _magnet,
    "name": _name,
    "size": _size,
    "ext": _ext,
    "trackers": _trackers,
}
FROM_METADATA = frozenset({"file_path", "inner_path", "file_index", "file_index1"})
# The file's name too: it is enough in a folder of one's own.
NAMES_CONTENT = frozenset(VALUES) - {"file_index", "file_index1", "size", "ext", "trackers"}
