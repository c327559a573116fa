"""What is fetched of a torrent that was just added, before anybody plays it."""

import logging
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from addon.errors import Problem
from addon.playback import ends
from addon.playback import torrents as module
from addon.playback.torrents import About
from addon.swarm.torrent import Progress
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.metainfo import Metainfo, load_torrent
from tests.playback.depot import Depot, FakeTorrent
from tests.torrents.build import real

KB = 1024
FILM = {"Film.2019/Film.2019.mkv": bytes(200 * KB), "Film.2019/sample.mkv": bytes(10 * KB)}
SHOW = {"Show/Show.S01E01.mkv": bytes(90 * KB), "Show/Show.S01E02.mkv": bytes(120 * KB)}


@pytest.fixture
def depot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Depot]:
    monkeypatch.setattr(module, "METADATA_WAIT", 0.03)
    monkeypatch.setattr(ends, "HEAD_BYTES", 64 * KB)
    monkeypatch.setattr(ends, "TAIL_BYTES", 32 * KB)
    depot = Depot(tmp_path)
    yield depot
    depot.close()


@pytest.fixture
def film(tmp_path: Path) -> Metainfo:
    return load_torrent(real(tmp_path / "film", FILM, "v1"))


@pytest.fixture
def show(tmp_path: Path) -> Metainfo:
    return load_torrent(real(tmp_path / "show", SHOW, "v1"))


def prepared(torrent: FakeTorrent) -> list[tuple[str, int, int]]:
    return [stream.range for stream in torrent.streams]


HEAD_AND_TAIL = [("Film.2019.mkv", 0, 64 * KB), ("Film.2019.mkv", 168 * KB, 200 * KB)]


def test_the_head_and_the_tail_of_an_upload_are_fetched_and_let_go(
    depot: Depot, film: Metainfo
) -> None:
    depot.torrents.add_torrent(film.raw, About())
    (torrent,) = depot.swarm.there
    assert prepared(torrent) == HEAD_AND_TAIL
    head, tail = torrent.streams
    head.arrived.set()
    gevent.sleep(0.01)
    assert [head.closed, tail.closed] == [False, False], "held until all is there"
    tail.arrived.set()
    gevent.sleep(0.01)
    assert head.closed
    assert tail.closed


def test_a_magnet_is_prepared_when_its_metadata_comes(depot: Depot, show: Metainfo) -> None:
    depot.torrents.add_magnet(Magnet(show.info_hash), About("tt1", 1, 2))
    torrent = depot.describe(show)
    assert prepared(torrent) == [
        ("Show.S01E02.mkv", 0, 64 * KB),
        ("Show.S01E02.mkv", 88 * KB, 120 * KB),
    ]
    assert len(depot.describe(show).streams) == 2, "once"


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_hybrid_is_prepared_by_whichever_hash_it_was_added(
    depot: Depot, tmp_path: Path, version: str
) -> None:
    hybrid = load_torrent(real(tmp_path / "hybrid", FILM, "hybrid"))
    half = InfoHash(v1=hybrid.info_hash.v1) if version == "v1" else InfoHash(v2=hybrid.info_hash.v2)
    depot.torrents.add_magnet(Magnet(half), About())
    torrent = depot.describe(hybrid)
    assert prepared(torrent) == HEAD_AND_TAIL


def test_nothing_is_prepared_that_nobody_has_just_added(depot: Depot, film: Metainfo) -> None:
    depot.kept.keep(film.magnet(), None)
    depot.swarm.add(film.magnet())
    assert depot.describe(film).streams == []


def test_a_pack_is_added_though_nobody_knows_what_is_played_first(
    depot: Depot, show: Metainfo
) -> None:
    assert depot.torrents.add_torrent(show.raw, About()).status == "ready"
    assert depot.swarm.there[0].streams == []


def test_a_small_film_is_fetched_whole_and_an_empty_one_not_at_all(
    depot: Depot, tmp_path: Path
) -> None:
    raw = real(tmp_path / "small", {"x/a.mkv": bytes(20 * KB), "x/b.mkv": b""}, "v1")
    numbers = {file.name: file.index for file in load_torrent(raw).files}
    depot.torrents.add_torrent(raw, About(file_index=numbers["a.mkv"]))
    (torrent,) = depot.swarm.there
    assert prepared(torrent) == [("a.mkv", 0, 20 * KB)] * 2
    depot.torrents.add_torrent(raw, About(file_index=numbers["b.mkv"]))
    assert len(torrent.streams) == 2


@pytest.mark.parametrize(
    "reason", [Problem("disk-full", "No room."), ConnectionAbortedError("it was removed")]
)
def test_what_cannot_be_prepared_is_let_go_without_a_word(
    depot: Depot, film: Metainfo, reason: Exception, capfd: pytest.CaptureFixture[str]
) -> None:
    depot.torrents.add_torrent(film.raw, About())
    streams = depot.swarm.there[0].streams
    streams[0].reason = reason
    streams[0].arrived.set()
    gevent.sleep(0.01)
    assert all(stream.closed for stream in streams)
    assert capfd.readouterr().err == ""


def test_preparing_takes_its_time_and_no_more(
    depot: Depot, film: Metainfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PREPARE_TIME", 0.02)
    depot.torrents.add_torrent(film.raw, About())
    gevent.sleep(0.06)
    assert all(stream.closed for stream in depot.swarm.there[0].streams)


def test_closing_ends_what_is_being_prepared(depot: Depot, film: Metainfo) -> None:
    depot.torrents.add_torrent(film.raw, About())
    gevent.sleep(0)
    depot.torrents.close()
    assert all(stream.closed for stream in depot.swarm.there[0].streams)


def test_a_head_whose_tail_is_refused_is_let_go(depot: Depot, film: Metainfo) -> None:
    torrent = depot.swarm.add(film.magnet(), film)
    torrent.refuses = [None, Problem("disk-full", "No room.")]
    depot.torrents.add_torrent(film.raw, About())
    assert [stream.closed for stream in torrent.streams] == [True]


def test_the_progress_of_what_is_played_is_logged_when_it_moves(
    depot: Depot, film: Metainfo, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "REPORT_INTERVAL", 0.01)
    depot.torrents.add_torrent(film.raw, About())
    caplog.set_level(logging.INFO, module.__name__)
    (torrent,) = depot.swarm.there
    torrent.verified, torrent.progress = film.total_size // 2, Progress(4, 1, 2_000_000)
    depot.feeding.append("My drive")
    depot.torrents.start()
    gevent.sleep(0.03)
    assert "progress" not in caplog.text, "nobody reads"
    torrent.readers = 1
    gevent.sleep(0.05)
    lines = [message for message in caplog.messages if "progress" in message]
    assert len(lines) == 1
    assert lines[0].startswith(f"[{film.info_hash.key[:8]}] progress: 50.0% (")
    assert lines[0].endswith("/s from 4 peers and My drive")
    torrent.verified += 1
    gevent.sleep(0.03)
    assert len([message for message in caplog.messages if "progress" in message]) == 2
