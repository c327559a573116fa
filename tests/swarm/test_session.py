"""The real session on 127.0.0.1, alone or with one peer of its own; nobody else is looked for."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gevent
import pytest

from addon.errors import Problem
from addon.swarm import session as module
from addon.swarm.session import Swarm, SwarmConfig
from addon.swarm.torrent import Torrent
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.metainfo import Metainfo, load_torrent
from tests.rig.seeder import Seeder
from tests.rig.torrents import Torrent as Made
from tests.rig.torrents import make_torrent

PIECE = 64 * 1024
Make = Callable[..., Swarm]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    swarms = []

    def start(
        folder: str = "cache", on_metadata: Callable[..., None] = lambda *_: None, **more: Any
    ) -> Swarm:
        settings = {"interface": "127.0.0.1", "dht": False, "upnp": False, "allow_private": True}
        swarm = Swarm(SwarmConfig(tmp_path / folder, **(settings | more)), on_metadata)
        swarm.start()
        swarms.append(swarm)
        return swarm

    yield start
    while swarms:
        swarms.pop().close()


@pytest.fixture
def film(tmp_path: Path) -> Made:
    file = tmp_path / "made" / "film.mkv"
    file.parent.mkdir()
    file.write_bytes(bytes(range(256)) * 1500)
    return make_torrent(file, PIECE)


def torrents(folder: Path, count: int) -> list[Metainfo]:
    """Small torrents that differ."""
    made = []
    for number in range(count):
        file = folder / "made" / f"film-{number}.mkv"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(bytes([number]) * 20_000)
        made.append(load_torrent(make_torrent(file, PIECE).raw))
    return made


def add(swarm: Swarm, metainfo: Metainfo) -> Torrent:
    return swarm.add(metainfo.magnet(), metainfo)


def until(look: Callable[[], object], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < end, "waited in vain"
        gevent.sleep(0.01)


def test_it_listens_and_starts_once(make: Make) -> None:
    swarm = make()
    until(lambda: swarm.listening)
    torrent = swarm.add(Magnet(InfoHash("ab" * 20)))
    swarm.start()
    assert swarm.torrents() == [torrent]
    assert torrent.handle.is_valid()


def test_it_looks_for_nobody_that_it_was_not_told_of(make: Make) -> None:
    swarm = make()
    assert swarm._session is not None
    settings: Any = swarm._session.get_settings()
    for name in ("enable_dht", "enable_lsd", "enable_upnp", "enable_natpmp"):
        assert settings[name] is False
    assert settings["dht_bootstrap_nodes"] == settings["webtorrent_stun_server"] == ""
    assert settings["listen_interfaces"].startswith("127.0.0.1:")
    assert settings["outgoing_interfaces"] == "127.0.0.1"


def test_a_magnet_is_added_once_however_many_ask(make: Make) -> None:
    swarm = make()
    magnet = Magnet(InfoHash("ab" * 20))
    tasks = [gevent.spawn(swarm.add, magnet) for _ in range(5)]
    added = {id(task.get(timeout=5)) for task in tasks} | {id(swarm.add(magnet))}
    assert added == {id(swarm.get(magnet.info_hash))}
    (torrent,) = swarm.torrents()
    assert torrent.metainfo is None
    assert torrent.wait_metadata(0.01) is None


def test_a_torrent_is_known_at_once_and_nothing_of_it_is_wanted(make: Make, tmp_path: Path) -> None:
    swarm = make()
    (metainfo,) = torrents(tmp_path, 1)
    torrent = add(swarm, metainfo)
    assert torrent.wait_metadata(0) == metainfo
    assert set(torrent.handle.get_piece_priorities()) == {0}
    assert torrent.verified_bytes() == 0


def test_a_hybrid_is_one_torrent_by_either_hash(make: Make, tmp_path: Path) -> None:
    swarm = make()
    file = tmp_path / "film.mkv"
    file.write_bytes(bytes(20_000))
    made = load_torrent(make_torrent(file, PIECE, "hybrid").raw)
    torrent = add(swarm, made)
    for half in (InfoHash(made.info_hash.v1), InfoHash(None, made.info_hash.v2)):
        assert swarm.get(half) is torrent
        assert swarm.add(Magnet(half)) is torrent
    assert swarm.get(InfoHash("cd" * 20)) is None


def test_a_torrent_that_libtorrent_refuses_can_be_tried_again(make: Make, tmp_path: Path) -> None:
    swarm = make()
    (metainfo,) = torrents(tmp_path, 1)
    with pytest.raises(RuntimeError):
        add(swarm, replace(metainfo, raw=b"d"))
    assert add(swarm, metainfo).wait_metadata(0) == metainfo


def test_the_idlest_torrent_makes_room_for_a_new_one(make: Make, tmp_path: Path) -> None:
    swarm = make(max_active=3)
    played, idle, seen, new = torrents(tmp_path, 4)
    reader = add(swarm, played).open(played.files[0], 0, 1000)
    old = add(swarm, idle)
    add(swarm, seen).open(seen.files[0], 0, 1000).close()
    add(swarm, new)
    assert swarm.get(idle.info_hash) is None
    assert all(swarm.get(there.info_hash) for there in (played, seen, new))
    again = add(swarm, idle)
    assert swarm.get(seen.info_hash) is None
    assert again is not old
    assert again.wait_metadata(0) == idle
    reader.close()


def test_when_all_are_played_there_is_no_room(make: Make, tmp_path: Path) -> None:
    swarm = make(max_active=1)
    first, second = torrents(tmp_path, 2)
    reader = add(swarm, first).open(first.files[0], 0, 1000)
    with pytest.raises(Problem) as caught:
        add(swarm, second)
    assert (caught.value.code, bool(caught.value.retry_after)) == ("busy", True)
    assert add(swarm, first).readers == 1, "what is there needs no room"
    reader.close()
    assert add(swarm, second)


def test_a_removed_torrent_is_gone_with_its_files_and_its_readers(
    make: Make, tmp_path: Path
) -> None:
    swarm = make()
    (metainfo,) = torrents(tmp_path, 1)
    torrent = add(swarm, metainfo)
    key = metainfo.info_hash.key
    folder = tmp_path / "cache" / key
    (folder / "film-0.mkv").write_bytes(b"x")
    (tmp_path / "cache" / f"{key}.pieces").write_bytes(b"x")
    reader = torrent.open(metainfo.files[0], 0, 1000)
    waiting = gevent.spawn(reader.wait_first, 10)
    gevent.sleep(0)
    swarm.remove(metainfo.info_hash)
    with pytest.raises((Problem, ConnectionAbortedError)):
        waiting.get(timeout=1)
    reader.close()
    assert swarm.get(metainfo.info_hash) is None
    assert list((tmp_path / "cache").iterdir()) == []
    with pytest.raises(Problem):
        torrent.open(metainfo.files[0], 0, 1000)
    assert add(swarm, metainfo).wait_metadata(0) == metainfo


def test_what_is_removed_need_not_be_in_the_session(make: Make, tmp_path: Path) -> None:
    swarm = make()
    (tmp_path / "cache" / ("ab" * 20)).mkdir()
    swarm.remove(InfoHash("ab" * 20))
    assert list((tmp_path / "cache").iterdir()) == []


def test_metadata_and_bytes_come_from_a_peer(
    make: Make, film: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TICK", 0.05)
    heard: list[tuple[Torrent, Metainfo]] = []
    swarm = make(on_metadata=lambda torrent, metainfo: heard.append((torrent, metainfo)))
    with Seeder() as seeder:
        # So slow that it cannot all be here before anybody says that nothing is wanted.
        seeder.seed(film, rate=PIECE)
        torrent = swarm.add(Magnet(InfoHash(film.v1), peers=(seeder.peer,)))
        metainfo = torrent.wait_metadata(10)
        assert metainfo is not None
        until(lambda: heard)
        assert heard == [(torrent, metainfo)]
        (file,) = metainfo.files
        until(lambda: set(torrent.handle.get_piece_priorities()) == {0})
        assert torrent.verified_bytes() < file.length
        seeder.limit(film, 0)
        reader = torrent.open(file, PIECE, file.length)
        assert reader.wait_first(10)
        until(lambda: torrent.progress.peers == 1)
        until(lambda: torrent.on_file(metainfo.piece_count - 1), 10)
        reader.close()
        with torrent.path_of(file).open("rb") as written:
            written.seek(PIECE)
            assert written.read() == film.files[0].data()[PIECE:]


def test_what_is_on_file_is_there_in_the_next_session(make: Make, film: Made) -> None:
    metainfo = load_torrent(film.raw)
    with Seeder() as seeder:
        seeder.seed(film)
        swarm = make()
        torrent = swarm.add(Magnet(metainfo.info_hash, peers=(seeder.peer,)), metainfo)
        reader = torrent.open(metainfo.files[0], 0, PIECE, ahead=False)
        assert reader.wait_first(10)
        reader.close()
        swarm.close()
    again = add(make(), metainfo)
    assert again.on_file(0)
    reader = again.open(metainfo.files[0], 0, 100)
    ((fd, offset, length),) = reader.chunks()
    assert (fd > 0, offset, length) == (True, 0, 100)
    reader.close()


def test_closing_ends_libtorrents_threads_and_its_port(make: Make) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = free.getsockname()
    before = len(os.listdir("/proc/self/task"))
    swarm = make(port=address[1])
    until(lambda: swarm.listening)
    socket.create_connection(address).close()
    swarm.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address).close()
    until(lambda: len(os.listdir("/proc/self/task")) <= before)


def test_closing_ends_readers_and_can_be_done_twice(make: Make, tmp_path: Path) -> None:
    swarm = make()
    (metainfo,) = torrents(tmp_path, 1)
    reader = add(swarm, metainfo).open(metainfo.files[0], 0, 1000)
    waiting = gevent.spawn(reader.wait_first, 10)
    gevent.sleep(0)
    began = time.monotonic()
    swarm.close()
    assert time.monotonic() - began < module.CLOSE_TIMEOUT
    with pytest.raises(ConnectionAbortedError):
        waiting.get(timeout=1)
    assert swarm.torrents() == []
    swarm.close()
    reader.close()
