"""The rig itself, with a bare libtorrent in the server's place: what it says must be true."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import libtorrent as lt
import pytest

from tests.house.clients import require_client
from tests.rig.http import Connection, ask_for, request
from tests.rig.lab import MIB, Lab
from tests.rig.media import damaged_copy, film, random_file
from tests.rig.seeder import Seeder
from tests.rig.torrents import Torrent, make_torrent
from tests.rig.tracker import Tracker
from tests.rig.waiting import pause, until

QUIET = {
    "listen_interfaces": "127.0.0.1:0",
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "dht_bootstrap_nodes": "",
    "webtorrent_stun_server": "",
    "enable_outgoing_utp": False,
    "close_redundant_connections": False,
}


class Leech:
    """A bare libtorrent that downloads whatever its magnet names."""

    def __init__(self, folder: Path, magnet: str) -> None:
        self.folder = folder
        self.session = lt.session(QUIET)
        params = lt.parse_magnet_uri(magnet)
        params.save_path = str(folder)
        self.handle = self.session.add_torrent(params)

    @property
    def pieces(self) -> list[int]:
        return [i for i, there in enumerate(self.handle.status().pieces) if there]

    def finish(self, seconds: float = 20) -> None:
        until(lambda: self.handle.status().is_seeding, seconds, "the leech to finish")
        self.handle.flush_cache()
        pause(0.3)


@pytest.mark.parametrize("version", ["v1", "v2", "hybrid"])
def test_a_leech_gets_the_file(lab: Lab, tmp_path: Path, version: str) -> None:
    torrent = lab.torrent(4 * MIB + 12345, 256 * 1024, version)
    leech = Leech(tmp_path, lab.share(torrent, count=2))
    leech.finish()
    assert (tmp_path / "film.mkv").read_bytes() == torrent.files[0].data()
    first = lab.tracker.announces(torrent.hashes)[0]
    assert (first["ip"], first["event"]) == ("127.0.0.1", "started")
    sent = [seeder.uploaded(torrent) for seeder in lab.seeders(2)]
    assert sum(sent) >= torrent.files[0].length


def test_the_upload_limit_holds(lab: Lab, tmp_path: Path) -> None:
    torrent = lab.torrent(3 * MIB)
    began = time.monotonic()
    Leech(tmp_path, lab.share(torrent, rate=MIB)).finish()
    assert 2 < time.monotonic() - began < 6


def test_a_seeder_with_some_pieces(lab: Lab, tmp_path: Path) -> None:
    torrent = lab.torrent(4 * MIB)
    leech = Leech(tmp_path, lab.share(torrent, pieces=[0, 2]))
    until(lambda: leech.pieces == [0, 2])
    pause(0.5)
    assert leech.pieces == [0, 2]


def test_a_seeder_that_leaves_in_mid_film(lab: Lab, tmp_path: Path) -> None:
    torrent = lab.torrent(8 * MIB)
    leech = Leech(tmp_path, lab.share(torrent, rate=4 * MIB, stop_after=2 * MIB))
    seeder = lab.seeders()[0]
    until(lambda: seeder.uploaded(torrent) >= 2 * MIB)
    until(lambda: seeder.peers(torrent) == 0)
    assert seeder.uploaded(torrent) < 5 * MIB
    seeder.come_back(torrent)
    leech.handle.connect_peer(seeder.peer)
    leech.finish()


def test_a_seeder_that_lies(tmp_path: Path) -> None:
    good = make_torrent(random_file(tmp_path / "good" / "film.mkv", 4 * MIB, 1))
    damaged_copy(good.files[0].path, tmp_path / "bad", 2 * MIB + 77)
    with Seeder("127.0.0.9") as seeder:
        seeder.seed(good, folder=tmp_path / "bad")
        leech = Leech(tmp_path / "leech", good.magnet(peers=[seeder.peer]))
        until(lambda: leech.handle.status().total_failed_bytes >= MIB)
        assert 2 not in leech.pieces


def test_the_tracker_behaves_as_told(tmp_path: Path) -> None:
    query = f"?info_hash={'%AB' * 20}&port=99&left=1&event=started&compact=1"
    with Tracker() as tracker:
        tracker.introduce(["ab" * 20], [("127.0.0.7", 258)])
        body = request(tracker.url + query).body
        assert body == b"d8:intervali1800e12:min intervali5e5:peers6:\x7f\0\0\x07\x01\x02e"
        tracker.behave("empty")
        assert request(tracker.url + query).body.endswith(b"5:peers0:e")
        tracker.behave("fail", "go away")
        assert request(tracker.url + query).body == b"d14:failure reason7:go awaye"
        tracker.behave("broken")
        assert request(tracker.url + query).status == 500
        tracker.behave("hang")
        with pytest.raises(TimeoutError):
            request(tracker.url + query, timeout=0.5)
        assert len(tracker.announces(["ab" * 20])) == 5
        assert tracker.announces(["cd" * 20]) == []


def test_children_end_with_their_parent() -> None:
    tracker = Tracker()
    tracker.close()
    with pytest.raises(ProcessLookupError):
        os.kill(tracker.pid, 0)


@pytest.mark.parametrize("kind", ["first.mp4", "last.mp4", "film.mkv"])
def test_films_are_what_they_say(tmp_path: Path, kind: str) -> None:
    require_client("ffmpeg")
    made = film(tmp_path, kind, seconds=10, size=4_000_000)
    data = made.read_bytes()
    assert 3_400_000 < len(data) < 4_600_000
    if kind.endswith(".mp4"):
        assert (data.index(b"moov") < data.index(b"mdat")) == (kind == "first.mp4")
    else:
        assert data.startswith(b"\x1a\x45\xdf\xa3")
    before = made.stat().st_mtime_ns
    assert film(tmp_path, kind, seconds=10, size=4_000_000).stat().st_mtime_ns == before


def test_a_pack_keeps_its_layout(tmp_path: Path) -> None:
    for number, size in enumerate((100_000, 300_000, 50_000)):
        random_file(tmp_path / "Pack" / f"e{number}.mkv", size, number)
    pack = make_torrent(tmp_path / "Pack", 64 * 1024, trackers=["http://127.0.0.1:1/announce"])
    assert [file.index for file in pack.files] == [0, 1, 2]
    assert [file.offset for file in pack.files] == [0, 100_000, 400_000]
    assert pack.pieces == 7
    aligned = make_torrent(tmp_path / "Pack", 64 * 1024, "hybrid")
    assert [file.offset % (64 * 1024) for file in aligned.files] == [0, 0, 0]
    assert aligned.v1
    assert aligned.v2


@pytest.fixture
def script() -> Iterator[list[bytes]]:
    """What a server says to each request, once it has read its head; ``script[0]`` is its URL."""
    said: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))
    said.append(f"http://127.0.0.1:{listener.getsockname()[1]}".encode())

    def talk() -> None:
        client, _ = listener.accept()
        with client:
            for text in said[1:]:
                while b"\r\n\r\n" not in client.recv(4096):
                    pass
                client.sendall(text)

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    yield said
    listener.close()
    thread.join(5)


def test_the_client_sees_stray_bytes_and_cuts(script: list[bytes]) -> None:
    head = b"HTTP/1.1 206 Partial Content\r\nContent-Length: 4\r\n\r\n"
    url = script[0].decode()
    script.extend([head + b"abcd", head + b"abcdX", head + b"ab"])
    with Connection(url) as connection:
        connection.ask(url, ask_for(0, 3))
        assert connection.reply().body == b"abcd"
        assert connection.stray() == b""
        connection.ask(url)
        assert connection.reply().body == b"abcd"
        assert connection.stray() == b"X"
        connection._held = b""
        connection.ask(url)
        with pytest.raises(ConnectionError, match="cut 2 bytes"):
            connection.reply()


def test_the_client_reads_chunks(script: list[bytes]) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    script.append(head + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    assert request(script[0].decode()).body == b"abcde"


def test_announce_needs_no_torrent_type(tmp_path: Path) -> None:
    torrent: Torrent = make_torrent(random_file(tmp_path / "a.mkv", 20_000, 1), 16 * 1024, "hybrid")
    assert torrent.magnet(only="v2").count("xt=") == 1
    assert torrent.magnet(["http://t/announce"], [("127.0.0.2", 5)]).endswith(
        "&tr=http://t/announce&x.pe=127.0.0.2:5"
    )
