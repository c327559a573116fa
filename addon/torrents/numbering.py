"""Season and episode numbers out of file names, as series are packed in the wild.

A single name is often not enough: ``24 - 05.mkv`` is an episode of "24" or the 24th of something.
So a folder is read as a whole: of several ways to read it, the one wins that gives its files the
most different numbers. Every pattern has bounded repeats only, and names are cut at MAX_TEXT.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

MAX_TEXT = 512
MAX_SPAN = 20  # the most episodes that one file is believed to hold

BEGIN = r"(?<![^\W_])"  # no letter or digit before; '_' separates like a space
END = r"(?![^\W_])"
_SEASON_WORD = r"(?:season|series|staffel|temporada|saison|stagione|sezon)"
_EPISODE_WORD = (
    r"(?:(?:episode|episodio|epis[oó]dio|[eé]pisode|folge|cap[ií]tulo|odcinek|ep)[ ._-]{0,3}|e)"
)
_NEAR = r"[ ._-]{0,3}"

_MARKERS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{BEGIN}s(\d{{1,4}})[ ._-]{{0,3}}ep?[ ._-]?(\d{{1,4}})(?!\d)",
        rf"{BEGIN}{_SEASON_WORD}{_NEAR}(\d\d?)[ ._,()\[\]-]{{0,4}}{_EPISODE_WORD}(\d{{1,4}})(?!\d)",
        rf"{BEGIN}(\d{{1,2}})x(?!26[45])(\d{{2,3}}){END}",  # 1x02, but not "5.1x264"
    )
)
# What may follow a marker: "E02", "-E02", " & E02", "-02", "-1x02", "-S01E02".
_FURTHER = re.compile(
    rf"[ ._]{{0,2}}([-+&]?)[ ._]{{0,2}}(?:s(\d{{1,4}})[ ._]?)?ep?(\d{{1,4}})(?!\d)"
    rf"|(-)(?:(\d{{1,2}})x)?(\d{{1,3}}){END}",
    re.IGNORECASE,
)
_SEASON = re.compile(
    rf"{BEGIN}(?:s(\d{{1,2}})|{_SEASON_WORD}[ ._-]{{0,3}}(\d{{1,4}})"
    rf"|(\d{{1,2}})(?:st|nd|rd|th)[ ._]season){END}(?!-s?\d)",
    re.IGNORECASE,
)
_SEVERAL_SEASONS = re.compile(
    rf"{BEGIN}(?:seasons[ ._-]{{0,3}}\d|s\d{{1,2}}(?:-s?|[ ._]-[ ._]s)\d{{1,2}}{END}"
    rf"|{_SEASON_WORD}[ ._]?\d{{1,2}}(?:-|[ ._]to[ ._])\d)",
    re.IGNORECASE,
)
_EPISODE = re.compile(rf"{BEGIN}{_EPISODE_WORD}(\d{{1,4}})(?:v\d)?{END}", re.IGNORECASE)
_AFTER_DASH = re.compile(r"[ _.]-[ _.](\d{1,4})(?:v\d)?(?=$|[ _.\[(-])", re.IGNORECASE)
_LEADING = re.compile(r"(?:\[[^\]]{0,60}\][ _.]?)?[#(]?(\d{1,3})(?:v\d)?(?=$|[ ._)-])")
_GROUP_FIRST = re.compile(r"\[[^\]]{1,60}\]")
_BRACKETED = re.compile(r"\[[^\]]{0,80}\]|\([^)]{0,80}\)")
_TECHNICAL = re.compile(
    rf"{BEGIN}(?:[hx][ .]?26[45]|(?:[a-z]{{2,6}}[ .]?)?[1-9]\.[0-2]|\d{{1,2}}[ .-]?bits?|mp[34])"
    rf"{END}",
    re.IGNORECASE,
)
_NEVER = frozenset({240, 264, 265, 360, 480, 540, 576, 720, 1080, 1440, 2160, *range(1900, 2100)})


@dataclass(frozen=True, slots=True)
class Numbers:
    """Which episodes a name speaks of; ``start`` is where in the text the marker begins."""

    season: int
    episodes: tuple[int, ...]
    start: int


def explicit(text: str) -> Numbers | None:
    """``S01E02``, ``1x02``, ``Season 1 Episode 2``, also of several episodes; else None."""
    text = text[:MAX_TEXT]
    for marker in _MARKERS:
        match = marker.search(text)
        if match is not None:
            season = int(match[1])
            episodes = _with_further(text, match.end(), season, int(match[2]))
            return Numbers(season, episodes, match.start())
    return None


def _with_further(text: str, end: int, season: int, first: int) -> tuple[int, ...]:
    episodes = [first]
    while match := _FURTHER.match(text, end):
        named = match[2] or match[5]
        number, last = int(match[3] or match[6]), episodes[-1]
        is_range = (match[1] or match[4]) == "-"
        if (named and int(named) != season) or not last < number <= last + MAX_SPAN:
            break
        episodes += range(last + 1, number + 1) if is_range else (number,)
        end = match.end()
    return tuple(episodes[:MAX_SPAN])


def season_of(text: str) -> int | None:
    """The one season that a name speaks of: ``S02``, ``Season 2``, ``2nd Season``; else None."""
    text = text[:MAX_TEXT]
    if _SEVERAL_SEASONS.search(text):
        return None
    seasons = {int(a or b or c) for a, b, c in _SEASON.findall(text)}
    return seasons.pop() if len(seasons) == 1 else None


def season_start(text: str) -> int | None:
    """Where a season is first spoken of, be it one or several."""
    text = text[:MAX_TEXT]
    starts = [m.start() for m in (_SEASON.search(text), _SEVERAL_SEASONS.search(text)) if m]
    return min(starts, default=None)


def episode_word(text: str) -> tuple[int, int] | None:
    """``Episode 5``, ``Ep05``, ``E05``: the number and where the words begin."""
    return _found(_EPISODE, text)


def after_dash(text: str) -> tuple[int, int] | None:
    """``Show - 05``, as fansub groups write it, and where the dash stands."""
    return _found(_AFTER_DASH, text)


def grouped_dash(text: str) -> tuple[int, int] | None:
    """``[Group] Show - 05``: sure enough to be believed of a name that stands alone."""
    found = after_dash(text)
    return found if found and _GROUP_FIRST.match(text) else None


def _leading(text: str) -> tuple[int, int] | None:
    match = _LEADING.match(text)
    return (int(match[1]), 0) if match and int(match[1]) not in _NEVER else None


def _only_number(text: str) -> tuple[int, int] | None:
    """The one small number that is left when brackets and technical words are taken away."""
    plain = _TECHNICAL.sub(" ", _BRACKETED.sub(" ", text))
    numbers = re.findall(rf"{BEGIN}(\d{{1,3}})(?:v\d)?{END}", plain)
    if len(numbers) != 1 or int(numbers[0]) in _NEVER:
        return None
    return int(numbers[0]), max(text.find(numbers[0]), 0)


def _found(pattern: re.Pattern[str], text: str) -> tuple[int, int] | None:
    for match in pattern.finditer(text[:MAX_TEXT]):
        if int(match[1]) not in _NEVER:
            return int(match[1]), match.start()
    return None


_Reading = Callable[[str], tuple[int, int] | None]
_READINGS: tuple[_Reading, ...] = (episode_word, after_dash, _leading, _only_number)


def number_files(paths: Sequence[str]) -> list[Numbers | None]:
    """What each of a torrent's videos is, None where it cannot be told; paths as in ``File``.

    First each name by itself. A folder that names one episode lends it to the only file in it.
    What is left is read folder by folder: with the season that the name or a folder around it
    gives, else as season 1 where nothing in the torrent speaks of seasons and the names differ in
    nothing but an episode number.
    """
    stems = [_stem(path)[:MAX_TEXT] for path in paths]
    result = [explicit(stem) for stem in stems]
    folders = defaultdict(list)
    for index, path in enumerate(paths):
        folders[path.rpartition("/")[0]].append(index)
    for folder, inside in folders.items():
        if len(inside) == 1 and result[inside[0]] is None and folder:
            lent = explicit(folder.rpartition("/")[2])
            if lent is not None and len(lent.episodes) <= 2:
                result[inside[0]] = Numbers(lent.season, lent.episodes, 0)
    speaks_of_seasons = any(numbers and numbers.season for numbers in result) or any(
        season_start(part) is not None for path in paths for part in path.split("/")
    )
    groups: dict[tuple[str, int | None], list[int]] = defaultdict(list)
    for folder, inside in folders.items():
        for index in inside:
            if result[index] is None:
                groups[folder, _season_around(stems[index], folder)].append(index)
    for (_, season), inside in groups.items():
        names = [stems[index] for index in inside]
        if season is not None:
            read = _in_season(names, season)
        elif not speaks_of_seasons:
            read = _without_season(names)
        else:
            continue
        for index, numbers in zip(inside, read, strict=True):
            result[index] = numbers
    return result


def _stem(path: str) -> str:
    name = path.rpartition("/")[2]
    return name.rpartition(".")[0] or name


def _season_around(stem: str, folder: str) -> int | None:
    """From the name itself, else from the nearest folder that speaks of seasons at all."""
    for text in (stem, *reversed(folder.split("/"))):
        if season_start(text) is not None:
            return season_of(text)
    return None


def _in_season(names: list[str], season: int) -> list[Numbers | None]:
    best: list[tuple[int, int] | None] = [None] * len(names)
    different = 0
    for reading in _READINGS:
        read = [reading(name) for name in names]
        count = len({found[0] for found in read if found})
        if count > different and 2 * sum(found is not None for found in read) > len(names):
            best, different = read, count
    # "Season 1/103 - Title": all of one season, counted from 100.
    numbers = [found[0] for found in best if found]
    base = 100 * season if season and all(n // 100 == season and n % 100 for n in numbers) else 0
    return [Numbers(season, (found[0] - base,), found[1]) if found else None for found in best]


def _without_season(names: list[str]) -> list[Numbers | None]:
    nothing: list[Numbers | None] = [None] * len(names)
    for reading in (episode_word, after_dash if len(names) > 1 else grouped_dash):
        read = [reading(name) for name in names]
        if not all(read):
            continue
        before = {
            bare_title(name[: found[1]]) for name, found in zip(names, read, strict=True) if found
        }
        if len(before) == 1:
            return [Numbers(1, (found[0],), found[1]) if found else None for found in read]
    return nothing


def bare_title(text: str) -> str:
    """What two spellings of one title have in common: letters and digits, no brackets, no year."""
    text = _BRACKETED.sub(" ", text)
    text = re.sub(rf"{BEGIN}(?:19|20)\d\d{END}", " ", text)
    return "".join(c for c in text.casefold() if c.isalnum())
