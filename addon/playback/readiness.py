"""Whether a film can be played now, told at once to whoever asks again and again.

A media centre that shows a progress dialog asks every second and gives its player the link only
when it plays. While it asks, the film is resolved exactly as for its player's first request, and
what players read before they play is fetched: the head and the tail of the file.
"""

import logging
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Literal

import gevent
from gevent.event import Event

from addon.errors import Problem
from addon.playback.attempt import Attempt
from addon.playback.ends import Ends
from addon.playback.journal import Entry
from addon.playback.resolution import Failure, Redirect, Stored
from addon.playback.resolver import REDIRECT_HOLDS, Resolver
from addon.playback.store import Swarm, SwarmTorrent
from addon.torrents.magnet import InfoHash
from addon.torrents.metainfo import File, Metainfo
from addon.torrents.selection import Wanted

log = logging.getLogger(__name__)

# Nobody has asked for so long: whoever waited has gone.
LINGER = 15.0
LOOK = 0.2
# A film that is there already is ready at the first question.
FIRST_LOOK = 0.1
# Most films play without their tail too, only later or without seeking.
TAIL_PATIENCE = 10.0

State = Literal["preparing", "ready", "failed"]


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands; ``download_rate`` is the swarm's in bytes a second, ``progress`` the share
    of head and tail that is there, ``sources`` who delivers, ``file`` None until it is known."""

    state: State
    step: str
    peers: int
    download_rate: int
    progress: float
    sources: tuple[str, ...]
    file: File | None
    problem: Problem | None


@dataclass(frozen=True, slots=True)
class Film:
    """What is to be played, and for whom; ``secure``: the player came over https."""

    install: str
    info_hash: InfoHash
    wanted: Wanted
    secure: bool = False


class Readiness:
    """Watches over the films that somebody waits for; ``delivering`` names the sources that
    deliver to a torrent."""

    def __init__(
        self,
        resolver: Resolver,
        swarm: Swarm,
        delivering: Callable[[str], list[str]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._resolver = resolver
        self._swarm = swarm
        self._delivering = delivering
        self._clock = clock
        self._watches: dict[Film, tuple[_Watch, gevent.Greenlet]] = {}

    def look(self, film: Film, *, again: bool = False) -> Standing:
        """How a film stands; asking makes it ready. One that failed is only tried ``again`` when
        that is asked for, or when nobody has asked for a while."""
        watch = self._watch(film, again=again)
        watch.asked_at = self._clock()
        return self._standing(watch)

    def peers(self, info_hash: InfoHash) -> int | None:
        """How many peers a torrent has, None while it is not in the session; asking starts
        nothing."""
        torrent = self._swarm.get(info_hash)
        return torrent.progress.peers if torrent is not None else None

    def close(self) -> None:
        """Let go of everything."""
        gevent.killall([greenlet for _, greenlet in self._watches.values()])

    def _watch(self, film: Film, *, again: bool) -> "_Watch":
        known = self._watches.get(film)
        if known is not None and not (again and known[0].problem is not None):
            return known[0]
        if known is not None:
            known[1].kill()
        watch = _Watch(film, self._resolver, self._swarm, self._clock)
        greenlet = gevent.spawn(watch.run)
        self._watches[film] = watch, greenlet
        greenlet.link(lambda done: self._ended(film, done))
        watch.settled.wait(FIRST_LOOK)
        return watch

    def _ended(self, film: Film, greenlet: gevent.Greenlet) -> None:
        if film in self._watches and self._watches[film][1] is greenlet:
            del self._watches[film]

    def _standing(self, watch: "_Watch") -> Standing:
        torrent = self._swarm.get(watch.film.info_hash)
        rate = torrent.progress.download_rate if torrent is not None else 0
        sources = ["swarm"] if rate else []
        if torrent is not None:
            sources += self._delivering(torrent.info_hash.key)
        if watch.redirected_to:
            sources = [watch.redirected_to]
        media = watch.attempt.media if watch.attempt is not None else None
        return Standing(
            watch.state,
            watch.step,
            self.peers(watch.film.info_hash) or 0,
            rate,
            watch.progress,
            tuple(dict.fromkeys(sources)),
            media.file if media is not None else None,
            watch.problem,
        )


class _Watch:
    """One film on its way; ``settled`` is set as soon as there is an answer."""

    def __init__(
        self, film: Film, resolver: Resolver, swarm: Swarm, clock: Callable[[], float]
    ) -> None:
        self.film = film
        self.asked_at = clock()
        self.attempt: Attempt | None = None
        self.problem: Problem | None = None
        self.redirected_to = ""
        self.progress = 0.0
        self.settled = Event()
        self._doing = ""
        self._ready = False
        self._resolver = resolver
        self._swarm = swarm
        self._clock = clock

    @property
    def state(self) -> State:
        if self.problem is not None:
            return "failed"
        return "ready" if self._ready else "preparing"

    @property
    def step(self) -> str:
        """What is done now, for people."""
        return self._doing or (_last_step(self.attempt.entry) if self.attempt else "just begun")

    def run(self) -> None:
        """Make it ready and keep it so while somebody asks."""
        try:
            while self._is_asked() and self.problem is None:
                self._try()
                gevent.sleep(LOOK)
        except Problem as problem:
            self._fail(problem)
        except Exception:
            # The border of the greenlet: whoever asks must hear, and the log must show why.
            log.exception("[%s] making it ready broke", self.film.info_hash.key[:8])
            self._fail(Problem("busy", "The server made a mistake; its log says more."))
        while self._is_asked():
            gevent.sleep(LOOK)

    def _is_asked(self) -> bool:
        return self._clock() - self.asked_at < LINGER

    def _fail(self, problem: Problem) -> None:
        self.problem = problem
        self._doing = ""
        self.settled.set()

    def _try(self) -> None:
        film = self.film
        self._ready, self._doing, self.redirected_to, self.progress = False, "", "", 0.0
        attempt = self.attempt = self._resolver.attempt(
            film.install, film.info_hash, film.wanted, 0, secure=film.secure
        )
        resolution = None
        while resolution is None and not attempt.abandoned and self._is_asked():
            resolution = attempt.wait(1.0)
        match resolution:
            case Failure(problem=problem):
                self._fail(problem)
            case Redirect(served_by=served_by, at=at):
                self.redirected_to = served_by
                self._is_ready()
                while self._is_asked() and time.monotonic() - at < REDIRECT_HOLDS:
                    gevent.sleep(LOOK)
            case Stored(torrent=torrent, file=file) if torrent.metainfo is not None:
                self._fetch(torrent, torrent.metainfo, file)

    def _is_ready(self) -> None:
        self._ready, self._doing, self.progress = True, "ready to play", 1.0
        self.settled.set()

    def _fetch(self, torrent: SwarmTorrent, metainfo: Metainfo, file: File) -> None:
        """Get what is read before the film plays, and hold on to it."""
        with closing(Ends(torrent, metainfo, file, as_player=True)) as ends:
            self._hold(torrent, ends)

    def _hold(self, torrent: SwarmTorrent, ends: Ends) -> None:
        parts = {*ends.head, *ends.tail}
        head_at: float | None = None
        while self._is_asked() and self._lives(torrent):
            there = ends.look()
            if head_at is None and ends.head.start in there:
                head_at = self._clock()
            waited = self._clock() - head_at if head_at is not None else 0.0
            if head_at is not None and (there.issuperset(ends.tail) or waited > TAIL_PATIENCE):
                self._is_ready()
            else:
                part = "beginning" if head_at is None else "end"
                self._doing = f"getting the {part} of the film"
                self.progress = len(there) / len(parts)
            gevent.sleep(LOOK)

    def _lives(self, torrent: SwarmTorrent) -> bool:
        return torrent.failure is None and self._swarm.get(self.film.info_hash) is torrent


def _last_step(entry: Entry) -> str:
    """The journal's newest line, in one sentence."""
    if not entry.steps:
        return "just begun"
    step = entry.steps[-1]
    named = f"{step.source}: " if step.source and step.source not in step.what else ""
    return named + step.what + (f": {step.detail}" if step.detail else "")
