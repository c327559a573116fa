"""Suppliers that die, stall, lie, expire and come back while a film plays, by a seed; one is honest
at any time."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

from tests.faults.services import NAMES, Services, services, torrent_of
from tests.faults.test_one_honest_source import noise
from tests.rig.http import request
from tests.rig.lab import MIB, Lab
from tests.rig.torrents import Torrent

PIECE = 512 * 1024
RATE = 16_000_000  # bytes a second of each supplier
SOURCES = ("one", "two", "three")
SWARM = "swarm"
STEPS = 6


@dataclass(frozen=True)
class Step:
    """From byte ``at`` on of what the player has, each supplier behaves as told."""

    at: int
    honest: str
    faults: dict[str, str]
    swarm: bool


def schedule(seed: int, size: int) -> list[Step]:
    """What happens in one film of ``size`` bytes; the first step is how it begins."""
    random = Random(seed)
    suppliers = [*SOURCES, SWARM] if seed % 2 else list(SOURCES)
    places = sorted(random.randrange(size) for _ in range(STEPS - 1))
    steps = []
    for at in (0, *places):
        honest = random.choice(suppliers)
        faults = {name: f"{fault(random)}@{RATE}" for name in SOURCES}
        if honest != SWARM:
            faults[honest] = f"honest@{RATE}"
        swarm = honest == SWARM or (SWARM in suppliers and random.random() < 0.3)
        steps.append(Step(at, honest, faults, swarm))
    return steps


def fault(random: Random) -> str:
    """How a supplier is that is not the honest one."""
    mean, seed = random.randrange(MIB, 12 * MIB), random.randrange(1000)
    return random.choice(
        [
            f"die-about-{mean}-{seed}",
            f"stall-about-{mean}-{seed}",
            f"corrupt-about-50-{PIECE}-{seed}",
            f"expire-{random.randrange(1, 4)}",
            *("down", "silent", "status-503", "close-early"),
        ]
    )


class Film:
    """One film, its suppliers, and what has been told of them."""

    def __init__(self, lab: Lab, here: Services, seed: int, size: int) -> None:
        self.here = here
        self.seed = seed
        self.steps = schedule(seed, size)
        self.seeder = lab.seeders(1)[0]
        data = noise(size, seed)
        self.torrent: Torrent = torrent_of(here.folder, f"film-{seed}.mkv", data, PIECE)
        self.magnet = lab.share(self.torrent, rate=RATE)
        self.names = [f"{seed}-{name}" for name in SOURCES]

    def turn(self, step: Step) -> None:
        """Whoever is honest now comes before the others go."""
        file = self.torrent.name
        told = {f"{self.seed}-{name}/{file}": fault for name, fault in step.faults.items()}
        if step.swarm:
            self.seeder.come_back(self.torrent)
        self.here.liars.tell({name: told[name] for name in told if f"-{step.honest}/" in name})
        self.here.liars.tell(told)
        if not step.swarm:
            self.seeder.leave(self.torrent)

    def play(self) -> float:
        """All of it, as fast as it comes; the longest time without a byte, in seconds."""
        self.turn(self.steps[0])
        # Of another film they have nothing: its schedule is not theirs.
        self.here.liars.tell(dict.fromkeys(self.names, "status-404"))
        for name in self.names:
            url = f"{self.here.liars.base}/told-{name}/{{filename}}"
            self.here.custom(name=name, url=url)
        film = self.here.film(self.torrent)
        if any(step.swarm for step in self.steps):
            self.here.server.add(self.magnet)
        digest, had, coming, longest = hashlib.sha256(), 0, self.steps[1:], 0.0
        with film.open(0) as stream:
            last = time.monotonic()
            while part := stream.read(256 * 1024):
                longest = max(longest, time.monotonic() - last)
                digest.update(part)
                had += len(part)
                while coming and had >= coming[0].at:
                    self.turn(coming.pop(0))
                last = time.monotonic()
        assert digest.hexdigest() == film.sha256
        return longest

    def forget(self) -> None:
        url = self.here.server.url
        for name in self.names:
            request(f"{url}/api/sources/{name}", method="DELETE")
        request(f"{url}/api/torrents/{self.torrent.key}", method="DELETE")
        self.torrent.files[0].path.unlink()


@contextmanager
def nobody_else(lab: Lab) -> Iterator[Services]:
    """A server that knows the suppliers of its films alone."""
    lab.seeders(1)
    excluded = ",".join((*NAMES, "WebTor.io"))
    with services(lab, {}, p2p="on", FALLBACK_MODE="proxy", EXCLUDE_SOURCES=excluded) as here:
        yield here
