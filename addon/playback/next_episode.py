"""The next episode is made ready while its viewer comes to the end of the one before.

A viewer comes to the end by watching: players read the tail of a file before they play it, so a
place near the end says nothing. What counts is what was taken in a row, however many requests
that took.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Protocol

import gevent
from cachetools import TTLCache
from gevent.pool import Group

from addon.errors import Problem
from addon.playback.ends import Ends
from addon.playback.readiness import Film
from addon.playback.resolution import Failure, Redirect, Stored
from addon.playback.resolver import Resolver
from addon.playback.store import Kept, SwarmTorrent
from addon.playback.viewers import MAX_VIEWERS, WATCHING_FORGOTTEN_AFTER, Viewer
from addon.swarm.reader import Chunk
from addon.torrents.magnet import InfoHash
from addon.torrents.metainfo import File, Metainfo
from addon.torrents.selection import Wanted

log = logging.getLogger(__name__)

MARK = 0.8
# Taken in a row by whoever crosses the mark: this share of the file, or this much.
LEAST_SHARE = 0.05
LEAST_BYTES = 4 * 1024 * 1024
# An episode has minutes to go when the next one is looked for.
PATIENCE = 120.0
# It begins with the first piece and the tail. The rest of the head only peers bring meanwhile.
HEAD_PATIENCE = 10.0
LOOK = 0.2

Follows = Callable[[Metainfo, File], tuple[InfoHash, Wanted] | None]
"""The next episode of a file (``library.following``)."""


class Sent(Protocol):
    """What is on its way to a player (``store.Stream``, ``late.LateStream``)."""

    def chunks(self) -> Iterator[Chunk]: ...
    def stall(self, *, frozen: bool) -> None: ...
    def cancel(self) -> None: ...
    def close(self) -> None: ...
    @property
    def ended(self) -> bool: ...


class Course:
    """What a viewer has taken of a file in a row: from ``start`` to ``at``, in bytes."""

    def __init__(self, start: int) -> None:
        self.start = start
        self.at = start

    def begins(self, at: int) -> None:
        """A request begins: where it does not go on from what was taken, the row begins anew."""
        if not self.start <= at <= self.at:
            self.start = at
        self.at = at

    def nears_the_end(self, length: int) -> bool:
        """Whether this is somebody who watches, near the end of a file of ``length`` bytes."""
        taken = self.at - self.start
        if self.at < MARK * length:
            return False
        if self.start < MARK * length:
            return taken >= min(LEAST_SHARE * length, LEAST_BYTES)
        # Sought there; or it is the index at the end of a film, which may be large.
        return taken >= max(LEAST_SHARE * length, LEAST_BYTES)


class NextEpisodes:
    """Follows what viewers take and prepares what comes next, once for each viewer and file."""

    def __init__(
        self,
        resolver: Resolver,
        kept: Kept,
        follows: Follows,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._resolver = resolver
        self._kept = kept
        self._follows = follows
        self._clock = clock
        self._courses: TTLCache[tuple[Viewer, int], Course | None] = TTLCache(
            MAX_VIEWERS, WATCHING_FORGOTTEN_AFTER, clock
        )
        self._preparing = Group()

    def follow(self, stream: Sent, viewer: Viewer, file: File, start: int, *, secure: bool) -> Sent:
        """The same stream, of which is noted what its player takes from byte ``start`` on."""
        return _Followed(stream, start, lambda a, b: self._taken(viewer, file, a, b, secure=secure))

    def close(self) -> None:
        """Prepare nothing any more."""
        self._preparing.kill()

    def _taken(self, viewer: Viewer, file: File, start: int, stop: int, *, secure: bool) -> None:
        """A player has taken ``[start, stop)``."""
        key = viewer, file.index
        course = self._courses.setdefault(key, Course(start))
        if course is None:
            return
        course.begins(start)
        course.at = stop
        if course.nears_the_end(file.length):
            self._courses[key] = None
            self._preparing.spawn(self._prepare, viewer, file, secure=secure)

    def _prepare(self, viewer: Viewer, file: File, *, secure: bool) -> None:
        film: Film | None = None
        try:
            film = self._film_after(viewer, file, secure=secure)
            if film is not None:
                self._make_ready(film)
        except (Problem, ConnectionAbortedError) as reason:
            log.info("[%s] the next episode is not prepared: %s", viewer.file[0][:8], reason)
        except Exception:
            # The border of the greenlet: nobody waits for it, so only the log can tell.
            log.exception("[%s] preparing the next episode broke", viewer.file[0][:8])

    def _film_after(self, viewer: Viewer, file: File, *, secure: bool) -> Film | None:
        metainfo = self._kept.metainfo(InfoHash.from_key(viewer.file[0]))
        following = self._follows(metainfo, file) if metainfo is not None else None
        return Film(viewer.install, *following, secure) if following is not None else None

    def _make_ready(self, film: Film) -> None:
        """What its player's first request would do, and both ends."""
        until = self._clock() + PATIENCE
        attempt = self._resolver.attempt(
            film.install, film.info_hash, film.wanted, 0, secure=film.secure, prepares=True
        )
        attempt.entry.step("preparing the next episode")
        match attempt.wait(PATIENCE):
            case Failure(problem=problem):
                raise problem
            case Redirect(served_by=name):
                log.info("[%s] the next episode is at %s", film.info_hash.key[:8], name)
            case Stored(torrent=torrent, file=file) if torrent.metainfo is not None:
                with closing(Ends(torrent, torrent.metainfo, file, as_player=True)) as ends:
                    self._wait_for(torrent, ends, until)
                log.info("[%s] the next episode is prepared: %s", film.info_hash.key[:8], file.name)

    def _wait_for(self, torrent: SwarmTorrent, ends: Ends, until: float) -> None:
        enough_at: float | None = None
        while missing := ends.missing():
            now = self._clock()
            if torrent.failure is not None:
                raise torrent.failure
            if enough_at is None and not missing & {ends.head.start, *ends.tail}:
                enough_at = now
            if enough_at is not None and now - enough_at > HEAD_PATIENCE:
                break
            if now >= until:
                raise Problem("no-peers", "Its head and its tail did not come in time.")
            gevent.sleep(LOOK)


class _Followed:
    """A stream that tells what was taken of it."""

    def __init__(self, stream: Sent, start: int, taken: Callable[[int, int], None]) -> None:
        self._stream = stream
        self._at = start
        self._taken = taken

    def chunks(self) -> Iterator[Chunk]:
        """All bytes of the range, in order; raises rather than end short."""
        for chunk in self._stream.chunks():
            yield chunk
            # Only now: whoever asks for more has sent what they had.
            begin, self._at = self._at, self._at + _length(chunk)
            self._taken(begin, self._at)

    def stall(self, *, frozen: bool) -> None:
        """Its player has stopped taking bytes, or takes them again."""
        self._stream.stall(frozen=frozen)

    def cancel(self) -> None:
        """End it from another greenlet."""
        self._stream.cancel()

    def close(self) -> None:
        """Give up the interest; safe to call twice."""
        self._stream.close()

    @property
    def ended(self) -> bool:
        """It was cancelled: nothing more will come."""
        return self._stream.ended


def _length(chunk: Chunk) -> int:
    return len(chunk) if isinstance(chunk, bytes) else chunk[2]
