"""Which of a video's streams is played: rules over what the server lists, best first."""

from __future__ import annotations

import re
from typing import Sequence

from .http import Json
from .server import stream_key

NAME = "Self-Streme"
_LINES = re.compile(r"\b(\d{3,4})p\b")


def ordered(streams: Sequence[Json], most_lines: int) -> list[Json]:
    """The server's order, with what has more lines than is wanted at the end."""
    if not most_lines:
        return list(streams)
    return sorted(streams, key=lambda stream: lines(stream) > most_lines)


def lines(stream: Json) -> int:
    """The resolution in its name, as 1080; 0 if it says none."""
    found = _LINES.search(str(stream.get("name") or ""))
    return int(found[1]) if found else 0


def group(stream: Json) -> str:
    """What the next episode of the same release has in common with it."""
    hints = stream.get("behaviorHints")
    return str(hints.get("bingeGroup") or "") if isinstance(hints, dict) else ""


def place(streams: Sequence[Json], *, chosen: str = "", remembered: str = "") -> int | None:
    """Where the stream is that was just chosen, else one of the release that was last played."""
    for number, stream in enumerate(streams):
        if chosen and stream_key(stream) == chosen:
            return number
    for number, stream in enumerate(streams):
        if remembered and group(stream) == remembered:
            return number
    return None


def labels(stream: Json) -> tuple[str, str]:
    """Quality and torrent; below them, where a skin may cut it, the facts and then the file."""
    told = str(stream.get("description") or stream.get("title") or "").splitlines()
    quality = [line for line in str(stream.get("name") or "").splitlines() if line != NAME]
    first = " · ".join([*quality, *told[:1]])
    return first or NAME, " · ".join([*told[1:][-1:], *told[1:-1]])
