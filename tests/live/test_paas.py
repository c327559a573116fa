"""On a platform: a router in front, a disk that is wiped, no peers, and a new process any time.

The router is a stand-in (``tests/rig/router.py``), the process is what the Procfile says.
"""

import hashlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.services import hinted
from tests.faults.web_seed import WebSeed
from tests.rig.http import Connection, ask_for, follow, open_stream, request
from tests.rig.lab import MIB, Lab
from tests.rig.liars import Liars
from tests.rig.platform import BEARER, Dyno, Platform
from tests.rig.torrents import Torrent, make_torrent
from tests.rig.waiting import pause, until

UNKNOWN = "0123456789abcdef0123456789abcdef01234567"
# Just above what a request is held for: whoever waits longer hears the router's 503 (H12).
FIRST_BYTE = 7.3
LATE = 8000  # milliseconds
RATE = 4 * MIB


@dataclass
class Film:
    """A film in the web seed's folder."""

    torrent: Torrent
    data: bytes
    url: str = ""

    def wrong(self, got: bytes, first: int) -> bool:
        return got != self.data[first : first + len(got)]

    def part(self, first: int, last: int) -> None:
        reply = follow(self.url, ask_for(first, last))
        assert reply.status == 206, (reply.status, reply.body[:500])
        assert reply.headers["content-range"] == f"bytes {first}-{last}/{len(self.data)}"
        assert len(reply.body) == last + 1 - first
        assert not self.wrong(reply.body, first)


@dataclass
class Scene:
    """A platform, and what it can reach over HTTP."""

    platform: Platform
    seed: WebSeed
    liars: Liars
    folder: Path

    def make(self, name: str, size: int) -> Film:
        """A new film that the web seed has, and its .torrent under its hash."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"\x1a\x45\xdf\xa3" + os.urandom(size - 4))
        torrent = make_torrent(path, 256 * 1024)
        self.folder.joinpath(f"{torrent.key.upper()}.torrent").write_bytes(torrent.raw)
        return Film(torrent, path.read_bytes())

    def add(self, film: Film, magnet: str) -> Film:
        """Give it a link."""
        film.url = self.link(magnet)
        return film

    def named(self, name: str, size: int, *seeds: str) -> Film:
        """A film whose magnet says where its .torrent and its bytes are."""
        film = self.make(name, size)
        xs = self.seed.url(f"{film.torrent.key.upper()}.torrent")
        seeds = seeds or (self.seed.url(name),)
        return self.add(film, hinted(film.torrent, xs=[xs], ws=seeds))

    def link(self, magnet: str) -> str:
        """The play link for a magnet, as a player behind the router's TLS would ask for it."""
        url: str = self.platform.add(magnet)["playUrl"]
        assert url.startswith("https://"), "the platform's router speaks https to the world"
        return url.replace("https://", "http://")


@pytest.fixture(scope="module")
def scene(lab: Lab) -> Iterator[Scene]:
    folder = lab.folder / "films"
    folder.mkdir()
    with (
        WebSeed(folder, lab.folder / "nginx", rate=RATE) as seed,
        Liars(folder) as liars,
    ):
        source = lab.folder / "sources.toml"
        source.write_text(
            f'[[source]]\nname = "Ours"\nurl = "{seed.base}{{file_path}}?{{infohash}}"\n'
        )
        platform = Platform(
            lab.folder,
            limits={"first_byte": FIRST_BYTE},
            METADATA_SOURCES=f"{seed.base}{{INFOHASH}}.torrent",
            SOURCES_FILE=str(source),
            SOURCE_TEST_TIMEOUT="15000",
        )
        with platform:
            yield Scene(platform, seed, liars, folder)


def workers(dyno: Dyno) -> int:
    """How many processes serve; one more watches over them."""
    return len(dyno.pids) - 1


def test_one_worker_runs_whatever_the_platform_sets(scene: Scene) -> None:
    assert workers(scene.platform.dyno) == 1


def test_peers_are_left_alone_and_it_says_so(scene: Scene) -> None:
    told = scene.platform.readiness()
    assert told["status"] == "ready"
    assert told["p2p"] == {"on": False, "listening": False, "why": "P2P=auto is off on Heroku"}


def test_a_film_from_an_http_source_goes_through_the_router_whole(scene: Scene) -> None:
    film = scene.named("whole.mkv", 6 * MIB)
    with open_stream(film.url) as stream:
        assert stream.status == 200
        assert stream.digest() == hashlib.sha256(film.data).hexdigest()
    film.part(3 * MIB + 5, 4 * MIB)
    assert request(film.url, method="HEAD").headers["content-length"] == str(len(film.data))
    assert scene.platform.router.most_buffered <= MIB


def test_a_slow_resolution_outlasts_the_router(scene: Scene) -> None:
    # In a folder of its own, where the other source does not look.
    film = scene.named("late/film.mkv", MIB, scene.liars.url(f"late-{LATE}", "late/film.mkv"))
    reply = follow(film.url)
    assert (reply.status, len(reply.hops)) == (200, 1)
    assert not film.wrong(reply.body, 0)
    assert [routed.cut for routed in scene.platform.router.told(film.torrent.key)] == ["", ""]


def test_in_mid_film_the_router_hears_the_head_before_the_data(scene: Scene) -> None:
    film = scene.named("hole.mkv", 16 * MIB)
    film.part(0, 1000)
    os.kill(scene.seed.pid, signal.SIGSTOP)
    try:
        with Connection(film.url) as seeking:
            seeking.ask(film.url, ask_for(12 * MIB))
            assert seeking.head() == 206
            assert time.monotonic() - seeking.asked_at < FIRST_BYTE / 2
            assert seeking.stray(1) == b""
            os.kill(scene.seed.pid, signal.SIGCONT)
            assert not film.wrong(seeking.read_all(), 12 * MIB)
    finally:
        os.kill(scene.seed.pid, signal.SIGCONT)


def test_a_new_process_with_an_empty_disk_goes_on_by_the_old_link(scene: Scene) -> None:
    named = scene.named("named.mkv", 16 * MIB)
    # Of this one its link knows the hash alone; the settings say where to ask.
    bare = scene.make("bare.mkv", MIB)
    scene.add(bare, f"magnet:?xt=urn:btih:{bare.torrent.key}")
    lost = scene.link(f"magnet:?xt=urn:btih:{UNKNOWN}")
    with open_stream(named.url, ask_for(0)) as stream:
        assert not named.wrong(stream.read_exactly(2 * MIB), 0)
        old = scene.platform.replace()
        assert not (scene.platform.dyno.folder / "data" / "cache" / named.torrent.key).exists()
        began = time.monotonic()
        assert old.terminate() == 0
        assert time.monotonic() - began < 20
        old.close()
        with pytest.raises(ConnectionError):
            stream.digest()
    named.part(9 * MIB, 9 * MIB + 99_999)
    bare.part(0, 99_999)
    assert "put back by a play link" in scene.platform.dyno.log
    refused = request(lost)
    assert (refused.status, refused.json()["code"]) == (503, "needs-database")
    assert "DATABASE_URL" in refused.json()["hint"]
    # What was put back belongs to no title, but whoever looks at the torrents sees it.
    listed = request(f"{scene.platform.url}/api/torrents", BEARER).json()["torrents"]
    mine = next(one for one in listed if one["infoHash"] == named.torrent.key)
    assert mine["status"] == "ready"
    assert "title" not in mine


def test_a_quick_shutdown_is_a_clean_one(scene: Scene) -> None:
    # Fly.io sends SIGINT and kills after 5 s.
    film = scene.named("quick.mkv", 16 * MIB)
    with open_stream(film.url, ask_for(0)) as stream:
        stream.read_exactly(MIB)
        old = scene.platform.replace()
        old.process.send_signal(signal.SIGINT)
        until(lambda: old.process.poll() is not None, 5, "the process to end")
        pause(0)
        old.close()
        with pytest.raises(ConnectionError):
            stream.digest()
    film.part(5 * MIB, 6 * MIB)
