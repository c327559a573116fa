"""Which pieces are asked for, and how urgently: a pure rule over readers and claims.

Measured against windows, deadlines and priority ladders: everything from the reader to the end
of its file at one priority, in sequential order, beats them all; several readers share the
union, with the two pieces under each first. Raising only a few pieces at a seek is slower,
because a peer whose queue runs empty is asked again only seconds later.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

UNWANTED, WANTED, URGENT = 0, 4, 7


@dataclass(frozen=True, slots=True)
class Want:
    """A reader's interest: the piece under it and the last piece of its file."""

    piece: int
    last: int
    idle: bool = False


@dataclass(frozen=True, slots=True)
class Need:
    """A player's place: the piece under it, the last one of its file, whether it waits."""

    piece: int
    last: int
    blocked: bool


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
        wanted[want.piece : want.last + 1] = [WANTED] * (want.last + 1 - want.piece)
    for tail in tails:
        for index in tail:
            if wanted[index]:
                wanted[index] = URGENT
    if len(active) > 1:
        for want in active:
            for index in (want.piece, min(want.piece + 1, want.last)):
                wanted[index] = URGENT
    for index in claims:
        wanted[index] = UNWANTED
    return wanted
