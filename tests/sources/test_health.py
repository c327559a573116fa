"""What experience says of sources: pure rules on a clock that stands still."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from addon.sources.base import Trust
from addon.sources.health import (
    COOL_DOWN,
    FORGOTTEN_AFTER,
    HALF_LIFE,
    MAX_COOL_DOWN,
    UNKNOWN_TTFB,
    Experience,
    Health,
    Verdict,
    dump,
    load,
    rank,
)

NOW = 1_800_000_000.0
DAY = 24 * 3600.0
GOOD = [Verdict.VERIFIED, Verdict.PLAUSIBLE]
BAD = [Verdict.WRONG, Verdict.REFUSED, Verdict.DEAD]
SILENT = [Verdict.ABSENT, Verdict.CANCELLED, Verdict.OURS]


@dataclass(frozen=True)
class Named:
    name: str
    priority: int = 1
    trust: Trust = Trust.OPEN


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def fresh(**fields: object) -> Health:
    return replace(Health(updated_at=NOW), **fields)  # type: ignore[arg-type]


def after(*verdicts: Verdict, health: Health | None = None) -> Health:
    health = health or fresh()
    for verdict in verdicts:
        health = health.after(verdict, NOW)
    return health


def names(ranked: list[Named]) -> str:
    return " ".join(source.name for source in ranked)


@pytest.mark.parametrize("verdict", GOOD)
def test_a_success_counts_for_it_and_ends_its_streak(verdict: Verdict) -> None:
    health = after(*[Verdict.DEAD] * 4, verdict)
    assert (health.ok, health.bad, health.streak, health.cool_until) == (1, 4, 0, 0)
    assert health.last == verdict.value


@pytest.mark.parametrize("verdict", BAD)
def test_a_failure_counts_against_it(verdict: Verdict) -> None:
    health = after(verdict)
    assert (health.ok, health.bad, health.streak, health.cool_until) == (0, 1, 1, 0)
    assert health.last == verdict.value


@pytest.mark.parametrize("verdict", SILENT)
def test_what_says_nothing_changes_nothing(verdict: Verdict) -> None:
    before = fresh(ok=3.0, bad=1.0, ttfb=0.2, streak=2)
    assert before.after(verdict, NOW + 99, 5.0, 60.0) is before


def test_limited_waits_as_long_as_it_is_asked_and_says_nothing_against_it() -> None:
    before = fresh(ok=3.0, bad=1.0, streak=2)
    for told, waits in (
        (None, COOL_DOWN), (0.0, COOL_DOWN), (0.1, 1.0), (7.0, 7.0), (86_400.0, MAX_COOL_DOWN)
    ):  # fmt: skip
        limited = before.after(Verdict.LIMITED, NOW, retry_after=told)
        assert limited == replace(before, cool_until=NOW + waits, last="limited")


@pytest.mark.parametrize(
    ("failures", "rests"),
    [(1, 0), (2, 0), (3, 30), (4, 60), (5, 120), (8, 960), (9, 1800), (10, 1800), (2000, 1800)],
)
def test_a_streak_cools_down_ever_longer_up_to_half_an_hour(failures: int, rests: float) -> None:
    health = after(*[Verdict.DEAD] * failures)
    assert health.streak == failures
    assert health.cool_until == (NOW + rests if rests else 0)


def test_cool_downs_are_spread() -> None:
    for spread in (0.75, 1.0, 1.25):
        health = after(Verdict.DEAD, Verdict.DEAD).after(Verdict.DEAD, NOW, spread=spread)
        assert health.cool_until == NOW + COOL_DOWN * spread


def test_ttfb_is_smoothed_and_only_by_what_was_measured() -> None:
    health = fresh().after(Verdict.VERIFIED, NOW, 1.0)
    assert health.ttfb == 1.0
    assert health.after(Verdict.VERIFIED, NOW, 2.0).ttfb == pytest.approx(1.3)
    assert health.after(Verdict.VERIFIED, NOW).ttfb == 1.0
    assert health.after(Verdict.DEAD, NOW, 9.0).ttfb == 1.0
    assert fresh().after(Verdict.VERIFIED, NOW).ttfb is None


def test_counts_halve_in_six_hours() -> None:
    health = fresh(ok=8.0, bad=4.0)
    for halves in range(5):
        then = health.at(NOW + halves * HALF_LIFE)
        assert (then.ok, then.bad) == (8 / 2**halves, 4 / 2**halves)
        assert then.updated_at == NOW + halves * HALF_LIFE
    assert health.at(NOW - DAY).ok == 8.0, "a clock that went back decays nothing"


def test_decay_does_not_depend_on_how_often_it_is_looked_at() -> None:
    health = fresh(ok=8.0, bad=4.0)
    in_steps = health
    for step in range(1, 25):
        in_steps = in_steps.at(NOW + step * 3600)
    assert in_steps.ok == pytest.approx(health.at(NOW + DAY).ok)


def test_the_unknown_score_a_half_and_nights_are_forgotten() -> None:
    assert fresh().chance(NOW) == 0.5
    dead = after(*[Verdict.DEAD] * 10)
    assert dead.chance(NOW) < 0.1
    assert dead.chance(NOW + 3 * DAY) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("health", [fresh(ttfb=t) for t in (None, 0.0, 0.1, 5.0)])
def test_score_is_monotone(health: Health) -> None:
    for known in range(6):
        better = replace(health, ok=known + 1.0, bad=2.0)
        worse = replace(health, ok=float(known), bad=2.0)
        assert better.chance(NOW) > worse.chance(NOW)
        assert better.cost(NOW) < worse.cost(NOW)
        better = replace(health, ok=2.0, bad=float(known))
        worse = replace(health, ok=2.0, bad=known + 1.0)
        assert better.cost(NOW) < worse.cost(NOW)


def test_quicker_costs_less_and_the_unmeasured_stand_in_between() -> None:
    costs = [fresh(ttfb=ttfb).cost(NOW) for ttfb in (0.0, 0.2, 0.5, 1.0, 3.0)]
    assert costs == sorted(costs)
    assert fresh().cost(NOW) == fresh(ttfb=UNKNOWN_TTFB).cost(NOW)


def test_without_experience_priority_decides_then_the_name() -> None:
    sources = [Named("d", 2), Named("c", 1), Named("b", 2), Named("a", 3)]
    assert names(rank(sources, {}, NOW)) == "c b d a"


def test_trust_comes_before_experience_and_experience_before_priority() -> None:
    sources = [
        Named("open", 0), Named("good open", 9), Named("named", 5, Trust.NAMED),
        Named("own", 9, Trust.OWN), Named("bad own", 0, Trust.OWN), Named("bad open", 0),
    ]  # fmt: skip
    known = {
        "good open": fresh(ok=5.0, ttfb=0.1),
        "bad own": fresh(bad=5.0),
        "bad open": fresh(bad=5.0),
    }
    told = names(rank(sources, known, NOW))
    assert told == "own bad own named good open open bad open"


def test_who_cools_down_comes_last_whoever_vouches_for_it() -> None:
    cooling = fresh(ok=9.0, cool_until=NOW + 10)
    sources = [Named("cool", 0, Trust.OWN), Named("open"), Named("awake", 5)]
    known = {"cool": cooling, "open": fresh(bad=2.0)}
    assert names(rank(sources, known, NOW)) == "awake open cool"
    assert names(rank(sources, known, NOW + 10)) == "cool awake open"
    everybody = dict.fromkeys(("cool", "open", "awake"), cooling)
    assert names(rank(sources, everybody, NOW)) == "cool open awake", "then it means nothing"


def some(chance: random.Random) -> Health:
    return Health(
        ok=chance.random() * 9,
        bad=chance.random() * 9,
        ttfb=chance.choice([None, chance.random() * 3]),
        streak=chance.randrange(9),
        cool_until=chance.choice([0.0, NOW + chance.uniform(-99, 99)]),
        updated_at=NOW + chance.uniform(-DAY, DAY),
        last=chance.choice([None, *[verdict.value for verdict in Verdict]]),
    )


def test_an_order_is_a_permutation_and_the_same_for_any_beginning() -> None:
    chance = random.Random(1)
    for _ in range(200):
        count = chance.randrange(15)
        sources = [
            Named(f"s{n}", chance.randrange(4), chance.choice([*Trust])) for n in range(count)
        ]
        known = {f"s{n}": some(chance) for n in range(count + 3) if chance.random() < 0.7}
        ordered = rank(sources, known, NOW)
        assert sorted(ordered, key=lambda s: s.name) == sorted(sources, key=lambda s: s.name)
        shuffled = chance.sample(sources, count)
        assert rank(shuffled, known, NOW) == ordered


def test_a_success_never_moves_a_source_back_nor_a_failure_forward() -> None:
    chance = random.Random(2)
    for _ in range(200):
        sources = [Named(f"s{n}", n) for n in range(8)]
        known = {source.name: replace(some(chance), updated_at=NOW) for source in sources}
        before = rank(sources, known, NOW)
        one = chance.choice(sources)
        place = before.index(one)
        good = known | {one.name: known[one.name].after(Verdict.VERIFIED, NOW)}
        assert rank(sources, good, NOW).index(one) <= place
        bad = known | {one.name: known[one.name].after(Verdict.DEAD, NOW)}
        if known[one.name].cool_until <= NOW:
            assert rank(sources, bad, NOW).index(one) >= place


def test_what_is_kept_comes_back_the_same() -> None:
    chance = random.Random(3)
    for _ in range(200):
        health = some(chance)
        assert load(dump(health)) == health


GARBAGE: list[object] = [
    None, 5, "x", [], {}, {"ok": 1.0}, {"ok": -1.0}, {"ok": True}, {"ok": "1"}, {"ok": 1e12},
    {"ok": float("nan")}, {"bad": float("inf")}, {"ttfb": -1}, {"ttfb": []}, {"streak": None},
    {"streak": 1e300}, {"cool_until": "soon"}, {"updated_at": None}, {"last": "fine"}, {"last": 5},
    {"last": []},
]  # fmt: skip


@pytest.mark.parametrize("garbage", GARBAGE, ids=repr)
def test_a_row_that_is_none_is_nothing(garbage: object) -> None:
    row = json.loads(dump(fresh()))
    whole = isinstance(garbage, dict) and garbage not in ({}, {"ok": 1.0})
    broken = row | garbage if whole and isinstance(garbage, dict) else garbage
    assert load(json.dumps(broken)) is None


@pytest.mark.parametrize("text", ["", "{", "\0", "[" * 100_000, '{"ok": 1' + "0" * 400 + "}"])
def test_text_that_is_no_row_is_nothing(text: str) -> None:
    assert load(text) is None


def test_more_in_a_row_than_is_known_does_no_harm() -> None:
    row = json.loads(dump(fresh(ok=2.0))) | {"rate": 5, "from": "a later version"}
    assert load(json.dumps(row)) == fresh(ok=2.0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_experience_learns_and_tells_what_has_changed(clock: Clock) -> None:
    experience = Experience(clock)
    assert experience.changes() is None
    assert experience.of("a") == fresh()
    experience.record("a", Verdict.CANCELLED)
    experience.record("a", Verdict.ABSENT)
    assert experience.changes() is None
    experience.record("a", Verdict.VERIFIED, 0.5)
    changes = experience.changes()
    assert changes == {"a": dump(fresh(ok=1.0, ttfb=0.5, last="verified"))}
    assert experience.changes() is None
    assert Experience(clock, changes).of("a") == experience.of("a")


def test_a_dead_favourite_falls_behind_within_four_tries(clock: Clock) -> None:
    sources = [Named("favourite", 1), *[Named(f"other {n}", 2) for n in range(4)]]
    experience = Experience(clock)
    for _ in range(20):
        experience.record("favourite", Verdict.VERIFIED, 0.2)
    clock.now += DAY
    for _ in range(4):
        experience.record("favourite", Verdict.DEAD)
    assert experience.rank(sources).index(sources[0]) > 1
    assert experience.cooling("favourite")


def test_a_cool_down_ends_by_itself_and_is_spread(clock: Clock) -> None:
    rests = set()
    for _ in range(50):
        experience = Experience(clock)
        for _ in range(3):
            experience.record("a", Verdict.DEAD)
        rest = experience.of("a").cool_until - NOW
        assert 0.75 * COOL_DOWN <= rest <= 1.25 * COOL_DOWN
        rests.add(rest)
        assert experience.cooling("a")
    assert len(rests) > 10
    clock.now += 1.25 * COOL_DOWN
    assert not experience.cooling("a")


def test_failures_without_end_are_still_counted(clock: Clock) -> None:
    experience = Experience(clock)
    for _ in range(3000):
        experience.record("a", Verdict.DEAD)
    assert experience.of("a").streak == 3000
    assert experience.of("a").cool_until - NOW <= 1.25 * MAX_COOL_DOWN


@pytest.mark.parametrize(
    ("age", "known"), [(0.0, True), (FORGOTTEN_AFTER - 1, True), (FORGOTTEN_AFTER, False)]
)
def test_what_is_old_is_forgotten(clock: Clock, age: float, known: bool) -> None:
    kept = {"a": dump(fresh(last="dead", updated_at=NOW - age)), "b": "no row", "c": "{}"}
    assert (Experience(clock, kept).of("a").last == "dead") == known
    assert Experience(clock, kept).changes() is None


def test_a_rest_that_was_kept_by_a_wrong_clock_is_no_longer_than_any(clock: Clock) -> None:
    kept = {"a": dump(fresh(cool_until=NOW + 1000 * DAY, updated_at=NOW + 1000 * DAY))}
    experience = Experience(clock, kept)
    clock.now += 1.25 * MAX_COOL_DOWN
    assert not experience.cooling("a")


def test_two_share_nothing(clock: Clock) -> None:
    one, other = Experience(clock), Experience(clock)
    one.record("a", Verdict.DEAD)
    assert other.of("a").bad == 0


@pytest.mark.parametrize("act", [Experience.of, Experience.cooling])
def test_looking_changes_nothing(clock: Clock, act: Callable[[Experience, str], object]) -> None:
    experience = Experience(clock)
    experience.record("a", Verdict.DEAD)
    before = experience.changes()
    clock.now += DAY
    act(experience, "a")
    act(experience, "b")
    assert experience.changes() is None
    experience.record("b", Verdict.DEAD)
    after_all = experience.changes()
    assert before is not None
    assert after_all is not None
    assert after_all["a"] == before["a"]
