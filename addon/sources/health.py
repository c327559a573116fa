"""What experience says of each source, and the order in which to ask them (pure).

Counts decay with a half-life of six hours, so a service that was down last night starts even
today. The race itself explores: a source that nobody knows scores a half and gets tried.
"""

import json
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import Enum
from typing import Protocol, TypeVar

from addon.sources.base import Trust

HALF_LIFE = 6 * 3600.0
FORGOTTEN_AFTER = 14 * 24 * 3600.0
STREAK = 3
COOL_DOWN = 30.0
MAX_COOL_DOWN = 30 * 60.0
# A source that was never measured counts as this quick.
UNKNOWN_TTFB = 0.7


class Verdict(Enum):
    """How one source fared; the only thing that health learns from."""

    VERIFIED = "verified"
    """Its piece has the right hash."""
    PLAUSIBLE = "plausible"
    """It looks like the file, and nothing is known to check it by."""
    ABSENT = "absent"
    """It does not have this title: says nothing against it."""
    WRONG = "wrong"
    """A page, another file, wrong bytes."""
    REFUSED = "refused"
    """It does not want to, or we may not: credentials, ranges, address policy."""
    LIMITED = "limited"
    """Later: 429, or 503 with Retry-After."""
    DEAD = "dead"
    """No answer, a broken one, or one that does not come in time."""
    CANCELLED = "cancelled"
    """Somebody else was quicker: says nothing."""
    OURS = "ours"
    """Our own fault: says nothing."""


_GOOD = frozenset({Verdict.VERIFIED, Verdict.PLAUSIBLE})
_BAD = frozenset({Verdict.WRONG, Verdict.REFUSED, Verdict.DEAD})


@dataclass(frozen=True, slots=True)
class Health:
    """One source: decayed successes and failures, seconds to its first verified byte (smoothed),
    failures in a row; times are in seconds since 1970."""

    ok: float = 0.0
    bad: float = 0.0
    ttfb: float | None = None
    streak: int = 0
    cool_until: float = 0.0
    updated_at: float = 0.0
    last: str | None = None

    def at(self, now: float) -> "Health":
        """The same, decayed to ``now``. A clock that went back decays nothing."""
        keep = 0.5 ** (max(0.0, now - self.updated_at) / HALF_LIFE)
        return replace(self, ok=self.ok * keep, bad=self.bad * keep, updated_at=now)

    def chance(self, now: float) -> float:
        """How likely it delivers, with one imagined success and one failure."""
        then = self.at(now)
        return (then.ok + 1) / (then.ok + then.bad + 2)

    def cost(self, now: float) -> float:
        """Expected seconds to a success, more or less: lower is asked sooner."""
        ttfb = UNKNOWN_TTFB if self.ttfb is None else self.ttfb
        return (ttfb + 0.3) / max(self.chance(now), 0.01)

    def after(
        self,
        verdict: Verdict,
        now: float,
        ttfb: float | None = None,
        retry_after: float | None = None,
        spread: float = 1.0,
    ) -> "Health":
        """What this outcome makes of it; ``spread`` (0.75 to 1.25) keeps cool-downs apart."""
        then = replace(self.at(now), last=verdict.value)
        if verdict in _GOOD:
            known = then.ttfb if then.ttfb is not None else ttfb
            mean = known if ttfb is None or known is None else 0.7 * known + 0.3 * ttfb
            return replace(then, ok=then.ok + 1, ttfb=mean, streak=0, cool_until=0.0)
        if verdict is Verdict.LIMITED:
            wait = min(max(retry_after or COOL_DOWN, 1.0), MAX_COOL_DOWN)
            return replace(then, cool_until=now + wait)
        if verdict not in _BAD:
            return self
        streak = then.streak + 1
        cool = 0.0
        if streak >= STREAK:
            doubled = COOL_DOWN * 2.0 ** min(streak - STREAK, 10)
            cool = now + min(doubled, MAX_COOL_DOWN) * spread
        return replace(then, bad=then.bad + 1, streak=streak, cool_until=cool)


def load(text: str) -> Health | None:
    """A kept row again; None for anything that is none (the table is only experience)."""
    try:
        row = json.loads(text)
        health = Health(
            ok=_amount(row["ok"]),
            bad=_amount(row["bad"]),
            ttfb=None if row["ttfb"] is None else _amount(row["ttfb"]),
            streak=int(_amount(row["streak"])),
            cool_until=_amount(row["cool_until"]),
            updated_at=_amount(row["updated_at"]),
            last=Verdict(row["last"]).value if row["last"] is not None else None,
        )
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    return health


def dump(health: Health) -> str:
    """A row for ``load``."""
    return json.dumps(asdict(health))


def _amount(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise ValueError(value)
    return float(value)


class Ranked(Protocol):
    """What an order needs to know of a source."""

    @property
    def name(self) -> str: ...
    @property
    def priority(self) -> int: ...
    @property
    def trust(self) -> Trust: ...


R = TypeVar("R", bound=Ranked)
_ORDER = {trust: number for number, trust in enumerate(Trust)}


def rank(sources: Iterable[R], known: Mapping[str, Health], now: float) -> list[R]:
    """In the order in which to ask them: who cools down last; then the user's own, named ones and
    open services; then by experience; where there is none, by priority."""

    def key(source: R) -> tuple[bool, int, float, int, str]:
        health = known.get(source.name, Health())
        cooling = health.cool_until > now
        return cooling, _ORDER[source.trust], health.cost(now), source.priority, source.name

    return sorted(sources, key=key)


class Experience:
    """The health of all sources, by name; ``clock`` is in seconds since 1970."""

    def __init__(self, clock: Callable[[], float], kept: Mapping[str, str] | None = None) -> None:
        self._clock = clock
        self._known: dict[str, Health] = {}
        self._changed = False
        for name, text in (kept or {}).items():
            health = load(text)
            if health is not None and clock() - health.updated_at < FORGOTTEN_AFTER:
                # Whatever clock it was written by: nobody rests for longer than that.
                rest = min(health.cool_until, clock() + MAX_COOL_DOWN)
                self._known[name] = replace(health, cool_until=rest)

    def record(
        self,
        name: str,
        verdict: Verdict,
        ttfb: float | None = None,
        retry_after: float | None = None,
    ) -> None:
        """Learn from one outcome."""
        before = self._known.get(name, Health())
        spread = random.uniform(0.75, 1.25)
        after = before.after(verdict, self._clock(), ttfb, retry_after, spread)
        if after is not before:
            self._known[name] = after
            self._changed = True

    def rank(self, sources: Iterable[R]) -> list[R]:
        """``rank`` by what is known now."""
        return rank(sources, self._known, self._clock())

    def of(self, name: str) -> Health:
        """What is known of one source, as of now."""
        return self._known.get(name, Health(updated_at=self._clock())).at(self._clock())

    def now(self) -> float:
        """The time it goes by, in seconds since 1970."""
        return self._clock()

    def cooling(self, name: str) -> bool:
        """Whether it is left alone for a while."""
        return self.of(name).cool_until > self._clock()

    def changes(self) -> dict[str, str] | None:
        """All rows, for keeping, when something has changed since the last call."""
        if not self._changed:
            return None
        self._changed = False
        return {name: dump(health) for name, health in self._known.items()}
