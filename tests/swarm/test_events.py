"""What libtorrent's alerts do to the torrent they name; the alerts are made up here."""

import errno
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
import libtorrent as lt
import pytest
from gevent.threadpool import ThreadPool

from addon.errors import Problem
from addon.swarm.events import TorrentAlerts
from addon.swarm.storage import Storage
from addon.swarm.torrent import Progress
from addon.torrents.magnet import Magnet
from addon.torrents.metainfo import Metainfo, load_torrent
from tests.torrents.build import real

TRACKERS = ("http://t.example/passkey/announce",)


def alert(kind: type, handle: Any, **fields: Any) -> Any:
    """An alert as libtorrent's own class has it: only its thread can make real ones."""
    made: Any = type(kind.__name__, (kind,), {"__init__": lambda self: None, "handle": handle})
    for name, value in fields.items():
        setattr(made, name, value)
    return made()


def error(code: int = 0, message: str = "") -> Any:
    return SimpleNamespace(value=lambda: code, message=lambda: message)


class FakeHandle:
    """``info``: the metadata peers have sent; ``pieces``: what libtorrent has checked."""

    def __init__(self, raw: bytes) -> None:
        self.info: Any = lt.load_torrent_buffer(raw).ti
        self.pieces = [True, False, True]

    def torrent_file(self) -> Any:
        return self.info

    def status(self, flags: int) -> Any:
        assert flags == lt.status_flags_t.query_pieces
        return SimpleNamespace(pieces=self.pieces)


class FakeTorrent:
    """Notes in ``told`` what it hears, in order."""

    def __init__(self, handle: FakeHandle, metainfo: Metainfo) -> None:
        self.key = metainfo.info_hash.key
        self.magnet = Magnet(metainfo.info_hash, trackers=TRACKERS)
        self.handle = handle
        self.metainfo: Metainfo | None = None
        self.given: Metainfo | None = None
        self.progress = Progress()
        self.trackers: dict[str, str] = {}
        self.told: list[tuple[Any, ...]] = []

    def described(self, metainfo: Metainfo) -> None:
        self.metainfo = metainfo
        self.told.append(("described",))

    def verified_bytes(self) -> int:
        return 1000

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *what: self.told.append((name, *what))


class Case:
    """One torrent in the session, and what hears its alerts."""

    def __init__(self, folder: Path, pool: ThreadPool) -> None:
        self.whole = load_torrent(real(folder, {"film.mkv": bytes(range(256)) * 160}, "v1"))
        self.handle = FakeHandle(self.whole.raw)
        self.torrent = FakeTorrent(self.handle, self.whole)
        self.metadata: list[Metainfo] = []
        self.breaks: Exception | None = None
        self.alerts = TorrentAlerts(pool, Storage(folder), self.heard)
        self.alerts.handles[self.handle] = self.torrent  # type: ignore[index, assignment]

    def heard(self, torrent: Any, metainfo: Metainfo) -> None:
        assert torrent is self.torrent
        if self.breaks is not None:
            raise self.breaks
        self.metadata.append(metainfo)
        self.torrent.told.append(("heard",))

    def says(self, kind: type, **fields: Any) -> list[tuple[Any, ...]]:
        """One alert about the torrent, and all it has been told so far."""
        self.alerts.handle(alert(kind, self.handle, **fields))
        return self.torrent.told

    def problem(self) -> Problem:
        """What the torrent failed with."""
        ((name, problem),) = self.torrent.told
        assert name == "fail"
        assert isinstance(problem, Problem)
        return problem


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    pool = ThreadPool(1)
    yield Case(tmp_path, pool)
    pool.kill()


def settled(case: Case, last: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """All that the torrent has been told, once it has heard ``last``."""
    with gevent.Timeout(5):
        while case.torrent.told[-1:] != [last]:
            gevent.sleep(0.005)
    return case.torrent.told


def test_a_piece_finishes(case: Case) -> None:
    assert case.says(lt.piece_finished_alert, piece_index=7) == [("piece_finished", 7)]


def test_a_flush_is_answered(case: Case) -> None:
    assert case.says(lt.cache_flushed_alert) == [("cache_flushed",)]


def test_a_piece_is_read_back_and_copied(case: Case) -> None:
    buffer = bytearray(b"data")
    told = case.says(lt.read_piece_alert, piece=7, error=error(), buffer=buffer)
    buffer[:] = b"dead"  # the alert's memory goes with the next pop_alerts
    assert told == [("piece_read", 7, b"data", "")]


def test_a_piece_cannot_be_read_back(case: Case) -> None:
    told = case.says(lt.read_piece_alert, piece=7, error=error(5, "I/O error"), buffer=None)
    assert told == [("piece_read", 7, None, "I/O error")]


def test_what_concerns_no_torrent_of_ours_is_nobodys(case: Case) -> None:
    case.alerts.handle(alert(lt.piece_finished_alert, "another", piece_index=7))
    case.alerts.handle(alert(lt.piece_finished_alert, None, piece_index=7))
    case.alerts.handle(alert(lt.udp_error_alert, None))
    assert case.torrent.told == []


def test_metadata_is_told_to_everybody_before_the_torrent_settles(case: Case) -> None:
    case.says(lt.metadata_received_alert)
    finished = ("finished_pieces", [True, False, True])
    told = settled(case, finished)
    assert told == [("described",), ("heard",), ("settle",), finished]
    (metainfo,) = case.metadata
    assert case.torrent.metainfo is metainfo
    assert metainfo.info_hash == case.whole.info_hash
    assert metainfo.files == case.whole.files
    assert metainfo.trackers == TRACKERS, "what the magnet knew is kept with it"


def test_metadata_that_is_gone_again_fails_the_torrent(case: Case) -> None:
    case.handle.info = None
    case.says(lt.metadata_received_alert)
    with gevent.Timeout(5):
        while not case.torrent.told:
            gevent.sleep(0.005)
    assert case.problem().code == "no-metadata"
    assert case.metadata == []


def test_a_torrent_settles_even_if_whoever_hears_of_it_breaks(
    case: Case, capfd: pytest.CaptureFixture[str]
) -> None:
    # Unsettled, libtorrent would download the whole torrent.
    case.breaks = OSError("the database is locked")
    case.says(lt.metadata_received_alert)
    with gevent.Timeout(2, False):
        while ("settle",) not in case.torrent.told:
            gevent.sleep(0.005)
    capfd.readouterr()
    assert ("settle",) in case.torrent.told


def test_a_check_of_old_files_says_what_is_there(case: Case) -> None:
    case.says(lt.torrent_checked_alert)
    gevent.sleep(0.05)
    assert case.torrent.told == [], "pieces cannot be told apart yet"
    case.torrent.metainfo = case.whole
    case.says(lt.torrent_checked_alert)
    assert settled(case, ("finished_pieces", [True, False, True]))


def test_after_lost_alerts_every_torrent_is_asked(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    case.torrent.metainfo = case.whole
    case.says(lt.alerts_dropped_alert)
    assert settled(case, ("finished_pieces", [True, False, True]))
    assert "lost alerts" in caplog.text


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_with_what_is_missing(case: Case, code: int) -> None:
    case.torrent.metainfo = case.whole
    case.says(lt.file_error_alert, error=error(code, "No space left on device"))
    problem = case.problem()
    assert problem.code == "disk-full"
    assert "free" in problem.detail


def test_a_broken_disk_is_told_with_its_reason(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    case.says(lt.file_error_alert, error=error(errno.EIO, "Input/output error"))
    problem = case.problem()
    assert (problem.code, bool(problem.retry_after)) == ("busy", True)
    assert "Input/output error" in problem.detail
    assert "Input/output error" in caplog.text


def test_a_torrent_that_libtorrent_gives_up(case: Case) -> None:
    case.says(lt.torrent_error_alert, error=error(1, "missing piece layers"))
    assert case.problem().code == "bad-torrent"
    assert "missing piece layers" in case.problem().detail


def test_trackers_are_known_by_their_host_because_the_rest_is_a_passkey(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    url = "http://t.example/passkey/announce"
    case.says(lt.tracker_reply_alert, url=url, num_peers=4)
    assert case.torrent.trackers == {"t.example": "4 peers"}
    case.says(
        lt.tracker_error_alert,
        url=url,
        error_message=lambda *_: "unregistered torrent",
        error=error(1, "failure"),
    )
    assert case.torrent.trackers == {"t.example": "unregistered torrent"}
    case.says(
        lt.tracker_error_alert,
        url="udp://u.example:1/passkey",
        error_message=lambda *_: "",
        error=error(1, "timed out"),
    )
    assert case.torrent.trackers["u.example"] == "timed out"
    assert "t.example: unregistered torrent" in caplog.text
    assert "passkey" not in caplog.text + str(case.torrent.trackers)


def test_what_the_swarm_says_of_a_torrent(case: Case) -> None:
    status = SimpleNamespace(
        handle=case.handle,
        num_peers=5,
        num_seeds=2,
        download_payload_rate=1000,
        upload_payload_rate=10,
        total_payload_download=4000,
    )
    stranger = SimpleNamespace(handle="another")
    case.says(lt.state_update_alert, status=[stranger, status])
    assert case.torrent.progress == Progress(5, 2, 1000, 10, 4000)
