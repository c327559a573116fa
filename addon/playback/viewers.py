"""Who watches what: how often a viewer was sent round, and whether they have had bytes.

A viewer is an install, a client address and a User-Agent. Hops are counted here and never from
the URL: four clients keep the last ``?hop=n`` for every later range.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import TTLCache

HOPS_FORGOTTEN_AFTER = 60.0
WATCHING_FORGOTTEN_AFTER = 6 * 3600.0
# A clip has 7 s; while it plays its player may ask for more of it.
SHOWN_FOR = 20.0
MAX_VIEWERS = 10_000


@dataclass(frozen=True, slots=True)
class Viewer:
    """One player in front of one file; ``file`` is ``(info hash key, wanted)``."""

    install: str
    address: str
    agent: str
    file: tuple[str, str]


class Viewers:
    """What is remembered of each viewer, for a while."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._hops: TTLCache[Viewer, int] = TTLCache(MAX_VIEWERS, HOPS_FORGOTTEN_AFTER, clock)
        self._watching: TTLCache[Viewer, bool] = TTLCache(
            MAX_VIEWERS, WATCHING_FORGOTTEN_AFTER, clock
        )
        self._shown: TTLCache[Viewer, str] = TTLCache(MAX_VIEWERS, SHOWN_FOR, clock)

    def hops(self, viewer: Viewer) -> int:
        """How often the viewer was sent to the same URL again in this wait."""
        return self._hops.get(viewer, 0)

    def hop(self, viewer: Viewer) -> int:
        """Count one more 307; the number it makes."""
        count = self.hops(viewer) + 1
        self._hops[viewer] = count
        return count

    def is_watching(self, viewer: Viewer) -> bool:
        """Whether the viewer has had bytes of the file: an error would end their film now."""
        return viewer in self._watching

    def had_bytes(self, viewer: Viewer) -> None:
        """The first body byte is on its way."""
        self._hops.pop(viewer, None)
        self._shown.pop(viewer, None)
        self._watching[viewer] = True

    def shown(self, viewer: Viewer, code: str) -> None:
        """A clip says to the viewer why the film does not play: the code of a Problem."""
        self._shown[viewer] = code

    def is_shown(self, viewer: Viewer) -> str | None:
        """What a clip may be telling the viewer at this moment."""
        return self._shown.get(viewer)

    def forget(self, viewer: Viewer) -> None:
        """The wait is over without a byte: a new try waits anew."""
        self._hops.pop(viewer, None)
