"""One source fills one run: checked, handed in, and ended in the middle."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent.threadpool import ThreadPool

from addon.errors import Problem
from addon.playback.filling import Filling
from addon.playback.suppliers import Supplier
from addon.sources.fetch import Lost
from addon.sources.health import Verdict
from tests.playback.filling import Line, Serve, Shop, Store
from tests.sources.served import PIECE, known, media_of, one_film


class Scene:
    """A film at one shop, and a store that claims for it."""

    def __init__(self, folder: Path, pool: ThreadPool) -> None:
        made = one_film(folder, 10 * PIECE)
        self.media = media_of(made)
        self.store = Store(made, self.media)
        self.line = Line(made)
        self.serve = self.line.hosts["a"] = Serve()
        self.supplier = Supplier(Shop("a"), {})
        self.stops: list[int] = []
        self._pool = pool

    def fill(self, start: int, stop: int) -> Filling:
        store: Any = self.store
        run = self.store.claim(range(start, stop), stop - start)
        return Filling(
            store,
            self.media,
            known(self.media),
            self.line,
            self._pool,
            self.supplier,
            run,
            lambda filling: filling.at in self.stops,
        )


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    pool = ThreadPool(1)
    scene = Scene(tmp_path, pool)
    yield scene
    pool.kill()
    assert all(answer.closed for answer in scene.line.answers)


def test_a_run_is_filled_in_order_and_its_rate_learnt(scene: Scene) -> None:
    filling = scene.fill(2, 6)
    assert filling.covers(2)
    filling.greenlet.join(3)
    assert filling.over
    filling.end()
    assert scene.store.fed == [2, 3, 4, 5]
    assert filling.failure is None
    assert scene.supplier.rate > 0
    assert scene.supplier.delivered == 4
    assert scene.store.held == set()


def test_it_ends_where_it_is_told_to_meanwhile(scene: Scene) -> None:
    scene.serve.pause = 0.002
    filling = scene.fill(0, 8)
    while filling.at < 2:
        gevent.sleep(0.005)
    filling.stop = 4
    filling.greenlet.join(3)
    assert scene.store.fed == [0, 1, 2, 3]
    assert not filling.covers(5)
    filling.end()
    # Whoever lowered the mark has given the rest back, or uses it.
    assert scene.store.held == {4, 5, 6, 7}


def test_it_is_asked_after_each_piece_whether_that_is_enough(scene: Scene) -> None:
    scene.stops = [3]
    filling = scene.fill(0, 8)
    filling.greenlet.join(3)
    filling.end()
    assert scene.store.fed == [0, 1, 2]
    assert scene.store.held == set()


def test_wrong_bytes_never_reach_the_store(scene: Scene) -> None:
    scene.serve.wrong = (2 * PIECE + 7,)
    filling = scene.fill(0, 8)
    filling.greenlet.join(3)
    filling.end()
    assert scene.store.fed == [0, 1]
    assert isinstance(filling.failure, Lost)
    assert filling.failure.verdict is Verdict.WRONG


def test_a_store_that_fails_is_not_the_sources_fault(scene: Scene) -> None:
    scene.store.failure = Problem("disk-full", "No room.")
    filling = scene.fill(0, 8)
    filling.greenlet.join(3)
    filling.end()
    assert isinstance(filling.failure, Problem)


def test_silence_is_told_from_slowness(scene: Scene) -> None:
    scene.serve.hangs_at = PIECE
    filling = scene.fill(0, 8)
    gevent.sleep(0.3)
    assert filling.at == 1
    assert filling.silent_for() > 0.2
    filling.end()
    scene.serve.hangs_at, scene.serve.pause = float("inf"), 0.01
    filling = scene.fill(1, 8)
    gevent.sleep(0.3)
    assert filling.silent_for() < 0.2
    filling.end()
