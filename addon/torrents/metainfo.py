"""A .torrent file as a value.

libtorrent decodes it: within limits, without recursion, with names made safe for a file system,
and with the info hash taken over the bytes as they stand. Nothing else here reads bencode.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, cast

import libtorrent as lt

from addon.errors import Problem
from addon.torrents.hashes import FileTree, PieceHashes, layer_root
from addon.torrents.hints import (
    HTTP_SCHEMES,
    MAX_TRACKERS,
    MAX_WEB_SEEDS,
    TRACKER_SCHEMES,
    tidy_urls,
)
from addon.torrents.magnet import InfoHash, Magnet

MAX_TORRENT = 10 * 1024 * 1024  # bytes; libtorrent does not check it for a buffer
# 10 MB of small integers cost 0.15 s to refuse with these, and 10 MB of files 0.3 s to read.
LIMITS = {"max_decode_depth": 50, "max_decode_tokens": 500_000, "max_pieces": 200_000}

_HINT = "Download the .torrent file again, or add the torrent by its magnet link."


@dataclass(frozen=True, slots=True)
class File:
    """One file of a torrent.

    ``index`` is libtorrent's, which counts pad files too; ``path`` is where libtorrent writes it,
    relative to the save path, with '/' and with the torrent's folder; ``offset`` is where its
    first byte stands among the bytes of all files; ``length`` is in bytes and may be 0.
    """

    index: int
    path: str
    offset: int
    length: int

    @property
    def name(self) -> str:
        """The last component of the path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Segment:
    """``[start, stop)`` of a file, or so many pad bytes (zeros) where ``file`` is None."""

    file: File | None
    start: int
    stop: int

    @property
    def length(self) -> int:
        """How many bytes it holds."""
        return self.stop - self.start


@dataclass(frozen=True, slots=True)
class Metainfo:
    """What a .torrent says. ``files`` ascend by index; pad files and symbolic links are left out.

    ``total_size`` is what the pieces cover, pad files included: the last piece ends there.
    ``raw`` is the whole .torrent as it came.
    """

    info_hash: InfoHash
    name: str
    piece_length: int
    piece_count: int
    total_size: int
    files: tuple[File, ...]
    private: bool
    trackers: tuple[str, ...]
    web_seeds: tuple[str, ...]
    raw: bytes = field(repr=False)
    hashes: PieceHashes = field(default=PieceHashes(0, b""), repr=False)

    def file(self, index: int) -> File:
        """The file of this index; Problem("no-such-file") where there is none."""
        at = bisect_left(self.files, index, key=attrgetter("index"))
        if at < len(self.files) and self.files[at].index == index:
            return self.files[at]
        raise Problem(
            "no-such-file",
            f"The torrent has no file number {index}.",
            "Ask for the torrent's files and take one of their numbers.",
        )

    def pieces_of(self, file: File) -> range:
        """The pieces that hold the file's bytes; empty for an empty file."""
        first = file.offset // self.piece_length
        if not file.length:
            return range(first, first)
        return range(first, (file.offset + file.length - 1) // self.piece_length + 1)

    def piece_size(self, index: int) -> int:
        """Bytes in this piece, pad bytes included; IndexError beyond the last."""
        if not 0 <= index < self.piece_count:
            raise IndexError(f"piece {index} of {self.piece_count}")
        return min(self.piece_length, self.total_size - index * self.piece_length)

    def content_size(self, index: int) -> int:
        """Bytes of the piece that are hashed: without the pad bytes where the torrent is v2 only
        (libtorrent takes and gives such a piece clipped, and a hybrid's whole)."""
        size = self.piece_size(index)
        if self.info_hash.v1 is not None:
            return size
        begin = index * self.piece_length
        return max(segment[1] for segment in self._files_between(begin, begin + size)) - begin

    def segments(self, pieces: range) -> tuple[Segment, ...]:
        """What a run of pieces is made of, in order; together exactly their content."""
        begin = pieces.start * self.piece_length
        last = pieces.stop - 1
        end = last * self.piece_length + self.content_size(last)
        found: list[Segment] = []
        for first, stop, file in self._files_between(begin, end):
            if begin < first:
                found.append(Segment(None, 0, first - begin))
            found.append(Segment(file, first - file.offset, stop - file.offset))
            begin = stop
        if begin < end:
            found.append(Segment(None, 0, end - begin))
        return tuple(found)

    def check_piece(self, index: int, data: bytes | bytearray) -> bool:
        """Whether ``data``, ``content_size`` bytes, is the piece. Slow: a matter for a thread."""
        return len(data) == self.content_size(index) and self.hashes.right(index, data)

    def _files_between(self, begin: int, end: int) -> list[tuple[int, int, File]]:
        """(first, stop, file) of the bytes from ``begin`` to ``end`` that lie in files."""
        at = bisect_right(self.files, begin, key=attrgetter("offset")) - 1
        found = []
        for file in self.files[max(0, at) :]:
            if file.offset >= end:
                break
            first, stop = max(begin, file.offset), min(end, file.offset + file.length)
            if first < stop:
                found.append((first, stop, file))
        return found

    def magnet(self) -> Magnet:
        """A magnet that leads to the same torrent."""
        only_file = len(self.files) == 1
        return Magnet(
            info_hash=self.info_hash,
            name=self.name or None,
            trackers=self.trackers,
            web_seeds=self.web_seeds,
            length=self.files[0].length or None if only_file else None,
        )


def load_torrent(raw: bytes) -> Metainfo:
    """Reads a .torrent. Costs up to 0.3 s of CPU for the largest: a matter for a thread.

    Problem("too-large") over 10 MiB; Problem("bad-torrent") where libtorrent cannot read it.
    """
    if len(raw) > MAX_TORRENT:
        raise Problem(
            "too-large",
            f"The .torrent file has {len(raw)} bytes; {MAX_TORRENT} are the most that is read.",
            "Add the torrent by its magnet link, or divide it.",
        )
    try:
        # The stubs name the wrong dictionary here: these are load_torrent_limits.
        params = lt.load_torrent_buffer(raw, cast("Any", LIMITS))
    except (RuntimeError, ValueError, OverflowError, MemoryError) as error:
        reason = str(error).partition(" [")[0] or type(error).__name__
        raise Problem(
            "bad-torrent", f"The .torrent file cannot be read: {reason}.", _HINT
        ) from error
    info = params.ti
    if info is None:
        raise Problem("bad-torrent", "The .torrent file holds no info dictionary.", _HINT)
    layout = info.layout()
    info_hash = _info_hash(params.info_hashes)
    # What libtorrent keeps to itself or changes of a v2 torrent is read from the file's own text.
    decoded = cast("dict[bytes, Any]", lt.bdecode(raw)) if info_hash.v1 is None else {}
    web_seeds = _url_list(decoded) if info_hash.v1 is None else _texts(params, "url_seeds")
    return Metainfo(
        info_hash=info_hash,
        name=info.name(),
        piece_length=layout.piece_length(),
        piece_count=layout.num_pieces(),
        total_size=layout.total_size(),
        files=_files(layout, params.renamed_files),
        private=info.priv(),
        trackers=tidy_urls(_texts(params, "trackers"), TRACKER_SCHEMES, MAX_TRACKERS),
        web_seeds=tidy_urls(web_seeds, HTTP_SCHEMES, MAX_WEB_SEEDS),
        raw=raw,
        hashes=_hashes(info, decoded),
    )


def _url_list(decoded: dict[bytes, Any]) -> list[str]:
    """BEP 19: one URL or a list of them. libtorrent puts a '/' behind each of a v2 torrent's, also
    where the URL is the one file itself."""
    value = decoded.get(b"url-list", ())
    listed = value if isinstance(value, list) else [value]
    return [url.decode(errors="replace") for url in listed if isinstance(url, bytes)]


def _hashes(info: lt.torrent_info, decoded: dict[bytes, Any]) -> PieceHashes:
    """v1's come from libtorrent: of two info dictionaries in one file it hashes the first, and
    bdecode gives the last."""
    layout = info.layout()
    length = layout.piece_length()
    if info.info_hashes().has_v1():
        return PieceHashes(length, b"".join(map(info.hash_for_piece, range(info.num_pieces()))))
    layers = decoded.get(b"piece layers")
    trees = []
    for index in range(layout.num_files()):
        size = layout.file_size(index)
        if not size or layout.file_flags(index) & lt.file_storage.flag_pad_file:
            continue
        first = layout.file_offset(index) // length
        root = layout.root(index).to_bytes()
        layer = layers.get(root, b"") if isinstance(layers, dict) else b""
        # Metadata from strangers: a layer that does not lead to its root proves nothing.
        if not isinstance(layer, bytes) or (layer and layer_root(layer, length) != root):
            layer = b""
        trees.append(FileTree(range(first, first + -(-size // length)), root, layer))
    return PieceHashes(length, b"", tuple(trees))


def _info_hash(hashes: lt.info_hash_t) -> InfoHash:
    return InfoHash(
        v1=str(hashes.v1) if hashes.has_v1() else None,
        v2=str(hashes.v2) if hashes.has_v2() else None,
    )


def _files(layout: lt.file_storage, renamed: dict[int, str]) -> tuple[File, ...]:
    """Two files of one name: libtorrent 2.1 leaves the layout alone and renames in its params."""
    no_content = lt.file_storage.flag_pad_file | lt.file_storage.flag_symlink
    files = []
    for index in range(layout.num_files()):
        if layout.file_flags(index) & no_content:
            continue
        path = renamed.get(index) or layout.file_path(index)
        if not _stays_inside(path):
            raise Problem(
                "bad-torrent",
                f"File number {index} of the torrent has a path that leads out of its folder.",
                "This torrent is made to do harm; do not use it.",
            )
        files.append(File(index, path, layout.file_offset(index), layout.file_size(index)))
    return tuple(files)


def _stays_inside(path: str) -> bool:
    """libtorrent sees to it; we look again, because a mistake there writes where it should not."""
    return "\0" not in path and not any(part in ("", ".", "..") for part in path.split("/"))


def _texts(params: lt.add_torrent_params, name: str) -> Sequence[str]:
    """A list of strings; empty where one is no UTF-8, because the binding then gives none."""
    try:
        return cast("list[str]", getattr(params, name))
    except UnicodeDecodeError:
        return ()


def torrent_from_info(
    info: bytes, trackers: Iterable[str] = (), web_seeds: Iterable[str] = ()
) -> bytes:
    """A .torrent around an info dictionary, which peers send alone (BEP 9).

    The dictionary goes in byte by byte, so the info hash stays. Piece layers of v2 are missing
    then, and libtorrent asks peers for them.
    """
    outer: dict[bytes, bytes] = {b"info": info}
    urls = list(trackers)
    if urls:
        outer[b"announce"] = _bencode(urls[0])
        outer[b"announce-list"] = _bencode([[url] for url in urls])
    seeds = list(web_seeds)
    if seeds:
        outer[b"url-list"] = _bencode(seeds)
    # Canonical: keys in ascending order, as BEP 3 demands.
    return b"d" + b"".join(_bencode(key) + outer[key] for key in sorted(outer)) + b"e"


def _bencode(value: str | bytes | Sequence[Any]) -> bytes:
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"%d:%b" % (len(value), value)
    return b"l" + b"".join(map(_bencode, value)) + b"e"
