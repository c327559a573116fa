"""Metadata by a race: one search for each torrent, over a swarm and places that a test scripts."""

from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from gevent.event import Event

from addon.errors import Problem
from addon.playback.metadata import MetadataSearch
from addon.sources.metadata import Answer, Place
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.metainfo import Metainfo
from tests.torrents.build import pack

SHOW = pack("Show", "e1.mkv")
MAGNET = Magnet(SHOW.info_hash)
OTHER = Magnet(InfoHash("cd" * 20))


class FakeTorrent:
    def __init__(self, metainfo: Metainfo | None = None) -> None:
        self.metainfo = metainfo
        self.failure: Problem | None = None
        self.known = Event()
        self.given: list[Metainfo] = []
        self.about_to_read: list[bool] = []

    def wait_metadata(self, timeout: float, *, to_read: bool = False) -> Metainfo | None:
        self.about_to_read.append(to_read)
        self.known.wait(timeout)
        if self.failure is not None:
            raise self.failure
        return self.metainfo

    def give_metadata(self, metainfo: Metainfo) -> None:
        if self.metainfo is None:
            self.given.append(metainfo)
            self.learn(metainfo)

    def learn(self, metainfo: Metainfo) -> None:
        self.metainfo = metainfo
        self.known.set()


class FakeSwarm:
    def __init__(self, *, p2p: bool) -> None:
        self.p2p = p2p
        self.problem: Problem | None = None
        self.added: list[FakeTorrent] = []

    def add(self, magnet: Magnet, metainfo: Metainfo | None = None) -> Any:
        if self.problem is not None:
            raise self.problem
        if not self.added:
            self.added.append(FakeTorrent(metainfo))
        return self.added[0]


class FakePlaces:
    """Two places: one answers by ``say``, the other never."""

    def __init__(self) -> None:
        self.asked = 0
        self.running = 0
        self.answer: Event = Event()
        self.metainfo: Metainfo | None = None
        self.names = ["one", "silent"]

    def places(self, magnet: Magnet) -> list[Place]:
        return [Place(name, f"https://{name}/") for name in self.names]

    def find(
        self, magnet: Magnet, deadline: float, told: Callable[[Answer], None]
    ) -> Metainfo | None:
        self.asked += 1
        self.running += 1
        try:
            self.answer.wait()
            told(Answer(self.places(magnet)[0], self.metainfo, "is of no use"))
            return self.metainfo
        finally:
            self.running -= 1

    def say(self, metainfo: Metainfo | None) -> None:
        self.metainfo = metainfo
        self.answer.set()
        gevent.sleep(0.01)


class Bench:
    def __init__(self, *, p2p: bool = True, places: bool = True) -> None:
        self.swarm = FakeSwarm(p2p=p2p)
        self.places = FakePlaces()
        self.found: list[tuple[Any, Metainfo]] = []
        swarm: Any = self.swarm
        given: Any = self.places if places else None
        self.search = MetadataSearch(swarm, given, lambda *told: self.found.append(told))

    @property
    def torrent(self) -> FakeTorrent:
        return self.swarm.added[0]

    @property
    def there(self) -> Any:
        """The same, as the search gives it back."""
        return self.torrent


@pytest.fixture
def bench() -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(**more: bool) -> Bench:
        made.append(Bench(**more))
        return made[-1]

    yield make
    for one in made:
        one.search.close()
        assert one.places.running == 0


Make = Callable[..., Bench]


def test_whoever_asks_joins_the_search_that_runs(bench: Make) -> None:
    b = bench()
    searches = {id(b.search.begin(MAGNET)) for _ in range(5)}
    gevent.sleep(0)
    assert (len(searches), b.places.asked, len(b.swarm.added)) == (1, 1, 1)
    assert id(b.search.begin(OTHER)) not in searches


def test_the_swarm_brings_it_and_the_rest_stop(bench: Make) -> None:
    b = bench()
    search = b.search.begin(MAGNET)
    assert search.wait(0.01, to_read=True) is None
    assert (b.places.running, search.alive) == (1, True)
    b.torrent.learn(SHOW)
    assert search.wait(1) is b.there
    assert (b.places.running, search.alive) == (0, False)
    assert b.torrent.about_to_read == [True, False]
    assert b.found == [], "the session tells by itself what peers brought"


def test_a_place_brings_it_and_the_torrent_of_the_session_gets_it(bench: Make) -> None:
    b = bench()
    search = b.search.begin(MAGNET)
    waiting = gevent.spawn(search.wait, 5)
    gevent.sleep(0)
    b.places.say(SHOW)
    assert waiting.get(timeout=1) is b.there
    assert b.torrent.given == [SHOW]
    assert [answer.place.name for answer in search.answers] == ["one"]
    assert search.silent == ["silent"]
    assert b.found == []


def test_without_p2p_a_place_brings_torrent_and_metadata(bench: Make) -> None:
    b = bench(p2p=False)
    search = b.search.begin(MAGNET)
    assert b.swarm.added == []
    assert search.wait(0.01) is None
    b.places.say(SHOW)
    assert search.wait(1) is b.there
    assert b.torrent.metainfo == SHOW
    assert b.found == [(b.torrent, SHOW)]


def test_without_p2p_nobody_is_waited_for_who_cannot_come(bench: Make) -> None:
    b = bench(p2p=False)
    search = b.search.begin(MAGNET)
    waiting = gevent.spawn(search.wait, 60)
    gevent.sleep(0)
    b.places.say(None)
    assert waiting.get(timeout=1) is None
    assert [answer.reason for answer in search.answers] == ["is of no use"]


def test_with_nobody_to_ask_it_is_over_at_once(bench: Make) -> None:
    b = bench(p2p=False, places=False)
    search = b.search.begin(MAGNET)
    assert (search.asked, search.alive) == (0, False)
    assert search.wait(60) is None


def test_with_sources_switched_off_the_swarm_is_asked_alone(bench: Make) -> None:
    b = bench(places=False)
    search = b.search.begin(MAGNET)
    assert search.wait(0.01) is None
    b.torrent.learn(SHOW)
    assert search.wait(1) is b.there


def test_after_the_places_said_no_the_swarm_may_still_bring_it(bench: Make) -> None:
    b = bench()
    search = b.search.begin(MAGNET)
    gevent.sleep(0)
    b.places.say(None)
    assert not search.alive
    waiting = gevent.spawn(search.wait, 5)
    gevent.sleep(0)
    b.torrent.learn(SHOW)
    assert waiting.get(timeout=1) is b.there


def test_a_search_that_is_over_begins_anew(bench: Make) -> None:
    b = bench()
    first = b.search.begin(MAGNET)
    gevent.sleep(0)
    b.places.say(None)
    assert b.search.begin(MAGNET) is not first
    gevent.sleep(0)
    assert b.places.asked == 2
    assert len(b.swarm.added) == 1


def test_what_stopped_the_torrent_is_told(bench: Make) -> None:
    b = bench()
    search = b.search.begin(MAGNET)
    b.torrent.failure = Problem("bad-torrent", "It broke.")
    with pytest.raises(Problem, match="It broke"):
        search.wait(0.01)


def test_a_full_session_is_told_with_p2p_and_without(
    bench: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    full = Problem("busy", "No room.")
    b = bench()
    b.swarm.problem = full
    with pytest.raises(Problem, match="No room"):
        b.search.begin(MAGNET)
    b = bench(p2p=False)
    b.swarm.problem = full
    search = b.search.begin(MAGNET)
    gevent.sleep(0)
    b.places.say(SHOW)
    with pytest.raises(Problem, match="No room"):
        search.wait(1)
    assert b.found == []
    assert capsys.readouterr().err == "", "gevent prints what a greenlet raises"
    b.swarm.problem = None
    assert b.search.begin(MAGNET).wait(1) is b.there, "the next one may find room"


def test_who_stops_waiting_stops_nothing(bench: Make) -> None:
    b = bench()
    search = b.search.begin(MAGNET)
    waiting = gevent.spawn(search.wait, 60)
    gevent.sleep(0)
    waiting.kill()
    assert (b.places.running, search.alive) == (1, True)


def test_removing_a_torrent_ends_its_search_alone(bench: Make) -> None:
    b = bench()
    search, other = b.search.begin(MAGNET), b.search.begin(OTHER)
    gevent.sleep(0)
    b.search.stop(MAGNET.info_hash)
    b.search.stop(MAGNET.info_hash)
    assert (search.alive, other.alive, b.places.running) == (False, True, 1)


def test_closing_ends_all_and_lets_go_of_whoever_waits(bench: Make) -> None:
    b = bench(p2p=False)
    waiting = [gevent.spawn(b.search.begin(magnet).wait, 60) for magnet in (MAGNET, OTHER)]
    gevent.sleep(0)
    b.search.close()
    assert [task.get(timeout=1) for task in waiting] == [None, None]
    assert b.places.running == 0
