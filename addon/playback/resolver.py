"""How a magnet becomes bytes: metadata, the file, then the first verified piece, under a budget.

One attempt runs for each (install, info hash, file), however many requests came (single flight).
Players leave and come back all the time (every 307, every seek), so an attempt does not belong
to a request: it goes on by itself, and requests wait for it as long as they like.
"""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import gevent
from gevent.event import Event

from addon.errors import Problem
from addon.playback.journal import Entry, Journal
from addon.swarm.reader import Chunk
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.metainfo import File, Metainfo
from addon.torrents.names import human_size
from addon.torrents.selection import Wanted, select

log = logging.getLogger(__name__)

# After the last request has gone the work goes on this long: the same player comes back.
LINGER = 30.0
# Until then its deadlines stand, for a player that is between two requests.
ABSENCE = 1.0
# What stopped a torrent once and may be over now.
PASSING = frozenset({"disk-full", "busy"})


class Stream(Protocol):
    """A byte range being read (``swarm.reader.Reader``)."""

    def wait_first(self, timeout: float) -> bool: ...
    def chunks(self) -> Iterator[Chunk]: ...
    def stall(self, *, frozen: bool) -> None: ...
    def cancel(self) -> None: ...
    def close(self) -> None: ...


class SwarmTorrent(Protocol):
    """One torrent of the session (``swarm.torrent.Torrent``)."""

    trackers: dict[str, str]
    failure: Problem | None

    @property
    def metainfo(self) -> Metainfo | None: ...
    def wait_metadata(self, timeout: float, *, to_read: bool = False) -> Metainfo | None: ...
    def open(self, file: File, start: int, stop: int) -> Stream: ...
    def has_byte(self, file: File, position: int) -> bool: ...
    def recover(self) -> None: ...
    def peers_seen(self) -> tuple[int, int]: ...


class Swarm(Protocol):
    """The session (``swarm.session.Swarm``)."""

    def get(self, info_hash: InfoHash) -> SwarmTorrent | None: ...
    def add(self, magnet: Magnet, metainfo: Metainfo | None = None) -> SwarmTorrent: ...


class Kept(Protocol):
    """What is kept of each torrent (``playback.torrents.Shelf``)."""

    def magnet(self, info_hash: InfoHash) -> Magnet | None: ...
    def metainfo(self, info_hash: InfoHash) -> Metainfo | None: ...


@dataclass(frozen=True, slots=True)
class Stored:
    """The bytes are in the piece store, or on their way into it."""

    torrent: SwarmTorrent
    file: File
    served_by: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Nothing can play it now, and why."""

    problem: Problem


Resolution = Stored | Failure


class Attempt:
    """One resolution on its way; ``entry`` is its page in the journal."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.resolution: Resolution | None = None
        self.waiting = 0
        self.left_at = time.monotonic()
        self.stream: Stream | None = None
        self._done = Event()

    def wait(self, timeout: float) -> Resolution | None:
        """How it ended, or None when it still runs after ``timeout`` seconds."""
        self.waiting += 1
        try:
            if self.stream is not None:
                self.stream.stall(frozen=False)
            self._done.wait(timeout)
        finally:
            self.waiting -= 1
            self.left_at = time.monotonic()
        return self.resolution

    def finish(self, resolution: Resolution) -> None:
        """End it and let everybody know."""
        self.resolution = resolution
        self._done.set()

    def absent_for(self) -> float:
        """Seconds since the last request that waited for it has gone."""
        return 0.0 if self.waiting else time.monotonic() - self.left_at


class Resolver:
    """Makes attempts and keeps one of each kind; ``budget`` is in seconds."""

    def __init__(
        self,
        swarm: Swarm,
        kept: Kept,
        journal: Journal,
        budget: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._swarm = swarm
        self._kept = kept
        self._journal = journal
        self._budget = budget
        self._clock = clock
        self._attempts: dict[tuple[str, str, str], Attempt] = {}
        self._greenlets: set[gevent.Greenlet] = set()

    def attempt(self, install: str, info_hash: InfoHash, wanted: Wanted, start: int) -> Attempt:
        """The attempt for this film, begun if there is none; ``start`` is the byte asked for."""
        key = (install, info_hash.key, str(wanted))
        attempt = self._attempts.get(key)
        if attempt is not None and self._holds(attempt, info_hash):
            return attempt
        attempt = Attempt(self._journal.open(info_hash.key, str(wanted), install))
        self._attempts[key] = attempt
        greenlet = gevent.spawn(self._run, attempt, info_hash, wanted, start)
        self._greenlets.add(greenlet)
        greenlet.link(lambda done: self._ended(key, attempt, done))
        return attempt

    def close(self) -> None:
        """End every attempt."""
        gevent.killall(list(self._greenlets))
        self._attempts.clear()

    def _holds(self, attempt: Attempt, info_hash: InfoHash) -> bool:
        """Whether an earlier attempt still answers for the film."""
        match attempt.resolution:
            case None:
                return True
            case Stored(torrent=torrent):
                return torrent.failure is None and self._swarm.get(info_hash) is torrent
            case Failure():
                return False

    def _ended(
        self, key: tuple[str, str, str], attempt: Attempt, greenlet: gevent.Greenlet
    ) -> None:
        self._greenlets.discard(greenlet)
        if not isinstance(attempt.resolution, Stored) and self._attempts.get(key) is attempt:
            del self._attempts[key]

    def _run(self, attempt: Attempt, info_hash: InfoHash, wanted: Wanted, start: int) -> None:
        deadline = self._clock() + self._budget
        try:
            try:
                stored = self._resolve(attempt, info_hash, wanted, start, deadline)
            except Problem as problem:
                attempt.entry.step("failed", verdict=problem.code, detail=problem.detail)
                attempt.entry.end("failed")
                attempt.finish(Failure(problem))
                self._linger(attempt)
            else:
                attempt.entry.step("ready to stream", source=stored.served_by, verdict="verified")
                attempt.entry.end("stored", stored.served_by)
                attempt.finish(stored)
        except ConnectionAbortedError:
            attempt.entry.end("failed")
            attempt.finish(Failure(Problem("busy", "The server is stopping.", retry_after=5)))
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

    def _resolve(
        self, attempt: Attempt, info_hash: InfoHash, wanted: Wanted, start: int, deadline: float
    ) -> Stored:
        entry = attempt.entry
        magnet = self._kept.magnet(info_hash)
        if magnet is None:
            raise Problem(
                "not-found",
                "This torrent is not in the library any more.",
                "Add it again, then take a fresh link.",
            )
        metainfo = self._kept.metainfo(info_hash)
        entry.step(
            "getting the metadata",
            detail="kept" if metainfo else f"from the swarm, {len(magnet.trackers)} trackers",
        )
        torrent = self._swarm.add(magnet, metainfo)
        if torrent.failure is not None and torrent.failure.code in PASSING:
            torrent.recover()
        metainfo = torrent.wait_metadata(max(0.0, deadline - self._clock()), to_read=True)
        if metainfo is None:
            raise no_metadata(torrent, self._budget)
        file = select(metainfo, wanted)
        entry.file_index = file.index
        entry.step(f"selected {file.name} ({human_size(file.length)})")
        if file.length == 0:
            raise Problem("no-such-file", f"The file {file.name} is empty.", "Choose another file.")
        position = min(start, file.length - 1)
        served_by = "store" if torrent.has_byte(file, position) else "swarm"
        attempt.stream = stream = torrent.open(file, position, file.length)
        entry.step("waiting for the first piece", source=served_by)
        while not stream.wait_first(min(ABSENCE, max(0.0, deadline - self._clock()))):
            if self._clock() >= deadline:
                raise no_peers(torrent, self._budget)
            stream.stall(frozen=attempt.absent_for() > ABSENCE)
        return Stored(torrent, file, served_by)

    def _linger(self, attempt: Attempt) -> None:
        """Go on for a while after a failure: the next try may find the piece there."""
        if attempt.stream is None:
            return
        attempt.stream.stall(frozen=True)
        try:
            attempt.stream.wait_first(LINGER)
        except (Problem, ConnectionAbortedError) as reason:
            log.debug("[%s] nothing more is tried: %s", attempt.entry.info_hash[:8], reason)


def no_metadata(torrent: SwarmTorrent, budget: float) -> Problem:
    """Nobody told us what the torrent holds."""
    peers, _ = torrent.peers_seen()
    return Problem(
        "no-metadata",
        f"Nobody sent the torrent's metadata within {budget:.0f} s: {_tried(torrent, peers)}.",
        "Add the .torrent file instead of the magnet, or try again later.",
        retry_after=30,
    )


def no_peers(torrent: SwarmTorrent, budget: float) -> Problem:
    """The film is known, but nobody delivers it."""
    peers, seeds = torrent.peers_seen()
    detail = (
        f"No peer is connected: {_tried(torrent, peers)}"
        if not peers
        else f"{peers} peers are connected ({seeds} with the whole film), but none sent the piece"
    )
    return Problem(
        "no-peers",
        f"The film did not begin within {budget:.0f} s. {detail}.",
        "Try again later, or choose another torrent of the film.",
        retry_after=30,
    )


def _tried(torrent: SwarmTorrent, peers: int) -> str:
    told = "; ".join(f"tracker {host}: {reply}" for host, reply in torrent.trackers.items())
    return f"{told or 'no tracker has answered'}; {peers} peers connected"
