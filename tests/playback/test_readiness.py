"""What is told of a film while it is made ready, and what is done meanwhile."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from addon.errors import Problem
from addon.playback import ends
from addon.playback import readiness as module
from addon.playback.attempt import Attempt
from addon.playback.journal import Journal
from addon.playback.readiness import Film, Readiness, Standing
from addon.playback.resolution import Failure, Redirect, Stored
from addon.playback.resolver import REDIRECT_HOLDS
from addon.sources.base import Link, Media
from addon.swarm.torrent import Progress
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.metainfo import File
from addon.torrents.selection import MainVideo, Wanted
from tests.torrents.build import pack

HASH = InfoHash("ab" * 20)
# Pieces of 1000 bytes; the film begins in the third. Its head is 2 to 4, its tail 10 to 11.
FILE = File(1, "Film/Film.mkv", 2500, 9000)
METAINFO = replace(
    pack("Film"), info_hash=HASH, files=(FILE,), piece_length=1000, piece_count=12, total_size=11500
)
HEAD, TAIL = range(2, 5), range(10, 12)
FILM = Film("anne", HASH, MainVideo())


class FakeStream:
    def __init__(self, start: int, stop: int, *, ahead: bool) -> None:
        self.range, self.ahead, self.closed = (start, stop), ahead, False

    def close(self) -> None:
        self.closed = True


class FakeTorrent:
    """``there`` are the pieces that have come; ``refuses`` to be opened."""

    info_hash = HASH
    metainfo = METAINFO

    def __init__(self) -> None:
        self.progress = Progress(peers=3)
        self.failure: Problem | None = None
        self.there: set[int] = set()
        self.streams: list[FakeStream] = []
        self.refuses: list[Exception] = []

    def open(self, file: File, start: int, stop: int, *, ahead: bool = True) -> FakeStream:
        assert file == FILE
        if len(self.streams) == 1 and self.refuses:
            raise self.refuses.pop()
        self.streams.append(FakeStream(start, stop, ahead=ahead))
        return self.streams[-1]

    def has_piece(self, index: int) -> bool:
        return index in self.there


class Cinema:
    """Readiness over a resolver that a test scripts: ``end`` ends the newest attempt."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.torrent: Any = FakeTorrent()
        self.journal = Journal()
        self.attempts: list[Attempt] = []
        self.asked: list[tuple[Any, ...]] = []
        self.delivering: list[str] = []
        self.breaks: Exception | None = None
        swarm: Any = SimpleNamespace(get=lambda _: self.torrent)
        resolver: Any = self
        self.readiness = Readiness(
            resolver, swarm, lambda _: list(self.delivering), lambda: self.now
        )

    def attempt(
        self, install: str, info_hash: InfoHash, wanted: Wanted, start: int, *, secure: bool
    ) -> Attempt:
        if self.breaks is not None:
            raise self.breaks
        self.asked.append((install, info_hash, wanted, start, secure))
        self.attempts.append(Attempt(self.journal.open(HASH.key, "main", install)))
        return self.attempts[-1]

    def end(self, resolution: Stored | Redirect | Failure) -> None:
        attempt = self.attempts[-1]
        if not isinstance(resolution, Failure):
            attempt.media = Media(HASH, Magnet(HASH), METAINFO, FILE, FILE.name)
        attempt.finish(resolution)

    def store(self, *there: int) -> None:
        self.torrent.there.update(there)
        self.end(Stored(self.torrent, FILE, "swarm"))

    def look(self, *, again: bool = False) -> Standing:
        return self.readiness.look(FILM, again=again)

    def until(self, holds: Callable[[Standing], bool]) -> Standing:
        with gevent.Timeout(3):
            while not holds(standing := self.look()):
                gevent.sleep(0.005)
        return standing


@pytest.fixture
def cinema(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cinema]:
    monkeypatch.setattr(ends, "HEAD_BYTES", 2000)
    monkeypatch.setattr(ends, "TAIL_BYTES", 1000)
    monkeypatch.setattr(module, "LOOK", 0.005)
    monkeypatch.setattr(module, "FIRST_LOOK", 0.02)
    cinema = Cinema()
    yield cinema
    cinema.readiness.close()


def ready(standing: Standing) -> bool:
    return standing.state == "ready"


def failed(standing: Standing) -> bool:
    return standing.state == "failed"


def test_asking_begins_the_work_of_a_first_request_once(cinema: Cinema) -> None:
    told = cinema.look()
    assert (told.state, told.step, told.progress, told.file) == (
        "preparing", "just begun", 0.0, None,
    )  # fmt: skip
    cinema.look()
    assert cinema.asked == [("anne", HASH, MainVideo(), 0, False)]
    cinema.attempts[0].entry.step("trying P2P", source="swarm", detail="waiting")
    assert cinema.look().step == "swarm: trying P2P: waiting"
    assert cinema.attempts[0].absent_for() == 0, "the work goes on between two questions"


def test_the_head_and_the_tail_are_fetched_before_it_is_ready(cinema: Cinema) -> None:
    cinema.look()
    cinema.store()
    told = cinema.until(lambda told: "beginning" in told.step)
    head, tail = cinema.torrent.streams
    assert (head.range, tail.range) == ((0, 2000), (8000, 9000))
    assert (head.ahead, tail.ahead) == (False, True)
    assert (told.file, told.progress) == (FILE, 0.0)
    cinema.torrent.there.add(HEAD.start)
    told = cinema.until(lambda told: "end" in told.step)
    assert told.state == "preparing"
    assert 0 < told.progress < 1
    cinema.torrent.there.update(TAIL)
    told = cinema.until(ready)
    assert (told.progress, told.step, told.problem) == (1.0, "ready to play", None)
    assert (head.closed, tail.closed) == (False, True), "the rest of the head is still to come"
    cinema.torrent.there.update(HEAD)
    gevent.sleep(0.02)
    assert head.closed
    assert ready(cinema.look())
    assert len(cinema.attempts) == 1


def test_a_film_that_is_there_is_ready_at_the_first_question(
    cinema: Cinema, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_LOOK", 1.0)
    gevent.spawn(lambda: (gevent.sleep(0.01), cinema.store(*HEAD, *TAIL)))
    assert cinema.look().state == "ready"


def test_the_tail_is_not_waited_for_for_ever(cinema: Cinema) -> None:
    cinema.look()
    cinema.store(HEAD.start)
    cinema.until(lambda told: "end" in told.step)
    cinema.now += module.TAIL_PATIENCE
    gevent.sleep(0.02)
    assert cinema.look().state == "preparing"
    cinema.now += 0.1
    cinema.until(ready)
    assert not cinema.torrent.streams[1].closed, "it is still wanted"


def test_who_delivers_and_how_fast(cinema: Cinema) -> None:
    cinema.torrent.progress = Progress(peers=7, download_rate=5000)
    cinema.delivering = ["My drive"]
    told = cinema.look()
    assert (told.peers, told.download_rate, told.sources) == (7, 5000, ("swarm", "My drive"))
    assert cinema.readiness.peers(HASH) == 7
    cinema.torrent = None
    assert cinema.readiness.peers(HASH) is None
    told = cinema.look()
    assert (told.peers, told.download_rate, told.sources) == (0, 0, ())


def test_a_player_that_is_sent_elsewhere_may_go_at_once(cinema: Cinema) -> None:
    cinema.look()
    at = module.time.monotonic()
    cinema.end(Redirect(Link("https://cdn.example/film.mkv"), FILE, "My drive", at))
    told = cinema.until(ready)
    assert (told.sources, told.file, told.progress) == (("My drive",), FILE, 1.0)
    assert cinema.torrent.streams == []


def test_an_old_redirect_is_tried_anew_while_somebody_asks(cinema: Cinema) -> None:
    cinema.look()
    at = module.time.monotonic() - REDIRECT_HOLDS
    cinema.end(Redirect(Link("https://cdn.example/film.mkv"), FILE, "My drive", at))
    cinema.until(lambda told: len(cinema.attempts) == 2)
    told = cinema.look()
    assert (told.state, told.sources) == ("preparing", ())


def test_a_failure_stays_until_it_is_to_be_tried_again(cinema: Cinema) -> None:
    cinema.look()
    problem = Problem("no-peers", "Nobody has it.", "Try later.")
    cinema.attempts[0].entry.step("failed", verdict="no-peers", detail="Nobody has it.")
    cinema.end(Failure(problem))
    told = cinema.until(failed)
    assert (told.problem, told.step) == (problem, "failed: Nobody has it.")
    gevent.sleep(0.02)
    assert cinema.look().problem is problem
    assert len(cinema.attempts) == 1
    assert cinema.look(again=True).state == "preparing"
    assert cinema.look(again=True).state == "preparing"
    assert len(cinema.attempts) == 2, "only what has failed is tried again"
    cinema.store(*HEAD, *TAIL)
    cinema.until(ready)


@pytest.mark.parametrize(
    ("reason", "code"), [(Problem("disk-full", "No room."), "disk-full"), (OSError("x"), "busy")]
)
def test_what_cannot_be_read_is_a_failure(cinema: Cinema, reason: Exception, code: str) -> None:
    cinema.torrent.refuses = [reason]
    cinema.look()
    cinema.store()
    told = cinema.until(failed)
    assert told.problem is not None
    assert told.problem.code == code
    assert [stream.closed for stream in cinema.torrent.streams] == [True]


def test_a_torrent_that_leaves_is_resolved_anew(cinema: Cinema) -> None:
    cinema.look()
    cinema.store(*HEAD, *TAIL)
    cinema.until(ready)
    cinema.torrent.failure = Problem("busy", "The film was put away.")
    told = cinema.until(lambda told: len(cinema.attempts) == 2)
    assert all(stream.closed for stream in cinema.torrent.streams)
    cinema.torrent = FakeTorrent()
    cinema.store(*HEAD, *TAIL)
    told = cinema.until(ready)
    assert told.problem is None


def test_when_nobody_asks_any_more_everything_is_let_go(cinema: Cinema) -> None:
    cinema.look()
    cinema.store()
    cinema.until(lambda told: bool(cinema.torrent.streams))
    cinema.now += module.LINGER - 1
    gevent.sleep(0.02)
    assert not any(stream.closed for stream in cinema.torrent.streams)
    cinema.look()
    cinema.now += module.LINGER - 1
    gevent.sleep(0.02)
    assert not any(stream.closed for stream in cinema.torrent.streams), "asking keeps it"
    cinema.now += 1
    gevent.sleep(0.02)
    assert all(stream.closed for stream in cinema.torrent.streams)
    cinema.look()
    assert len(cinema.attempts) == 2, "whoever comes later begins anew"


def test_a_failure_is_forgotten_when_nobody_asks(cinema: Cinema) -> None:
    cinema.look()
    cinema.end(Failure(Problem("no-peers", "Nobody has it.")))
    cinema.until(failed)
    cinema.now += module.LINGER
    gevent.sleep(0.02)
    assert cinema.look().state == "preparing"


def test_two_viewers_are_two_films(cinema: Cinema) -> None:
    cinema.look()
    cinema.readiness.look(Film("bob", HASH, MainVideo(), secure=True))
    assert [(asked[0], asked[4]) for asked in cinema.asked] == [("anne", False), ("bob", True)]


def test_closing_lets_go_of_everything(cinema: Cinema) -> None:
    cinema.look()
    cinema.store()
    cinema.until(lambda told: bool(cinema.torrent.streams))
    cinema.readiness.close()
    assert all(stream.closed for stream in cinema.torrent.streams)
