"""What the players of one file wait for, and whether the swarm keeps up with them."""

import math
import time
from collections import deque
from collections.abc import Callable
from typing import Literal

from addon.playback.store import SwarmTorrent
from addon.swarm.picking import Need

Assist = Literal["when-needed", "always", "never"]
"""Whether sources fill beside a swarm that lives."""

# How far ahead of the player a source is used. Its owner pays for what nobody watches.
AHEAD_BYTES = 48 * 1024 * 1024
# Beside a swarm farther: its peers have begun the pieces in front of the player (30 MB seen), and a
# source that may not go beyond them would wait for the peers it is to help.
BESIDE_BYTES = 2 * AHEAD_BYTES
# So long may a living swarm take over one piece before that very piece is fetched elsewhere too.
SWARM_PATIENCE = 1.5
# A player that waited in half of the last two seconds' looks drains faster than the swarm brings.
LOOKS = 20
STARVING = LOOKS // 2
# Helped until so much lies ready in front of the player.
SAFE_BYTES = 24 * 1024 * 1024
# A swarm carries a film alone when it brings this many times what the players drain.
CARRIES = 1.25
# Over so many seconds.
DRAIN_TIME = 10.0
# The swarm's figures are told once a second: one that has just begun seems to have no peer yet.
FIGURES_AGE = 2.0
# The last reader is gone so long: what is being fetched is not wanted any more.
ABANDON = 2.0


class Demand:
    """``pieces`` are the file's; times are ``clock``'s, in seconds."""

    def __init__(
        self,
        torrent: SwarmTorrent,
        pieces: range,
        piece_length: int,
        assist: Assist = "when-needed",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._torrent = torrent
        self._pieces = pieces
        self._piece_length = piece_length
        self._ahead = max(1, AHEAD_BYTES // piece_length)
        self._beside = max(1, BESIDE_BYTES // piece_length)
        self._assist = assist
        self._clock = clock
        self._safe = max(2, SAFE_BYTES // piece_length)
        self._helping: bool | None = None
        self._looks: deque[bool] = deque(maxlen=LOOKS)
        self._waits: tuple[int, float] | None = None
        self._places: deque[tuple[float, int]] = deque()
        self.wanted_at = clock()
        self.swarm_at = -math.inf

    def look(self) -> list[Need]:
        """The readers as they stand now, those that wait first, then the newest; to be called
        every tenth of a second."""
        needs = self._needs()
        if needs:
            self.wanted_at = self._clock()
            self._follow(min(need.piece for need in needs), len(needs))
        blocked = bool(needs) and needs[0].blocked
        self._looks.append(blocked)
        if not blocked:
            self._waits = None
        elif self._waits is None or self._waits[0] != needs[0].piece:
            self._waits = needs[0].piece, self._clock()
        return needs

    def idle_for(self) -> float:
        """Seconds since anybody has read."""
        return self._clock() - self.wanted_at

    def starves(self) -> bool:
        """Whether a player has waited for half of the last two seconds."""
        return sum(self._looks) >= STARVING

    def waits_for(self, piece: int) -> float:
        """For how many seconds a player has waited for this very piece."""
        if self._waits is None or self._waits[0] != piece:
            return 0.0
        return self._clock() - self._waits[1]

    def stuck_at(self, piece: int) -> bool:
        """Whether a player has waited for this very piece longer than a swarm may take."""
        return self.waits_for(piece) > SWARM_PATIENCE

    def span(self, *, leads: bool) -> range | None:
        """Where pieces are to be filled now; its first one is missing. ``leads``: sources carry
        this film, else they only help where the swarm does not keep up."""
        needs = self.look()
        alone = self._alone()
        if not needs or not (alone or self._beside_the_swarm(needs[0], leads=leads)):
            return None
        ahead = self._ahead if alone else self._beside
        for need in needs:
            stop = min(need.last, need.piece + ahead) + 1
            for index in range(need.piece, stop):
                if not self._torrent.has_piece(index):
                    return range(index, stop)
        return None

    def _alone(self) -> bool:
        """Whether no peer is there; ``swarm_at`` is when one is known to have sent something."""
        late = self._clock() - self.swarm_at > FIGURES_AGE
        return late and not self._torrent.peers_seen()[0]

    def _beside_the_swarm(self, need: Need, *, leads: bool) -> bool:
        """Whether a swarm that lives is to be helped: from when the player starves, until it is
        safe; where a source leads, until the swarm would also do alone."""
        if self._assist != "when-needed":
            return self._assist == "always"
        if self._helping is None:
            self._helping = leads
        if self.starves():
            self._helping = True
        elif self._helping and self._is_ready(need):
            self._helping = leads and not self._carries()
        return self._helping

    def is_safe(self) -> bool:
        """Whether so much lies ready in front of every player that nobody has to hurry."""
        return all(self._is_ready(need) for need in self._needs())

    def _is_ready(self, need: Need) -> bool:
        ready = range(need.piece, min(need.last, need.piece + self._safe) + 1)
        return all(self._torrent.has_piece(index) for index in ready)

    def _carries(self) -> bool:
        """Whether the swarm brings more than the players drain."""
        if len(self._places) < 2 or self._places[-1][0] - self._places[0][0] < DRAIN_TIME / 2:
            return False
        (since, first), (now, last) = self._places[0], self._places[-1]
        drain = (last - first) * self._piece_length / (now - since)
        return self._torrent.progress.download_rate > CARRIES * drain

    def _follow(self, piece: int, readers: int) -> None:
        """Where the players are: a seek begins anew, and so does another number of players."""
        now = self._clock()
        moved = piece - self._places[-1][1] if self._places else 0
        if readers > 1 or not 0 <= moved <= self._safe:
            self._places.clear()
        self._places.append((now, piece))
        while now - self._places[0][0] > DRAIN_TIME:
            self._places.popleft()

    def left(self, run: range) -> bool:
        """Whether no player comes this way any more."""
        needs = self._needs()
        if not needs:
            return self.idle_for() > ABANDON
        return not any(self._leads_to(run, need) for need in needs)

    def turn(self, run: range) -> bool:
        """Whether another player waits, and none of those who come this way."""
        blocked = [need for need in self._needs() if need.blocked]
        return bool(blocked) and not any(self._leads_to(run, need) for need in blocked)

    def _leads_to(self, run: range, need: Need) -> bool:
        """Whether a player will come to this run, or is in it."""
        return run.start - self._beside <= need.piece < run.stop

    def _needs(self) -> list[Need]:
        mine = [need for need in self._torrent.needs() if need.last == self._pieces.stop - 1]
        return sorted(mine, key=lambda need: not need.blocked)
