"""Feeders: who fills what, and what happens when a source fails in mid-film."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from addon.errors import Problem
from addon.playback import demand, feeder, suppliers
from addon.playback.feeders import Feeders
from addon.sources.health import Verdict
from tests.playback.filling import Choice, Line, Serve, Shop, Store
from tests.rig.torrents import Torrent
from tests.sources.served import PIECE, media_of, one_film, pack

Until = Callable[[], object]


def until(look: Until, seconds: float = 3.0) -> None:
    end = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < end, "waited in vain"
        gevent.sleep(0.005)


class Kitchen:
    """One film, the shops that have it, and feeders that fetch it."""

    def __init__(self, made: Torrent, name: str = "", *shops: Shop) -> None:
        self.shops = {shop.name: shop for shop in shops or (Shop("a"), Shop("b"))}
        self.media = media_of(made, name)
        self.store = Store(made, self.media)
        self.line = Line(made)
        self.line.hosts = {name: Serve() for name in self.shops}
        self.choice = Choice(made, *self.shops.values())
        self.feeders = Feeders(self.line, self.choice)

    def keep(self, winner: str = "", piece: int | None = None) -> None:
        """Begin to fill, with the source that has just proved itself in the lead."""
        store: Any = self.store
        found = None
        if winner:
            at = self.store.pieces.start if piece is None else piece
            found = self.choice.winner(self.shops[winner], self.media, at)
            if not self.store.has_piece(at) and found.data is not None:
                self.store.feed(at, found.data)
        self.feeders.keep(store, self.media, found)

    def host(self, name: str) -> Serve:
        return self.line.hosts[name]

    def asked(self, host: str) -> list[tuple[int, int] | None]:
        return [span for at, _, _, span in self.line.requests if at == host]

    def whole(self) -> bool:
        return self.store.has >= set(self.store.pieces)

    def running(self) -> list[Any]:
        return [one for one, _ in self.feeders._running.values()]


@pytest.fixture
def film(tmp_path: Path) -> Torrent:
    return one_film(tmp_path, 20 * PIECE + 77)


@pytest.fixture
def kitchen(film: Torrent, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Kitchen]]:
    monkeypatch.setattr(feeder, "LOOK", 0.01)
    monkeypatch.setattr(feeder, "BACK_OFF", (0.05,))
    monkeypatch.setattr(feeder, "RUN_BYTES", 6 * PIECE)
    monkeypatch.setattr(suppliers, "BEGIN_BYTES", 6 * PIECE)
    made: list[Kitchen] = []

    def make(*shops: Shop) -> Kitchen:
        made.append(Kitchen(film, "", *shops))
        return made[-1]

    yield make
    for one in made:
        one.feeders.close()
        assert all(answer.closed for answer in one.line.answers)
        assert one.store.held == set(), "what was claimed is given back"


Make = Callable[..., Kitchen]


def test_the_winner_fills_ahead_of_the_player_to_the_end(kitchen: Make) -> None:
    k = kitchen()
    k.store.reads(0)
    k.keep("a")
    until(k.whole)
    assert k.store.fed == list(range(21)), "in order, and each once"
    assert k.choice.asked == [], "nobody is raced while one delivers"
    assert {host for host, *_ in k.line.requests} == {"a"}
    assert {number for _, number, *_ in k.line.requests} == {1}, "its link is kept"
    spans = [span for span in k.asked("a") if span]
    assert [(one[0] // PIECE, -(-one[1] // PIECE)) for one in spans] == [
        (1, 7), (7, 13), (13, 19), (19, 21),
    ]  # fmt: skip
    assert k.choice.learnt == []


def test_who_delivers_is_named_while_it_does(kitchen: Make) -> None:
    k = kitchen()
    k.host("a").pause = 0.002
    k.store.reads(0)
    k.keep("a")
    key = k.media.info_hash.key
    until(lambda: k.feeders.names(key) == ["a"])
    assert k.feeders.names("cd" * 20) == []
    until(k.whole)
    until(lambda: k.feeders.names(key) == [])


def test_without_a_winner_somebody_is_looked_for_at_the_first_missing_piece(kitchen: Make) -> None:
    k = kitchen()
    k.store.has.update(range(4))
    k.store.reads(2)
    k.keep()
    until(k.whole)
    assert k.choice.asked == [(4, ["a", "b"])]
    assert k.store.fed[0] == 4, "the probe is the piece"


FAULTS = {
    "dies": (Serve(dies_at=8 * PIECE + 4096), Verdict.DEAD),
    "lies": (Serve(wrong=(8 * PIECE + 5,)), Verdict.WRONG),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_next_one_goes_on_at_the_first_missing_piece(kitchen: Make, fault: str) -> None:
    k = kitchen()
    k.line.hosts["a"], verdict = FAULTS[fault]
    k.store.reads(0)
    k.keep("a")
    until(k.whole)
    assert k.store.fed == list(range(21))
    assert k.choice.asked == [(8, ["b"])], "whoever failed a moment ago is not asked"
    assert k.choice.learnt == [("a", verdict)]


def test_a_second_supplier_goes_on_without_a_race(kitchen: Make) -> None:
    k = kitchen()
    k.line.hosts["a"] = Serve(dies_at=8 * PIECE)
    k.host("b").pause = 0.001
    k.store.reads(0)
    k.keep("b")
    k.running()[0].join(k.choice.winner(k.shops["a"], k.media, 0))
    until(k.whole)
    assert k.choice.asked == []
    assert {host for host, *_ in k.line.requests} == {"a", "b"}


def test_a_link_that_expired_is_located_anew_once(kitchen: Make) -> None:
    k = kitchen()
    k.line.hosts["a"] = Serve(refuses=lambda number: number == 1 and len(k.line.requests) > 2)
    k.store.reads(0)
    k.keep("a")
    until(k.whole)
    assert [number for _, number, *_ in k.line.requests] == [1, 1, 1, 2, 2]
    assert k.choice.asked == []
    assert k.choice.learnt == []


def test_a_link_that_expires_again_is_given_up(kitchen: Make) -> None:
    k = kitchen()
    k.line.hosts["a"] = Serve(refuses=lambda _: len(k.line.requests) > 2)
    k.store.reads(0)
    k.keep("a")
    until(k.whole)
    assert [number for host, number, *_ in k.line.requests if host == "a"] == [1, 1, 1, 2]
    assert k.choice.learnt == [("a", Verdict.REFUSED)]


def test_who_refuses_from_the_beginning_is_not_asked_for_another_link(kitchen: Make) -> None:
    k = kitchen()
    k.line.hosts["a"] = Serve(refuses=lambda _: True)
    k.store.reads(0)
    k.keep("a")
    until(k.whole)
    assert len(k.asked("a")) == 1
    assert k.choice.learnt == [("a", Verdict.REFUSED)]


def test_a_seek_abandons_what_is_fetched(kitchen: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demand, "AHEAD_BYTES", 2 * PIECE)
    k = kitchen()
    k.host("a").pause = 0.005
    k.store.reads(0)
    k.keep("a")
    until(lambda: 1 in k.store.has)
    k.store.reads(15)
    until(lambda: 15 in k.store.has)
    first = k.line.answers[0]
    assert first.closed
    assert not {4, 5, 6} & k.store.has, "the rest of that run is not fetched"
    assert k.asked("a")[1] is not None
    assert k.asked("a")[1][0] == 15 * PIECE  # type: ignore[index]


def test_another_player_who_waits_has_its_turn(
    kitchen: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demand, "AHEAD_BYTES", 2 * PIECE)
    k = kitchen()
    k.host("a").pause = 0.002
    k.store.has.update(range(1))
    k.store.reads(0)
    k.keep("a", 1)
    until(lambda: k.line.requests)
    k.store.at = [15, 0]
    until(lambda: 15 in k.store.has)
    assert len(k.store.fed) < 6


def test_nobody_reads_and_the_fetching_stops(
    kitchen: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demand, "ABANDON", 0.1)
    monkeypatch.setattr(feeder, "LINGER", 0.5)
    k = kitchen()
    k.host("a").pause = 0.01
    k.store.reads(0)
    k.keep("a")
    until(lambda: 1 in k.store.has)
    k.store.at = []
    until(lambda: all(answer.closed for answer in k.line.answers))
    assert not k.whole()
    assert k.running(), "the same player comes back"
    k.store.reads(5)
    until(lambda: 5 in k.store.has)
    k.store.at = []
    until(lambda: not k.running())
    sent = k.host("a").sent
    gevent.sleep(0.1)
    assert k.host("a").sent == sent


def test_what_the_player_does_not_need_yet_is_not_fetched(
    kitchen: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demand, "AHEAD_BYTES", 3 * PIECE)
    k = kitchen()
    k.store.reads(0)
    k.keep("a")
    until(lambda: 3 in k.store.has)
    gevent.sleep(0.1)
    assert k.store.has == set(range(4))
    k.store.reads(4)
    until(lambda: 7 in k.store.has)


def test_a_living_swarm_is_left_alone(kitchen: Make) -> None:
    k = kitchen()
    k.store.peers = 3
    k.store.has.update(range(3))
    k.store.reads(1)
    k.keep()
    gevent.sleep(0.3)
    assert (k.choice.asked, k.line.requests) == ([], [])


def test_what_peers_have_begun_is_theirs(kitchen: Make) -> None:
    k = kitchen()
    k.store.peers = 3
    k.store.held = {2, 3}
    k.store.reads(1)
    k.keep("a")
    until(lambda: set(range(4, 21)) <= k.store.has)
    assert not {2, 3} & k.store.has
    k.store.held = set()


def test_a_piece_that_peers_have_begun_and_do_not_bring_is_fetched_too(
    kitchen: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demand, "SWARM_PATIENCE", 0.2)
    k = kitchen()
    k.store.peers = 3
    k.store.has.update(range(1, 21))
    k.store.has.discard(5)
    k.store.held = {5}
    k.store.reads(5)
    began = time.monotonic()
    k.keep("a")
    until(k.whole)
    assert time.monotonic() - began > 0.15
    assert k.asked("a") == [(5 * PIECE, 6 * PIECE)]


def test_a_source_that_cannot_resume_begins_the_film_and_never_goes_on_in_it(
    kitchen: Make,
) -> None:
    k = kitchen(Shop("a", resumable=False), Shop("b"))
    k.store.has.update(range(3))
    k.store.reads(3)
    k.keep("a", 3)
    until(k.whole)
    assert k.asked("a") == [None], "from the start, and what is there is passed over"
    assert k.store.fed == list(range(3, 21))
    k = kitchen(Shop("a", resumable=False), Shop("b"))
    k.store.reads(12)
    k.keep("a", 12)
    until(lambda: 20 in k.store.has)
    assert k.asked("a") == []
    assert k.choice.asked == [(13, ["b"])]


def test_whoever_was_dropped_is_asked_again_once_the_others_do_not_help(kitchen: Make) -> None:
    k = kitchen(Shop("a"), Shop("b"), Shop("c"))
    k.choice.works = {"a", "c"}
    k.choice.cooling.add("c")
    k.line.hosts["a"] = Serve(dies_at=3 * PIECE)
    k.store.reads(0)
    k.keep("a")
    until(lambda: k.choice.learnt)
    assert not k.running()[0].suppliers.known
    k.line.hosts["a"] = Serve()
    until(k.whole)
    assert k.choice.asked == [(3, ["b"]), (3, ["b", "c", "a"])], "and those that cool down too"


def test_looking_in_vain_is_not_done_without_a_pause(kitchen: Make) -> None:
    k = kitchen()
    k.choice.works.clear()
    k.store.reads(0)
    k.keep()
    gevent.sleep(0.3)
    assert 2 <= len(k.choice.asked) <= 8


def test_a_store_that_does_not_take_a_piece_is_not_the_sources_fault(kitchen: Make) -> None:
    k = kitchen()
    k.store.reads(0)
    k.keep("a")
    k.store.takes = False
    until(lambda: k.choice.learnt)
    assert k.choice.learnt[0] == ("a", Verdict.OURS)


def test_a_torrent_that_fails_ends_it(kitchen: Make, capsys: pytest.CaptureFixture[str]) -> None:
    k = kitchen()
    k.host("a").pause = 0.002
    k.store.reads(0)
    k.keep("a")
    until(lambda: 1 in k.store.has)
    k.store.failure = Problem("disk-full", "No room.")
    until(lambda: not k.running())
    assert k.choice.learnt == []
    assert capsys.readouterr().err == "", "gevent prints what a greenlet raises"


def test_a_torrent_that_fails_during_a_search_ends_it(
    kitchen: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    k = kitchen()
    k.store.reads(0)
    real = k.choice.winner

    def fails_first(*given: Any) -> Any:
        k.store.failure = Problem("disk-full", "No room.")
        return real(*given)

    k.choice.winner = fails_first  # type: ignore[method-assign, assignment]
    k.keep()
    until(lambda: not k.running())
    assert capsys.readouterr().err == ""


def test_one_feeder_for_each_file_and_a_new_one_for_a_new_torrent(kitchen: Make) -> None:
    k = kitchen()
    k.store.reads(0)
    k.keep("a")
    (first,) = k.running()
    k.keep("b")
    assert k.running() == [first]
    k.store = Store(k.store.made, k.media)
    k.store.reads(0)
    k.keep()
    (second,) = k.running()
    assert second is not first
    until(k.whole)


def test_the_newest_winner_leads(kitchen: Make) -> None:
    k = kitchen()
    k.store.reads(0)
    k.store.peers = 3
    k.host("a").pause = 0.002
    k.keep("a")
    until(lambda: k.asked("a"))
    k.running()[0].join(k.choice.winner(k.shops["b"], k.media, 0))
    until(k.whole)
    assert len(k.asked("a")) == 1
    assert len(k.asked("b")) >= 3


def test_closing_ends_all_in_the_middle(kitchen: Make) -> None:
    k = kitchen()
    k.host("a").pause = 0.05
    k.store.reads(0)
    k.keep("a")
    until(lambda: k.line.requests)
    k.feeders.close()
    assert k.running() == []


def test_a_piece_that_hangs_under_the_player_is_fetched_from_another_too(
    kitchen: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeder, "HEDGE_AFTER", 0.1)
    k = kitchen()
    k.store.reads(0)
    k.keep("b")
    k.running()[0].join(k.choice.winner(k.shops["a"], k.media, 0))
    k.host("a").hangs_at = 3 * PIECE + 4096
    k.host("b").pause = 0.001
    k.store.follows = True
    until(k.whole)
    assert k.store.fed == list(range(21)), "each once, and in order"
    assert k.asked("b")[0] is not None
    assert k.asked("b")[0][0] == 3 * PIECE  # type: ignore[index]
    assert [s.name for s in k.running()[0].suppliers.known] == ["b", "a"]
    assert k.choice.learnt == [], "it is slow, and may be quicker another time"
    assert k.choice.asked == []


def test_what_hangs_with_nobody_else_known_is_raced_for(
    kitchen: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeder, "HEDGE_AFTER", 0.1)
    k = kitchen()
    k.host("a").hangs_at = 3 * PIECE + 4096
    k.store.reads(0)
    k.store.follows = True
    k.keep("a")
    until(k.whole)
    assert k.choice.asked == [(3, ["b"])]
    assert {host for host, *_ in k.line.requests} == {"a", "b"}


def test_a_player_that_does_not_wait_needs_no_hedge(
    kitchen: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeder, "HEDGE_AFTER", 0.05)
    k = kitchen()
    k.host("a").hangs_at = 3 * PIECE
    k.store.reads(0)  # which is there
    k.keep("a")
    until(lambda: 2 in k.store.has)
    gevent.sleep(0.3)
    assert k.choice.asked == []
    assert k.asked("b") == []


def test_a_player_that_starves_gets_a_second_supplier(
    kitchen: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeder, "ANOTHER_AFTER", 0.1)
    k = kitchen(Shop("a"), Shop("b"), Shop("c"))
    k.store.reads(0)
    k.store.follows = True
    k.keep("b")
    k.running()[0].join(k.choice.winner(k.shops["a"], k.media, 0))
    k.host("a").pause = k.host("b").pause = 0.02
    until(lambda: {"a", "b"} == set(k.running()[0].active))
    until(k.whole, 15)
    assert sorted(k.store.fed) == list(range(21)), "no piece from both"
    assert k.choice.asked == []


def test_one_that_hung_does_not_help_beside_another(
    kitchen: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeder, "HEDGE_AFTER", 0.1)
    monkeypatch.setattr(feeder, "ANOTHER_AFTER", 0.05)
    k = kitchen()
    k.store.reads(0)
    k.store.follows = True
    k.keep("b")
    k.running()[0].join(k.choice.winner(k.shops["a"], k.media, 0))
    k.host("a").hangs_at = 3 * PIECE + 4096
    k.host("b").pause = 0.006
    until(lambda: k.running()[0].suppliers.known[0].name == "b")
    k.line.requests.clear()
    until(k.whole, 15)
    assert k.asked("a") == [], "its part of the film would hang too"


def test_what_hangs_is_fetched_by_one_that_is_busy_farther_on(
    kitchen: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeder, "HEDGE_AFTER", 0.3)
    monkeypatch.setattr(feeder, "ANOTHER_AFTER", 0.05)
    k = kitchen()
    k.store.reads(0)
    k.store.follows = True
    k.keep("b")
    k.running()[0].join(k.choice.winner(k.shops["a"], k.media, 0))
    k.host("a").pause = k.host("b").pause = 0.01
    until(lambda: {"a", "b"} == set(k.running()[0].active), 5)
    at = k.store.at[0]
    k.host("a").hangs_at = 0
    until(lambda: k.store.at[0] > at + 1, 5)
    busy = [filling for filling in k.running()[0]._fillings if filling.supplier.name == "b"]
    assert len(busy) == 2, "here and there"
    assert k.choice.asked == []
    k.host("b").pause = 0
    until(k.whole, 15)


def test_a_fast_supplier_is_enough_however_greedy_the_player(
    kitchen: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeder, "ANOTHER_AFTER", 0.05)
    monkeypatch.setattr(feeder, "ENOUGH_RATE", 100_000)
    k = kitchen()
    k.store.reads(0)
    k.store.follows = True
    k.keep("b")
    k.running()[0].join(k.choice.winner(k.shops["a"], k.media, 0))
    k.host("a").pause = 0.005
    until(k.whole, 15)
    assert k.asked("b") == []


def test_a_film_that_hangs_on_one_supplier_gets_another_in_time(
    kitchen: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeder, "FURTHER_AFTER", 0.1)
    k = kitchen()
    k.host("a").pause = 0.01
    k.store.reads(0)
    k.keep("a")
    until(lambda: len(k.running()[0].suppliers.known) == 2)
    ((piece, asked),) = k.choice.asked
    assert asked == ["b"]
    assert piece == 7, "behind what is being fetched, so that no byte is wasted"
    assert [s.name for s in k.running()[0].suppliers.known] == ["a", "b"]


@pytest.mark.parametrize(("assist", "helps"), [("always", True), ("never", False)])
def test_beside_a_living_swarm_as_the_user_wants(kitchen: Make, assist: Any, helps: bool) -> None:
    k = kitchen()
    k.feeders.close()
    k.feeders = Feeders(k.line, k.choice, assist)
    k.store.peers = 3
    k.store.has.update(range(3))
    k.store.reads(1)
    k.keep("a")
    gevent.sleep(0.3)
    assert (k.line.requests != []) is helps


@pytest.fixture
def episode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str, str], Kitchen]]:
    """An episode of a v1 pack, from a source that lacks one of its neighbours."""
    monkeypatch.setattr(feeder, "LOOK", 0.01)
    monkeypatch.setattr(feeder, "BACK_OFF", (0.05,))
    made: list[Kitchen] = []

    def make(name: str, lacks: str) -> Kitchen:
        k = Kitchen(pack(tmp_path), name, Shop("a"))
        k.line.hosts["a"] = Serve(lacks=lacks)
        made.append(k)
        return k

    yield make
    for one in made:
        one.feeders.close()


def test_an_edge_is_put_together_from_the_neighbours(
    episode: Callable[[str, str], Kitchen],
) -> None:
    k = episode("e2.mkv", "")
    k.store.reads(k.store.pieces.start)
    k.keep("a")
    until(k.whole)
    assert [name for _, _, name, _ in k.line.requests] == ["e2.mkv", "e3.mkv"]


def test_a_neighbour_that_is_missing_says_nothing_against_the_file(
    episode: Callable[[str, str], Kitchen],
) -> None:
    k = episode("e2.mkv", "e3.mkv")
    last = k.store.pieces.stop - 1
    k.store.reads(k.store.pieces.start)
    k.keep("a")
    until(lambda: set(range(k.store.pieces.start, last)) <= k.store.has)
    gevent.sleep(0.2)
    assert last not in k.store.has
    assert k.choice.learnt == []
