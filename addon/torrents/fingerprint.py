"""The hash by which subtitle services know a video: OpenSubtitles' ``videoHash``.

Size and the sums of the first and the last 64 KiB as little-endian numbers of 64 bits, modulo
2^64 (https://trac.opensubtitles.org/projects/opensubtitles/wiki/HashSourceCodes).
"""

import struct

EDGE = 64 * 1024
"""Bytes at each end."""


def video_hash(size: int, head: bytes, tail: bytes) -> str:
    """16 hexadecimal digits; ``head`` and ``tail`` are EDGE bytes each, of a video of ``size``."""
    if len(head) != EDGE or len(tail) != EDGE:
        raise ValueError("the hash is of 64 KiB at each end")
    total = size + sum(struct.unpack(f"<{2 * EDGE // 8}Q", head + tail))
    return f"{total & (1 << 64) - 1:016x}"
