"""How long a player waits when the source that delivers dies or falls silent in mid-film."""

import time
from dataclasses import dataclass

from tests.faults.services import Services
from tests.rig.lab import MIB
from tests.rig.viewing import Viewing

CHUNK = 256 * 1024
LOOK = 0.1
WAYS = [(end, known) for end in ("down", "silent") for known in (True, False)]


@dataclass(frozen=True)
class Pair:
    """Two sources of one film, of ``rate`` bytes a second each."""

    here: Services
    film: Viewing
    rate: int
    name: str

    def add(self) -> None:
        """Tell the server of both; the second one is not there yet."""
        base = self.here.liars.base
        for one in (self.first, self.second):
            # Of other films they have nothing.
            self.here.liars.tell({one: "status-404"})
            self.here.custom(name=one, url=f"{base}/told-{one}/{{filename}}")
        self._tell(self.first, f"honest@{self.rate}")
        self._tell(self.second, "down")

    @property
    def first(self) -> str:
        return f"first-{self.name}"

    @property
    def second(self) -> str:
        return f"second-{self.name}"

    def longest_gap(self, end: str, *, known: bool, early: int = 6 * MIB, rest: int = 0) -> float:
        """The longest time between two reads of a player that takes all it gets, in seconds, from
        when the first source ends (``down`` or ``silent``) on.

        It ends after ``early`` bytes; ``known``: once the second one has proved itself, else the
        second is there from that moment on. ``rest`` bytes more are read, 0 for all. Wrong bytes
        are an AssertionError.
        """
        had, longest, looked = 0, 0.0, 0.0
        ended_at: int | None = None
        with self.film.open(0) as stream:
            assert stream.headers["x-served-by"] == self.first
            if known:
                self._tell(self.second, f"honest@{self.rate}")
            last = time.monotonic()
            while part := stream.read(CHUNK):
                now = time.monotonic()
                assert part == self.film.data[had : had + len(part)], f"wrong bytes at {had}"
                had += len(part)
                if ended_at is not None:
                    longest = max(longest, now - last)
                    if rest and had - ended_at > rest:
                        break
                elif had >= early and now - looked > LOOK:
                    looked = now
                    if not known or self._second_is_known():
                        ended_at = had
                        self._tell(self.second, f"honest@{self.rate}")
                        self._tell(self.first, end)
                last = time.monotonic()
        assert ended_at is not None, "the first source was there until the end"
        assert rest or had == self.film.size
        return longest

    def _tell(self, name: str, fault: str) -> None:
        self.here.liars.tell({f"{name}/{self.film.torrent.name}": fault})

    def _second_is_known(self) -> bool:
        said = f"[{self.film.torrent.key[:8]}] [{self.second}] ✓ goes on from here"
        return said in self.here.server.log
