"""The bytes of a subtitle file -> SRT or WebVTT in UTF-8, as every player reads it.

The files come from strangers. Everything here takes time in proportion to their length: what is
too long is refused, lines are cut, and pysubs2, whose patterns grow with the square of a line's
length, sees short lines only.
"""

import html
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import gevent
import pysubs2

from addon.errors import Problem, outcome
from addon.library.charsets import decode_text
from addon.torrents.languages import UNKNOWN

Format = Literal["srt", "vtt"]

MAX_LENGTH = 5 * 1024 * 1024
"""Bytes; the subtitles of a film have a fiftieth of it."""
MAX_CUES = 20_000
MAX_LINE = 2000
"""Characters; what is longer is a drawing, not talk."""
MAX_LINES = 20
"""Of one cue."""
MAX_ENTRIES = MAX_CUES + 1000
"""Lines of a file in which each line is a cue."""
LONGEST = 100 * 3600 * 1000
"""Milliseconds: SRT has two digits for the hours."""
# Bytes that are converted without a thread: it takes some 2 ms.
INLINE = 16 * 1024
DEFAULT_FPS = 23.976

_TIME = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_TIMING = re.compile(rf"[ \t]{{0,9}}{_TIME}[ \t]{{0,9}}-->[ \t]{{0,9}}{_TIME}")
_FRAMES = re.compile(r" {0,9}\{(\d{1,8})\}\{(\d{1,8})\}(.*)")
_TAG = re.compile(r"<(/?)([A-Za-z0-9:.]{0,40}+)[^<>]{0,200}+>")
_DRAWING = re.compile(r"\\p[1-9]")
_ITALIC = re.compile(r"\{[^{}]{0,40}?\\i(?:1|(0))[^{}]{0,40}\}")
_OVERRIDE = re.compile(r"\{\\[^{}]{0,200}\}")
_KEPT_TAGS = ("i", "b", "u")
_SCRIPTS = (
    ("jpn", "\u3040", "\u30ff"),
    ("kor", "\uac00", "\ud7a3"),
    ("chi", "\u4e00", "\u9fff"),
    ("gre", "\u0370", "\u03ff"),
    ("heb", "\u0590", "\u05ff"),
    ("tha", "\u0e00", "\u0e7f"),
    ("geo", "\u10d0", "\u10ff"),
    ("tam", "\u0b80", "\u0bff"),
    ("tel", "\u0c00", "\u0c7f"),
    ("kan", "\u0c80", "\u0cff"),
    ("mal", "\u0d00", "\u0d7f"),
)
_ENOUGH = 0.2


@dataclass(frozen=True, slots=True)
class Cue:
    """What is shown from ``start`` to ``end``, in milliseconds; ``text`` may hold ``<i>``,
    ``<b>``, ``<u>`` and line ends."""

    start: int
    end: int
    text: str


def converted(data: bytes, name: str, form: Format) -> str:
    """The file ``name`` as SRT or WebVTT; Problem("unreadable…") is ``no-such-file``.

    Large files are converted in a thread, so that the films of others go on.
    """
    if len(data) <= INLINE:
        return convert(data, name, form)
    pool = gevent.get_hub().threadpool
    found: str | Problem = pool.apply(outcome, (convert, data, name, form))
    if isinstance(found, Problem):
        raise found
    return found


def convert(data: bytes, name: str, form: Format) -> str:
    """As ``converted``, in the caller's own time."""
    cues = read_cues(data)
    if not cues:
        raise Problem(
            "no-such-file",
            f"Nothing in {name} can be read as subtitles.",
            "Choose other subtitles.",
        )
    return to_vtt(cues) if form == "vtt" else to_srt(cues)


def read_cues(data: bytes) -> list[Cue]:
    """The cues by time: of SRT, WebVTT, SubStation Alpha or MicroDVD, told by the content; none
    where it is nothing of these, or too long."""
    if len(data) > MAX_LENGTH:
        return []
    text = decode_text(data).replace("\0", "")
    lines = [line[:MAX_LINE] for line in text.splitlines()]
    head = "\n".join(lines[:200])
    if "[script info]" in head.casefold() or "[events]" in head.casefold():
        # Drawings have the longest lines; a cut one would be shown as text.
        whole = [line for line in text.splitlines() if len(line) <= MAX_LINE]
        cues = _by_pysubs2(whole, "ass")
    elif any(_FRAMES.match(line) for line in lines[:50]):
        cues = _by_pysubs2(lines, "microdvd", _fps(lines))
    else:
        cues = _cues(lines, vtt=head.lstrip("\n ").startswith("WEBVTT"))
    return sorted(cues, key=lambda cue: (cue.start, cue.end))


def _by_pysubs2(lines: list[str], form: str, fps: float | None = None) -> Iterator[Cue]:
    """Its own writing of SRT is not used: it takes minutes for a line full of tags."""
    try:
        with warnings.catch_warnings():
            # It tells of each odd number in a file, which nobody here can mend.
            warnings.filterwarnings("ignore", module="pysubs2")
            events = pysubs2.SSAFile.from_string("\n".join(lines[:MAX_ENTRIES]), form, fps).events
    except (pysubs2.exceptions.Pysubs2Error, ValueError, OverflowError, LookupError):
        return
    for event in events:
        # Of a drawing, the text is its coordinates.
        if event.is_comment or _DRAWING.search(event.text):
            continue
        text = _ITALIC.sub(_italic, event.text)
        text = re.sub(r"\{[^{}]*+\}", "", text).replace("\\h", " ")
        cue = _cue(event.start, event.end, re.split(r"\\[Nn]", text))
        if cue is not None:
            yield cue


def _italic(tag: re.Match[str]) -> str:
    return "</i>" if tag[1] else "<i>"


def _fps(lines: list[str]) -> float:
    """What the first line says, by custom: ``{1}{1}25.000``."""
    first = next((match for line in lines if (match := _FRAMES.match(line))), None)
    if first is not None and first[1] == first[2]:
        said = re.fullmatch(r"\s{0,9}(\d{1,3}(?:\.\d{1,6})?)\s{0,9}", first[3])
        if said is not None and 10 <= float(said[1]) <= 120:
            return float(said[1])
    return DEFAULT_FPS


def _cues(lines: list[str], *, vtt: bool) -> Iterator[Cue]:
    """Cues out of SRT as people write it: numbers and blank lines may be missing or too many."""
    timing: re.Match[str] | None = None
    inside: list[str] = []
    count = 0
    for line in [*lines, "00:00:00,000 --> 00:00:00,000"]:
        match = _TIMING.match(line)
        if match is None:
            if vtt and not line.strip():
                # There a cue ends; what follows may be a note or a name.
                inside.append("")
            elif timing is not None and len(inside) < 4 * MAX_LINES:
                inside.append(line)
            continue
        if timing is not None:
            times = timing.groups()
            start, end = _milliseconds(times[:4]), _milliseconds(times[4:])
            cue = _cue(start, end, _own_lines(inside, vtt=vtt))
            if cue is not None:
                yield cue
                count += 1
        if count >= MAX_CUES:
            return
        timing, inside = match, []


def _own_lines(lines: list[str], *, vtt: bool) -> list[str]:
    """A cue's lines without the number or name of the next."""
    if vtt:
        return lines[: lines.index("")] if "" in lines else lines
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    if lines and lines[-1].strip().isdecimal() and (len(lines) == 1 or not lines[-2].strip()):
        lines = lines[:-1]
    return lines


def _cue(start: int, end: int, lines: list[str]) -> Cue | None:
    shown = [clean for line in lines[: 2 * MAX_LINES] if (clean := _clean(line))][:MAX_LINES]
    if not shown or not 0 <= start < end < LONGEST:
        return None
    return Cue(start, end, _balanced("\n".join(shown)))


def _balanced(text: str) -> str:
    """Every tag is closed, or is not there: some players let one run on into the next cue."""
    for name in _KEPT_TAGS:
        opened, closed = f"<{name}>", f"</{name}>"
        missing = text.count(opened) - text.count(closed)
        if missing < 0:
            text = text.replace(opened, "").replace(closed, "")
        text += closed * missing
    return text


def _milliseconds(parts: tuple[str | None, ...]) -> int:
    hours, minutes, seconds, fraction = parts
    whole = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
    # "1.5" is a second and a half.
    return whole * 1000 + int((fraction or "0").ljust(3, "0"))


def _clean(line: str) -> str:
    """The line without what players would show or run: only italic, bold, underlined stay."""
    line = _TAG.sub(_kept, _OVERRIDE.sub("", line))
    return html.unescape(line).replace("-->", "→").strip()


def _kept(tag: re.Match[str]) -> str:
    name = tag[2].lower().partition(".")[0]
    return f"<{tag[1]}{name}>" if name in _KEPT_TAGS else ""


def to_srt(cues: list[Cue]) -> str:
    """SubRip."""
    return "".join(
        f"{number}\n{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}\n{cue.text}\n\n"
        for number, cue in enumerate(cues, 1)
    )


def to_vtt(cues: list[Cue]) -> str:
    """WebVTT."""
    return "WEBVTT\n\n" + "".join(
        f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}\n{_escaped(cue.text)}\n\n"
        for cue in cues
    )


def _clock(milliseconds: int, point: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{point}{rest:03}"


def _escaped(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"&lt;(/?[ibu])&gt;", r"<\1>", text)


def spoken(text: str) -> str:
    """The language that the script alone gives away, "und" for all that share one.

    charset_normalizer's guess was measured on our own talk (tests/library/speech.py) and is not
    used: it took Czech for Swedish, French for Estonian and Spanish for French.
    """
    letters = [char for char in text[:20_000] if char.isalpha()]
    for code, first, last in _SCRIPTS:
        count = sum(first <= char <= last for char in letters)
        if count > _ENOUGH * max(1, len(letters)):
            return code
    # Of the large languages in Cyrillic, only one has each of these.
    if sum(char in "їєґЇЄҐ" for char in letters) * 500 > len(letters) > 50:
        return "ukr"
    if sum(char in "ыЫ" for char in letters) * 200 > len(letters) > 50 and "і" not in letters:
        return "rus"
    return UNKNOWN
