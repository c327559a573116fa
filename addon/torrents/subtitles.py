"""Which subtitles of a torrent belong to a video, by their names and folders.

A subtitle of another episode spoils the film, so where names do not say whose it is, it is
nobody's.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from addon.errors import Problem
from addon.torrents.extras import leave_out
from addon.torrents.languages import UNKNOWN, language, spoken_of
from addon.torrents.metainfo import File, Metainfo
from addon.torrents.names import VIDEO_EXTENSIONS, extension
from addon.torrents.numbering import MAX_TEXT, bare_title, explicit, number_files
from addon.torrents.selection import MainVideo, select

MAX_SUBTITLES = 40
"""How many are offered for one video."""
MAX_LENGTH = 5 * 1024 * 1024
"""Bytes; a longer file is no text of a film."""
MAX_FILES = 5000
"""So many subtitle files of one torrent are looked at: a hostile one names a hundred thousand."""
MAX_ALIKE = 100
"""More videos of one name or number are told apart by nothing, and comparing each of them with each
subtitle takes hours."""

# In the order of what is lost when they are converted: the first of several alike is taken.
_KINDS = ("srt", "vtt", "ass", "ssa", "sub")
_SEPARATORS = " ._-[("
_FORCED = frozenset({"forced", "foreign"})
_IMPAIRED = frozenset({"sdh", "hi", "cc"})
# What may stand before the language as well; "hi" and "cc" are too short for that.
_MARKS = frozenset({"forced", "foreign", "sdh"})
# Words that say nothing of the language beside them.
_FILLERS = frozenset({"default", "full", "sub", "subs", "subtitle", "subtitles", "track"})
_WORD = re.compile(
    r"[a-z]{2,3}[-_](?:[a-z]{2}|419|han[st]|latn|cyrl)(?![^\W_])|[^ ._()\[\]{}+,&-]+", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Subtitle:
    """A subtitle file; ``language`` is ISO 639-2 ("eng"), "und" where its name says none.

    ``forced``: only what is foreign in the film. ``hearing_impaired``: sounds are told, too.
    """

    file: File
    language: str
    forced: bool
    hearing_impaired: bool

    @property
    def label(self) -> str:
        """For people: ``English (forced)``."""
        marks = ["forced"] * self.forced + ["SDH"] * self.hearing_impaired
        name = language(self.language).name
        return f"{name} ({', '.join(marks)})" if marks else name


def subtitles_of(metainfo: Metainfo, video: File) -> tuple[Subtitle, ...]:
    """The subtitles of one video by language, whole ones before forced ones; at most 40."""
    return all_subtitles(metainfo).get(video.index, ())


def all_subtitles(metainfo: Metainfo) -> dict[int, tuple[Subtitle, ...]]:
    """The subtitles of each video that has any, by the video's index."""
    texts = list(_texts(metainfo.files))
    if not texts:
        return {}
    owners = _Owners(metainfo)
    found: dict[int, list[Subtitle]] = {}
    for file in texts:
        owner = owners.of(file)
        if owner is not None:
            found.setdefault(owner.index, []).append(_described(file, owner))
    return {
        index: tuple(sorted(subtitles, key=_order)[:MAX_SUBTITLES])
        for index, subtitles in found.items()
    }


def _texts(files: Iterable[File]) -> Iterator[File]:
    """The subtitle files; of the same text in several formats, one."""
    best: dict[str, tuple[int, File]] = {}
    pictures = {_bare(file.path) for file in files if extension(file.name) == "idx"}
    for file in files:
        kind, bare = extension(file.name), _bare(file.path)
        if kind not in _KINDS or not 0 < file.length <= MAX_LENGTH:
            continue
        # VobSub: pictures, which nobody can turn into text here.
        if kind == "sub" and bare in pictures:
            continue
        rank = _KINDS.index(kind)
        if bare not in best or rank < best[bare][0]:
            best[bare] = rank, file
    ordered = sorted(best.values(), key=lambda pair: pair[1].index)
    return (file for _, file in ordered[:MAX_FILES])


class _Owners:
    """Whose a subtitle is."""

    def __init__(self, metainfo: Metainfo) -> None:
        videos = [f for f in metainfo.files if f.length and extension(f.name) in VIDEO_EXTENSIONS]
        self._title = metainfo.name
        self._numbers = {
            video.index: (numbers.season, numbers.episodes)
            for video, numbers in zip(videos, number_files([v.path for v in videos]), strict=True)
            if numbers is not None
        }
        extras, _ = leave_out(metainfo.name, [(video.path, video.length) for video in videos])
        self._by_stem: dict[str, list[File]] = {}
        self._by_numbers: dict[tuple[int, tuple[int, ...]], list[File]] = {}
        self._in_folder: dict[str, list[File]] = {}
        self._shows: dict[int, str] = {}
        for at, video in enumerate(videos):
            self._by_stem.setdefault(_stem(video), []).append(video)
            if at in extras:
                continue
            self._in_folder.setdefault(_folder(video), []).append(video)
            if video.index in self._numbers:
                self._by_numbers.setdefault(self._numbers[video.index], []).append(video)
                self._shows[video.index] = _show(_stem(video))
        try:
            self._main: File | None = select(metainfo, MainVideo())
        except Problem:
            self._main = None
        # Looked for once: a folder may hold thousands.
        beside = self._in_folder.get(_folder(self._main), []) if self._main else []
        self._main_folder = _folder(self._main) if self._main and self._main in beside else None

    def of(self, file: File) -> File | None:
        """The one video that a subtitle belongs to."""
        extra, _ = leave_out(self._title, [(file.path, file.length)])
        named = self._named(file)
        if named is not None or extra:
            return named
        numbered = self._told(file)
        if numbered is not None:
            # What names an episode is of this one or of none.
            return self._numbered(file, numbered)
        return self._beside(file)

    def _named(self, file: File) -> File | None:
        """The video whose whole name begins the subtitle's, or is that of a folder around it."""
        told = self._told(file)
        folders = (part.casefold()[:MAX_TEXT] for part in reversed(_folder(file).split("/")))
        named = [self._by_stem.get(name, []) for name in (_stem(file), *folders)]
        for videos in [*named, _longest(_stem(file), self._by_stem)]:
            if len(videos) > MAX_ALIKE:
                continue
            fitting = [v for v in videos if told in (None, self._numbers.get(v.index))]
            if fitting:
                return _nearest(file, fitting)
        return None

    def _told(self, file: File) -> tuple[int, tuple[int, ...]] | None:
        """The season and episodes that the subtitle's name speaks of, or the folder's it is in."""
        for text in (_stem(file), _folder(file).rpartition("/")[2]):
            numbers = explicit(text)
            if numbers is not None:
                return numbers.season, numbers.episodes
        return None

    def _numbered(self, file: File, numbers: tuple[int, tuple[int, ...]]) -> File | None:
        videos = self._by_numbers.get(numbers, [])
        if len(videos) > MAX_ALIKE:
            return None
        show = _show(_stem(file))
        # A name may leave out which show it is.
        same = [v for v in videos if not show or self._shows[v.index] in ("", show)]
        return _nearest(file, same)

    def _beside(self, file: File) -> File | None:
        """The only video of the nearest folder around it that has any, else the main one."""
        folder = _folder(file)
        while True:
            videos = self._in_folder.get(folder)
            if videos:
                if len(videos) == 1:
                    return videos[0]
                return self._main if folder == self._main_folder else None
            if not folder:
                return self._main
            folder = folder.rpartition("/")[0]


def _longest(name: str, by_stem: Mapping[str, list[File]]) -> list[File]:
    """The videos of the longest stem that ``name`` goes on from."""
    for end in range(len(name) - 1, 0, -1):
        if name[end] not in _SEPARATORS:
            continue
        # "2_English" is the second subtitle of any video, not the one of "2.mkv".
        if name[end] == "_" and name[:end].isdecimal():
            continue
        if found := by_stem.get(name[:end]):
            return found
    return []


def _nearest(file: File, videos: list[File]) -> File | None:
    """The video with most folders in common; None where two have as many."""
    ranked = sorted(videos, key=lambda video: -_in_common(file, video))
    if len(ranked) > 1 and _in_common(file, ranked[0]) == _in_common(file, ranked[1]):
        return None
    return ranked[0] if ranked else None


def _in_common(one: File, other: File) -> int:
    count = 0
    for a, b in zip(_folder(one).split("/"), _folder(other).split("/"), strict=False):
        if a != b:
            break
        count += 1
    return count


def _show(name: str) -> str:
    """The show that a numbered name speaks of, "" where it leaves that out."""
    numbers = explicit(name)
    return bare_title(name[: numbers.start]) if numbers else ""


def _described(file: File, video: File) -> Subtitle:
    """What the name says behind the video's, else at its end; then its folder's name."""
    stem, beginning = _bare(file.name), _bare(video.name)
    if stem.casefold().startswith(beginning.casefold()):
        words, own = _words(stem[len(beginning) :]), True
    else:
        words, own = _words(stem), False
    found, flags = _language(words, everywhere=own)
    if found is None:
        found, _ = _language(_words(_folder(file).rpartition("/")[2]), everywhere=False)
    return Subtitle(file, found or UNKNOWN, bool(flags & _FORCED), bool(flags & _IMPAIRED))


def _words(text: str) -> list[str]:
    """The words, a tag such as ``pt-BR`` as one."""
    words: list[str] = []
    for word in _WORD.findall(text[-MAX_TEXT:]):
        is_tag = spoken_of(word) is not None
        words += [word] if is_tag else re.split("[-_]", word)
    return words


def _language(words: list[str], *, everywhere: bool) -> tuple[str | None, set[str]]:
    """The language of a name's words, and its flags. ``everywhere``: no word is of a title, else
    only the end of the name is looked at."""
    flags: set[str] = set()
    rest = list(words)
    while rest:
        word = rest.pop()
        folded = word.casefold()
        # "hi" is Hindi where no other word is a language.
        is_flag = folded in _FORCED | _IMPAIRED
        if is_flag and (folded != "hi" or any(spoken_of(other) for other in rest)):
            flags.add(folded)
            continue
        code = spoken_of(word)
        if code is not None:
            before = {other.casefold() for other in (rest if everywhere else rest[-1:])}
            # "Portuguese (Brazil)", "Brazilian Portuguese".
            both = {code, *(spoken_of(other) for other in rest[-1:])}
            return "pob" if both == {"por", "pob"} else code, flags | before & _MARKS
        if not (everywhere or word.isdecimal() or folded in _FILLERS):
            break
    return None, flags


def _order(subtitle: Subtitle) -> tuple[bool, str, bool, bool, int]:
    unknown = subtitle.language == UNKNOWN
    marks = subtitle.forced, subtitle.hearing_impaired
    return (unknown, subtitle.language, *marks, subtitle.file.index)


def _bare(path: str) -> str:
    suffix = extension(path.rpartition("/")[2])
    return path[: -len(suffix) - 1] if suffix else path


def _stem(file: File) -> str:
    return _bare(file.name).casefold()[:MAX_TEXT]


def _folder(file: File) -> str:
    return file.path.rpartition("/")[0]
