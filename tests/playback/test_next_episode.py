"""Who nears the end of an episode, and what is done then."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from addon.errors import Problem
from addon.playback import next_episode as module
from addon.playback.attempt import Attempt
from addon.playback.journal import Journal
from addon.playback.next_episode import Course, NextEpisodes
from addon.playback.resolution import Failure, Redirect, Resolution, Stored
from addon.playback.viewers import Viewer
from addon.sources.base import Link
from addon.swarm.reader import Chunk
from addon.torrents.magnet import InfoHash
from addon.torrents.metainfo import File, Metainfo
from addon.torrents.selection import FileIndex, Wanted
from tests.playback.test_readiness import FILE, HEAD, TAIL, FakeTorrent
from tests.torrents.build import pack

MIB = 1024 * 1024
FIRST, NEXT = InfoHash("ab" * 20), InfoHash("cd" * 20)
EPISODE = File(0, "Show/Show.S01E01.mkv", 0, 1000)
VIEWER = Viewer("anne", "127.0.0.1", "VLC", (FIRST.key, "0"))


def course(*spans: tuple[int, int]) -> Course:
    """What was asked for and taken, one request after the other."""
    made = Course(spans[0][0])
    for start, stop in spans:
        made.begins(start)
        made.at = stop
    return made


@pytest.mark.parametrize(
    ("spans", "near"),
    [
        ([(0, 799)], False),
        ([(0, 800)], True),
        ([(700, 810)], True),
        ([(799, 820)], False),  # too little of it to be sure
        ([(990, 1000)], False),  # the tail, read before it plays
        ([(0, 100), (990, 1000)], False),
        ([(990, 1000), (0, 500)], False),
        ([(0, 790), (990, 1000)], False),
        ([(850, 1000)], False),  # an index may stand at the end
        ([(700, 780), (780, 810)], True),  # a player that asks for one part after another
        ([(700, 780), (750, 810)], True),
        ([(700, 780), (790, 810)], False),
    ],
)
def test_who_watches_near_the_end(spans: list[tuple[int, int]], near: bool) -> None:
    assert course(*spans).nears_the_end(1000) is near


@pytest.mark.parametrize(
    ("start", "mib", "near"),
    [(799, 3, False), (799, 4, True), (850, 49, False), (850, 50, True), (960, 40, False)],
)
def test_how_much_of_a_large_file(start: int, mib: int, near: bool) -> None:
    assert course((start * MIB, (start + mib) * MIB)).nears_the_end(1000 * MIB) is near


class FakeStream:
    def __init__(self, *chunks: Chunk) -> None:
        self.given = chunks
        self.told: list[str] = []
        self.ended = False

    def chunks(self) -> Iterator[Chunk]:
        yield from self.given

    def stall(self, *, frozen: bool) -> None:
        self.told.append(f"stall {frozen}")

    def cancel(self) -> None:
        self.told.append("cancel")

    def close(self) -> None:
        self.told.append("close")


class House:
    """``following`` comes after each file; each attempt ends as ``resolution`` says."""

    def __init__(self) -> None:
        self.following: tuple[InfoHash, Wanted] | None = (NEXT, FileIndex(1))
        self.known: Metainfo | None = pack("Show")
        self.torrent: Any = FakeTorrent()
        self.resolution: Resolution = Stored(self.torrent, FILE, "swarm")
        self.asked: list[tuple[Any, ...]] = []
        self.now = 1000.0
        self.breaks: Exception | None = None
        kept: Any = SimpleNamespace(metainfo=lambda _: self.known)
        resolver: Any = self
        self.episodes = NextEpisodes(resolver, kept, self.follows, lambda: self.now)

    def follows(self, metainfo: Metainfo, file: File) -> tuple[InfoHash, Wanted] | None:
        assert file == EPISODE
        if self.breaks is not None:
            raise self.breaks
        return self.following

    def attempt(self, *what: Any, secure: bool, prepares: bool) -> Attempt:
        assert prepares
        self.asked.append((*what, secure))
        attempt = Attempt(Journal().open(NEXT.key, "1", "anne"))
        attempt.finish(self.resolution)
        return attempt

    def play(self, *spans: tuple[int, int], viewer: Viewer = VIEWER, secure: bool = False) -> None:
        """A player takes these parts of the episode."""
        for start, stop in spans:
            stream = FakeStream(b"x" * (stop - start))
            followed = self.episodes.follow(stream, viewer, EPISODE, start, secure=secure)
            assert b"".join(c for c in followed.chunks() if isinstance(c, bytes)) == stream.given[0]
        gevent.sleep(0.01)

    def until(self, holds: Callable[[], bool]) -> None:
        with gevent.Timeout(3):
            while not holds():
                gevent.sleep(0.005)


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr("addon.playback.ends.HEAD_BYTES", 2000)
    monkeypatch.setattr("addon.playback.ends.TAIL_BYTES", 1000)
    monkeypatch.setattr(module, "LOOK", 0.005)
    house = House()
    yield house
    house.episodes.close()


def test_the_stream_is_the_same_to_its_player(house: House) -> None:
    stream = FakeStream(b"abc", (5, 3, 100), b"d")
    followed = house.episodes.follow(stream, VIEWER, EPISODE, 0, secure=False)
    assert list(followed.chunks()) == [b"abc", (5, 3, 100), b"d"]
    followed.stall(frozen=True)
    followed.cancel()
    followed.close()
    assert stream.told == ["stall True", "cancel", "close"]
    assert not followed.ended
    stream.ended = True
    assert followed.ended


def test_a_part_of_a_file_counts_by_its_length(house: House) -> None:
    stream = FakeStream((5, 0, 850))
    list(house.episodes.follow(stream, VIEWER, EPISODE, 0, secure=False).chunks())
    house.until(lambda: bool(house.asked))


def test_what_was_not_taken_does_not_count(house: House) -> None:
    stream = FakeStream(b"x" * 700, b"x" * 200)
    chunks = house.episodes.follow(stream, VIEWER, EPISODE, 0, secure=False).chunks()
    next(chunks)
    next(chunks)
    chunks.close()  # type: ignore[attr-defined]
    gevent.sleep(0.01)
    assert house.asked == []


def test_both_ends_are_fetched_and_let_go(house: House) -> None:
    house.play((0, 500), (500, 850), secure=True)
    assert house.asked == [("anne", NEXT, FileIndex(1), 0, True)]
    head, tail = house.torrent.streams
    assert (head.range, tail.range) == ((0, 2000), (8000, 9000))
    assert (head.ahead, tail.ahead) == (False, True), "sources fetch for players only"
    house.torrent.there.update(TAIL)
    house.until(lambda: tail.closed)
    assert not head.closed
    house.torrent.there.update(HEAD)
    house.until(lambda: head.closed)


def test_the_rest_of_the_head_is_not_waited_for_for_long(house: House) -> None:
    house.torrent.there.update({HEAD.start, *TAIL})
    house.play((0, 900))
    (head, _) = house.torrent.streams
    assert not head.closed
    house.now += module.HEAD_PATIENCE + 0.1
    house.until(lambda: head.closed)


def test_once_for_each_viewer_and_file(house: House) -> None:
    house.play((0, 900))
    house.play((0, 1000), (900, 1000))
    assert len(house.asked) == 1
    house.play((0, 900), viewer=Viewer("bob", "127.0.0.1", "VLC", (FIRST.key, "0")))
    assert [asked[0] for asked in house.asked] == ["anne", "bob"]


def test_reading_the_tail_prepares_nothing(house: House) -> None:
    house.play((0, 100), (950, 1000), (100, 700), (990, 1000))
    assert house.asked == []


def test_a_film_and_a_torrent_that_is_gone_have_no_next_episode(house: House) -> None:
    house.following = None
    house.play((0, 900))
    house.known = None
    house.play((0, 900), viewer=Viewer("bob", "127.0.0.1", "VLC", (FIRST.key, "0")))
    assert house.asked == []


@pytest.mark.parametrize(
    "resolution",
    [
        Failure(Problem("disk-full", "No room.")),
        Redirect(Link("https://cdn.example/film.mkv"), FILE, "My drive", 0.0),
    ],
)
def test_nothing_is_fetched_that_is_elsewhere_or_has_no_room(
    house: House, resolution: Resolution
) -> None:
    house.resolution = resolution
    house.play((0, 900))
    assert len(house.asked) == 1
    assert house.torrent.streams == []


def test_what_does_not_come_is_given_up(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", module.__name__)
    house.play((0, 900))
    house.now += module.PATIENCE + 1
    house.until(lambda: all(stream.closed for stream in house.torrent.streams))
    assert "not prepared" in caplog.text


def test_a_torrent_that_leaves_is_given_up(house: House) -> None:
    house.play((0, 900))
    house.torrent.failure = Problem("busy", "The film was put away.")
    house.until(lambda: all(stream.closed for stream in house.torrent.streams))


def test_a_mistake_of_ours_is_logged_and_the_film_goes_on(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.breaks = KeyError("x")
    house.play((0, 900), (900, 1000))
    assert "preparing the next episode broke" in caplog.text


def test_closing_lets_go(house: House) -> None:
    house.play((0, 900))
    house.episodes.close()
    assert all(stream.closed for stream in house.torrent.streams)
