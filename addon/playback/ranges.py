"""RFC 9110 byte ranges, as players use them (pure).

Differences from what web frameworks do, each because a player needs it: a unit that is not
``bytes`` and a range that cannot be read are ignored (200), several ranges are answered with the
whole file unless they join up, a range past the end is a clean 416, and no number is trusted
before its digits are counted.
"""

import re
from dataclasses import dataclass

MAX_RANGES = 16
_SPEC = re.compile(r"([0-9]{0,19})-([0-9]{0,19})", re.ASCII)


class UnsatisfiableError(Exception):
    """No byte of what was asked for exists: 416 (RFC 9110 §15.5.17)."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """``[start, stop)`` of ``total`` bytes; always holds at least one byte."""

    start: int
    stop: int
    total: int

    @property
    def length(self) -> int:
        """How many bytes it holds."""
        return self.stop - self.start

    @property
    def content_range(self) -> str:
        """The Content-Range header of a 206."""
        return f"bytes {self.start}-{self.stop - 1}/{self.total}"


def parse_range(header: str | None, total: int) -> ByteRange | None:
    """What a Range header asks of ``total`` bytes; None means the whole file (200).

    Raises UnsatisfiableError when the header is well formed but names no existing byte.
    """
    if not header:
        return None
    unit, _, rest = header.partition("=")
    specs = rest.split(",")
    if unit.strip().lower() != "bytes" or len(specs) > MAX_RANGES:
        return None
    spans: list[tuple[int, int]] = []
    for spec in specs:
        match = _SPEC.fullmatch(spec.strip())
        if match is None or match.group(0) == "-":
            return None
        first, last = match.groups()
        if not first:
            start, stop = max(0, total - int(last)), total
        elif last and int(last) < int(first):
            return None
        else:
            start, stop = int(first), min(int(last) + 1, total) if last else total
        if start < stop:
            spans.append((start, stop))
    if not spans:
        raise UnsatisfiableError
    spans.sort()
    start, stop = spans[0]
    for next_start, next_stop in spans[1:]:
        if next_start > stop:
            return None
        stop = max(stop, next_stop)
    return ByteRange(start, stop, total)


def first_offset(header: str | None) -> int | None:
    """The first byte a Range header names, before the file's length is known.

    None for no range, a suffix (which needs the length) or anything unreadable.
    """
    match = re.match(r"\s*bytes\s*=\s*([0-9]{1,19})-", header or "", re.ASCII | re.IGNORECASE)
    return int(match.group(1)) if match else None


def if_range_holds(header: str | None, etag: str) -> bool:
    """Whether If-Range allows a partial answer: only our own strong ETag does (§13.1.5)."""
    return not header or header.strip() == etag


def etag_listed(header: str | None, etag: str) -> bool:
    """Whether If-None-Match or If-Match names the ETag (weak comparison, or ``*``)."""
    if not header:
        return False
    listed = [item.strip().removeprefix("W/") for item in header.split(",")]
    return "*" in listed or etag in listed


def matches(header: str | None, etag: str) -> bool:
    """Whether If-Match allows an answer: no header, ``*`` or our own strong ETag (§13.1.1)."""
    return not header or any(item.strip() in ("*", etag) for item in header.split(","))
