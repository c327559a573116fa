"""Whether a piece's bytes are right: SHA-1 for v1 (BEP 3), a Merkle root for v2 (BEP 52).

Pure and slow on purpose-built threads only: hashing 16 MiB takes some 10 ms, and hashlib lets
other threads run meanwhile.
"""

import hashlib
from dataclasses import dataclass, field

LEAF = 16 * 1024
"""Bytes under one leaf of a v2 tree."""
_SHA1, _SHA256 = 20, 32
_NO_LEAF = bytes(_SHA256)


@dataclass(frozen=True, slots=True)
class FileTree:
    """A v2 file: its pieces, its root, and the hash of each piece (none where it has one piece).

    ``layer`` is empty too where the .torrent lacks it: metadata that came from peers does.
    """

    pieces: range
    root: bytes
    layer: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PieceHashes:
    """All hashes of a torrent: ``v1`` is 20 bytes a piece, empty for a torrent that is v2 only."""

    piece_length: int
    v1: bytes = field(repr=False)
    v2: tuple[FileTree, ...] = ()

    def known(self, index: int) -> bool:
        """Whether the piece can be checked at all."""
        return bool(self.v1) or self._expected(index) is not None

    def right(self, index: int, data: bytes | bytearray) -> bool:
        """Whether these are the piece's bytes: a whole v1 or hybrid piece with its pad bytes, or
        a v2 piece up to the end of its file. False too where its hash is not known."""
        if self.v1:
            found = hashlib.sha1(data, usedforsecurity=False).digest()
            return found == self.v1[index * _SHA1 : (index + 1) * _SHA1]
        expected = self._expected(index)
        if expected is None:
            return False
        digest, leaves = expected
        return merkle_root(data, leaves) == digest

    def _expected(self, index: int) -> tuple[bytes, int] | None:
        """The v2 hash of a piece and how many leaves are under it (0: as many as it needs)."""
        tree = next((tree for tree in self.v2 if index in tree.pieces), None)
        if tree is None:
            return None
        if len(tree.pieces) == 1:
            return tree.root, 0
        at = (index - tree.pieces.start) * _SHA256
        digest = tree.layer[at : at + _SHA256]
        return (digest, self.piece_length // LEAF) if len(digest) == _SHA256 else None


def merkle_root(data: bytes | bytearray, leaves: int = 0) -> bytes:
    """The root over 16 KiB leaves; missing ones, up to ``leaves`` or the next power of two, are
    zero hashes."""
    view = memoryview(data)
    row = [hashlib.sha256(view[at : at + LEAF]).digest() for at in range(0, len(view), LEAF)]
    width = leaves or 1 << max(0, len(row) - 1).bit_length()
    row += [_NO_LEAF] * (width - len(row))
    return _up(row)


def layer_root(layer: bytes, piece_length: int) -> bytes:
    """The root over the hashes of a file's pieces, as BEP 52 pads it."""
    row = [layer[at : at + _SHA256] for at in range(0, len(layer), _SHA256)]
    missing = _up([_NO_LEAF] * (piece_length // LEAF))
    row += [missing] * ((1 << max(0, len(row) - 1).bit_length()) - len(row))
    return _up(row)


def _up(row: list[bytes]) -> bytes:
    while len(row) > 1:
        row = [hashlib.sha256(row[i] + row[i + 1]).digest() for i in range(0, len(row), 2)]
    return row[0]
