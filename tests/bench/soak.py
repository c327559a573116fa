"""``python -m tests.bench.soak [--minutes M] [--viewers N]``: nothing leaks and no byte is wrong.

Viewers who seek, pause and leave watch films that come from a swarm, from HTTP sources that mostly
lie or fail, and from both. Every few seconds a film is deleted and added anew, so that suppliers
always have work. Everything stays on loopback.
"""

import argparse
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.audience import Account, Film, Viewer
from tests.faults.services import Services, services
from tests.rig.http import request
from tests.rig.lab import MIB, Lab
from tests.rig.media import random_file
from tests.rig.server import BROKEN
from tests.rig.torrents import make_torrent
from tests.rig.waiting import until

KINDS = ("swarm", "sources", "both")
PIECE = 256 * 1024
MATROSKA = b"\x1a\x45\xdf\xa3"
# Asked in this order until experience has taught another.
SOURCES = {
    "Instant.io": "corrupt-piece-7-262144",
    "TorrentDrive": "die-after-3000000",
    "BTCache": "html-as-video",
    "BTDigg Proxy": "stall-after-2000000",
    "TorrentSafe": "wrong-bytes",
    "MediaBox": "close-early-1500000",
    "TorrentStream": "slow-400000",
    "CloudTorrent": "slow-8000000",
    "Bitport.io": "honest",
}
SEEDER_RATE = 6_000_000
LOOK = 1.0
# Feeders stay for 30 s after the last reader (playback.feeder.LINGER); what players read first of a
# film that was added is waited for up to 60 s (playback.torrents.PREPARE_TIME).
LINGERING = 75.0
REST, SETTLED = 3.0, 15.0
ROOM = 16 * MIB
# What ends when viewers have gone, and what a film that is deleted takes with it.
LIVING = ("selfstreme_greenlets", "selfstreme_readers", "selfstreme_streams", "selfstreme_feeders")
SHOWN = (*LIVING, "selfstreme_peers", "process_open_fds")


@dataclass(frozen=True)
class Plan:
    """How long, how many, how large; ``linger``: see feeders end by themselves, not by DELETE."""

    seconds: float = 600.0
    viewers: int = 30
    films: int = 6
    size: int = 40 * MIB
    change: float = 10.0
    linger: bool = True


@dataclass
class Outcome:
    """What was seen; ``faults`` are sentences about what must not be."""

    rows: list[tuple[str, str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def expect(self, *, right: bool, otherwise: str) -> None:
        """Note a fault unless all is right."""
        if not right:
            self.faults.append(otherwise)


def gauges(url: str) -> dict[str, float]:
    """What a server's ``/metrics`` says."""
    told = request(f"{url}/metrics").body.decode()
    lines = (line.split(" ") for line in told.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in lines}


class House:
    """The films of a soak, and a server that shows them."""

    def __init__(self, lab: Lab, here: Services, plan: Plan, account: Account) -> None:
        self._lab, self._here, self._plan, self._account = lab, here, plan, account
        self.films = [self._film(number) for number in range(plan.films)]

    def _film(self, number: int) -> Film:
        kind = KINDS[number % len(KINDS)]
        # What lies elsewhere no source has.
        folder = self._here.folder if kind != "swarm" else self._lab.folder / "swarm-only"
        path = random_file(folder / f"film-{number}.mkv", self._plan.size, number)
        with path.open("r+b") as file:
            # What does not begin as its name promises is refused.
            file.write(MATROSKA)
        film = Film(make_torrent(path, PIECE), kind)
        if kind != "sources":
            self._lab.share(film.torrent, rate=SEEDER_RATE)
        return film

    def show(self, film: Film) -> None:
        """Add it."""
        server = self._here.server
        if film.kind == "sources":
            told = server.upload(film.torrent.raw).json()
        else:
            server.add(film.torrent.magnet([self._lab.tracker.url]))
            told = server.ready(film.torrent.key, 20)
        film.url = told["files"][0]["playUrl"]

    def take_off(self, film: Film) -> None:
        """Delete it, once its viewers have gone."""
        film.url = ""
        until(lambda: not film.watching, 40, "a film's viewers to leave", every=0.05)
        url = f"{self._here.server.url}/api/torrents/{film.torrent.key}"
        reply = request(url, method="DELETE")
        assert reply.status in (204, 404), reply

    def change(self, over: Callable[[], bool]) -> None:
        """Delete and add one film after another, until it is over."""
        turn = 0
        due = time.monotonic() + self._plan.change
        while not over():
            if time.monotonic() < due:
                time.sleep(0.1)
                continue
            film = self.films[turn % len(self.films)]
            turn, due = turn + 1, due + self._plan.change
            try:
                self.take_off(film)
                self.show(film)
                self._account.count("films put on anew")
            except (AssertionError, OSError) as reason:
                self._account.strange(f"{film.kind} was not put on anew: {reason!r}")


def soak(lab: Lab, plan: Plan) -> Outcome:
    """Run it; the server has ended well only when the lab closes without an error."""
    account, outcome = Account(), Outcome()
    with services(lab, SOURCES, p2p="on", LOG_LEVEL="info") as here:
        house = House(lab, here, plan, account)
        # What is opened once and kept (threads, the database) is there before the first look.
        for film in house.films:
            house.show(film)
            request(film.url, {"Range": "bytes=0-99999"})
        for film in house.films:
            house.take_off(film)
        before = _at_rest(here)
        for film in house.films:
            house.show(film)
        samples = _play(here, house, plan, account)
        _memory(outcome, samples, plan)
        if plan.linger:
            after = _settle(here, lambda now: _all_back(before, now, LIVING), LINGERING)
            for name in LIVING:
                _same(outcome, name, before, after, "after the viewers have left")
        for film in house.films:
            house.take_off(film)
        after = _settle(here, lambda now: _all_back(before, now, SHOWN))
        for name in SHOWN:
            _same(outcome, name, before, after, "at the end")
        for name in SHOWN:
            most = max(sample[name] for _, _, sample in samples)
            figures = f"{before[name]:.0f}, {most:.0f}, {after[name]:.0f}"
            outcome.rows.append((f"{name}: before, most, after", figures))
            outcome.expect(right=most > before[name], otherwise=f"{name} never rose")
        _account(outcome, account, house, here.server.log)
        here.server.allowed_in_log = "."  # it is told here
    return outcome


Samples = list[tuple[float, int, dict[str, float]]]


def _play(here: Services, house: House, plan: Plan, account: Account) -> Samples:
    """Let the viewers in for as long as planned; seconds, resident bytes and gauges over time."""
    samples: Samples = []
    began = time.monotonic()
    stop = threading.Event()

    def over() -> bool:
        return stop.is_set() or time.monotonic() - began > plan.seconds

    viewers = [Viewer(number, house.films, account, over) for number in range(plan.viewers)]
    with ThreadPoolExecutor(plan.viewers + 1) as pool:
        running = [pool.submit(viewer.run) for viewer in viewers]
        running.append(pool.submit(house.change, over))
        try:
            while not over():
                time.sleep(LOOK)
                now = gauges(here.server.url)
                samples.append((time.monotonic() - began, here.server.rss(), now))
        finally:
            stop.set()
        for task in running:
            task.result()
    return samples


def _settle(
    here: Services, done: Callable[[dict[str, float]], bool], seconds: float = SETTLED
) -> dict[str, float]:
    """The gauges once ``done``, or the last ones after so many seconds."""
    end = time.monotonic() + seconds
    while not done(now := gauges(here.server.url)) and time.monotonic() < end:
        time.sleep(0.2)
    return now


def _at_rest(here: Services) -> dict[str, float]:
    """The least of each gauge over a few seconds: a baseline that is too high hides leaks."""
    looks = [gauges(here.server.url)]
    end = time.monotonic() + REST
    while time.monotonic() < end:
        time.sleep(0.2)
        looks.append(gauges(here.server.url))
    return {name: min(look[name] for look in looks) for name in looks[0]}


def _all_back(before: dict[str, float], now: dict[str, float], names: Iterable[str]) -> bool:
    return all(now[name] <= before[name] for name in names)


def _same(
    outcome: Outcome, name: str, before: dict[str, float], after: dict[str, float], when: str
) -> None:
    outcome.expect(
        right=after[name] <= before[name],
        otherwise=f"{name} is {after[name]:.0f} {when}; it was {before[name]:.0f} before",
    )


def _memory(outcome: Outcome, samples: Samples, plan: Plan) -> None:
    """The last minute beside the second one; a shorter run has shorter minutes."""
    minute = min(60.0, plan.seconds / 4)

    def median(first: float) -> float:
        return statistics.median(
            rss for at, rss, _ in samples if first <= at <= first + minute + LOOK
        )

    early, late = median(minute), median(plan.seconds - minute)
    most = max(rss for _, rss, _ in samples)
    outcome.rows.append(
        (
            "memory: second minute, last, most",
            f"{early / MIB:.0f}, {late / MIB:.0f}, {most / MIB:.0f} MiB",
        )
    )
    outcome.expect(
        right=late <= early * 1.1 + ROOM,
        otherwise=f"memory grew from {early / MIB:.0f} to {late / MIB:.0f} MiB",
    )


def _account(outcome: Outcome, account: Account, house: House, log: str) -> None:
    for kind, size in account.compared.items():
        outcome.rows.append((f"compared, from {kind}", f"{size / MIB:,.0f} MiB"))
    outcome.rows += [(what, str(count)) for what, count in sorted(account.counts.items())]
    outcome.expect(right=not account.wrong, otherwise=f"wrong bytes: {account.wrong}")
    outcome.expect(right=not account.odd, otherwise="\n  ".join(["viewers lost:", *account.odd]))
    for kind in {film.kind for film in house.films}:
        outcome.expect(right=account.compared[kind] > MIB, otherwise=f"nothing came from {kind}")
    broken = [line for line in log.splitlines() if re.search(BROKEN, line)]
    outcome.expect(right=not broken, otherwise="\n  ".join(["the log:", *broken[:5]]))


def main() -> int:
    """Soak, and say how it went."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument(
        "--minutes", type=float, default=10.0, help="how long (default 10, at most 60)"
    )
    parser.add_argument(
        "--viewers", type=int, default=30, help="how many (default 30, at most 100)"
    )
    given = parser.parse_args()
    plan = Plan(min(max(given.minutes, 0.3), 60) * 60, min(max(given.viewers, 1), 100))
    with tempfile.TemporaryDirectory() as folder, Lab(Path(folder)) as lab:
        outcome = soak(lab, plan)
        print("| what | figure |\n| --- | --- |")
        for name, figure in outcome.rows:
            print(f"| {name} | {figure} |")
        print(*(f"\nNOT RIGHT: {fault}" for fault in outcome.faults), flush=True)
    return bool(outcome.faults)


if __name__ == "__main__":
    sys.exit(main())
