"""The resolver's rules, with small fakes at the seams: the swarm and what is kept."""

import gevent
import pytest

from addon.errors import Problem
from addon.playback.journal import Journal
from addon.playback.metadata import MetadataSearch
from addon.playback.resolution import Failure, Redirect, Stored
from addon.playback.resolver import Resolver
from addon.playback.rules import Rules
from addon.torrents.magnet import InfoHash, parse_magnet
from addon.torrents.metainfo import File, Metainfo
from addon.torrents.selection import FileIndex, MainVideo

HASH = InfoHash("b" * 40, None)
FILM = File(index=0, path="film.mkv", offset=0, length=5000)


def metainfo():
    return Metainfo(
        info_hash=HASH,
        name="film.mkv",
        piece_length=1000,
        piece_count=5,
        total_size=5000,
        files=(FILM,),
        private=False,
        trackers=(),
        web_seeds=(),
        raw=b"",
    )


class FakeStream:
    def __init__(self, torrent, start):
        self.torrent, self.start = torrent, start
        self.frozen = False
        self.closed = False

    def wait_first(self, timeout):
        return self.torrent.first_piece.wait(timeout)

    def stall(self, *, frozen):
        self.frozen = frozen

    def close(self):
        self.closed = True


class FakeTorrent:
    def __init__(self):
        self.failure = None
        self.trackers = {"tracker.example": "0 peers"}
        self.metadata = gevent.event.Event()
        self.first_piece = gevent.event.Event()
        self.streams = []
        self.stored = False

    @property
    def metainfo(self):
        return metainfo() if self.metadata.is_set() else None

    def wait_metadata(self, timeout, *, to_read):
        self.metadata.wait(timeout)
        return metainfo() if self.metadata.is_set() else None

    def open(self, file, start, stop):
        self.streams.append(FakeStream(self, start))
        return self.streams[-1]

    def has_byte(self, file, position):
        return self.stored

    def peers_seen(self):
        return 0, 0


class FakeSwarm:
    p2p = True

    def __init__(self, torrent):
        self.torrent = torrent
        self.added = 0
        self.no_room = None
        self.reserved = []

    def get(self, info_hash):
        return self.torrent if self.added else None

    def add(self, magnet, metainfo=None):
        self.added += 1
        self.torrent.failure = None  # as the session does: it is added anew
        return self.torrent

    def reserve(self, info_hash, file, needed=None):
        self.reserved.append(needed)
        if self.no_room:
            raise self.no_room
        return self.torrent


class FakeKept:
    def __init__(self, known=True):
        self.known = known
        self.lost = False

    def magnet(self, info_hash):
        return parse_magnet(f"magnet:?xt=urn:btih:{HASH.v1}") if self.known else None

    def metainfo(self, info_hash):
        return None

    def was_lost(self, info_hash):
        return self.lost


@pytest.fixture
def torrent():
    return FakeTorrent()


@pytest.fixture
def make(torrent):
    made = []

    def build(budget=5.0, known=True):
        swarm = FakeSwarm(torrent)
        search = MetadataSearch(swarm, None, found=None)
        rules = Rules(budget=budget, sources=False)
        resolver = Resolver(swarm, FakeKept(known), Journal(), rules, search, None, None)
        made.append(resolver)
        return resolver

    yield build
    for resolver in made:
        resolver.close()


def ask(resolver, wanted=None, start=0):
    return resolver.attempt("install", HASH, wanted or MainVideo(), start)


def test_the_first_verified_piece_makes_it_stored(make, torrent):
    torrent.metadata.set()
    attempt = ask(make(), start=4200)
    assert attempt.wait(0.05) is None
    assert torrent.streams[0].start == 4200
    torrent.first_piece.set()
    resolution = attempt.wait(1)
    assert isinstance(resolution, Stored)
    assert (resolution.file, resolution.served_by) == (FILM, "swarm")
    gevent.sleep(0)
    assert torrent.streams[0].closed
    assert attempt.entry.outcome == "stored"


def test_many_requests_make_one_attempt(make, torrent):
    resolver = make()
    attempts = {id(ask(resolver)) for _ in range(5)}
    assert len(attempts) == 1
    assert id(ask(resolver, FileIndex(0))) not in attempts
    torrent.metadata.set()
    torrent.first_piece.set()
    ask(resolver).wait(1)
    assert id(ask(resolver)) in attempts


def test_what_only_prepares_makes_room_for_both_ends_and_no_player_joins_it(make, torrent):
    resolver = make()
    torrent.metadata.set()
    preparing = resolver.attempt("install", HASH, MainVideo(), 0, prepares=True)
    assert preparing.wait(0.01) is None
    players = ask(resolver)
    assert players is not preparing
    torrent.first_piece.set()
    assert isinstance(preparing.wait(1), Stored)
    assert isinstance(players.wait(1), Stored)
    assert resolver._swarm.reserved == [FILM.length, None]
    gevent.sleep(0)
    again = resolver.attempt("install", HASH, MainVideo(), 0, prepares=True)
    assert again is not preparing, "nothing of it is kept"


def test_no_metadata_says_so_and_names_what_was_tried(make):
    resolution = ask(make(budget=0.1)).wait(2)
    assert isinstance(resolution, Failure)
    assert resolution.problem.code == "no-metadata"
    assert "tracker.example: 0 peers" in resolution.problem.detail
    assert resolution.problem.retry_after


def test_no_piece_says_so_and_the_work_goes_on(make, torrent):
    torrent.metadata.set()
    resolver = make(budget=0.1)
    attempt = ask(resolver)
    resolution = attempt.wait(2)
    assert isinstance(resolution, Failure)
    assert resolution.problem.code == "no-peers"
    gevent.sleep(0.01)
    assert not torrent.streams[0].closed
    torrent.first_piece.set()
    gevent.sleep(0.01)
    assert torrent.streams[0].closed
    assert isinstance(ask(resolver).wait(1), Stored)


def test_a_failure_is_tried_again_by_the_next_request(make, torrent):
    resolver = make(budget=0.05)
    first = ask(resolver)
    assert isinstance(first.wait(1), Failure)
    gevent.sleep(0.01)
    torrent.metadata.set()
    torrent.first_piece.set()
    assert isinstance(ask(resolver).wait(1), Stored)


def test_a_file_that_is_not_there_is_refused(make, torrent):
    torrent.metadata.set()
    resolution = ask(make(), FileIndex(9)).wait(1)
    assert isinstance(resolution, Failure)
    assert resolution.problem.code == "no-such-file"


def test_an_unknown_torrent_is_not_found(make):
    resolution = ask(make(known=False)).wait(1)
    assert isinstance(resolution, Failure)
    assert resolution.problem.code == "not-found"


def test_what_was_lost_with_the_disk_needs_a_database(make, torrent):
    resolver = make(budget=0.1)
    resolver._kept.lost = True
    resolution = ask(resolver).wait(2)
    assert isinstance(resolution, Failure)
    assert resolution.problem.code == "needs-database"
    assert "tracker.example: 0 peers" in resolution.problem.detail
    assert "DATABASE_URL" in resolution.problem.hint
    assert resolution.problem.retry_after


@pytest.mark.parametrize("known", [True, False], ids=["with metadata", "without"])
def test_who_waits_when_the_server_stops_is_let_go(make, torrent, known):
    if known:
        torrent.metadata.set()
    resolver = make()
    attempt = ask(resolver)
    waiting = gevent.spawn(attempt.wait, 5)
    gevent.sleep(0.02)
    assert not waiting.ready()
    resolver.let_go()
    assert waiting.get(timeout=0.5) is None
    assert attempt.abandoned
    late = ask(resolver)
    assert late.wait(5) is None
    assert late.abandoned


def test_what_is_read_no_more_when_the_server_stops_is_no_failure(make, torrent):
    torrent.metadata.set()
    attempt = ask(make())
    assert attempt.wait(0.02) is None

    def cancelled(timeout):
        raise ConnectionAbortedError("cancelled")

    torrent.streams[0].wait_first = cancelled
    assert attempt.wait(1) is None
    assert attempt.abandoned


def test_what_has_been_found_stays_found(make, torrent):
    torrent.metadata.set()
    torrent.first_piece.set()
    resolver = make()
    attempt = ask(resolver)
    assert isinstance(attempt.wait(1), Stored)
    resolver.let_go()
    assert isinstance(attempt.wait(0), Stored)
    assert not attempt.abandoned


def test_a_film_is_read_through_the_store_whatever_the_attempt_ended_with(make, torrent):
    torrent.metadata.set()
    torrent.first_piece.set()
    resolver = make()
    attempt = ask(resolver)
    attempt.wait(1)
    attempt.resolution = Redirect(None, FILM, "My drive", at=0.0)
    stored = resolver.through_store(attempt)
    assert (stored.torrent, stored.file) == (torrent, FILM)
    resolver._swarm.no_room = Problem("disk-full", "No room.")
    with pytest.raises(Problem):
        resolver.through_store(attempt)


def test_a_mistake_of_ours_is_answered_and_not_swallowed(make, torrent, caplog):
    torrent.metadata.set()
    torrent.open = None
    resolution = ask(make()).wait(1)
    assert isinstance(resolution, Failure)
    assert resolution.problem.code == "busy"
    assert "resolution broke" in caplog.text


def test_when_everybody_has_gone_the_deadline_is_dropped_and_comes_back(make, torrent, monkeypatch):
    monkeypatch.setattr("addon.playback.first_piece.ABSENCE", 0.03)
    torrent.metadata.set()
    attempt = ask(make())
    assert attempt.wait(0.05) is None
    gevent.sleep(0.15)
    assert torrent.streams[0].frozen
    waiting = gevent.spawn(attempt.wait, 1)
    gevent.sleep(0.05)
    assert not torrent.streams[0].frozen
    torrent.first_piece.set()
    assert isinstance(waiting.get(timeout=1), Stored)


def test_a_stored_torrent_that_left_the_session_is_resolved_anew(make, torrent):
    torrent.metadata.set()
    torrent.first_piece.set()
    resolver = make()
    first = ask(resolver)
    first.wait(1)
    torrent.failure = Problem("disk-full", "No room.")
    second = ask(resolver)
    assert second is not first
    assert isinstance(second.wait(1), Stored)
    assert torrent.failure is None


def test_a_failed_disk_recovers_on_the_next_try(make, torrent):
    torrent.failure = Problem("disk-full", "No room.")
    torrent.metadata.set()
    torrent.first_piece.set()
    assert isinstance(ask(make()).wait(1), Stored)
    assert torrent.failure is None
