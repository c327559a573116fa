"""The seed document's own table, from a simulation with the real race: not one service is asked.

Twelve sources live in each of several worlds; how well each does changes while a world goes on. A
world asks for one film after another, by three strategies: one source only, all in fixed order one
after the other (what the project that this one replaces did), and ours, which races and learns.
Outcomes are drawn from a seeded generator, waiting is real time shortened by ``SPEED``.
"""

import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import gevent

from addon.sources import race as racing
from addon.sources.base import Kind, Link, Media, Trust
from addon.sources.health import Experience, Verdict
from addon.sources.probe import Found

SPEED = 20.0
WORLDS = 12
FILMS = 40
SOURCES = 12
SCREEN = 5.0
BUDGET = 26.0
# (chance that it has the film, chance that it answers at all, seconds to answer)
KINDS = {
    "good": (0.9, 0.98, 0.35),
    "slow": (0.9, 0.95, 2.0),
    "flaky": (0.8, 0.5, 0.6),
    "rare": (0.15, 0.98, 0.3),
    "page": (0.0, 0.98, 0.3),
    "dead": (0.0, 0.0, SCREEN),
}
MIX = ("good", "slow", "flaky", "rare", "rare", "page", "page", "page", "dead", "dead", "dead")


@dataclass(frozen=True)
class Imagined:
    """A source that is only a name."""

    name: str
    priority: int
    kind: Kind = Kind.TEMPLATE
    trust: Trust = Trust.OPEN
    note: str = ""
    needs_metadata: bool = False
    resumable: bool = True
    redirect: bool = False

    def locate(self, media: Media, deadline: float) -> Link | None:
        """Nobody asks."""
        return None


@dataclass
class Result:
    """How the films of a strategy went: seconds until a source worked, sources asked, films."""

    seconds: list[float] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    films: int = 0

    @property
    def success(self) -> float:
        """Share of films that a source delivered."""
        return len(self.seconds) / self.films


class World:
    """Sources whose kinds are dealt anew a few times while it lasts; time runs ``SPEED`` fold."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.sources = [Imagined(f"source {number}", number) for number in range(SOURCES)]
        self._kinds: list[str] = []
        self.deal()

    def deal(self) -> None:
        """Who is good now."""
        self._kinds = [self._random.choice(MIX) for _ in range(SOURCES)]

    def film(self) -> Callable[[Imagined], Found]:
        """A film, and what each source does when it is asked for it."""
        fate = {}
        for source, kind in zip(self.sources, self._kinds, strict=True):
            has, answers, seconds = KINDS[kind]
            took = min(SCREEN, self._random.expovariate(1 / seconds) / 2 + seconds / 2)
            up, there = self._random.random() < answers, self._random.random() < has
            fate[source.name] = (up, there, took if up else SCREEN)

        def probe(source: Imagined) -> Found:
            up, there, took = fate[source.name]
            gevent.sleep(took / SPEED)
            verdict = Verdict.VERIFIED if up and there else Verdict.WRONG if up else Verdict.DEAD
            return Found(source, verdict, "", ttfb=took)

        return probe


def simulate() -> dict[str, Result]:
    """All worlds at once, each strategy in the same ones."""
    results = {name: Result() for name in ("one source", "fixed order", "ours")}
    running = [
        gevent.spawn(_live, World(seed), name, result)
        for seed in range(WORLDS)
        for name, result in results.items()
    ]
    gevent.joinall(running, raise_error=True)
    return results


def _live(world: World, strategy: str, result: Result) -> None:
    experience = Experience(time.time)
    for number in range(FILMS):
        if number in (FILMS // 3, 2 * FILMS // 3):
            world.deal()
        probe = world.film()
        began = time.monotonic()
        tried = (
            _ours(world, experience, probe)
            if strategy == "ours"
            else _in_turn(world.sources[: 1 if strategy == "one source" else SOURCES], probe)
        )
        result.films += 1
        result.asked.append(len(tried))
        if any(found.verified for found in tried):
            result.seconds.append((time.monotonic() - began) * SPEED)


def _in_turn(sources: Sequence[Imagined], probe: Callable[[Imagined], Found]) -> list[Found]:
    tried: list[Found] = []
    began = time.monotonic()
    for source in sources:
        if (time.monotonic() - began) * SPEED > BUDGET:
            break
        tried.append(probe(source))
        if tried[-1].verified:
            break
    return tried


def _ours(world: World, experience: Experience, probe: Callable[[Imagined], Found]) -> list[Found]:
    started: list[Imagined] = []
    outcomes: list[Found] = []
    running = racing.race(
        experience.rank(world.sources),
        probe,
        time.monotonic() + BUDGET / SPEED,
        started=started.append,
        interval=racing.INTERVAL / SPEED,
    )
    for found in running:
        experience.record(found.name, found.verdict, found.ttfb)
        outcomes.append(found)
        if found.verified:
            running.close()
    cancelled = len(started) - len(outcomes)
    return outcomes + [Found(source, Verdict.CANCELLED, "") for source in started[:cancelled]]


def table() -> list[str]:
    """The rows of the README's table, in Markdown."""
    results = simulate()
    names = {
        "one source": "one source only",
        "fixed order": "all in fixed order, one after the other",
        "ours": "ours: raced, in the order that experience teaches",
    }
    rows = [
        "| strategy | films that played | median time to a working source | p95 | sources asked |",
        "| --- | --- | --- | --- | --- |",
    ]
    for key, name in names.items():
        result = results[key]
        quantiles = statistics.quantiles(result.seconds, n=20)
        rows.append(
            f"| {name} | {result.success:.0%} | {statistics.median(result.seconds):.2f} s "
            f"| {quantiles[-1]:.2f} s | {statistics.mean(result.asked):.1f} |"
        )
    rows.append(
        f"\n{WORLDS} worlds of {SOURCES} sources (seeds 0-{WORLDS - 1}), {FILMS} films each, the "
        f"sources' kinds dealt anew twice; imagined sources, the real race and health, time "
        f"{SPEED:.0f}-fold."
    )
    return rows


if __name__ == "__main__":
    print("\n".join(table()))
