"""Finding a working source: what the resolver, ``/api/sources/test`` and Python programs call.

client = Client(AddressPolicy(allow_private=False))
sources = Sources(client, Registry(load_catalogue(BUILT_IN)))
found = sources.find_working_source("08ada5a7…", "Sintel.mp4", torrent)
"""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import Protocol

from cachetools import TTLCache
from gevent.threadpool import ThreadPool

from addon.errors import Problem
from addon.sources.base import Link, Media, Source
from addon.sources.fetch import Client, Lost, locate
from addon.sources.health import Experience, Verdict
from addon.sources.probe import Found, Prober
from addon.sources.race import race
from addon.sources.template import BuildUrl, FunctionSource
from addon.torrents.magnet import parse_magnet
from addon.torrents.metainfo import File, Metainfo, load_torrent

__all__ = ["Found", "Sources", "media_of"]

SCREEN = 5.0
BUDGET = 20.0
HASHING_THREADS = 2
# A title that a source does not have is not asked for again so soon.
ABSENT_FOR = 30 * 60.0
MAX_ABSENT = 10_000


class Catalogue(Protocol):
    """Where sources are kept (``sources.registry.Registry``)."""

    def enabled(self, media: Media) -> Sequence[Source]: ...
    def join(self, source: Source) -> None: ...


class Sources:
    """All sources, and what is known of each. ``screen`` is in seconds.

    ``experience`` is shared with nobody unless it is given. ``close`` ends its threads.
    """

    def __init__(
        self,
        client: Client,
        catalogue: Catalogue,
        clock: Callable[[], float] = time.monotonic,
        *,
        experience: Experience | None = None,
        screen: float = SCREEN,
    ) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self.experience = experience or Experience(time.time)
        self._pool = ThreadPool(HASHING_THREADS)
        self._prober = Prober(client, self._pool, screen, clock)
        self._absent: TTLCache[tuple[str, str, str], bool] = TTLCache(MAX_ABSENT, ABSENT_FOR, clock)

    def close(self) -> None:
        """End the threads that check hashes."""
        self._pool.kill()

    # For Python programs, by the verbs of the seed

    def all_sources(
        self, info_hash: str, file_name: str, torrent: Metainfo | bytes | None = None
    ) -> list[Found]:
        """Every source that could be asked, in order, with its URL; nothing is asked."""
        media = media_of(info_hash, file_name, torrent)
        found = []
        for source in self.ordered(media):
            link = _link(source, media, self._clock() + SCREEN)
            if link is not None:
                found.append(Found(source, Verdict.CANCELLED, "not asked", link, size=media.length))
        return found

    def find_working_source(
        self, info_hash: str, file_name: str, torrent: Metainfo | bytes | None = None
    ) -> Found | None:
        """The first source that works. Without ``torrent`` (its metadata) nothing can be checked
        by hash: then it only looks right, and ``verified`` is False."""
        found = self.find_working_sources(info_hash, file_name, torrent, max_sources=1)
        return found[0] if found else None

    def find_working_sources(
        self,
        info_hash: str,
        file_name: str,
        torrent: Metainfo | bytes | None = None,
        *,
        max_sources: int = 3,
    ) -> list[Found]:
        """Up to ``max_sources`` that work, the quickest first."""
        media = media_of(info_hash, file_name, torrent)
        return [found for found in self.test(media, max_sources) if found.works]

    def add_custom_source(
        self,
        name: str,
        build_url: str | BuildUrl,
        *,
        priority: int = 0,
        needs_metadata: bool = False,
        supports_resume: bool = True,
        note: str = "",
    ) -> None:
        """One source more, for as long as the program runs. ``build_url`` is a URL template, or a
        function of (info hash, file name, torrent) that returns the URL, or None for none."""
        self._catalogue.join(
            FunctionSource.of(
                name,
                build_url,
                priority=priority,
                needs_metadata=needs_metadata,
                resumable=supports_resume,
                note=note,
            )
        )

    # For the server

    def ordered(self, media: Media, *, everybody: bool = False) -> list[Source]:
        """Who may be asked for this file, in the order in which to ask. Those that cool down are
        left out, unless there is nobody else or ``everybody`` is wanted: then they come last."""
        sources = [
            source
            for source in self._catalogue.enabled(media)
            if not (source.needs_metadata and media.metainfo is None)
            and _memo(source, media) not in self._absent
        ]
        awake = [source for source in sources if not self.experience.cooling(source.name)]
        return self.experience.rank(sources if everybody else awake or sources)

    def test(self, media: Media, most: int, budget: float = BUDGET) -> list[Found]:
        """Everybody's outcome, until ``most`` work."""
        piece = None
        if media.metainfo is not None and media.file is not None and media.file.length:
            piece = media.metainfo.pieces_of(media.file).start
        outcomes, working = [], 0
        running = self.race(media, piece, self._clock() + budget)
        for found in running:
            outcomes.append(found)
            working += found.works
            if working >= most:
                running.close()
        return outcomes

    def race(
        self,
        media: Media,
        piece: int | None,
        deadline: float,
        *,
        sources: Sequence[Source] | None = None,
        started: Callable[[Source], None] = lambda _: None,
    ) -> Generator[Found, None, None]:
        """Probe for ``piece`` of the file, in the order of ``ordered``; see ``race.race``. What
        each outcome teaches is remembered."""
        running = race(
            self.ordered(media) if sources is None else sources,
            lambda source: self._prober.probe(source, media, piece),
            deadline,
            started=started,
            clock=self._clock,
        )
        with closing(running):
            for found in running:
                self.learn(found, media)
                yield found

    def learn(self, found: Found, media: Media) -> None:
        """Remember one outcome."""
        if found.verdict is Verdict.ABSENT:
            self._absent[_memo(found.source, media)] = True
        self.experience.record(found.name, found.verdict, found.ttfb, found.retry_after)


def media_of(info_hash: str, file_name: str, torrent: Metainfo | bytes | None = None) -> Media:
    """What the seed's verbs name: a hash (or a magnet), a file's name or path, the .torrent."""
    magnet = parse_magnet(info_hash)
    if isinstance(torrent, bytes):
        torrent = load_torrent(torrent)
    if torrent is None:
        return Media(magnet.info_hash, magnet, file_name=file_name)
    if not torrent.info_hash.matches(magnet.info_hash):
        raise Problem(
            "bad-torrent",
            "The .torrent is of another torrent: its info hash is not the one that is asked for.",
            "Give the .torrent that belongs to the info hash, or none.",
        )
    file = _named(torrent, file_name)
    return Media(torrent.info_hash, magnet, torrent, file, file.name)


def _named(torrent: Metainfo, name: str) -> File:
    fits = [file for file in torrent.files if name in (file.path, file.name)]
    if len(fits) != 1:
        raise Problem(
            "no-such-file",
            f"The torrent has {len(fits)} files of this name: {name}.",
            "Give the file's whole path as the torrent's list of files shows it.",
        )
    return fits[0]


def _memo(source: Source, media: Media) -> tuple[str, str, str]:
    which = str(media.file.index) if media.file is not None else media.file_name
    return source.name, media.info_hash.key, which


def _link(source: Source, media: Media, deadline: float) -> Link | None:
    try:
        return locate(source, media, deadline)
    except Lost:
        return None
