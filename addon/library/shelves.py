"""The library as folders of films and series, named as media centres read them.

``Movies/Film (2019) [imdbid-tt1]/Film (2019) [imdbid-tt1] - 1080p WEB-DL.mkv``
``Series/Show/Season 01/Show S01E02 - 720p.mkv``

A name stands for the same file for as long as that is there: players keep it and ask by it for the
next part of a film. So each release is named after itself, the better one that comes later does not
take the name of the first, and of two alike the newer has its torrent's hash in its name.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import gevent
from cachetools import LRUCache
from gevent.lock import BoundedSemaphore

from addon.errors import Problem
from addon.library.contents import Known
from addon.library.file_names import Names, safe_name
from addon.library.streams import StreamEntry, Streams, VideoId
from addon.library.titles import Kind, Library, Title
from addon.torrents.languages import language
from addon.torrents.magnet import InfoHash
from addon.torrents.metainfo import File
from addon.torrents.names import display_name, extension
from addon.torrents.selection import Episode
from addon.torrents.subtitles import Subtitle, all_subtitles

ROOTS: dict[Kind, str] = {"movie": "Movies", "series": "Series"}
MAX_TITLES = 5000
"""So many of each type; of more, the newest."""
FRESH = 10.0
"""Seconds; Kodi asks for each folder of the tree, one right after the other."""
_RESTS = 10
"""For so many times as long as it took, a large library is not looked at again: six thousand
streams take three seconds."""
# Bytes: with year, id, release, mark and a subtitle's language a name stays below 255.
_TITLE, _FILE = 110, 160
_READ = 256
_IMDB = re.compile(r"tt[0-9]{1,12}")

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One stream: its place, and what people read.

    ``folders`` and ``stem`` name it without an extension; no other has both. ``subtitles`` lie in
    the torrent beside it.
    """

    title: Title
    entry: StreamEntry
    folders: Path
    stem: str
    label: str
    subtitles: tuple[Subtitle, ...]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A file in the tree: which of which torrent."""

    info_hash: InfoHash
    file: File


Tree = dict[Path, dict[str, Leaf | None]]
"""Each folder by its path, the root by (); inside, a name stands for a file or, None, a folder."""


@dataclass(frozen=True, slots=True)
class Listing:
    """``items`` are all that can be played, oldest titles first; ``tree`` holds those whose size is
    known, with their subtitles."""

    items: tuple[Item, ...]
    tree: Tree


class Shelves:
    """Makes the folders of the whole library. Nothing is started by it."""

    def __init__(
        self,
        library: Library,
        streams: Streams,
        known: Known,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._library = library
        self._streams = streams
        self._known = known
        self._clock = clock
        self._subtitles: LRUCache[str, dict[int, tuple[Subtitle, ...]]] = LRUCache(_READ)
        self._made: Listing | None = None
        self._until = 0.0
        self._making = BoundedSemaphore()

    def now(self) -> Listing:
        """The library as it was a few seconds ago."""
        with self._making:
            begun = self._clock()
            if self._made is None or begun >= self._until:
                items = tuple(self._items())
                self._made = Listing(items, _tree(items))
                done = self._clock()
                self._until = done + max(FRESH, _RESTS * (done - begun))
            return self._made

    def file(self, path: Path) -> Leaf | None:
        """The file of a path in the tree, None where there is none.

        What was listed is not looked for again: a player asks by this name for part after part.
        """
        listed = _at(self._made.tree, path) if self._made is not None else None
        return listed or _at(self.now().tree, path)

    def _items(self) -> Iterator[Item]:
        for kind, root in ROOTS.items():
            names = Names()
            # Oldest first: what comes later does not take the name of what is there.
            for title in self._library.titles(kind, "", 0, MAX_TITLES)[::-1]:
                name = names.take(_title_name(title), title.id.rpartition(":")[2][:8])
                for video, entries in self._streams.every(title):
                    yield from self._of_video(title, video, entries, (root, name))
                    # A thousand titles or episodes take a second, and others are watching.
                    gevent.sleep(0)

    def _of_video(
        self, title: Title, video: VideoId, entries: list[StreamEntry], folders: Path
    ) -> Iterator[Item]:
        if video.episode is not None:
            folders = (*folders, f"Season {video.episode.season:02}")
        files = Counter(entry.info_hash for entry in entries)
        names = Names()
        for entry in entries:
            # Films packed together have their own names; so have the parts of one.
            own_name = ""
            if entry.file is not None and video.episode is None and files[entry.info_hash] > 1:
                own_name = PurePosixPath(entry.file.name).stem
            stem = safe_name(own_name, _FILE) if own_name else _stem(title, video, entry, folders)
            mark = f"{entry.info_hash.key[:8]} {entry.file.index if entry.file else entry.wanted}"
            yield Item(
                title,
                entry,
                folders,
                names.take(stem, mark),
                _label(title, video, (own_name or _quality(entry)) if len(entries) > 1 else ""),
                self._subtitles_of(entry),
            )

    def _subtitles_of(self, entry: StreamEntry) -> tuple[Subtitle, ...]:
        if entry.file is None:
            return ()
        key = entry.info_hash.key
        if key not in self._subtitles:
            try:
                metainfo = self._known.metainfo(entry.info_hash)
            except Problem:
                metainfo = None
            self._subtitles[key] = all_subtitles(metainfo) if metainfo is not None else {}
        return self._subtitles[key].get(entry.file.index, ())


def _tree(items: Iterable[Item]) -> Tree:
    tree: Tree = {(): {}}
    for root in ROOTS.values():
        _folder(tree, (root,))
    for item in items:
        file = item.entry.file
        if file is None:
            continue
        inside = _folder(tree, item.folders)
        inside[f"{item.stem}.{extension(file.name)}"] = Leaf(item.entry.info_hash, file)
        names = Names()
        for subtitle in item.subtitles:
            name = names.take(_sidecar(item.stem, subtitle), str(subtitle.file.index))
            leaf = Leaf(item.entry.info_hash, subtitle.file)
            inside.setdefault(f"{name}.{extension(subtitle.file.name)}", leaf)
    return tree


def _at(tree: Tree, path: Path) -> Leaf | None:
    return tree.get(path[:-1], {}).get(path[-1]) if path else None


def _folder(tree: Tree, path: Path) -> dict[str, Leaf | None]:
    """What is inside a folder, which is made together with those around it."""
    if path not in tree:
        tree[path] = {}
        _folder(tree, path[:-1])[path[-1]] = None
    return tree[path]


def _sidecar(stem: str, subtitle: Subtitle) -> str:
    """``Film.en.forced``: the words that Kodi, Jellyfin and Plex read there."""
    words = [language(subtitle.language).short] if subtitle.language != "und" else []
    words += ["forced"] * subtitle.forced + ["sdh"] * subtitle.hearing_impaired
    return ".".join([stem, *words])


def _title_name(title: Title) -> str:
    words = [safe_name(title.name, _TITLE)]
    if title.year:
        words.append(f"({title.year})")
    if _IMDB.fullmatch(title.id):
        words.append(f"[imdbid-{title.id}]")
    return " ".join(words)


def _stem(title: Title, video: VideoId, entry: StreamEntry, folders: Path) -> str:
    name = folders[1]
    if video.episode is not None:
        name = f"{safe_name(title.name, _TITLE)} {_code(video.episode)}"
    quality = _quality(entry)
    # Jellyfin takes what stands behind " - " for the name of a version.
    return f"{name} - {quality}" if quality else name


def _label(title: Title, video: VideoId, version: str) -> str:
    """``Film (2019) - 1080p``; ``version`` where there are several."""
    words = [display_name(title.name)]
    if title.year:
        words.append(f"({title.year})")
    if video.episode is not None:
        words.append(_code(video.episode))
    if title.sample:
        words.append("(sample)")
    return " - ".join(filter(None, (" ".join(words), display_name(version))))


def _quality(entry: StreamEntry) -> str:
    release = entry.release
    return " ".join(filter(None, (release.resolution, release.source, release.hdr)))


def _code(episode: Episode) -> str:
    return str(episode).upper()
