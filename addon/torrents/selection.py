"""Which file of a torrent is wanted: by index, by season and episode, or the main video.

Where the answer is not clear it is a Problem that says so. A wrong film costs the viewer more
than one more click.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from addon.errors import Problem
from addon.torrents.extras import leave_out
from addon.torrents.metainfo import File, Metainfo
from addon.torrents.names import (
    VIDEO_EXTENSIONS,
    Release,
    display_name,
    extension,
    parse_release,
)
from addon.torrents.numbering import BEGIN, END, Numbers, bare_title, number_files, season_start

# The largest video is the main one when it has this many times the bytes of the next. Bonus
# material without a mark is a third of the film or less; films packed together in like quality
# are seldom more than twice one another.
DOMINANCE = 3

_EPISODE = re.compile(r"s([0-9]{1,4})e([0-9]{1,4})", re.IGNORECASE)
_PART = re.compile(
    rf"{BEGIN}(?:cd|dis[ck]|part|pt)[ ._-]?(?:\d{{1,2}}|[a-d]){END}|(?<=\de\d\d)[a-d]{END}",
    re.IGNORECASE,
)
_NAME_THE_FILE = "Say which: a file number, or a season and episode such as s01e02."


@dataclass(frozen=True, slots=True)
class FileIndex:
    """The file of this index, whatever it is."""

    index: int

    def __str__(self) -> str:
        return str(self.index)


@dataclass(frozen=True, slots=True)
class Episode:
    """The video of this episode; season 0 are the specials."""

    season: int
    episode: int

    def __str__(self) -> str:
        return f"s{self.season:02}e{self.episode:02}"


@dataclass(frozen=True, slots=True)
class MainVideo:
    """The one video that the torrent is about."""

    def __str__(self) -> str:
        return "main"


Wanted = FileIndex | Episode | MainVideo


def parse_wanted(text: str) -> Wanted:
    """The inverse of ``str``: ``3``, ``s01e02``, ``main``; Problem("no-such-file") for others."""
    if re.fullmatch(r"[0-9]{1,7}", text):
        return FileIndex(int(text))
    episode = _EPISODE.fullmatch(text)
    if episode:
        return Episode(int(episode[1]), int(episode[2]))
    if text.lower() == "main":
        return MainVideo()
    raise Problem(
        "no-such-file",
        f"'{display_name(text)[:40]}' does not say which file.",
        "Use a file number, a season and episode such as s01e02, or main.",
    )


def select(metainfo: Metainfo, wanted: Wanted) -> File:
    """The wanted file; Problem("no-such-file") where there is none or more than one it could be."""
    match wanted:
        case FileIndex(index):
            return metainfo.file(index)
        case Episode():
            return _episode(metainfo, wanted)
        case MainVideo():
            return _main_video(metainfo)


def videos(metainfo: Metainfo) -> tuple[File, ...]:
    """The videos a viewer may have come for, biggest first.

    Without samples, trailers, bonus material and specials; but where nothing else is there, they
    are what the torrent is about.
    """
    found = _playable(metainfo)
    extras, specials = leave_out(metainfo.name, [(file.path, file.length) for file in found])
    left = [file for at, file in enumerate(found) if at not in extras and at not in specials]
    left = left or [file for at, file in enumerate(found) if at not in extras] or found
    return tuple(sorted(left, key=_biggest_first))


def episodes(metainfo: Metainfo) -> dict[tuple[int, int], File]:
    """(season, episode) to its file, ascending. What several shows claim is left out.

    Of several files of one episode: the one that holds it alone, then the biggest, which is the
    best quality. A file of two episodes stands under both.
    """
    return {
        key: min(claims, key=_Claim.order).file
        for key, claims in sorted(_claims(metainfo).items())
        if not _differ(claims)
    }


@dataclass(frozen=True, slots=True)
class _Claim:
    file: File
    numbers: Numbers
    show: str  # bare title of what the name says before the marker

    def order(self) -> tuple[int, int, int]:
        return (len(self.numbers.episodes), *_biggest_first(self.file))


def _claims(metainfo: Metainfo) -> dict[tuple[int, int], list[_Claim]]:
    found = _playable(metainfo)
    extras, specials = leave_out(metainfo.name, [(file.path, file.length) for file in found])
    in_specials = {found[at].index for at in specials}
    if len(extras) < len(found):
        found = [file for at, file in enumerate(found) if at not in extras]
    claims: dict[tuple[int, int], list[_Claim]] = defaultdict(list)
    for file, numbers in zip(found, number_files([file.path for file in found]), strict=True):
        # A special is what says S00; "Specials/03.mkv" is nobody's third episode for sure.
        if numbers is None or (file.index in in_specials and numbers.season != 0):
            continue
        for episode in numbers.episodes:
            claim = _Claim(file, numbers, _show(file, numbers))
            claims[numbers.season, episode].append(claim)
    return claims


def _show(file: File, numbers: Numbers) -> str:
    """Which show a file is of: its name up to the marker, else the nearest folder with a title."""
    title = bare_title(file.name[: numbers.start])
    for folder in reversed(file.path.split("/")[:-1]):
        release = parse_release(folder)
        only_technical = release != Release(release.title) and release.title == folder
        if not title and not only_technical and season_start(folder) != 0:
            title = bare_title(release.title)
    return title


def _differ(claims: Sequence[_Claim]) -> bool:
    """Whether these are different things: other shows, or parts of one episode."""
    if len(claims) < 2:
        return False
    return len({claim.show for claim in claims}) > 1 or _are_parts([c.file for c in claims])


def _are_parts(files: Sequence[File]) -> bool:
    return len({match[0].lower() for f in files if (match := _PART.search(f.name))}) > 1


def _episode(metainfo: Metainfo, wanted: Episode) -> File:
    claims = _claims(metainfo).get((wanted.season, wanted.episode), [])
    if not claims:
        raise Problem(
            "no-such-file",
            f"The torrent has no season {wanted.season}, episode {wanted.episode} that can be "
            "told by the names of its files.",
            "Look at the torrent's files and ask for one by its number.",
        )
    if _differ(claims):
        raise Problem(
            "no-such-file",
            f"{len(claims)} different files could be season {wanted.season}, episode "
            f"{wanted.episode}: {_listed([claim.file for claim in claims])}.",
            "Ask for one of them by its file number.",
        )
    return min(claims, key=_Claim.order).file


def _main_video(metainfo: Metainfo) -> File:
    candidates = videos(metainfo)
    if not candidates:
        raise Problem(
            "no-such-file",
            "The torrent holds no video."
            if metainfo.files
            else "The torrent holds no file with any content.",
            "Ask for one of its files by its number, if you want it all the same.",
        )
    first = candidates[0]
    if len(candidates) == 1:
        return first
    numbered = [n for n in number_files([file.path for file in candidates]) if n]
    if len({(n.season, n.episodes) for n in numbered}) > 1:
        raise Problem(
            "no-such-file",
            f"The torrent is a pack of {len(candidates)} episodes, so it has no main video.",
            _NAME_THE_FILE,
        )
    if first.length >= DOMINANCE * candidates[1].length or _are_versions(candidates):
        return first
    raise Problem(
        "no-such-file",
        f"The torrent holds {len(candidates)} videos and none is clearly the main one: "
        f"{_listed(candidates)}.",
        _NAME_THE_FILE,
    )


def _are_versions(files: Sequence[File]) -> bool:
    """One film in several qualities: the same title and year, different technical words."""
    releases = [parse_release(file.name) for file in files]
    titles = {bare_title(release.title) for release in releases}
    years = {release.year for release in releases} - {None}
    qualities = {_quality(release, file) for release, file in zip(releases, files, strict=True)}
    return (
        len(titles) == 1
        and "" not in titles
        and len(years) < 2
        and len(qualities) == len(files)
        and not _are_parts(files)
    )


def _quality(release: Release, file: File) -> tuple[str | None, ...]:
    technical = (release.resolution, release.source, release.codec, release.hdr)
    return (*technical, extension(file.name))


def _playable(metainfo: Metainfo) -> list[File]:
    return [f for f in metainfo.files if f.length and extension(f.name) in VIDEO_EXTENSIONS]


def _biggest_first(file: File) -> tuple[int, int]:
    return (-file.length, file.index)


def _listed(files: Sequence[File]) -> str:
    """The first few, by number and name."""
    shown = [f"{file.index} ({display_name(file.name)[:80]})" for file in files[:4]]
    return ", ".join(shown) + (", …" if len(files) > 4 else "")
