"""Which videos are not what a viewer came for: samples, trailers, bonus material, specials."""

import re
from collections.abc import Sequence

from addon.torrents.numbering import MAX_TEXT, explicit, season_of

# Folder names, compared without separators and without words that only say which folder it is.
_FOLDERS = re.compile(
    "samples?|trailers?|teasers?|extras?|bonus(?:es|features?|material|disc)?|featurettes?|"
    "interviews?|scenes|shorts|behindthescenes|deleted(?:scenes)?|makingof|bloopers|outtakes|"
    "(?:special|extra)features|proofs?|screens|promos?|nc|ncop|nced|creditless|menus?|pvs?|cms?"
)
_SPECIALS = re.compile("(?:tv|christmas)?specials?")
_FOLDER_NOISE = re.compile(r"(?:s(?:eason|eries)?|dis[ck]|dvd|bd|bluray|vol|volume)?\d{0,4}")
# As the last word of a longer folder name: "Some Film (2010) Extras".
_FOLDER_ENDS = re.compile("samples|trailers|extras|featurettes|bonuses|bloopers|outtakes")
# In a file's name, as its first or last word.
_WORDS = frozenset({"sample", "trailer", "teaser", "featurette", "ncop", "nced"})
_PHRASES = ("behindthescenes", "deletedscenes", "deletedscene", "makingof")
# Only in the form that Plex and Kodi define: "Some Film-deleted.mkv".
_SUFFIX = re.compile(r"-(?:deleted|featurette|interview|scene|short|trailer|sample|other)\Z")
_TITLE_ENDS = re.compile(
    r"[ ._(\[-](?:(?:19|20)\d\d|s\d{1,2}|\d{3,4}p|complete|season|series|dvd|bluray)(?![^\W_])"
    r"|[ ._]*(?:\+|&|(?<![^\W_])(?:and|with|plus|incl|including)(?![^\W_]))[ ._]*"
    r"(?:all[ ._])?(?:bonus|extras?|featurettes?|samples?|trailers?|specials?)(?![^\W_])",
    re.IGNORECASE,
)


def leave_out(title: str, files: Sequence[tuple[str, int]]) -> tuple[set[int], set[int]]:
    """Positions in ``files`` (path, length) of extras, and of specials.

    ``title`` is the torrent's name: a word of its title marks nothing, or the series "Extras"
    and "Trailer Park" would be thrown away. A mark in a file's name counts only when the file is
    less than half the largest: a sample is small, a film called "Sample" is not.
    """
    own_words = set(_words(_title_part(title)))
    largest = max((length for _, length in files), default=0)
    extras, specials = set(), set()
    for position, (path, length) in enumerate(files):
        *folders, name = path.split("/")
        inside = folders[1:] if folders and folders[0] == title else folders
        marks = {mark for folder in inside if (mark := _folder_mark(folder, own_words))}
        if "extras" in marks or (2 * length < largest and _name_mark(name, own_words)):
            extras.add(position)
        elif "specials" in marks or _is_season_zero(name):
            specials.add(position)
    return extras, specials


def _title_part(name: str) -> str:
    end = _TITLE_ENDS.search(name[:MAX_TEXT])
    return name[: end.start()] if end else name


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text[:MAX_TEXT].casefold().replace("'", ""))


def _folder_mark(folder: str, own_words: set[str]) -> str:
    words = _words(folder)
    if season_of(folder) == 0:
        return "specials"
    bare = "".join(word for word in words if not _FOLDER_NOISE.fullmatch(word))
    last = words[-1] if words else ""
    if bare in own_words or last in own_words:
        return ""
    if _SPECIALS.fullmatch(bare) or last == "specials":
        return "specials"
    return "extras" if _FOLDERS.fullmatch(bare) or _FOLDER_ENDS.fullmatch(last) else ""


def _name_mark(name: str, own_words: set[str]) -> bool:
    stem = (name.rpartition(".")[0] or name)[:MAX_TEXT].casefold()
    words = [word.rstrip("0123456789") for word in _words(stem)]
    if not words:
        return False
    ends = {words[0], words[-1]} & _WORDS
    return bool(
        ends - own_words
        or "".join(words).endswith(_PHRASES)
        or "".join(words).startswith(_PHRASES)
        or _SUFFIX.search(stem)
    )


def _is_season_zero(name: str) -> bool:
    numbers = explicit(name)
    return numbers is not None and numbers.season == 0
