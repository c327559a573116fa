"""Every piece of torrents that libtorrent made is right, and nothing else is."""

import hashlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import libtorrent as lt
import pytest

from addon.errors import Problem
from addon.torrents.hashes import LEAF, FileTree, PieceHashes, layer_root, merkle_root
from addon.torrents.metainfo import Metainfo, Segment, load_torrent, torrent_from_info
from tests.rig.media import random_file
from tests.rig.torrents import Torrent, make_torrent
from tests.torrents.build import bencode

VERSIONS = ["v1", "v2", "hybrid"]
PIECE = 4 * LEAF
# Ends inside a leaf, at a leaf, at a piece, within one leaf, and nothing.
SIZES = (3 * PIECE + 5000, 2 * PIECE, 700, PIECE + LEAF, 0, 5 * PIECE - 1, 3 * LEAF)
Content = dict[int, bytes]


def pack(folder: Path, version: str, piece: int = PIECE, sizes: tuple[int, ...] = SIZES) -> Torrent:
    for number, size in enumerate(sizes):
        random_file(folder / "Show" / f"e{number}.mkv", size, number)
    return make_torrent(folder / "Show", piece, version)


def read(raw: bytes) -> dict[bytes, Any]:
    decoded: Any = lt.bdecode(raw)
    return dict(decoded)


def encode(value: Any) -> bytes:
    return lt.bencode(value)


def loaded(made: Torrent) -> tuple[Metainfo, Content]:
    """The metadata, and the content of each file by its index."""
    return load_torrent(made.raw), {file.index: file.data() for file in made.files}


def data_of(metainfo: Metainfo, content: Content, pieces: range) -> bytes:
    """The bytes of a run of pieces as ``segments`` tells of them."""
    parts = []
    for segment in metainfo.segments(pieces):
        if segment.file is None:
            parts.append(bytes(segment.length))
        else:
            parts.append(content[segment.file.index][segment.start : segment.stop])
    return b"".join(parts)


def piece_of(metainfo: Metainfo, content: Content, index: int) -> bytes:
    return data_of(metainfo, content, range(index, index + 1))


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[LEAF, 2 * LEAF, PIECE])
def made(tmp_path: Path, version: str, request: pytest.FixtureRequest) -> Torrent:
    return pack(tmp_path, version, request.param)


def test_every_piece_of_a_pack_is_right_and_a_flipped_bit_is_not(made: Torrent) -> None:
    metainfo, content = loaded(made)
    assert metainfo.piece_count > 10
    for index in range(metainfo.piece_count):
        data = piece_of(metainfo, content, index)
        assert metainfo.hashes.known(index)
        assert metainfo.check_piece(index, data)
        assert metainfo.check_piece(index, bytearray(data))
        for at in (0, len(data) // 2, len(data) - 1):
            wrong = bytearray(data)
            wrong[at] ^= 1
            assert not metainfo.check_piece(index, wrong), (index, at)


def test_a_piece_is_right_in_its_own_place_and_length_only(made: Torrent) -> None:
    metainfo, content = loaded(made)
    pieces = [piece_of(metainfo, content, index) for index in range(metainfo.piece_count)]
    for index, data in enumerate(pieces):
        assert len(data) == metainfo.content_size(index)
        assert not metainfo.check_piece(index, data[:-1])
        assert not metainfo.check_piece(index, data + b"\0")
        assert not metainfo.check_piece(index, b"")
    for index, (_, after) in enumerate(pairwise(pieces)):
        assert not metainfo.check_piece(index, after)


def test_segments_are_every_byte_of_every_file_once(made: Torrent, version: str) -> None:
    metainfo, content = loaded(made)
    seen: dict[int, list[Segment]] = {file.index: [] for file in metainfo.files}
    total = 0
    for index in range(metainfo.piece_count):
        segments = metainfo.segments(range(index, index + 1))
        assert sum(segment.length for segment in segments) == metainfo.content_size(index)
        for segment in segments:
            assert segment.length > 0
            total += segment.length
            if segment.file is not None:
                seen[segment.file.index].append(segment)
    for file in metainfo.files:
        begins = [segment.start for segment in seen[file.index]]
        ends = [segment.stop for segment in seen[file.index]]
        assert begins == sorted(begins)
        assert [0, *ends] == [*begins, file.length] or not file.length
    pads = total - sum(len(data) for data in content.values())
    assert (pads > 0) == (version == "hybrid")


def test_segments_of_a_run_are_those_of_its_pieces(made: Torrent) -> None:
    metainfo, content = loaded(made)
    count = metainfo.piece_count
    for start in range(0, count, 3):
        for stop in (start + 1, min(start + 5, count), count):
            run = data_of(metainfo, content, range(start, stop))
            assert len(run) == (
                (stop - 1 - start) * metainfo.piece_length + metainfo.content_size(stop - 1)
            )
            for index in range(start, stop):
                at = (index - start) * metainfo.piece_length
                part = run[at : at + metainfo.content_size(index)]
                assert metainfo.check_piece(index, part)


def test_content_leaves_pad_bytes_out_in_v2_alone(tmp_path: Path, version: str) -> None:
    metainfo, content = loaded(pack(tmp_path, version, sizes=(PIECE + 1, PIECE + 1)))
    sizes = [metainfo.content_size(index) for index in range(metainfo.piece_count)]
    told = {"v1": [PIECE, PIECE, 2], "v2": [PIECE, 1, PIECE, 1], "hybrid": [PIECE] * 4}
    assert sizes == told[version]
    assert b"".join(content.values()) == bytes(
        byte
        for index in range(metainfo.piece_count)
        for segment in metainfo.segments(range(index, index + 1))
        if segment.file is not None
        for byte in content[segment.file.index][segment.start : segment.stop]
    )


@pytest.mark.parametrize("size", [1, LEAF - 1, LEAF, LEAF + 1, 3 * LEAF, PIECE - 1, PIECE])
def test_a_file_of_one_piece_is_checked_by_its_root(
    tmp_path: Path, version: str, size: int
) -> None:
    made = make_torrent(random_file(tmp_path / "film.mkv", size, 1), PIECE, version)
    metainfo, content = loaded(made)
    assert metainfo.piece_count == 1
    data = piece_of(metainfo, content, 0)
    assert data.startswith(content[0])
    assert metainfo.check_piece(0, data)
    assert not metainfo.check_piece(0, bytes(len(data)))


@pytest.mark.parametrize("leaves", [1, 2, 16, 64, 1024])
def test_all_piece_lengths(tmp_path: Path, version: str, leaves: int) -> None:
    piece = leaves * LEAF
    made = make_torrent(random_file(tmp_path / "film.mkv", piece + 99, 5), piece, version)
    metainfo, content = loaded(made)
    for index in range(2):
        assert metainfo.check_piece(index, piece_of(metainfo, content, index))


def without_layers(made: Torrent) -> Metainfo:
    """As the metadata comes from peers."""
    info = lt.load_torrent_buffer(made.raw).ti
    assert info is not None
    return load_torrent(torrent_from_info(bytes(info.info_section())))


def test_without_layers_only_files_of_one_piece_can_be_checked(tmp_path: Path) -> None:
    made = pack(tmp_path, "v2")
    metainfo, (_, content) = without_layers(made), loaded(made)
    assert metainfo.info_hash == load_torrent(made.raw).info_hash
    alone = {
        metainfo.pieces_of(file).start
        for file in metainfo.files
        if len(metainfo.pieces_of(file)) == 1
    }
    assert len(alone) == 2
    for index in range(metainfo.piece_count):
        data = piece_of(metainfo, content, index)
        assert metainfo.hashes.known(index) == (index in alone)
        assert metainfo.check_piece(index, data) == (index in alone)


def test_a_hybrid_needs_no_layers(tmp_path: Path) -> None:
    made = pack(tmp_path, "hybrid")
    metainfo, (_, content) = without_layers(made), loaded(made)
    for index in range(metainfo.piece_count):
        assert metainfo.check_piece(index, piece_of(metainfo, content, index))


def forgeries(root: bytes, layer: bytes, of_junk: bytes) -> Iterator[Any]:
    """What could stand in place of a layer to prove ``of_junk``."""
    junk = hashlib.sha256(of_junk).digest()
    yield junk + layer[32:]
    yield layer[:-32] + junk
    yield layer[32:] + layer[:32]
    yield layer + junk
    yield layer[:-32]
    yield layer[:-1]
    yield b"\0" * len(layer)
    yield [layer]
    yield 5
    yield {root: layer}


@pytest.mark.parametrize("libtorrent_looks", [True, False])
def test_a_forged_layer_proves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, libtorrent_looks: bool
) -> None:
    made = make_torrent(random_file(tmp_path / "film.mkv", 5 * PIECE, 1), PIECE, "v2")
    decoded: dict[bytes, Any] = read(made.raw)
    ((root, layer),) = decoded[b"piece layers"].items()
    genuine = lt.load_torrent_buffer(made.raw)
    if not libtorrent_looks:
        monkeypatch.setattr(lt, "load_torrent_buffer", lambda *_: genuine)
    for forged in forgeries(root, layer, b"junk"):
        raw = encode(decoded | {b"piece layers": {root: forged}})
        if libtorrent_looks:
            with pytest.raises(Problem, match="piece layer"):
                load_torrent(raw)
            continue
        metainfo = load_torrent(raw)
        assert metainfo.info_hash.v2 == made.v2
        for index in range(metainfo.piece_count):
            assert not metainfo.hashes.known(index), forged
            data = made.files[0].data()[index * PIECE : (index + 1) * PIECE]
            assert not metainfo.check_piece(index, data)
            assert not metainfo.check_piece(index, b"junk")


def test_a_second_info_dictionary_proves_nothing(tmp_path: Path, version: str) -> None:
    made = make_torrent(random_file(tmp_path / "film.mkv", 3 * PIECE, 1), PIECE, version)
    evil = make_torrent(random_file(tmp_path / "evil" / "film.mkv", 3 * PIECE, 2), PIECE, version)
    first, second = (encode(read(one.raw)[b"info"]) for one in (made, evil))
    metainfo = load_torrent(b"d4:info%b4:info%be" % (first, second))
    assert metainfo.info_hash == load_torrent(made.raw).info_hash, "libtorrent takes the first"
    for index in range(3):
        span = slice(index * PIECE, (index + 1) * PIECE)
        assert metainfo.check_piece(index, made.files[0].data()[span]) == (version != "v2")
        assert not metainfo.check_piece(index, evil.files[0].data()[span])


@pytest.mark.parametrize("layers", [5, [], b"x"])
def test_nonsense_in_place_of_all_layers_proves_nothing(tmp_path: Path, layers: Any) -> None:
    made = make_torrent(random_file(tmp_path / "film.mkv", 3 * PIECE, 1), PIECE, "v2")
    metainfo = load_torrent(encode(read(made.raw) | {b"piece layers": layers}))
    assert not any(map(metainfo.hashes.known, range(metainfo.piece_count)))


def test_a_layer_is_believed_by_its_root_alone() -> None:
    rows = [hashlib.sha256(bytes([number])).digest() for number in range(5)]
    nothing = merkle_root(b"", 4)
    pairs = [rows[0] + rows[1], rows[2] + rows[3], rows[4] + nothing, nothing + nothing]
    row = [hashlib.sha256(pair).digest() for pair in pairs]
    while len(row) > 1:
        row = [hashlib.sha256(row[at] + row[at + 1]).digest() for at in range(0, len(row), 2)]
    # What is missing in the last piece's place are leaves of zeros, not pieces of zeros.
    zero = bytes(32)
    two = hashlib.sha256(zero + zero).digest()
    assert nothing == hashlib.sha256(two + two).digest()
    assert layer_root(b"".join(rows), PIECE) == row[0]


def test_a_piece_that_is_in_no_file_is_never_right() -> None:
    hashes = PieceHashes(PIECE, b"", (FileTree(range(2), bytes(32), b""),))
    assert not hashes.known(2)
    assert not hashes.right(2, bytes(PIECE))
    assert not hashes.known(0)
    assert not hashes.right(0, bytes(PIECE))


def test_beyond_the_last_piece_of_v1_nothing_is_right(tmp_path: Path) -> None:
    made = make_torrent(random_file(tmp_path / "film.mkv", PIECE, 1), PIECE)
    metainfo = load_torrent(made.raw)
    assert not metainfo.hashes.right(1, b"")
    with pytest.raises(IndexError):
        metainfo.check_piece(1, b"")


def test_pad_files_that_a_v1_torrent_names_are_zeros() -> None:
    first, second = b"a" * 5000, b"b" * PIECE
    padded = first + bytes(PIECE - len(first)) + second
    pieces = b"".join(
        hashlib.sha1(padded[at : at + PIECE]).digest() for at in range(0, len(padded), PIECE)
    )
    files = [
        {"path": ["a.mkv"], "length": len(first)},
        {"path": [".pad", "1"], "length": PIECE - len(first), "attr": "p"},
        {"path": ["b.mkv"], "length": len(second)},
    ]
    info = {"name": "Show", "piece length": PIECE, "pieces": pieces, "files": files}
    metainfo = load_torrent(bencode({"info": info}))
    a, b = metainfo.files
    segments = metainfo.segments(range(2))
    assert segments == (Segment(a, 0, 5000), Segment(None, 0, PIECE - 5000), Segment(b, 0, PIECE))
    assert metainfo.check_piece(0, padded[:PIECE])
    assert metainfo.check_piece(1, second)


def test_hashes_stay_out_of_logs(tmp_path: Path) -> None:
    made = pack(tmp_path, "v2")
    assert len(repr(load_torrent(made.raw).hashes)) < 2000
    assert "hashes" not in repr(load_torrent(made.raw))
