"""The hash that subtitle services know a video by."""

import hashlib

import pytest

from addon.torrents.fingerprint import EDGE, video_hash


def test_the_hash_is_size_and_sums() -> None:
    assert video_hash(2 * EDGE, bytes(EDGE), bytes(EDGE)) == "0000000000020000"
    head = (1).to_bytes(8, "little") + bytes(EDGE - 8)
    assert video_hash(2 * EDGE, head, bytes(EDGE)) == "0000000000020001"
    # It is cut to 64 bits.
    assert video_hash(3 * EDGE, b"\xff" * EDGE, bytes(EDGE)) == f"{3 * EDGE - EDGE // 8:016x}"


def test_the_ends_are_taken_apart_word_by_word() -> None:
    data = hashlib.shake_256(b"film").digest(2 * EDGE)
    words = [int.from_bytes(data[at : at + 8], "little") for at in range(0, len(data), 8)]
    expected = (5_000_000 + sum(words)) % 2**64
    assert video_hash(5_000_000, data[:EDGE], data[EDGE:]) == f"{expected:016x}"


def test_less_than_both_ends_is_no_hash() -> None:
    with pytest.raises(ValueError, match="64 KiB"):
        video_hash(10, b"x", b"x")
