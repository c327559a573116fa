"""What the players of one file wait for, and whether the swarm keeps up with them."""

import math
import time
from collections import deque
from collections.abc import Callable

from addon.playback.store import SwarmTorrent
from addon.swarm.picking import Need

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
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._torrent = torrent
        self._pieces = pieces
        self._ahead = max(1, AHEAD_BYTES // piece_length)
        self._beside = max(1, BESIDE_BYTES // piece_length)
        self._clock = clock
        self._safe = max(2, SAFE_BYTES // piece_length)
        self._helping = False
        self._looks: deque[bool] = deque(maxlen=LOOKS)
        self._waits: tuple[int, float] | None = None
        self.wanted_at = clock()
        self.swarm_at = -math.inf

    def look(self) -> list[Need]:
        """The readers as they stand now, those that wait first, then the newest; to be called
        every tenth of a second."""
        needs = self._needs()
        if needs:
            self.wanted_at = self._clock()
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

    def stuck_at(self, piece: int) -> bool:
        """Whether a player has waited for this very piece longer than a swarm may take."""
        return (
            self._waits is not None
            and self._waits[0] == piece
            and self._clock() - self._waits[1] > SWARM_PATIENCE
        )

    def span(self, *, leads: bool) -> range | None:
        """Where pieces are to be filled now; its first one is missing. ``leads``: sources carry
        this film, else they only help where the swarm does not keep up."""
        needs = self.look()
        alone = self._alone()
        if not needs or not (leads or alone or self._behind(needs[0])):
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

    def _behind(self, need: Need) -> bool:
        """Whether the swarm is to be helped: from when the player starves, until it is safe."""
        ready = range(need.piece, min(need.last, need.piece + self._safe) + 1)
        if sum(self._looks) >= STARVING:
            self._helping = True
        elif all(self._torrent.has_piece(index) for index in ready):
            self._helping = False
        return self._helping

    def left(self, run: range) -> bool:
        """Whether no player comes this way any more."""
        needs = self.look()
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
