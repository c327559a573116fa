"""A reader's bytes: right, in order, complete, and never from behind the fence."""

import os
from pathlib import Path

import gevent
import pytest

from addon.errors import Problem
from addon.swarm.reader import Reader
from addon.torrents.metainfo import File

PIECE = 1000


class Store:
    """A piece store in memory: pieces are finished and fenced when the test says so."""

    piece_length = PIECE

    def __init__(self, path: Path, data: bytes, file: File) -> None:
        self.path, self.data, self.file = path, data, file
        self.finished: set[int] = set()
        self.fenced: set[int] = set()
        self.read_back: list[int] = []
        self.problem: Problem | None = None
        self.readers: list[Reader] = []
        # What is not fenced is not in the file: reading it early would give zeros.
        path.write_bytes(bytes(len(data)))

    def has_piece(self, index):
        return index in self.finished

    def on_file(self, index):
        return index in self.fenced

    def read_piece(self, index):
        self.read_back.append(index)
        return self.data[index * PIECE : (index + 1) * PIECE]

    def path_of(self, file):
        return self.path

    def require_alive(self):
        if self.problem:
            raise self.problem

    def reader_moved(self, reader):
        pass

    def readers_changed(self):
        pass

    def release(self, reader):
        self.readers.remove(reader)

    def open(self, start, stop):
        reader = Reader(self, self.file, start, stop)
        self.readers.append(reader)
        return reader

    def finish(self, *pieces):
        self.finished.update(pieces)
        self.wake()

    def fence(self, *pieces):
        self.finish(*pieces)
        self.fenced.update(pieces)
        with self.path.open("r+b") as out:
            for index in pieces:
                begin = max(0, index * PIECE - self.file.offset)
                end = min(self.file.length, (index + 1) * PIECE - self.file.offset)
                out.seek(begin)
                out.write(self.data[self.file.offset + begin : self.file.offset + end])
        self.wake()

    def wake(self):
        for reader in self.readers:
            reader.wake()


@pytest.fixture
def store(tmp_path):
    data = os.urandom(6 * PIECE)
    return Store(tmp_path / "film", data, File(index=0, path="film", offset=300, length=5000))


def collect(reader):
    out = b""
    for chunk in reader.chunks():
        if isinstance(chunk, bytes):
            out += chunk
        else:
            fd, offset, length = chunk
            out += os.pread(fd, length, offset)
    return out


def expected(store, start, stop):
    return store.data[store.file.offset + start : store.file.offset + stop]


def test_everything_on_file_is_named_in_one_run(store):
    store.fence(*range(6))
    reader = store.open(100, 4700)
    chunks = list(reader.chunks())
    assert len(chunks) == 1
    assert chunks[0][1:] == (100, 4600)
    reader.close()
    reader = store.open(100, 4700)
    assert collect(reader) == expected(store, 100, 4700)
    assert store.read_back == []
    reader.close()
    assert store.readers == []


def test_the_first_piece_is_read_back_when_it_is_not_fenced_yet(store):
    store.finish(1)
    store.fence(2, 3)
    reader = store.open(800, 3000)
    assert collect(reader) == expected(store, 800, 3000)
    assert store.read_back == [1]
    reader.close()


def test_later_pieces_wait_for_the_fence_but_not_for_ever(store, monkeypatch):
    monkeypatch.setattr("addon.swarm.reader.FENCE_PATIENCE", 0.05)
    store.fence(0)
    store.finish(1)
    reader = store.open(0, 1500)
    body = gevent.spawn(collect, reader)
    gevent.sleep(0.02)
    assert not body.ready()
    assert body.get(timeout=2) == expected(store, 0, 1500)
    assert store.read_back == [1]
    reader.close()


def test_a_reader_waits_for_its_piece_and_goes_on_when_it_comes(store):
    reader = store.open(0, 5000)
    body = gevent.spawn(collect, reader)
    for index in (3, 5, 0, 1, 4, 2):
        gevent.sleep(0.005)
        store.fence(index)
    assert body.get(timeout=2) == expected(store, 0, 5000)
    reader.close()


@pytest.fixture
def trickling(monkeypatch):
    """1200 bytes are kept back after 2000, and 100 go out each second without the next piece."""
    for name, value in (("TRICKLED", 1200), ("TRICKLE_RATE", 100), ("TRICKLE_AFTER", 2000)):
        monkeypatch.setattr(f"addon.swarm.reader.{name}", value)

    def patience(seconds):
        monkeypatch.setattr("addon.swarm.reader.TRICKLE_PATIENCE", seconds)

    return patience


def sent_by(reader):
    """Where what it sends begins and how long it is, as it is sent; and the greenlet."""
    sent = []

    def send():
        sent.extend(chunk[1:] for chunk in reader.chunks())

    return sent, gevent.spawn(send)


def test_the_last_bytes_before_a_hole_go_out_slowly(store, trickling):
    trickling(0.01)
    store.fence(0, 1, 2)
    reader = store.open(0, 5000)
    sent, body = sent_by(reader)
    gevent.sleep(0.1)
    # The file begins at byte 300 of its first piece.
    assert sent == [(0, 1500), (1500, 100)]
    assert reader.piece == 3, "it waits for the piece that is missing"
    store.fence(3, 4, 5)
    body.get(timeout=0.5)
    assert sent[2:] == [(1600, 3400)], "and with it the rest goes out at once"
    reader.close()


def test_between_two_pieces_of_a_slow_swarm_nothing_trickles(store, trickling):
    trickling(5.0)
    store.fence(0, 1, 2)
    reader = store.open(0, 5000)
    sent, body = sent_by(reader)
    for index in (3, 4, 5):
        gevent.sleep(0.01)
        store.fence(index)
    body.get(timeout=1)
    assert sent == [(0, 1500), (1500, 1000), (2500, 1000), (3500, 1500)]
    reader.close()


def test_a_request_that_has_just_begun_gets_all_there_is(store, trickling):
    trickling(0.01)
    store.fence(0, 1)
    reader = store.open(0, 5000)
    sent, body = sent_by(reader)
    gevent.sleep(0.05)
    assert sent == [(0, 1700)]
    body.kill()
    reader.close()


def test_what_is_kept_back_comes_before_a_piece_that_is_read_back(store, trickling, monkeypatch):
    trickling(5.0)
    monkeypatch.setattr("addon.swarm.reader.FENCE_PATIENCE", 0.02)
    store.fence(0, 1, 2)
    reader = store.open(0, 3700)
    body = gevent.spawn(collect, reader)
    gevent.sleep(0.01)
    store.finish(3)
    assert body.get(timeout=2) == expected(store, 0, 3700)
    assert store.read_back == [3]
    reader.close()


def test_wait_first_says_whether_a_byte_can_be_had(store):
    reader = store.open(2000, 3000)
    assert reader.wait_first(0.01) is False
    store.finish(2)
    assert reader.wait_first(0.01) is True
    reader.close()


def test_cancel_ends_a_waiting_reader_with_an_error_never_short(store):
    reader = store.open(0, 5000)
    body = gevent.spawn(collect, reader)
    gevent.sleep(0.01)
    reader.cancel()
    with pytest.raises(ConnectionAbortedError):
        body.get(timeout=2)
    reader.close()


def test_the_torrents_problem_reaches_a_waiting_reader(store):
    reader = store.open(0, 5000)
    body = gevent.spawn(collect, reader)
    gevent.sleep(0.01)
    store.problem = Problem("disk-full", "No room.")
    store.wake()
    with pytest.raises(Problem, match="No room"):
        body.get(timeout=2)
    reader.close()


def test_a_piece_that_comes_back_short_is_an_error(store):
    store.finish(1)
    store.data = store.data[:1200]
    reader = store.open(1000, 2000)
    with pytest.raises(OSError, match="short"):
        collect(reader)
    reader.close()


@pytest.mark.parametrize(("start", "stop"), [(-1, 10), (10, 10), (0, 5001), (5000, 5001)])
def test_a_range_outside_the_file_is_refused(store, start, stop):
    with pytest.raises(ValueError, match="no such range"):
        Reader(store, store.file, start, stop)


def test_closing_twice_is_safe_and_closes_the_file(store):
    store.fence(*range(6))
    reader = store.open(0, 5000)
    fd = next(reader.chunks())[0]
    reader.close()
    reader.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)
