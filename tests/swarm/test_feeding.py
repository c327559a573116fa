"""A torrent is filled by ``feed`` alone: the real session, without peers and with them."""

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from addon.errors import Problem
from addon.swarm import torrent as module
from addon.swarm.picking import Need
from addon.swarm.session import Swarm, SwarmConfig
from addon.swarm.torrent import Torrent
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.metainfo import Metainfo, load_torrent
from tests.rig.media import random_file
from tests.rig.seeder import Seeder
from tests.rig.torrents import Torrent as Made
from tests.rig.torrents import make_torrent
from tests.rig.tracker import Tracker

PIECE = 64 * 1024
QUIET: dict[str, Any] = {
    "interface": "127.0.0.1",
    "dht": False,
    "upnp": False,
    "allow_private": True,
}
Start = Callable[..., Swarm]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    swarms: list[Swarm] = []

    def start(*, p2p: bool = False, **more: Any) -> Swarm:
        folder = tmp_path / f"cache-{len(swarms)}"
        swarms.append(Swarm(SwarmConfig(folder, p2p=p2p, **(QUIET | more)), lambda *_: None))
        swarms[-1].start()
        return swarms[-1]

    yield start
    for swarm in swarms:
        swarm.close()


@pytest.fixture(params=["v1", "v2", "hybrid"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def pack(folder: Path, version: str) -> Made:
    """Two films; neither ends with a piece."""
    random_file(folder / "Show" / "e1.mkv", 9 * PIECE + 1234, 1)
    random_file(folder / "Show" / "e2.mkv", 5 * PIECE + 99, 2)
    return make_torrent(folder / "Show", PIECE, version)


def film(folder: Path, size: int = 20 * PIECE) -> Made:
    return make_torrent(random_file(folder / "made" / "film.mkv", size, 3), PIECE)


def content(made: Made, metainfo: Metainfo, index: int) -> bytes:
    """What ``segments`` makes of a piece."""
    files = {file.index: file.data() for file in made.files}
    parts = []
    for segment in metainfo.segments(range(index, index + 1)):
        data = bytes(segment.stop) if segment.file is None else files[segment.file.index]
        parts.append(data[segment.start : segment.stop])
    return b"".join(parts)


def add(swarm: Swarm, made: Made) -> tuple[Torrent, Metainfo]:
    metainfo = load_torrent(made.raw)
    return swarm.add(metainfo.magnet(), metainfo), metainfo


def until(look: Callable[[], object], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < end, "waited in vain"
        gevent.sleep(0.01)


def test_a_torrent_is_filled_by_feeding_alone(start: Start, tmp_path: Path, version: str) -> None:
    made = pack(tmp_path, version)
    torrent, metainfo = add(start(), made)
    for index in range(metainfo.piece_count):
        data = content(made, metainfo, index)
        assert metainfo.check_piece(index, data)
        assert torrent.feed(index, data)
        assert torrent.has_piece(index)
    for file in metainfo.files:
        pieces = metainfo.pieces_of(file)
        until(lambda pieces=pieces: all(map(torrent.on_file, pieces)))  # type: ignore[misc]
        assert torrent.verified_bytes(file) == file.length
        original = made.file(file.name).data()
        assert torrent.path_of(file).read_bytes() == original


def test_a_reader_waits_for_what_is_fed(start: Start, tmp_path: Path, version: str) -> None:
    made = pack(tmp_path, version)
    torrent, metainfo = add(start(), made)
    file = metainfo.files[-1]
    reader = torrent.open(file, 100, file.length)
    assert not reader.wait_first(0.05)
    pieces = metainfo.pieces_of(file)
    assert torrent.needs() == [Need(pieces.start, pieces.stop - 1, blocked=True)]
    got = bytearray()

    def read() -> None:
        for chunk in reader.chunks():
            if isinstance(chunk, bytes):
                got.extend(chunk)
            else:
                fd, offset, length = chunk
                with open(fd, "rb", closefd=False) as opened:
                    opened.seek(offset)
                    got.extend(opened.read(length))

    reading = gevent.spawn(read)
    for index in reversed(pieces):
        assert torrent.feed(index, content(made, metainfo, index))
    reading.get(timeout=5)
    assert got == made.file("e2.mkv").data()[100:]
    reader.close()


def test_feeding_right_after_adding(start: Start, tmp_path: Path) -> None:
    swarm = start()
    for number in range(6):
        made = make_torrent(random_file(tmp_path / f"film-{number}.mkv", PIECE, number), PIECE)
        torrent, metainfo = add(swarm, made)
        assert torrent.feed(0, content(made, metainfo, 0)), number


def test_files_that_lie_there_already_are_fed_while_they_are_checked(
    start: Start, tmp_path: Path
) -> None:
    made = film(tmp_path, 40 * 1024 * 1024)
    swarm = start()
    metainfo = load_torrent(made.raw)
    there = tmp_path / "cache-0" / metainfo.info_hash.key / "film.mkv"
    there.parent.mkdir()
    there.write_bytes(bytes(made.files[0].length))
    torrent, _ = add(swarm, made)
    assert torrent.feed(3, content(made, metainfo, 3)), "libtorrent ignores it while it checks"
    assert not torrent.has_piece(4)


def test_feeding_what_is_there_is_nothing(start: Start, tmp_path: Path) -> None:
    made = film(tmp_path)
    torrent, metainfo = add(start(), made)
    assert torrent.feed(0, content(made, metainfo, 0))
    began = time.monotonic()
    assert torrent.feed(0, b"whatever it is")
    assert time.monotonic() - began < 0.05


@pytest.mark.parametrize("wrong", [bytes(PIECE), b"short"])
def test_what_libtorrent_does_not_take_is_told(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: bytes
) -> None:
    monkeypatch.setattr(module, "FEED_PATIENCE", 0.05)
    monkeypatch.setattr(module, "FEED_TIMEOUT", 0.3)
    torrent, metainfo = add(start(), made := film(tmp_path))
    assert not torrent.feed(0, wrong)
    assert not torrent.has_piece(0)
    assert torrent.feed(0, content(made, metainfo, 0)), "its mistake is forgiven"


def test_feeding_a_torrent_that_failed_says_why(start: Start, tmp_path: Path) -> None:
    torrent, metainfo = add(start(), made := film(tmp_path))
    torrent.fail(Problem("disk-full", "No room."))
    with pytest.raises(Problem, match="No room"):
        torrent.feed(0, content(made, metainfo, 0))


def test_what_is_fed_outlives_a_restart(tmp_path: Path) -> None:
    made = film(tmp_path)
    config = SwarmConfig(tmp_path / "cache", p2p=False, allow_private=True)
    for there in (False, True):
        swarm = Swarm(config, lambda *_: None)
        swarm.start()
        try:
            torrent, metainfo = add(swarm, made)
            assert torrent.has_piece(2) == there
            assert torrent.feed(2, content(made, metainfo, 2))
        finally:
            swarm.close()


def test_without_p2p_nobody_is_listened_to_asked_or_connected_to(
    start: Start, tmp_path: Path
) -> None:
    made = film(tmp_path)
    with (
        Tracker() as tracker,
        Seeder() as seeder,
        socket.create_server(("127.0.0.1", 0)) as door,
    ):
        door.settimeout(0)
        seeder.seed(made)
        tracker.introduce(made.hashes, [seeder.peer])
        hinted = Magnet(
            InfoHash(made.v1), trackers=(tracker.url,), peers=(door.getsockname(), seeder.peer)
        )
        swarm = start(port=0, dht=True, lsd=True, upnp=True)
        metainfo = load_torrent(make_torrent(made.files[0].path, PIECE, trackers=[tracker.url]).raw)
        torrent = swarm.add(hinted, metainfo)
        assert swarm.add(hinted) is torrent, "added again, its hints are not taken either"
        other = swarm.add(Magnet(InfoHash("ab" * 20), None, hinted.trackers, peers=hinted.peers))
        reader = torrent.open(metainfo.files[0], 0, metainfo.files[0].length)
        assert torrent.feed(0, content(made, metainfo, 0))
        gevent.sleep(1.5)
        assert tracker.announces() == []
        assert seeder.peers(made) == 0
        with pytest.raises(BlockingIOError):
            door.accept()
        assert not swarm.listening
        assert not swarm.p2p
        assert _listening_sockets() <= {door.fileno()}
        assert torrent.peers_seen() == other.peers_seen() == (0, 0)
        assert swarm._session is not None
        assert swarm._session.listen_port() == 0
        reader.close()


def test_the_same_with_p2p_finds_the_peer(start: Start, tmp_path: Path) -> None:
    """So that the silence above says something."""
    made = film(tmp_path)
    with Tracker() as tracker, Seeder() as seeder:
        seeder.seed(made)
        tracker.introduce(made.hashes, [seeder.peer])
        swarm = start(p2p=True)
        torrent = swarm.add(Magnet(InfoHash(made.v1), trackers=(tracker.url,)))
        assert torrent.wait_metadata(5)
        assert tracker.announces()
        assert _listening_sockets()


def _listening_sockets() -> set[int]:
    """File descriptors of this process that listen over TCP, or are bound over UDP."""
    found = set()
    inodes = {}
    for fd in Path("/proc/self/fd").iterdir():
        try:
            inodes[str(fd.readlink())] = int(fd.name)
        except OSError:
            continue
    for table, state in (("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")):
        for line in Path(f"/proc/self/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            name = f"socket:[{fields[9]}]"
            if fields[3] == state and name in inodes:
                found.add(inodes[name])
    return found


def test_metadata_from_elsewhere_describes_a_magnet(
    start: Start, tmp_path: Path, version: str
) -> None:
    made = pack(tmp_path, version)
    metainfo = load_torrent(made.raw)
    heard: list[Metainfo] = []
    swarm = start(p2p=True)
    swarm._alerts._on_metadata = lambda _, found: heard.append(found)
    torrent = swarm.add(Magnet(metainfo.info_hash))
    waiting = gevent.spawn(torrent.wait_metadata, 5)
    torrent.give_metadata(metainfo)
    torrent.give_metadata(metainfo)
    assert waiting.get(timeout=5) == metainfo
    until(lambda: heard)
    assert heard == [metainfo], "the layers of v2 are kept: the swarm's own metadata has none"
    if version == "v2":
        return  # libtorrent takes no piece layers later, so it would ask peers for each hash
    for index in range(metainfo.piece_count):
        assert torrent.feed(index, content(made, metainfo, index)), index


def test_metadata_of_half_a_hybrids_name(start: Start, tmp_path: Path) -> None:
    made = pack(tmp_path, "hybrid")
    metainfo = load_torrent(made.raw)
    torrent = start(p2p=True).add(Magnet(InfoHash(made.v1)))
    torrent.give_metadata(metainfo)
    assert torrent.wait_metadata(5) == metainfo
    assert torrent.info_hash == metainfo.info_hash


def test_peers_leave_a_claim_alone_until_it_is_given_back(start: Start, tmp_path: Path) -> None:
    made = film(tmp_path)
    with Seeder() as seeder:
        seeder.seed(made)
        swarm = start(p2p=True)
        metainfo = load_torrent(made.raw)
        torrent = swarm.add(Magnet(metainfo.info_hash), metainfo)
        assert torrent.claim(range(20), 6) == range(6)
        torrent.handle.connect_peer(seeder.peer)
        reader = torrent.open(metainfo.files[0], 0, metainfo.files[0].length)
        until(lambda: all(map(torrent.has_piece, range(6, 20))))
        gevent.sleep(0.3)
        assert not any(map(torrent.has_piece, range(6)))
        assert torrent.needs() == [Need(0, 19, blocked=True)]
        assert torrent.feed(0, content(made, metainfo, 0))
        assert torrent.claim(range(20), 6) == range(0), "the rest is held, had or begun"
        torrent.give_back(range(6))
        until(lambda: all(map(torrent.has_piece, range(6))))
        reader.close()
        assert torrent.needs() == []
