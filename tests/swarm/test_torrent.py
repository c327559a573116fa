"""One torrent's rules, with a recording handle in libtorrent's place: the flush fence above all."""

import gevent
import pytest
from gevent.threadpool import ThreadPool

from addon.errors import Problem
from addon.swarm import pieces as fencing
from addon.swarm import torrent as module
from addon.swarm.storage import Storage
from addon.swarm.torrent import Torrent
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.metainfo import File, Metainfo

KEY = "c" * 40
PIECES = 40
FIRST = File(index=0, path="pack/one.mkv", offset=0, length=10_500)
SECOND = File(index=1, path="pack/two.mkv", offset=10_500, length=29_500)


class FakeHandle:
    """Records what libtorrent is asked; answers come when the test gives them."""

    def __init__(self):
        self.priorities = []
        self.calls = []
        self.flushes = 0

    def prioritize_pieces(self, wanted):
        self.priorities = list(wanted)
        self.calls.append("prioritize")

    def piece_priority(self, index, priority):
        self.priorities[index] = priority

    def set_flags(self, flags):
        self.calls.append("set")

    def unset_flags(self, flags):
        self.calls.append("unset")

    def clear_piece_deadlines(self):
        self.calls.append("clear")

    def set_piece_deadline(self, index, after):
        self.calls.append(("deadline", index))

    def flush_cache(self):
        self.flushes += 1

    def read_piece(self, index):
        self.calls.append(("read", index))


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.setattr(fencing, "FENCE_INTERVAL", 0.01)
    monkeypatch.setattr(module, "RELEASE_DELAY", 0.02)
    pool = ThreadPool(1)
    storage = Storage(tmp_path)
    info_hash = InfoHash(KEY, None)
    torrent = Torrent(KEY, info_hash, Magnet(info_hash), FakeHandle(), storage, pool)
    torrent.described(
        Metainfo(
            info_hash=info_hash,
            name="pack",
            piece_length=1000,
            piece_count=PIECES,
            total_size=PIECES * 1000,
            files=(FIRST, SECOND),
            private=False,
            trackers=(),
            web_seeds=(),
            raw=b"",
        )
    )
    torrent.settle()
    yield torrent
    torrent.failure = Problem("busy", "The test is over.")
    torrent.stop()
    pool.kill()


def test_nothing_is_wanted_until_somebody_reads_and_then_only_that_file(made):
    assert made.handle.priorities == [0] * PIECES
    reader = made.open(FIRST, 3500, FIRST.length)
    assert made.handle.priorities == [0] * 3 + [4] * 8 + [0] * 29
    assert made.handle.calls[-1] == ("deadline", 3)
    assert made.handle.calls[-4:-1] == ["set", "unset", "set"]
    reader.close()
    gevent.sleep(0.06)
    assert made.handle.priorities == [0] * PIECES


def test_what_is_fetched_ahead_of_players_is_only_its_range(made):
    reader = made.open(SECOND, 0, 1, ahead=False)
    assert [i for i, p in enumerate(made.handle.priorities) if p] == [10]
    assert made.readers == 0
    reader.close()


def test_the_tail_follows_the_head_and_is_dropped_by_a_seek(made, monkeypatch):
    monkeypatch.setattr(module, "TAIL_BYTES", 1500)
    head = made.open(SECOND, 0, SECOND.length)
    made.piece_finished(10)
    assert made.handle.priorities[38:] == [7, 7]
    head.close()
    seek = made.open(SECOND, 15_000, SECOND.length)
    assert made.handle.priorities[38:] == [4, 4]
    seek.close()


def test_a_seek_within_the_release_delay_never_drops_the_interest(made):
    first = made.open(FIRST, 0, FIRST.length)
    first.close()
    second = made.open(FIRST, 5000, FIRST.length)
    gevent.sleep(0.05)
    assert made.handle.priorities[5] == 4
    second.close()


def test_a_piece_is_on_file_only_behind_the_fence(made):
    reader = made.open(FIRST, 0, FIRST.length)
    made.piece_finished(0)
    assert made.has_piece(0)
    gevent.sleep(0.03)
    assert made.handle.flushes == 1
    assert not made.on_file(0)
    made.piece_finished(1)
    made.cache_flushed()
    gevent.sleep(0)
    assert made.on_file(0)
    assert not made.on_file(1), "it was finished after the fence was asked for"
    gevent.sleep(0.03)
    made.cache_flushed()
    gevent.sleep(0)
    assert made.on_file(1)
    reader.close()


def test_the_answer_to_an_abandoned_flush_says_nothing_about_a_later_one(made, monkeypatch):
    monkeypatch.setattr(fencing, "FENCE_INTERVAL", 60)
    monkeypatch.setattr(fencing, "FENCE_TIMEOUT", 0.02)
    made.piece_finished(0)
    assert made.pieces.fence() is False
    monkeypatch.setattr(fencing, "FENCE_TIMEOUT", 1.0)
    made.piece_finished(1)
    second = gevent.spawn(made.pieces.fence)
    gevent.sleep(0.01)
    made.cache_flushed()
    gevent.sleep(0.01)
    assert not second.ready()
    assert not made.on_file(1)
    made.cache_flushed()
    assert second.get(timeout=1) is True
    assert made.on_file(0)
    assert made.on_file(1)


def test_what_is_on_file_is_kept_and_nothing_more(made, monkeypatch):
    folder = made.storage.folder(KEY) / "pack"
    folder.mkdir()
    (folder / "one.mkv").touch()
    monkeypatch.setattr(fencing, "FENCE_INTERVAL", 60)
    made.piece_finished(2)
    done = gevent.spawn(made.pieces.fence)
    gevent.sleep(0.01)
    made.cache_flushed()
    assert done.get(timeout=1)
    made.piece_finished(3)
    made.pieces.save()
    kept = made.storage.load_pieces(KEY, made.metainfo)
    assert [i for i, there in enumerate(kept) if there] == [2]


def test_one_read_of_a_piece_serves_everybody_who_waits(made):
    made.piece_finished(4)
    waiting = [gevent.spawn(made.read_piece, 4) for _ in range(3)]
    gevent.sleep(0)
    made.piece_read(4, b"data", "")
    assert [task.get(timeout=1) for task in waiting] == [b"data"] * 3
    assert made.handle.calls.count(("read", 4)) == 1


def test_a_failed_read_is_an_error_with_its_reason(made):
    task = gevent.spawn(made.read_piece, 4)
    gevent.sleep(0)
    made.piece_read(4, None, "no such piece")
    with pytest.raises(OSError, match="no such piece"):
        task.get(timeout=1)


def test_failing_wakes_every_reader_and_lets_no_new_ones_in(made):
    reader = made.open(FIRST, 0, FIRST.length)
    task = gevent.spawn(reader.wait_first, 5)
    gevent.sleep(0)
    made.fail(Problem("disk-full", "No room."))
    with pytest.raises(Problem, match="No room"):
        task.get(timeout=1)
    with pytest.raises(Problem, match="No room"):
        made.open(FIRST, 0, 1)
    reader.close()


def test_a_piece_that_was_on_its_way_when_the_disk_failed_is_not_taken_for_there(made):
    made.open(FIRST, 0, FIRST.length)
    made.piece_finished(0)
    while made.handle.flushes == 0:
        gevent.sleep(0.01)
    made.cache_flushed()
    gevent.sleep(0.01)
    made.piece_finished(1)
    while made.handle.flushes == 1:
        gevent.sleep(0.01)
    made.piece_finished(2)
    made.fail(Problem("disk-full", "No room."))
    made.cache_flushed()
    gevent.sleep(0.05)
    made.piece_finished(3)
    assert [made.on_file(index) for index in range(4)] == [True, False, False, False]
    assert [made.has_piece(index) for index in range(4)] == [True, False, False, False]


def test_pieces_that_finish_before_their_number_is_known_are_asked_for_again(tmp_path):
    pool = ThreadPool(1)
    info_hash = InfoHash(KEY, None)
    torrent = Torrent(KEY, info_hash, Magnet(info_hash), FakeHandle(), Storage(tmp_path), pool)
    torrent.piece_finished(5)
    torrent.described(
        Metainfo(
            info_hash=info_hash,
            name="film",
            piece_length=1000,
            piece_count=10,
            total_size=10_000,
            files=(File(index=0, path="film", offset=0, length=10_000),),
            private=False,
            trackers=(),
            web_seeds=(),
            raw=b"",
        )
    )
    assert not torrent.has_piece(5)
    torrent.finished_pieces([False] * 5 + [True])
    assert torrent.has_piece(5)
    assert torrent.verified_bytes() == 1000
    torrent.failure = Problem("busy", "The test is over.")
    torrent.stop()
    pool.kill()


def test_verified_bytes_of_a_file_count_only_its_share_of_a_piece(made):
    made.piece_finished(10)
    assert made.verified_bytes(FIRST) == 500
    assert made.verified_bytes(SECOND) == 500
    assert made.verified_bytes() == 1000


def test_an_idle_reader_gives_way_and_comes_back(made):
    old = made.open(FIRST, 0, FIRST.length)
    new = made.open(SECOND, 0, SECOND.length)
    old.stall(frozen=True)
    assert made.handle.priorities[0] == 0
    assert made.handle.priorities[11] == 4
    old.stall(frozen=False)
    assert made.handle.priorities[0] == 7
    old.close()
    new.close()


def test_utp_is_tried_for_a_while_where_tcp_finds_nobody(made):
    torrent = made
    assert not torrent.lonely(100.0), "nobody reads"
    reader = torrent.open(FIRST, 0, FIRST.length)
    assert not torrent.lonely(200.0)
    assert not torrent.lonely(208.0)
    assert torrent.lonely(208.1)
    assert torrent.lonely(237.9)
    assert not torrent.lonely(238.1), "it found nobody either"
    torrent.progress.peers = 1
    assert not torrent.lonely(239.0)
    torrent.progress.peers = 0
    assert not torrent.lonely(240.0), "the time begins anew"
    reader.close()


def test_a_piece_that_is_never_read_back_is_an_error_and_no_timeout(made, monkeypatch):
    monkeypatch.setattr(module, "READ_TIMEOUT", 0.02)
    with pytest.raises(OSError, match="piece 4 was not read back"):
        made.read_piece(4)
