"""Where a .torrent may be had over HTTP: what the magnet names (``xs=``), then .torrent caches.

A .torrent counts only if its info dictionary hashes to the wanted hash, so it does not matter who
sends it. All are asked at once; the first right one ends the rest.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from gevent.pool import Group
from gevent.queue import Empty, Queue
from gevent.threadpool import ThreadPool

from addon.errors import Problem, outcome
from addon.net.client import HttpError
from addon.sources.base import Media
from addon.torrents.magnet import Magnet
from addon.torrents.metainfo import MAX_TORRENT, Metainfo, load_torrent

DECODING_THREADS = 2
# One place may be this slow; the race as a whole has its own deadline.
PATIENCE = 15.0


class Client(Protocol):
    """What is needed of ``net.client.Client``."""

    def fetch(
        self, url: str, *, most: int, deadline: float, headers: tuple[tuple[str, str], ...] = ()
    ) -> bytes: ...


class Address(Protocol):
    """A URL template (``sources.template.Template``)."""

    def build(self, media: Media) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere that may have the .torrent; ``name`` is for people."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What one place said: the metadata, or why it is of no use."""

    place: Place
    metainfo: Metainfo | None
    reason: str = ""


class MetadataSources:
    """The places of METADATA_SOURCES and of each magnet."""

    def __init__(
        self,
        client: Client,
        caches: Sequence[tuple[str, Address]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._caches = caches
        self._clock = clock
        self._pool = ThreadPool(DECODING_THREADS)

    def close(self) -> None:
        """End the threads that decode."""
        self._pool.kill()

    def places(self, magnet: Magnet) -> list[Place]:
        """Where this torrent's metadata may be had, the magnet's own places first."""
        found = [Place(urlsplit(url).hostname or "xs", url) for url in magnet.exact_sources]
        media = Media(magnet.info_hash, magnet)
        for name, address in self._caches:
            url = address.build(media)
            if url is not None:
                found.append(Place(name, url))
        return found

    def find(
        self, magnet: Magnet, deadline: float, told: Callable[[Answer], None] = lambda _: None
    ) -> Metainfo | None:
        """The first right .torrent by ``deadline``; ``told`` hears what every place said."""
        places = self.places(magnet)
        answers: Queue[Answer] = Queue()
        asking = Group()
        for place in places:
            asking.spawn(lambda place=place: answers.put(self._ask(place, magnet, deadline)))
        try:
            for _ in places:
                try:
                    answer: Answer = answers.get(timeout=max(0.0, deadline - self._clock()))
                except Empty:
                    return None
                told(answer)
                if answer.metainfo is not None:
                    return answer.metainfo
            return None
        finally:
            asking.kill()

    def _ask(self, place: Place, magnet: Magnet, deadline: float) -> Answer:
        until = min(deadline, self._clock() + PATIENCE)
        try:
            raw = self._client.fetch(place.url, most=MAX_TORRENT, deadline=until)
        except HttpError as error:
            return Answer(place, None, error.detail)
        # A miss is often a page with status 200. Spares libtorrent the look at it.
        if not raw.startswith(b"d"):
            return Answer(place, None, "sends something that is no .torrent")
        decoded: Metainfo | Problem = self._pool.apply(outcome, (load_torrent, raw))
        if isinstance(decoded, Problem):
            return Answer(place, None, decoded.detail)
        if not decoded.info_hash.matches(magnet.info_hash):
            return Answer(place, None, "sends another torrent: its info hash is a different one")
        return Answer(place, decoded)
