"""Which pieces are asked for, and how urgently: a pure rule over readers and claims.

Measured against small windows, deadlines and priority ladders: everything from the reader on at
one priority, in sequential order, beats them all; several readers share the union, with the two
pieces under each first. Raising only a few pieces at a seek is slower, because a peer whose queue
runs empty is asked again only seconds later.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

UNWANTED, WANTED, URGENT = 0, 4, 7

# A film is fetched so far ahead of its player, and farther the more the player has really taken:
# one that pauses, or was opened by mistake, is not downloaded to its end.
WINDOW_BYTES = 64 * 1024 * 1024
WINDOW_GROWTH = 2
WINDOW_MOST = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Want:
    """A reader's interest: the piece under it and the last piece of its file; ``upto`` is the last
    one that is fetched for it now, None for all."""

    piece: int
    last: int
    idle: bool = False
    upto: int | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """A player's place: the piece under it, the last one of its file, whether it waits."""

    piece: int
    last: int
    blocked: bool


def window(taken: int) -> int:
    """How many bytes are fetched ahead of a player that has taken so many."""
    return min(WINDOW_BYTES + WINDOW_GROWTH * taken, WINDOW_MOST)


def priorities(
    count: int, wants: Sequence[Want], claims: Iterable[int] = (), tails: Iterable[range] = ()
) -> list[int]:
    """One priority a piece (libtorrent's 0 to 7) for ``count`` pieces.

    An idle reader counts only while nobody else reads. Claimed pieces are fetched elsewhere and
    are 0 whatever the readers want. ``tails`` are ends of files that players read early.
    """
    wanted = [UNWANTED] * count
    active = [want for want in wants if not want.idle]
    for want in active or wants:
        stop = 1 + (want.last if want.upto is None else want.upto)
        wanted[want.piece : stop] = [WANTED] * (stop - want.piece)
        for index in (index for tail in tails for index in tail):
            if want.piece <= index <= want.last:
                wanted[index] = URGENT
    if len(active) > 1:
        for want in active:
            for index in (want.piece, min(want.piece + 1, want.last)):
                wanted[index] = URGENT
    for index in claims:
        wanted[index] = UNWANTED
    return wanted
