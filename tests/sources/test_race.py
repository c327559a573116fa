"""The staggered race, over probes that a test ends as it likes."""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import gevent
import pytest
from gevent.event import AsyncResult

from addon.sources.base import Kind, Link, Media, Trust
from addon.sources.health import Verdict
from addon.sources.probe import Found
from addon.sources.race import race

MANY = "abcdefghijkl"
TICK = 0.05  # seconds: the race's own interval is too long for a test


@dataclass(frozen=True)
class Named:
    name: str
    priority: int = 0
    kind: Kind = Kind.TEMPLATE
    trust: Trust = Trust.OPEN
    note: str = ""
    needs_metadata: bool = False
    resumable: bool = True
    redirect: bool = False

    def locate(self, media: Media, deadline: float) -> Link | None:
        raise AssertionError("the probe asks, not the race")


class Track:
    """Probes that run until they are told how they end."""

    def __init__(self, names: str = MANY, deadline: float = 30.0, interval: float = 60.0) -> None:
        self.sources = [Named(name) for name in names]
        self.results = {name: AsyncResult() for name in names}
        self.started: list[str] = []
        self.running: set[str] = set()
        self.most = 0
        self.killed: list[str] = []
        self.outcomes: list[Found] = []
        self.race = race(
            self.sources,
            self._probe,
            time.monotonic() + deadline,
            started=lambda source: self.started.append(source.name),
            interval=interval,
        )
        self._looking: gevent.Greenlet | None = None

    def _probe(self, source: object) -> Found:
        assert isinstance(source, Named)
        self.running.add(source.name)
        self.most = max(self.most, len(self.running))
        try:
            verdict: Verdict = self.results[source.name].get()
            return Found(source, verdict, "as it was told")
        except gevent.GreenletExit:
            self.killed.append(source.name)
            raise
        finally:
            self.running.discard(source.name)

    def look(self, most: int = 99) -> None:
        """Take up to ``most`` outcomes, in the background; the race ends then."""

        def take() -> None:
            for found in self.race:
                self.outcomes.append(found)
                if len(self.outcomes) == most:
                    break
            self.race.close()

        self._looking = gevent.spawn(take)
        gevent.sleep(0.005)

    def ends(self, verdict: Verdict, *names: str) -> None:
        for name in names:
            self.results[name].set(verdict)
        gevent.sleep(0.005)

    def told(self) -> str:
        return " ".join(f"{found.name}:{found.verdict.value}" for found in self.outcomes)

    def over(self) -> bool:
        return self._looking is not None and self._looking.ready()

    def stop(self) -> None:
        if self._looking is not None:
            self._looking.kill()
        self.race.close()


Make = Callable[..., Track]


@pytest.fixture
def make() -> Iterator[Make]:
    tracks = []

    def made(names: str = MANY, **more: float) -> Track:
        tracks.append(Track(names, **more))
        return tracks[-1]

    yield made
    for track in tracks:
        track.stop()
        assert track.running == set()


def test_three_start_together_in_order(make: Make) -> None:
    track = make()
    track.look()
    assert track.started == ["a", "b", "c"]
    assert track.running == {"a", "b", "c"}


def test_nothing_starts_before_somebody_looks(make: Make) -> None:
    track = make()
    gevent.sleep(0.01)
    assert track.started == []


@pytest.mark.parametrize("names", ["", "a", "ab"])
def test_fewer_than_three(make: Make, names: str) -> None:
    track = make(names)
    track.look()
    assert "".join(track.started) == names
    track.ends(Verdict.DEAD, *names)
    assert track.over()
    assert len(track.outcomes) == len(names)


def test_each_failure_starts_the_next_at_once(make: Make) -> None:
    track = make()
    track.look()
    for ended, started in zip("abc", "def", strict=True):
        track.ends(Verdict.DEAD, ended)
        assert track.started[-1] == started
    track.ends(Verdict.WRONG, "d", "e")
    assert "".join(track.started) == "abcdefgh"
    assert track.most == 3


@pytest.mark.parametrize(
    "verdict",
    [Verdict.ABSENT, Verdict.REFUSED, Verdict.LIMITED, Verdict.OURS, Verdict.WRONG, Verdict.DEAD],
)
def test_whatever_does_not_work_is_a_failure(make: Make, verdict: Verdict) -> None:
    track = make()
    track.look()
    track.ends(verdict, "b")
    assert track.started[3:] == ["d"]
    assert track.told() == f"b:{verdict.value}"


@pytest.mark.parametrize("verdict", [Verdict.VERIFIED, Verdict.PLAUSIBLE])
def test_a_success_starts_nobody(make: Make, verdict: Verdict) -> None:
    track = make()
    track.look(2)
    track.ends(verdict, "b")
    assert len(track.started) == 3
    assert track.told() == f"b:{verdict.value}"
    assert not track.over(), "a second one was asked for"
    track.ends(verdict, "a")
    assert track.over()


def test_when_all_that_ran_have_won_the_next_one_starts(make: Make) -> None:
    track = make()
    track.look(5)
    track.ends(Verdict.VERIFIED, "a", "b", "c")
    assert track.started[3:] == ["d"]
    track.ends(Verdict.VERIFIED, "d")
    track.ends(Verdict.VERIFIED, "e")
    assert track.over()
    assert "".join(track.started) == "abcde", "nobody is asked for more than is wanted"


def test_silence_starts_one_more_each_interval_up_to_six(make: Make) -> None:
    track = make(interval=TICK)
    began = time.monotonic()
    track.look()
    at = [0.0] * 3
    while len(track.started) < 6:
        gevent.sleep(0.002)
        if len(track.started) > len(at):
            at.append(time.monotonic() - began)
    for number, when in enumerate(at[3:], 1):
        assert number * TICK - 0.005 <= when < (number + 2) * TICK + 0.2
    gevent.sleep(4 * TICK)
    assert "".join(track.started) == "abcdef"
    track.ends(Verdict.DEAD, "c")
    assert "".join(track.started) == "abcdefg"
    gevent.sleep(2 * TICK)
    assert track.most == len(track.running) == 6


def test_the_interval_is_a_quarter_of_a_second() -> None:
    started: list[float] = []
    hanging = race(
        [Named(name) for name in MANY],
        lambda _: gevent.sleep(60),
        time.monotonic() + 1.2,
        started=lambda _: started.append(time.monotonic()),
    )
    assert {found.verdict for found in hanging} == {Verdict.CANCELLED}
    gaps = [later - earlier for earlier, later in pairwise(started[2:])]
    assert len(started) == 6
    assert all(0.24 < gap < 0.4 for gap in gaps), gaps


def test_all_are_tried_and_the_race_ends(make: Make) -> None:
    track = make()
    track.look()
    for name in MANY:
        track.ends(Verdict.DEAD, name)
    assert track.over()
    assert track.told() == " ".join(f"{name}:dead" for name in MANY)
    assert track.killed == []


def test_outcomes_come_as_they_are_and_not_in_order(make: Make) -> None:
    track = make("abc")
    track.look()
    track.ends(Verdict.DEAD, "c")
    track.ends(Verdict.VERIFIED, "a")
    track.ends(Verdict.WRONG, "b")
    assert track.told() == "c:dead a:verified b:wrong"


def test_the_winner_ends_the_losers(make: Make) -> None:
    track = make()
    track.look(1)
    track.ends(Verdict.DEAD, "a")
    track.stop()
    track = make()
    track.look(1)
    track.ends(Verdict.VERIFIED, "b")
    assert track.over()
    assert sorted(track.killed) == ["a", "c"]
    assert track.running == set()


def test_closing_ends_everybody(make: Make) -> None:
    track = make(interval=TICK)
    track.look()
    gevent.sleep(2.5 * TICK)
    track.stop()
    assert len(track.started) >= 4
    assert sorted(track.killed) == sorted(track.started)


def test_killing_whoever_looks_ends_everybody(make: Make) -> None:
    track = make()
    track.look()
    assert track._looking is not None
    track._looking.kill()
    gevent.sleep(0.01)
    assert sorted(track.killed) == ["a", "b", "c"]


def test_at_the_deadline_whoever_still_runs_is_told_and_ended(make: Make) -> None:
    track = make("abcde", deadline=0.1)
    track.look()
    track.ends(Verdict.DEAD, "b")
    gevent.sleep(0.15)
    assert track.over()
    assert track.outcomes[0].name == "b"
    late = {found.name: found for found in track.outcomes[1:]}
    assert late.keys() == {"a", "c", "d"}
    assert {found.verdict for found in late.values()} == {Verdict.CANCELLED}
    assert all("time was over" in found.reason for found in late.values())
    assert sorted(track.killed) == ["a", "c", "d"]
    assert "e" not in track.started


def test_a_deadline_that_has_passed_asks_nobody_for_long(make: Make) -> None:
    track = make(deadline=-1.0)
    track.look()
    assert track.over()
    assert {found.verdict for found in track.outcomes} <= {Verdict.CANCELLED}


def test_a_probe_that_breaks_is_ours_and_ends_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def probe(source: object) -> Found:
        assert isinstance(source, Named)
        if source.name == "a":
            raise ZeroDivisionError
        return Found(source, Verdict.VERIFIED, "fine")

    sources: Sequence[Named] = [Named("a"), Named("b")]
    running: Generator[Found, None, None] = race(sources, probe, time.monotonic() + 5)
    told = {found.name: found.verdict for found in running}
    assert told == {"a": Verdict.OURS, "b": Verdict.VERIFIED}
    assert "the probe of a broke" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_a_hundred_races_with_hung_losers_leave_nothing(make: Make) -> None:
    """The guards of the house count the greenlets."""
    for _ in range(100):
        track = make()
        track.look(1)
        track.ends(Verdict.VERIFIED, "a")
        assert track.over()
        assert track.running == set()


def test_the_sources_that_were_given_stay_as_they_are(make: Make) -> None:
    track = make()
    before = list(track.sources)
    track.look()
    track.ends(Verdict.DEAD, "a", "b", "c")
    assert track.sources == before
