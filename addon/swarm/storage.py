"""Where a torrent's pieces lie on disk, and which of them are known to be there.

Each torrent has one folder, ``<root>/<key>/``, and beside it ``<key>.pieces``: a bitmap of the
pieces that were behind the flush fence when it was written. It is written to a new file and then
renamed, so it is always a true subset: after a crash it may miss the last second, never claim
too much. libtorrent is told this bitmap instead of checking gigabytes again.
"""

import os
import re
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from addon.errors import Problem
from addon.torrents.magnet import InfoHash
from addon.torrents.metainfo import File, Metainfo
from addon.torrents.names import human_size

DEFAULT_LIMIT = 20_000_000_000
# What is left to the rest of the machine: databases and logs fail badly on a disk that is full.
RESERVE_BYTES = 64 * 1024 * 1024
_MAGIC = b"SSP1"
_OURS = re.compile(r"([0-9a-f]{40}|[0-9a-f]{64})(?:\.pieces|\.new)?")


@dataclass(frozen=True, slots=True)
class Held:
    """What one torrent takes on disk, in bytes, and when it was last used (seconds since 1970)."""

    size: int
    used_at: float


class Storage:
    """The folder that holds all torrents' files."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def key_of(self, info_hash: InfoHash) -> str:
        """What a torrent's folder is called: ``info_hash.key``, unless a hybrid was first known
        by its v2 hash alone and has its files there."""
        by_v2 = info_hash.v2
        if info_hash.v1 and by_v2 and (self.root / by_v2).is_dir():
            return by_v2
        return info_hash.key

    def folder(self, key: str) -> Path:
        """The save path of one torrent (made if missing); ``key`` is 40 or 64 hex digits."""
        if not key.isalnum():
            raise ValueError(f"not an info hash: {key!r}")
        path = self.root / key
        path.mkdir(parents=True, exist_ok=True)
        return path

    def path(self, key: str, file: File) -> Path:
        """Where a file's bytes lie; refuses a path that would leave the torrent's folder."""
        folder = self.root / key
        path = (folder / file.path).resolve()
        if not path.is_relative_to(folder):
            raise Problem(
                "bad-torrent",
                f"The torrent names a file outside its own folder: {file.name}",
                "Do not use this torrent.",
            )
        return path

    def load_pieces(self, key: str, metainfo: Metainfo) -> bytearray | None:
        """One byte a piece, 1 where it is on file; None when nothing is known for sure."""
        count = metainfo.piece_count
        try:
            raw = (self.root / f"{key}.pieces").read_bytes()
        except FileNotFoundError:
            return None
        expected = len(_MAGIC) + (count + 7) // 8
        if not raw.startswith(_MAGIC) or len(raw) != expected:
            return None
        bits = raw[len(_MAGIC) :]
        pieces = bytearray((bits[i >> 3] >> (i & 7)) & 1 for i in range(count))
        for file in metainfo.files:
            span = metainfo.pieces_of(file)
            if pieces.find(1, span.start, span.stop) >= 0 and not self.path(key, file).exists():
                # Somebody deleted files by hand: let libtorrent check what is left.
                return None
        return pieces

    def save_pieces(self, key: str, on_file: bytes | bytearray) -> None:
        """Keep the bitmap (one byte a piece in, one bit a piece on disk)."""
        bits = bytearray((len(on_file) + 7) // 8)
        for index, there in enumerate(on_file):
            if there:
                bits[index >> 3] |= 1 << (index & 7)
        path = self.root / f"{key}.pieces"
        fresh = path.with_suffix(".new")
        fresh.write_bytes(_MAGIC + bits)
        os.replace(fresh, path)

    def forget(self, key: str) -> None:
        """Delete a torrent's files and its bitmap."""
        (self.root / f"{key}.pieces").unlink(missing_ok=True)
        shutil.rmtree(self.root / key, ignore_errors=True)

    def forget_files(self, key: str, metainfo: Metainfo, files: Sequence[File]) -> None:
        """Delete some files of a torrent that is in no session, and what the bitmap says of them.

        A piece that holds bytes of another file too is fetched again when that one is played.
        """
        pieces = self.load_pieces(key, metainfo)
        for file in files:
            self.path(key, file).unlink(missing_ok=True)
        if pieces is not None:
            for index in (index for file in files for index in metainfo.pieces_of(file)):
                pieces[index] = 0
            self.save_pieces(key, pieces)

    def touch(self, key: str) -> None:
        """The torrent is being used: among all it is deleted last."""
        with suppress(FileNotFoundError):
            os.utime(self.root / key)

    def held(self) -> dict[str, Held]:
        """What each torrent takes on disk. Looks at every file: a matter for a thread."""
        found = {}
        for entry in os.scandir(self.root):
            if entry.is_dir(follow_symlinks=False) and _OURS.fullmatch(entry.name):
                used_at = entry.stat(follow_symlinks=False).st_mtime
                found[entry.name] = Held(_blocks(Path(entry.path)), used_at)
        return found

    def sweep(self, known: Callable[[InfoHash], bool]) -> list[str]:
        """Delete what belongs to no torrent that is ``known``; the keys that are gone."""
        gone = set()
        for entry in os.scandir(self.root):
            name = _OURS.fullmatch(entry.name)
            if name and not known(InfoHash.from_key(name[1])):
                gone.add(name[1])
        for key in gone:
            self.forget(key)
            (self.root / f"{key}.new").unlink(missing_ok=True)
        return sorted(gone)

    def default_limit(self) -> int:
        """How many bytes may lie here where nobody has said: at most 80 % of what there is now."""
        free = shutil.disk_usage(self.root).free
        return min(DEFAULT_LIMIT, (free + sum(one.size for one in self.held().values())) * 4 // 5)

    def free(self) -> int:
        """Bytes that may still be written without touching the reserve; below 0 it is touched."""
        return shutil.disk_usage(self.root).free - RESERVE_BYTES


def _blocks(folder: Path) -> int:
    """Bytes of disk that the files of a folder take: they are sparse while they download."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # libtorrent deletes in its own time
                total += os.lstat(os.path.join(parent, name)).st_blocks * 512
    return total


def disk_full(missing: int, free: int) -> Problem:
    """The one sentence about a disk without room."""
    return Problem(
        "disk-full",
        f"This film still needs {human_size(missing)}, but only {human_size(free)} are free "
        f"where the server keeps its pieces.",
        "Free some space, remove titles from the library, or set DATA_DIR to a larger disk.",
        retry_after=30,
    )
