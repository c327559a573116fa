"""Restless viewers: they seek, pause, dawdle and leave, and compare every byte they get."""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from random import Random

from tests.live.pace import SMALL, leave
from tests.rig.http import Connection, ask_for, open_stream
from tests.rig.torrents import Torrent

STEP = 64 * 1024
# What a film of 8 Mbit/s needs, and a viewer whose line is too slow for it.
PACE, SLOW_PACE = 1_000_000, 150_000
SITTING = 6.0  # seconds in front of one place of a film, at most
MOST_TOLD = 20
PAUSE = 6.0  # long enough for the server to call its reader frozen


@dataclass
class Film:
    """A film that is shown; ``url`` is its play link, "" while it is taken off and put on again."""

    torrent: Torrent
    kind: str
    url: str = ""
    watching: int = 0

    @property
    def size(self) -> int:
        """Its length in bytes."""
        return self.torrent.files[0].length


@dataclass
class Account:
    """What all viewers together saw; ``wrong`` and ``odd`` describe what must not be."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    counts: Counter[str] = field(default_factory=Counter)
    compared: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)

    def count(self, what: str) -> None:
        """One more of these."""
        with self.lock:
            self.counts[what] += 1

    def strange(self, what: str) -> None:
        """Something that a player would not forgive."""
        with self.lock:
            self.counts["cut or refused"] += 1
            if len(self.odd) < MOST_TOLD:
                self.odd.append(what)


class Viewer:
    """One viewer, whose whims are seeded; ``run`` is for a thread of its own."""

    def __init__(
        self, number: int, films: Sequence[Film], account: Account, over: Callable[[], bool]
    ) -> None:
        self._random = Random(number)
        self._films = films
        self._account = account
        self._over = over
        self._name = f"viewer {number}"
        self._slow = number % 5 == 4
        self._file = -1

    def run(self) -> None:
        """Watch one film after another until it is over."""
        while not self._over():
            with self._account.lock:
                shown = [film for film in self._films if film.url]
                film = self._random.choice(shown) if shown else None
                if film is not None:
                    film.watching += 1
            if film is None:
                time.sleep(0.2)
                continue
            self._file = os.open(film.torrent.files[0].path, os.O_RDONLY)
            try:
                self._watch(film)
            finally:
                os.close(self._file)
                with self._account.lock:
                    film.watching -= 1

    def _watch(self, film: Film) -> None:
        """A few places of a film. Each seek leaves the stream before, some only after the next one
        has begun, as Kodi does."""
        with ExitStack() as left_open:
            for seek in range(self._random.randint(1, 6)):
                if self._over() or not film.url:
                    return
                places = (0, film.size - self._random.randint(1, 400_000))
                first = (
                    self._random.choice(places)
                    if seek == 0 or self._random.random() < 0.15
                    else self._random.randrange(film.size)
                )
                try:
                    stream = self._open(film, first)
                except (OSError, AssertionError) as reason:
                    self._account.strange(f"{film.kind} at {first}: {reason!r}")
                    return
                if stream is not None:
                    left_open.callback(stream.close)
                    self._read(film, stream, first)

    def _open(self, film: Film, first: int) -> Connection | None:
        asked = {"User-Agent": self._name} | ask_for(first)
        stream = open_stream(film.url, asked, buffer=SMALL if self._slow else None)
        if stream.status == 206 and int(stream.headers["content-length"]) == film.size - first:
            self._account.count("streams")
            return stream
        self._account.strange(f"{film.kind} at {first}: {_told(stream)}")
        stream.close()
        return None

    def _read(self, film: Film, stream: Connection, at: int) -> None:
        """Read for a while at this viewer's pace, then leave in one way or another."""
        began = time.monotonic()
        length = self._random.uniform(0.2, SITTING)
        ahead = 0 if self._slow else self._random.choice((0, 1, 4)) * 1_000_000
        pace = SLOW_PACE if self._slow else PACE
        taken = 0
        try:
            while (spent := time.monotonic() - began) < length and film.url and not self._over():
                if taken > ahead + spent * pace:
                    time.sleep(0.05)
                    continue
                part = stream.read(STEP)
                if not part:
                    self._account.count("read to the end")
                    break
                self._compare(film, at + taken, part)
                taken += len(part)
                if self._random.random() < 0.002:
                    self._account.count("pauses")
                    time.sleep(self._random.uniform(0.5, PAUSE))
        except OSError as reason:
            self._account.strange(f"{film.kind} at {at + taken}: {reason!r}")
        how = self._random.choice(("rst", "rst", "fin", "fin", "left open"))
        self._account.count(how)
        if how != "left open":
            leave(stream, how)

    def _compare(self, film: Film, at: int, part: bytes) -> None:
        right = os.pread(self._file, len(part), at) == part
        with self._account.lock:
            self._account.compared[film.kind] += len(part)
            self._account.counts["parts wrong"] += not right
            if not right and len(self._account.wrong) < MOST_TOLD:
                self._account.wrong.append(f"{film.torrent.name} within {at}+{len(part)}")


def _told(stream: Connection) -> str:
    body = stream.read_all() if stream.headers.get("content-length") else b""
    return f"{stream.status} {body[:200]!r}"
