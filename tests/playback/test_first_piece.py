"""Who brings the first verified byte: the swarm and the sources, both scripted."""

import time
from collections.abc import Iterator
from typing import Any

import gevent
import pytest

from addon.errors import Problem
from addon.playback import first_piece as module
from addon.playback.first_piece import FirstPiece
from addon.playback.resolution import Redirect, Stored
from addon.playback.rules import Rules
from addon.sources.base import Trust
from addon.sources.health import Verdict
from tests.playback.racing import (
    FakeAttempt,
    FakeFeeders,
    FakeSources,
    FakeStore,
    failed,
    verified,
)
from tests.sources.wanted import known

MEDIA = known("Show", "e1.mkv", "e2.mkv", at=1)  # pieces of 1 MB, files of 500 MB
FIRST = 500


class Play:
    """One attempt; ``start`` begins it, ``end`` is how it ended."""

    def __init__(self, **rules: Any) -> None:
        self.rules = Rules(**({"budget": 2.0, "head_start": 0.1} | rules))
        self.store = FakeStore()
        self.sources, self.feeders = FakeSources(), FakeFeeders()
        self.attempt = FakeAttempt()
        self.sent: list[str] = []
        self.may_send = True
        self.options: dict[str, Any] = {}
        self.running: gevent.Greenlet | None = None
        self.began = 0.0

    def source(self, found: Any, after: float = 0.0) -> "Play":
        self.sources.outcomes.append((after, found))
        return self

    def start(self, position: int = 0) -> "Play":
        def may_send(url: str) -> bool:
            self.sent.append(url)
            return self.may_send

        store: Any = self.store
        feeders: Any = self.feeders
        first = FirstPiece(
            store,
            MEDIA,
            position,
            self.rules,
            self.sources,
            feeders,
            may_send=may_send,
            **self.options,
        )
        self.began = time.monotonic()
        deadline = self.began + self.rules.budget
        self.running = gevent.spawn(self._outcome, first, deadline)
        gevent.sleep(0.02)
        return self

    def _outcome(self, first: FirstPiece, deadline: float) -> Stored | Redirect | Problem:
        try:
            return first.get(self.attempt, self.began, deadline)
        except Problem as problem:
            return problem

    def end(self, within: float = 1.0) -> Any:
        assert self.running is not None
        return self.running.get(timeout=within)

    def stored(self, within: float = 1.0) -> str:
        """Who it was served by."""
        ended = self.end(within)
        assert isinstance(ended, Stored), ended
        assert ended.file == MEDIA.file
        return ended.served_by

    def problem(self, code: str, within: float = 1.0) -> Problem:
        ended = self.end(within)
        assert isinstance(ended, Problem), ended
        assert ended.code == code
        return ended

    def stop(self) -> None:
        if self.running is not None:
            self.running.kill()


@pytest.fixture
def plays() -> Iterator[list[Play]]:
    plays: list[Play] = []
    yield plays
    for play in plays:
        play.stop()
        assert play.sources.closed == len(play.sources.asked), "every race is ended"


@pytest.fixture
def play(plays: list[Play]) -> Any:
    def make(**rules: Any) -> Play:
        plays.append(Play(**rules))
        return plays[-1]

    return make


def test_what_is_stored_is_there_at_once(play: Any) -> None:
    p = play().source(verified("a"))
    p.store.stored = True
    assert p.start().stored(0.1) == "store"
    assert p.store.streams == []
    assert p.sources.asked == []
    assert p.feeders.kept == [None], "more of it is kept coming"
    assert p.feeders.swarm == [True], "peers may have sent it a moment ago"


def test_the_swarm_alone_in_its_head_start(play: Any) -> None:
    p = play().source(verified("a"))
    p.store.peers = 2
    p.start(1_700_000)
    p.store.arrived.set()
    assert p.stored() == "swarm"
    assert p.sources.asked == []
    assert p.store.streams[0].start == 1_700_000
    assert (p.feeders.kept, p.feeders.swarm) == ([None], [True])
    assert p.attempt.steps() == ["trying P2P"]


def test_a_source_brings_the_very_piece_and_goes_on_filling(play: Any) -> None:
    p = play().source(failed("b")).source(verified("a", FIRST + 3, b"bytes"))
    p.store.peers = 2
    assert p.start(3_000_000).stored() == "a"
    assert time.monotonic() - p.began >= 0.1, "after the head start"
    assert p.sources.asked == [["b", "a"]]
    assert p.sources.pieces == [FIRST + 3]
    assert p.store.fed == [(FIRST + 3, b"bytes")]
    assert p.feeders.kept == ["a"]
    assert p.attempt.steps() == [
        "trying P2P", "found 2 download sources", "trying b", "dead", "trying a", "verified",
    ]  # fmt: skip


def test_filling_begins_once_the_piece_is_stored(play: Any) -> None:
    """A feeder that begins earlier fetches the winner's piece again."""
    p = play(p2p=False).source(verified("a"))
    stored: list[bool] = []
    p.feeders.keep = lambda *_, **__: stored.append(p.store.arrived.is_set())
    assert p.start().stored() == "a"
    assert stored == [True]


def test_without_peers_the_head_start_is_short(play: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("addon.playback.rules.NO_PEERS_YET", 0.05)
    p = play(head_start=30.0).source(verified("a"))
    assert p.start().stored() == "a"
    p = play(head_start=30.0).source(verified("a"))
    p.store.peers = 1
    p.start()
    gevent.sleep(0.2)
    assert p.sources.asked == []


def test_without_p2p_sources_are_asked_at_once(play: Any) -> None:
    p = play(p2p=False).source(verified("a"))
    assert p.start().stored() == "a"
    assert time.monotonic() - p.began < 0.2
    assert "trying P2P" not in p.attempt.steps()
    assert p.feeders.swarm == [False]


@pytest.mark.parametrize("strategy", ["race", "p2p-first", "sources-first"])
def test_without_p2p_every_strategy_plays_from_sources(play: Any, strategy: str) -> None:
    p = play(p2p=False, strategy=strategy).source(failed("b"), 0.02).source(verified("a"), 0.02)
    assert p.start().stored() == "a"


def test_the_swarm_wins_a_race_that_runs(play: Any) -> None:
    p = play(head_start=0.0).source(verified("slow"), 30.0)
    p.start()
    gevent.sleep(0.1)
    assert p.sources.asked
    p.store.arrived.set()
    assert p.stored() == "swarm"
    assert p.feeders.swarm == [True]


def test_a_player_is_sent_to_a_source_that_allows_it(play: Any) -> None:
    p = play(head_start=0.0).source(verified("own", trust=Trust.OWN, redirect=True))
    ended = p.start().end()
    assert isinstance(ended, Redirect)
    assert (ended.served_by, ended.file) == ("own", MEDIA.file)
    assert p.sent == [ended.link.url]
    assert p.store.fed == []
    assert p.feeders.kept == []


def test_where_a_player_may_not_be_sent_it_goes_through_the_store(play: Any) -> None:
    p = play(head_start=0.0).source(verified("own", trust=Trust.OWN, redirect=True))
    p.may_send = False
    assert p.start().stored() == "own"
    assert p.sent


@pytest.mark.parametrize("mode", ["auto", "proxy"])
def test_an_open_source_goes_through_the_store(play: Any, mode: str) -> None:
    p = play(head_start=0.0, mode=mode).source(verified("open"))
    assert p.start().stored() == "open"
    assert p.sent == []


def test_what_only_looks_right_is_not_played(play: Any) -> None:
    p = play(p2p=False).source(failed("a", Verdict.PLAUSIBLE, "looks like the film"))
    assert "a: looks like the film" in p.start().problem("no-source").detail


def test_nobody_has_it_is_told_at_once_without_p2p(play: Any) -> None:
    p = play(p2p=False, budget=30.0).source(failed("a")).source(failed("b", reason="is broken."))
    told = p.start().problem("no-source")
    assert "2 sources were asked" in told.detail
    assert "a: does not answer; b: is broken." in told.detail
    assert ".." not in told.detail
    assert told.retry_after
    assert "peer" not in told.detail


def test_nobody_may_be_asked_and_nobody_is_there(play: Any) -> None:
    assert "No source" in play(p2p=False).start().problem("no-source").detail


def test_with_p2p_the_swarm_has_until_the_deadline(play: Any) -> None:
    p = play(budget=0.4, head_start=0.0).source(failed("a"))
    p.start()
    gevent.sleep(0.1)
    assert p.running is not None
    assert not p.running.ready()
    told = p.problem("no-source")
    assert "a: does not answer" in told.detail
    assert "tracker.example: 0 peers" in told.detail
    assert 0.35 < time.monotonic() - p.began < 0.8


def test_with_sources_switched_off_nobody_is_asked(play: Any) -> None:
    p = play(budget=0.2, sources=False).source(verified("a"))
    p.start().problem("no-peers")
    assert p.sources.asked == []
    p = play(sources=False)
    p.start()
    p.store.arrived.set()
    assert p.stored() == "swarm"
    assert p.feeders.kept == []


def test_a_piece_that_the_store_does_not_take_is_no_winner(play: Any) -> None:
    p = play(p2p=False).source(verified("a")).source(failed("b"))
    p.store.takes = False
    p.start().problem("no-source")
    assert "the store did not take the piece" in p.attempt.steps()
    assert p.sources.asked == [["a", "b"]]
    assert "trying b" in p.attempt.steps()


def test_an_edge_that_cannot_be_proved_is_said_or_left_to_the_swarm(play: Any) -> None:
    edge = verified("a", FIRST + 1, edge=True)
    told = play(p2p=False).source(edge).start().problem("edge-piece")
    assert told.detail.startswith("a has the film")
    p = play(head_start=0.0).source(edge).source(failed("b"))
    p.start()
    gevent.sleep(0.1)
    assert p.feeders.kept == ["a"], "it fills the rest"
    assert p.store.fed == []
    assert "trying b" in p.attempt.steps(), "somebody else may have the edge too"
    p.store.arrived.set()
    assert p.stored() == "swarm"


def test_an_edge_does_not_matter_where_the_player_may_be_sent(play: Any) -> None:
    p = play(p2p=False).source(verified("a", edge=True, trust=Trust.OWN, redirect=True))
    assert isinstance(p.start().end(), Redirect)


def test_the_source_of_last_time_is_tried_first_alone_and_at_once(play: Any) -> None:
    p = play(head_start=30.0).source(failed("a")).source(verified("b"))
    p.store.peers = 3
    p.options["bound"] = "b"
    assert p.start().stored() == "b"
    assert p.sources.asked == [["b"]]
    assert p.attempt.steps()[:2] == ["trying P2P", "trying the source of last time"]


def test_when_the_source_of_last_time_fails_the_others_are_asked(play: Any) -> None:
    p = play().source(verified("a")).source(failed("b"))
    p.options["bound"] = "b"
    assert p.start().stored() == "a"
    assert p.sources.asked == [["b"], ["a"]]


def test_a_source_of_last_time_that_is_gone_is_nothing(play: Any) -> None:
    p = play().source(verified("a"))
    p.options["bound"] = "gone"
    assert p.start().stored() == "a"
    assert p.sources.asked == [["a"]]


def test_p2p_first_leaves_the_swarm_its_time(play: Any) -> None:
    p = play(strategy="p2p-first", p2p_timeout=0.3).source(verified("a"))
    assert p.start().stored() == "a"
    assert 0.3 <= time.monotonic() - p.began < 0.6


def test_sources_first_asks_the_swarm_for_pieces_only_afterwards(play: Any) -> None:
    p = play(strategy="sources-first").source(failed("a"), 0.1)
    p.store.peers = 3
    p.start()
    assert p.store.streams == []
    gevent.sleep(0.2)
    assert len(p.store.streams) == 1
    p.store.arrived.set()
    assert p.stored() == "swarm"
    assert p.attempt.steps()[-1] == "trying P2P"


def test_sources_first_when_a_source_has_it(play: Any) -> None:
    p = play(strategy="sources-first").source(verified("a"), 0.05)
    assert p.start().stored() == "a"


def test_when_all_players_have_gone_its_deadlines_are_dropped(play: Any) -> None:
    p = play()
    p.start()
    assert p.store.streams[0].frozen[-1] is False
    p.attempt.absent = module.ABSENCE + 0.1
    gevent.sleep(0.12)
    assert p.store.streams[0].frozen[-1] is True
    p.attempt.absent = 0.0
    gevent.sleep(0.12)
    assert p.store.streams[0].frozen[-1] is False


def test_a_torrent_that_fails_says_why(play: Any) -> None:
    p = play()
    p.start()
    p.store.failure = Problem("disk-full", "No room.")
    p.problem("disk-full")


def test_a_store_that_fails_in_the_race_says_why(
    play: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    p = play(p2p=False).source(verified("a"), 0.1)
    p.start()
    p.store.failure = Problem("disk-full", "No room.")
    p.problem("disk-full")
    gevent.sleep(0.15)
    assert capsys.readouterr().err == "", "gevent prints what a greenlet raises"


def test_killing_the_attempt_ends_the_race(play: Any) -> None:
    p = play(head_start=0.0).source(failed("a"), 30.0)
    p.start()
    gevent.sleep(0.1)
    p.stop()
    assert p.sources.closed == 1
