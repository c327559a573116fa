"""Who may fill a file, who is left out for how long, and who is asked again."""

from pathlib import Path
from typing import Any

import pytest

from addon.playback.suppliers import DROPPED_FOR, WRONG_FOR, Supplier, Suppliers
from addon.sources.fetch import Lost
from addon.sources.health import Verdict
from addon.sources.probe import Found
from tests.playback.filling import Choice, Shop, Store
from tests.sources.served import PIECE, known, media_of, one_film


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Scene:
    """Three shops that have one film."""

    def __init__(self, folder: Path) -> None:
        made = one_film(folder, 20 * PIECE)
        self.media = media_of(made)
        self.clock = Clock()
        self.shops = {name: Shop(name) for name in "abc"}
        self.choice = Choice(made, *self.shops.values())
        store: Any = Store(made, self.media)
        choice: Any = self.choice
        assert self.media.file is not None
        self.suppliers = Suppliers(
            store, self.media, known(self.media), self.media.file, choice, self.clock
        )

    def join(self, *names: str) -> list[Supplier]:
        """The last one is the best then."""
        for name in names:
            self.suppliers.join(self.choice.winner(self.shops[name], self.media, 0))
        return self.suppliers.known

    @property
    def names(self) -> list[str]:
        return [supplier.name for supplier in self.suppliers.known]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_the_newest_winner_is_the_best(scene: Scene) -> None:
    scene.join("a", "b", "a")
    assert scene.names == ["a", "b"]
    assert scene.suppliers.best(3) is scene.suppliers.known[0]
    assert scene.suppliers.best(3, ["a"]) is scene.suppliers.known[1]
    assert scene.suppliers.best(3, ["a", "b"]) is None


def test_whoever_failed_is_left_out_for_a_while(scene: Scene) -> None:
    (a,) = scene.join("a")
    scene.choice.works = {"c"}
    scene.suppliers.failed(a, Lost(Verdict.DEAD, "ended"))
    assert scene.names == []
    assert scene.choice.learnt == [("a", Verdict.DEAD)]
    assert scene.suppliers.search(2)
    assert scene.choice.asked[-1] == (2, ["b", "c"])
    scene.clock.now += DROPPED_FOR + 1
    scene.suppliers.search(3)
    assert scene.choice.asked[-1] == (3, ["a", "b", "c"])


def test_in_need_those_who_failed_are_asked_too_and_come_last(scene: Scene) -> None:
    (a,) = scene.join("a")
    scene.suppliers.failed(a, Lost(Verdict.DEAD, "ended"))
    scene.suppliers.search(2, everybody=True)
    assert scene.choice.asked[-1] == (2, ["b", "c", "a"])


def test_whoever_has_another_file_has_it_another_time_too(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = scene.choice.race

    def lies(*given: Any, **more: Any) -> Any:
        for found in real(*given, **more):
            wrong = found.name == "a"
            yield Found(found.source, Verdict.WRONG, "has another file") if wrong else found

    monkeypatch.setattr(scene.choice, "race", lies)
    assert scene.suppliers.search(2)
    assert scene.names == ["b"]
    scene.clock.now += DROPPED_FOR + 1
    scene.suppliers.search(3, ["b"])
    assert scene.choice.asked[-1] == (3, ["c"])
    scene.clock.now += WRONG_FOR
    scene.suppliers.search(4, ["b"])
    assert scene.choice.asked[-1] == (4, ["a", "c"])


def test_a_link_that_expired_is_asked_for_anew_once(scene: Scene) -> None:
    (a,) = scene.join("a")
    a.delivered = 5
    scene.suppliers.failed(a, Lost(Verdict.REFUSED, "refuses (status 403)"))
    assert scene.names == ["a"]
    assert a.links == {}
    scene.suppliers.failed(a, Lost(Verdict.REFUSED, "refuses (status 403)"))
    assert scene.names == []


def test_whoever_was_beaten_helps_nobody_for_a_while(scene: Scene) -> None:
    b, a = scene.join("a", "b")
    scene.suppliers.demote(b)
    assert scene.names == ["a", "b"]
    assert scene.suppliers.idle(3, ["a"]) is None
    assert scene.suppliers.are_few, "a film must not hang on one that hung"
    assert scene.suppliers.hedge(3, ["a"], ["a"]) is b, "better than nobody"
    scene.clock.now += DROPPED_FOR + 1
    assert scene.suppliers.idle(3, ["a"]) is b
    assert not scene.suppliers.are_few
    assert a is scene.suppliers.best(3)


def test_a_rate_is_learnt_and_smoothed() -> None:
    supplier = Supplier(Shop("a"), {})
    supplier.measure(0, 5.0)
    assert supplier.rate == 0
    supplier.measure(1000, 1.0)
    supplier.measure(3000, 1.0)
    assert supplier.rate == 2000
