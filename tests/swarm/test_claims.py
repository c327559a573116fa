"""Which pieces are claimed, against a queue that peers go on filling."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from addon.swarm.claims import Claims

COUNT = 40


class FakeHandle:
    """libtorrent's download queue; ``answers`` are what it holds at each look, the last for ever.

    A look also counts as libtorrent's thread having done what was asked before."""

    def __init__(self, *answers: set[int]) -> None:
        self.answers = list(answers or (set(),))
        self.log: list[Any] = []

    def prioritize_pieces(self, wanted: list[tuple[int, int]]) -> None:
        self.log.append(wanted)

    def get_download_queue(self) -> list[dict[str, Any]]:
        self.log.append("look")
        begun = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [{"piece_index": index, "blocks": []} for index in begun]


class Here:
    """A thread pool that has no threads."""

    def apply(self, function: Callable[..., Any], arguments: tuple[Any, ...] = ()) -> Any:
        return function(*arguments)


def claims(*answers: set[int]) -> tuple[Claims, FakeHandle]:
    handle = FakeHandle(*answers)
    given: Any = handle
    pool: Any = Here()
    return Claims(given, pool), handle


def nobody(index: int) -> bool:
    return False


def test_the_first_run_is_taken_and_peers_leave_it_alone() -> None:
    held, handle = claims()
    assert not held
    assert held.take(range(3, COUNT), 4, nobody) == range(3, 7)
    assert handle.log == ["look", [(3, 0), (4, 0), (5, 0), (6, 0)], "look"]
    assert held
    assert held.held() == {3, 4, 5, 6}
    assert 3 in held
    assert 7 not in held


@pytest.mark.parametrize(
    ("have", "begun", "span", "most", "run"),
    [
        (set(), set(), range(10), 4, range(4)),
        (set(), set(), range(10), 40, range(10)),
        (set(), set(), range(5, 6), 4, range(5, 6)),
        (set(), set(), range(0), 4, range(0)),
        ({0, 1}, set(), range(10), 4, range(2, 6)),
        (set(), {0, 1}, range(10), 4, range(2, 6)),
        ({2}, {4}, range(2, 10), 4, range(3, 4)),
        ({5}, set(), range(10), 40, range(5)),
        (set(), {5}, range(3, 10), 40, range(3, 5)),
        ({9}, {8}, range(5, 10), 40, range(5, 8)),
        (set(range(10)), set(), range(10), 4, range(0)),
        (set(range(5)), set(range(5, 10)), range(10), 4, range(0)),
        (set(), set(), range(10), 1, range(1)),
    ],
)
def test_what_somebody_has_or_has_begun_is_not_taken(
    have: set[int], begun: set[int], span: range, most: int, run: range
) -> None:
    held, handle = claims(begun)
    assert held.take(span, most, have.__contains__) == run
    assert held.held() == set(run)
    if not run:
        assert handle.log == ["look"], "nothing is asked of libtorrent for nothing"


def test_a_second_claim_begins_behind_the_first() -> None:
    held, _ = claims()
    assert held.take(range(10), 4, nobody) == range(4)
    assert held.take(range(10), 4, nobody) == range(4, 8)
    assert held.take(range(10), 4, nobody) == range(8, 10)
    assert held.take(range(10), 4, nobody) == range(0)
    held.drop(5)
    held.drop(5)
    assert held.take(range(10), 4, nobody) == range(5, 6)


@pytest.mark.parametrize(
    ("between", "kept"),
    [
        ({2}, range(2)),
        ({0}, range(1, 4)),
        ({0, 2}, range(1, 2)),
        ({3}, range(3)),
        ({0, 1, 2, 3}, range(0)),
        ({9}, range(4)),
    ],
)
def test_what_peers_begin_in_between_is_theirs(between: set[int], kept: range) -> None:
    held, handle = claims(set(), between)
    assert held.take(range(10), 4, nobody) == kept
    assert held.held() == set(kept)
    assert handle.log[0] == handle.log[-1] == "look", "the second look comes after the priorities"


def test_what_comes_in_between_is_not_held_for_ever() -> None:
    held, _ = claims()
    have: set[int] = set()

    class Arriving(Here):
        def apply(self, function: Callable[..., Any], arguments: tuple[Any, ...] = ()) -> Any:
            if held.held():
                have.add(0)
            return function(*arguments)

    arriving: Any = Arriving()
    held._pool = arriving
    assert held.take(range(4), 4, have.__contains__) == range(1, 4)
    assert held.held() == {1, 2, 3}


def test_many_claims_never_overlap_and_hold_exactly_what_they_return() -> None:
    chance = random.Random(7)
    for _ in range(300):
        have = {index for index in range(COUNT) if chance.random() < 0.2}
        looks = [{i for i in range(COUNT) if chance.random() < 0.1} for _ in range(20)]
        held, _ = claims(*looks)
        taken: set[int] = set()
        for _ in range(8):
            start = chance.randrange(COUNT)
            most = chance.randint(1, 9)
            run = held.take(range(start, COUNT), most, have.__contains__)
            assert len(run) <= most
            assert not taken.intersection(run)
            assert not have.intersection(run)
            assert not run or run.start >= start
            taken.update(run)
            assert held.held() == taken
            for index in list(taken)[: chance.randint(0, 2)]:
                held.drop(index)
                taken.discard(index)
                have.add(index)
