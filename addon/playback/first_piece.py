"""The first verified byte under the player, whoever brings it: the swarm or a source.

Both run under one budget. A source that passes its probe has brought the very piece that the
player waits for, so it goes into the store; or the player is sent there, where that is allowed.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Protocol

import gevent

from addon.errors import Problem, outcome
from addon.playback.failures import edge_piece, no_peers, no_source
from addon.playback.feeders import Feeders
from addon.playback.journal import Entry
from addon.playback.resolution import Redirect, Stored
from addon.playback.rules import Rules
from addon.playback.store import Stream, SwarmTorrent
from addon.sources.base import Link, Media, Source
from addon.sources.finder import Sources
from addon.sources.probe import Found

SLICE = 0.05
# Until then an attempt's deadlines stand, for a player that is between two requests.
ABSENCE = 1.0


class Waiting(Protocol):
    """The attempt that this is for (``resolver.Attempt``)."""

    entry: Entry
    stream: Stream | None

    def absent_for(self) -> float: ...


@dataclass
class Race:
    """How the sources stand."""

    tried: list[Found] = field(default_factory=list)
    over: bool = False
    redirect: Found | None = None
    edge: Found | None = None
    winner: Found | None = None


class FirstPiece:
    """Finds it for one attempt. ``may_send`` says whether a player may be sent to a URL, ``bound``
    is the source of last time; with ``no_room`` nothing may be stored."""

    def __init__(
        self,
        torrent: SwarmTorrent,
        media: Media,
        position: int,
        rules: Rules,
        sources: Sources,
        feeders: Feeders,
        *,
        may_send: Callable[[str], bool],
        bound: str | None = None,
        secure: bool = False,
        no_room: Problem | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if media.metainfo is None or media.file is None:
            raise RuntimeError("pieces are looked for once the metadata is known")
        self._torrent = torrent
        self._media = media
        self._file = media.file
        self._position = position
        self._piece = (media.file.offset + position) // media.metainfo.piece_length
        self._rules = rules
        self._sources = sources
        self._feeders = feeders
        self._bound = bound
        self._may_send = may_send
        self._secure = secure
        self._no_room = no_room
        self._clock = clock
        self._race = Race()

    def get(self, attempt: Waiting, began: float, deadline: float) -> Stored | Redirect:
        """Until somebody has it, or a Problem says why nobody has."""
        if self._torrent.has_byte(self._file, self._position):
            return self._stored("store")
        entry, race, rules = attempt.entry, self._race, self._rules
        racing: gevent.Greenlet | None = None
        swarm_waits = rules.sources and rules.p2p and rules.strategy == "sources-first"
        if not swarm_waits and not self._no_room:
            self._open(attempt)
        try:
            while True:
                now = self._clock()
                if racing is None and rules.sources and now >= self._sources_at(began):
                    racing = gevent.spawn(self._run_race, entry, deadline)
                if swarm_waits and race.over and attempt.stream is None and not self._no_room:
                    self._open(attempt)
                if self._has_come(attempt, min(SLICE, max(0.0, deadline - now))):
                    return self._stored(race.winner.name if race.winner else "swarm")
                if race.redirect is not None and race.redirect.link is not None:
                    return self._redirect(race.redirect, race.redirect.link)
                no_swarm = self._no_room or not rules.p2p
                if now >= deadline or (no_swarm and (race.over or not rules.sources)):
                    raise self._problem(race)
        finally:
            if racing is not None:
                racing.kill()

    def _open(self, attempt: Waiting) -> None:
        attempt.stream = self._torrent.open(self._file, self._position, self._file.length)
        if self._rules.p2p:
            attempt.entry.step("trying P2P", source="swarm", detail="waiting for the first piece")

    def _has_come(self, attempt: Waiting, timeout: float) -> bool:
        if attempt.stream is None:
            gevent.sleep(timeout)
            return False
        attempt.stream.stall(frozen=attempt.absent_for() > ABSENCE)
        return attempt.stream.wait_first(timeout)

    def _sources_at(self, began: float) -> float:
        if self._bound is not None or self._no_room:
            return began
        return began + self._rules.sources_wait(peers=self._torrent.peers_seen()[0])

    def _stored(self, served_by: str) -> Stored:
        # Only now: a feeder that begins before the winner's piece is stored fetches it again.
        if self._rules.sources:
            winner = self._race.winner
            self._feeders.keep(self._torrent, self._media, winner, swarm=self._rules.p2p)
        return Stored(self._torrent, self._file, served_by)

    def _redirect(self, found: Found, link: Link) -> Redirect:
        return Redirect(link, self._file, found.name, self._clock())

    def _problem(self, race: Race) -> Problem:
        if self._no_room is not None:
            return self._no_room
        if race.edge is not None:
            return edge_piece(race.edge)
        torrent = self._torrent if self._rules.p2p else None
        if self._rules.sources and (race.tried or torrent is None):
            return no_source(torrent, race.tried)
        return no_peers(self._torrent, self._rules.budget)

    # The race, in a greenlet of its own

    def _run_race(self, entry: Entry, deadline: float) -> None:
        race = self._race
        try:
            ordered = self._sources.ordered(self._media)
            bound = [source for source in ordered if source.name == self._bound]
            if bound:
                entry.step("trying the source of last time", source=self._bound)
                if self._try(entry, bound, deadline):
                    return
                ordered = [source for source in ordered if source not in bound]
            names = ", ".join(source.name for source in ordered)
            entry.step(f"found {len(ordered)} download sources", detail=names or None)
            self._try(entry, ordered, deadline)
        finally:
            race.over = True

    def _try(self, entry: Entry, sources: Sequence[Source], deadline: float) -> bool:
        """Whether one of them works."""

        def started(source: Source) -> None:
            entry.step(f"trying {source.name}", source=source.name)

        running = self._sources.race(
            self._media, self._piece, deadline, sources=sources, started=started
        )
        with closing(running):
            for found in running:
                self._race.tried.append(found)
                entry.step(
                    found.verdict.value,
                    source=found.name,
                    verdict=found.verdict.value,
                    detail=found.reason,
                )
                if found.verified and self._accept(entry, found):
                    return True
        return False

    def _accept(self, entry: Entry, found: Found) -> bool:
        """Use a source that has proved itself; False where it does not help this player."""
        race = self._race
        offered = self._rules.may_redirect(found, time.time(), secure=self._secure)
        if offered and self._may_send(found.url or ""):
            race.redirect = found
            return True
        if self._no_room:
            return False
        if found.edge or found.piece is None or found.data is None:
            race.edge = found
            self._feeders.keep(self._torrent, self._media, found)
            return False
        race.winner = found
        # As a value: gevent prints whatever a greenlet raises, and the stream tells it anyway.
        if outcome(self._torrent.feed, found.piece, found.data) is not True:
            entry.step("the store did not take the piece", source=found.name, verdict="ours")
            race.winner = None
            return False
        return True
