"""What the players of one file wait for, and whether the swarm keeps up with them."""

import time
from collections import deque
from collections.abc import Callable

from addon.playback.store import SwarmTorrent
from addon.swarm.torrent import Need

# How far ahead of the player a source is used. Its owner pays for what nobody watches.
AHEAD_BYTES = 48 * 1024 * 1024
# So long may a living swarm take over one piece before that very piece is fetched elsewhere too.
SWARM_PATIENCE = 1.5
# A player that waited in half of the last two seconds' looks drains faster than the swarm brings.
LOOKS = 20
STARVING = LOOKS // 2
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
        self._clock = clock
        self._looks: deque[bool] = deque(maxlen=LOOKS)
        self._waits: tuple[int, float] | None = None
        self.wanted_at = clock()

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
        alone = not self._torrent.peers_seen()[0]
        starving = sum(self._looks) >= STARVING
        for need in needs:
            if not (leads or alone or starving):
                return None
            stop = min(need.last, need.piece + self._ahead) + 1
            for index in range(need.piece, stop):
                if not self._torrent.has_piece(index):
                    return range(index, stop)
        return None

    def left(self, run: range) -> bool:
        """Whether no player comes this way any more."""
        needs = self.look()
        if not needs:
            return self.idle_for() > ABANDON
        return not any(run.start - self._ahead <= need.piece < run.stop for need in needs)

    def turn(self, rest: range) -> bool:
        """Whether another player waits, and nobody for the rest of this run."""
        blocked = [need.piece for need in self._needs() if need.blocked]
        return bool(blocked) and not any(piece in rest for piece in blocked)

    def _needs(self) -> list[Need]:
        mine = [need for need in self._torrent.needs() if need.last == self._pieces.stop - 1]
        return sorted(mine, key=lambda need: not need.blocked)
