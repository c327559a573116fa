"""The fence: a piece is on file only when a flush that was asked for after it has been answered."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import gevent
import pytest

from addon.swarm import pieces as module
from addon.swarm.pieces import Pieces
from addon.swarm.storage import Storage
from addon.torrents.metainfo import File, Metainfo
from tests.torrents.build import pack

KEY = "ab" * 20
COUNT = 10
ONE = File(0, "film/one.mkv", 0, 4500)
TWO = File(1, "film/two.mkv", 4500, 5200)
METAINFO = replace(
    pack("film"), piece_length=1000, piece_count=COUNT, total_size=9700, files=(ONE, TWO)
)


class FakeDisk:
    """Counts what it is asked; the test answers."""

    def __init__(self) -> None:
        self.asked = 0

    def flush_cache(self) -> None:
        self.asked += 1


class Case:
    """The pieces of one torrent with both its files there; ``fenced`` counts what readers hear."""

    def __init__(self, folder: Path) -> None:
        self.storage = Storage(folder)
        self.disk = FakeDisk()
        self.fenced = 0
        for file in METAINFO.files:
            path = self.storage.folder(KEY) / file.path
            path.parent.mkdir(exist_ok=True)
            path.touch()
        self.pieces = self.make()

    def make(self, metainfo: Metainfo = METAINFO) -> Pieces:
        return Pieces(KEY, metainfo, self.storage, self.disk, self._heard)

    def _heard(self) -> None:
        self.fenced += 1

    def kept(self) -> list[int] | None:
        """The pieces that the next start will believe in."""
        kept = self.storage.load_pieces(KEY, METAINFO)
        return None if kept is None else [index for index in range(COUNT) if kept[index]]

    def asks(self) -> "gevent.Greenlet[[], bool]":
        """A fence that waits for its answer."""
        task = gevent.spawn(self.pieces.fence)
        gevent.sleep(0)
        return task


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    # The fences of these tests are asked for by hand.
    monkeypatch.setattr(module, "FENCE_INTERVAL", 60)
    case = Case(tmp_path)
    yield case
    case.pieces.close(keep=False)


def test_finished_is_not_on_file(case: Case) -> None:
    assert case.pieces.finish(3)
    assert case.pieces.has(3)
    assert not case.pieces.on_file(3)
    task = case.asks()
    assert (case.disk.asked, case.fenced) == (1, 0)
    assert not case.pieces.on_file(3)
    case.pieces.flushed()
    assert task.get(timeout=1) is True
    assert case.pieces.on_file(3)
    assert case.fenced == 1


def test_a_piece_is_finished_once(case: Case) -> None:
    assert case.pieces.finish(3) is True
    assert case.pieces.finish(3) is False
    task = case.asks()
    case.pieces.flushed()
    task.get(timeout=1)
    assert case.pieces.finish(3) is False
    assert case.pieces.on_file(3), "it does not fall back"


def test_a_fence_holds_what_was_finished_before_it_and_nothing_later(case: Case) -> None:
    case.pieces.finish(1)
    task = case.asks()
    case.pieces.finish(2)
    case.pieces.flushed()
    task.get(timeout=1)
    assert [case.pieces.on_file(index) for index in (1, 2)] == [True, False]
    task = case.asks()
    case.pieces.flushed()
    task.get(timeout=1)
    assert case.pieces.on_file(2)


def test_the_answers_of_fences_that_were_given_up_are_counted(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FENCE_TIMEOUT", 0.01)
    case.pieces.finish(1)
    for _ in range(2):
        assert case.pieces.fence() is False
    monkeypatch.setattr(module, "FENCE_TIMEOUT", 5.0)
    case.pieces.finish(2)
    task = case.asks()
    for _ in range(2):
        case.pieces.flushed()
        gevent.sleep(0.01)
        assert not task.ready(), "this is the answer to an earlier question"
    assert not case.pieces.on_file(1)
    case.pieces.flushed()
    assert task.get(timeout=1) is True
    assert case.pieces.on_file(1)
    assert case.pieces.on_file(2)


def test_a_fence_that_is_cut_short_forgets_nothing(case: Case) -> None:
    case.pieces.finish(1)
    case.asks().kill()
    task = case.asks()
    case.pieces.flushed()
    case.pieces.flushed()
    assert task.get(timeout=1) is True
    assert case.pieces.on_file(1)


def test_a_fence_of_nothing_asks_nobody(case: Case) -> None:
    assert case.pieces.fence() is True
    assert (case.disk.asked, case.fenced) == (0, 0)


def test_the_fence_runs_while_pieces_finish_and_then_rests(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FENCE_INTERVAL", 0.01)
    for index in range(3):
        case.pieces.finish(index)
    gevent.sleep(0.03)
    assert case.disk.asked == 1, "one flush for all, and no second before its answer"
    case.pieces.flushed()
    gevent.sleep(0.03)
    assert all(case.pieces.on_file(index) for index in range(3))
    assert case.disk.asked == 1
    assert case.kept() == [0, 1, 2]
    case.pieces.finish(7)
    gevent.sleep(0.03)
    assert case.disk.asked == 2


def test_a_disk_that_does_not_answer_is_asked_again(
    case: Case, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "FENCE_INTERVAL", 0.01)
    monkeypatch.setattr(module, "FENCE_TIMEOUT", 0.01)
    case.pieces.finish(1)
    with gevent.Timeout(5):
        while case.disk.asked < 2:
            gevent.sleep(0.01)
    assert "the disk took more than" in caplog.text
    assert not case.pieces.on_file(1)
    monkeypatch.setattr(module, "FENCE_TIMEOUT", 5.0)
    with gevent.Timeout(5):
        while not case.pieces.on_file(1):
            case.pieces.flushed()
            gevent.sleep(0.01)


def test_the_map_is_written_at_most_once_a_second_and_at_the_end(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FENCE_INTERVAL", 0.005)
    written: list[bytes] = []
    monkeypatch.setattr(case.storage, "save_pieces", lambda _, states: written.append(states))
    for index in range(6):
        case.pieces.finish(index)
        gevent.sleep(0.01)
        case.pieces.flushed()
        gevent.sleep(0.01)
    assert all(case.pieces.on_file(index) for index in range(6))
    assert len(written) <= 2
    case.pieces.close(keep=True)
    assert sum(written[-1]) == 6


def test_what_is_kept_is_there_after_a_restart(case: Case) -> None:
    for index in (0, 4, 9):
        case.pieces.finish(index)
    task = case.asks()
    case.pieces.flushed()
    task.get(timeout=1)
    case.pieces.finish(5)
    case.pieces.save()
    assert case.kept() == [0, 4, 9], "5 may still be on its way to the disk"
    again = case.make()
    assert [index for index in range(COUNT) if again.on_file(index)] == [0, 4, 9]
    assert again.finish(4) is False


def test_closing_fences_and_keeps_what_is_finished(case: Case) -> None:
    case.pieces.finish(6)
    closing = gevent.spawn(case.pieces.close, keep=True)
    gevent.sleep(0)
    case.pieces.flushed()
    closing.get(timeout=1)
    assert case.kept() == [6]


def test_closing_a_torrent_that_failed_keeps_nothing_new(case: Case) -> None:
    case.pieces.finish(6)
    case.pieces.close(keep=False)
    assert (case.disk.asked, case.kept()) == (0, None)


def test_closing_while_the_disk_is_silent_keeps_what_was_on_file(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.pieces.finish(1)
    task = case.asks()
    case.pieces.flushed()
    task.get(timeout=1)
    case.pieces.finish(2)
    monkeypatch.setattr(module, "FENCE_TIMEOUT", 0.01)
    case.pieces.close(keep=True)
    assert case.kept() == [1]


def test_a_map_that_cannot_be_written_stops_nobody(
    case: Case, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(key: str, states: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(case.storage, "save_pieces", full)
    monkeypatch.setattr(module, "FENCE_INTERVAL", 0.005)
    caplog.set_level(logging.WARNING)
    case.pieces.finish(1)
    gevent.sleep(0.01)
    case.pieces.flushed()
    gevent.sleep(0.01)
    assert case.pieces.on_file(1)
    assert "No space left on device" in caplog.text


def test_verified_bytes_are_each_files_own(case: Case) -> None:
    case.pieces.finish(4)  # half of it is the other file's
    case.pieces.finish(9)  # the last, 700 bytes
    assert case.pieces.verified_bytes(ONE) == 500
    assert case.pieces.verified_bytes(TWO) == 1200
    assert case.pieces.verified_bytes() == 1700
    for index in range(COUNT):
        case.pieces.finish(index)
    assert case.pieces.verified_bytes() == METAINFO.total_size
    assert case.pieces.verified_bytes(ONE) == ONE.length


def test_complete_means_every_piece_of_a_span(case: Case) -> None:
    for index in (2, 3, 5):
        case.pieces.finish(index)
    assert case.pieces.complete(range(2, 4))
    assert not case.pieces.complete(range(2, 6))
    assert case.pieces.complete(range(4, 4)), "an empty file has all it needs"
