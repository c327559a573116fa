"""How a magnet becomes bytes: metadata, the file, then the first verified piece, under a budget.

One attempt runs for each (install, info hash, file), however many requests came (single flight).
Players leave and come back all the time (every 307, every seek), so an attempt does not belong
to a request: it goes on by itself, and requests wait for it as long as they like.
"""

import logging
import time
from collections.abc import Callable

import gevent
from cachetools import TTLCache

from addon.errors import Problem
from addon.playback.attempt import Attempt
from addon.playback.ends import needed
from addon.playback.failures import gone, needs_database, no_metadata
from addon.playback.feeders import Feeders
from addon.playback.first_piece import FirstPiece
from addon.playback.journal import Entry, Journal
from addon.playback.metadata import MetadataSearch
from addon.playback.resolution import Failure, Redirect, Stored
from addon.playback.rules import Rules
from addon.playback.store import Kept, Swarm, SwarmTorrent
from addon.sources.base import Media
from addon.sources.finder import Sources
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.metainfo import File, Metainfo
from addon.torrents.names import human_size
from addon.torrents.selection import Wanted, select

log = logging.getLogger(__name__)

# After the last request has gone the work goes on this long: the same player comes back.
LINGER = 30.0
# A player that was sent elsewhere may be sent there again without a new look for as long as the
# answer says that it may be kept.
REDIRECT_HOLDS = 30.0
# libav players ask the original URL again at every seek: the choice must be the same one.
BOUND_FOR = 6 * 3600.0
MAX_BOUND = 10_000

# install, info hash, file, whether over https; and whether it only prepares
_Choice = tuple[str, str, str, bool]
_Key = tuple[str, str, str, bool, bool]


class Resolver:
    """Makes attempts and keeps one of each kind; ``may_send`` says whether a player may be sent
    to a URL."""

    def __init__(
        self,
        swarm: Swarm,
        kept: Kept,
        journal: Journal,
        rules: Rules,
        search: MetadataSearch,
        sources: Sources,
        feeders: Feeders,
        may_send: Callable[[str], bool] = lambda _: True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._swarm = swarm
        self._kept = kept
        self._journal = journal
        self._rules = rules
        self._search = search
        self._sources = sources
        self._feeders = feeders
        self._may_send = may_send
        self._clock = clock
        self._attempts: dict[_Key, Attempt] = {}
        self._bound: TTLCache[_Choice, str] = TTLCache(MAX_BOUND, BOUND_FOR, clock)
        self._greenlets: set[gevent.Greenlet] = set()
        self._stopping = False

    def attempt(
        self,
        install: str,
        info_hash: InfoHash,
        wanted: Wanted,
        start: int,
        *,
        secure: bool = False,
        prepares: bool = False,
    ) -> Attempt:
        """The attempt for this film, begun if there is none; ``start`` is the byte asked for,
        ``secure`` says that the player came over https. One that only ``prepares`` makes room for
        both ends of the file alone, so no player joins it."""
        key = install, info_hash.key, str(wanted), secure, prepares
        attempt = self._attempts.get(key)
        while attempt is not None:
            if self._holds(attempt, info_hash):
                return attempt
            # Meanwhile another request may have begun anew.
            before, attempt = attempt, self._attempts.get(key)
            if attempt is before:
                break
        attempt = Attempt(self._journal.open(info_hash.key, str(wanted), install))
        if self._stopping:
            attempt.abandon()
            return attempt
        self._attempts[key] = attempt
        greenlet = gevent.spawn(self._run, key, attempt, info_hash, wanted, start)
        self._greenlets.add(greenlet)
        greenlet.link(lambda done: self._ended(key, attempt, done))
        return attempt

    def through_store(self, attempt: Attempt) -> Stored:
        """The film of an attempt that has ended, read through the store whatever it ended with."""
        media = attempt.media
        if media is None or media.metainfo is None or media.file is None:
            raise RuntimeError("an attempt that found something knows its file")
        torrent, no_room = self._room(media.metainfo, media.file)
        if no_room is not None:
            raise no_room
        if self._rules.sources:
            self._feeders.keep(torrent, media)
        return Stored(torrent, media.file, "store")

    def let_go(self) -> None:
        """The server is told to end: whoever waits is to ask again, and is not kept waiting."""
        self._stopping = True
        for attempt in self._attempts.values():
            attempt.abandon()

    def close(self) -> None:
        """End every attempt."""
        gevent.killall(list(self._greenlets))
        self._attempts.clear()

    def _holds(self, attempt: Attempt, info_hash: InfoHash) -> bool:
        """Whether an earlier attempt still answers for the film."""
        match attempt.resolution:
            case None:
                return True
            case Stored(torrent=torrent, file=file):
                if torrent.failure is not None or self._swarm.get(info_hash) is not torrent:
                    return False
                try:
                    # Whoever comes back after a while finds that others have filled the disk.
                    if self._swarm.reserve(info_hash, file) is not torrent:
                        return False
                except Problem:
                    return False
                if attempt.media is not None and self._rules.sources:
                    self._feeders.keep(torrent, attempt.media)
                return True
            case Redirect(at=at):
                return self._clock() - at < REDIRECT_HOLDS
            case Failure():
                return False

    def _ended(self, key: _Key, attempt: Attempt, greenlet: gevent.Greenlet) -> None:
        self._greenlets.discard(greenlet)
        failed = attempt.resolution is None or isinstance(attempt.resolution, Failure)
        if (failed or key[4]) and self._attempts.get(key) is attempt:
            del self._attempts[key]

    def _run(
        self, key: _Key, attempt: Attempt, info_hash: InfoHash, wanted: Wanted, start: int
    ) -> None:
        began = self._clock()
        try:
            try:
                resolution = self._resolve(key, attempt, info_hash, wanted, start, began)
            except Problem as problem:
                attempt.entry.step("failed", verdict=problem.code, detail=problem.detail)
                attempt.entry.end("failed", problem=problem)
                attempt.finish(Failure(problem))
                self._linger(attempt)
            else:
                self._note(key, attempt.entry, resolution)
                attempt.finish(resolution)
        except ConnectionAbortedError:
            attempt.entry.end("failed")
            attempt.abandon()
        except Exception:
            # The border of the greenlet: whoever waits must hear, and the log must show why.
            log.exception("[%s] the resolution broke", info_hash.key[:8])
            attempt.entry.end("failed")
            attempt.finish(
                Failure(Problem("busy", "The server made a mistake; its log says more."))
            )
        finally:
            if attempt.stream is not None:
                attempt.stream.close()

    def _note(self, key: _Key, entry: Entry, resolution: Stored | Redirect) -> None:
        name = resolution.served_by
        if isinstance(resolution, Redirect):
            self._bound[key[:4]] = name
            entry.step("the player is sent there", source=name, verdict="verified")
            entry.end("redirected", name)
        else:
            self._bound.pop(key[:4], None)
            entry.step("ready to stream", source=name, verdict="verified")
            entry.end("stored", name)

    def _resolve(
        self,
        key: _Key,
        attempt: Attempt,
        info_hash: InfoHash,
        wanted: Wanted,
        start: int,
        began: float,
    ) -> Stored | Redirect:
        entry = attempt.entry
        deadline = began + self._rules.budget
        magnet = self._kept.magnet(info_hash)
        if magnet is None:
            raise gone()
        metainfo = self._described(entry, magnet, info_hash, deadline)
        file = select(metainfo, wanted)
        entry.file_index = file.index
        entry.step(f"selected {file.name} ({human_size(file.length)})")
        if file.length == 0:
            raise Problem("no-such-file", f"The file {file.name} is empty.", "Choose another file.")
        attempt.media = Media(metainfo.info_hash, magnet, metainfo, file, file.name)
        torrent, no_room = self._room(metainfo, file, needed(file) if key[4] else None)
        return FirstPiece(
            torrent,
            attempt.media,
            min(start, file.length - 1),
            self._rules,
            self._sources,
            self._feeders,
            may_send=self._may_send,
            bound=self._bound.get(key[:4]),
            secure=key[3],
            no_room=no_room,
            clock=self._clock,
        ).get(attempt, began, deadline)

    def _room(
        self, metainfo: Metainfo, file: File, most: int | None = None
    ) -> tuple[SwarmTorrent, Problem | None]:
        """The torrent to read from, or why there is no room for (``most`` bytes of) the file: then
        it can only be played elsewhere."""
        try:
            return self._swarm.reserve(metainfo.info_hash, file, most), None
        except Problem as problem:
            torrent = self._swarm.get(metainfo.info_hash)
            if problem.code != "disk-full" or torrent is None:
                raise
            return torrent, problem

    def _described(
        self, entry: Entry, magnet: Magnet, info_hash: InfoHash, deadline: float
    ) -> Metainfo:
        """The metadata of a torrent, which is in the session then: kept, from the swarm or over
        HTTP."""
        metainfo = self._kept.metainfo(info_hash)
        if metainfo is not None:
            entry.step("getting the metadata", detail="kept")
            torrent = self._swarm.add(magnet, metainfo)
            torrent.wait_metadata(0.0, to_read=True)
            return metainfo
        search = self._search.begin(magnet)
        asked = [f"the swarm, {len(magnet.trackers)} trackers"] if self._swarm.p2p else []
        asked += [f"{search.asked} places over HTTP"] if search.asked else []
        entry.step("getting the metadata", detail=" and ".join(asked) or "nobody can be asked")
        search.wait(max(0.0, deadline - self._clock()), to_read=True)
        found = self._swarm.get(info_hash)
        metainfo = found.metainfo if found is not None else None
        if found is None or metainfo is None:
            swarm = found if self._swarm.p2p else None
            tried = no_metadata(swarm, search.answers, search.silent, self._rules.budget)
            raise needs_database(tried) if self._kept.was_lost(info_hash) else tried
        return metainfo

    def _linger(self, attempt: Attempt) -> None:
        """Go on for a while after a failure: the next try may find the piece there."""
        if attempt.stream is None:
            return
        attempt.stream.stall(frozen=True)
        try:
            attempt.stream.wait_first(LINGER)
        except (Problem, ConnectionAbortedError) as reason:
            log.debug("[%s] nothing more is tried: %s", attempt.entry.info_hash[:8], reason)
