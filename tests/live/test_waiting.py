"""What a player is told while nothing comes: held, sent round, and at last the reason.

The longest wait, 26 s, goes on while the other tests of this file run.
"""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple
from urllib.parse import urljoin

import pytest

from tests.live.pace import SMALL, add_unknown, slowly
from tests.rig.http import Connection, Reply, ask_for, request
from tests.rig.lab import MIB, Lab
from tests.rig.server import Server
from tests.rig.viewing import view, viewing
from tests.rig.waiting import pause, until

UNKNOWN = "0123456789abcdef0123456789abcdef01234567"
NOBODY_HAS = "fedcba9876543210fedcba9876543210fedcba98"


class Round(NamedTuple):
    """One answer in a wait, and the seconds that it took."""

    reply: Reply
    seconds: float


@pytest.fixture(scope="module")
def server(lab: Lab) -> Server:
    """With the time to look for a film that people get."""
    return lab.server(RESOLVE_BUDGET="26000")


@pytest.fixture(scope="module")
def hasty(lab: Lab) -> Server:
    """Asks the swarm alone, and gives up after two seconds."""
    return lab.server(RESOLVE_BUDGET="2000", ENABLE_HTTP_FALLBACK="off")


@pytest.fixture(scope="module", autouse=True)
def unknown(lab: Lab, server: Server) -> Iterator["Future[list[Round]]"]:
    """All that a player is told of a magnet that nobody has, until it is no redirect any more."""
    url = add_unknown(server, UNKNOWN, lab.tracker.url)

    def wait(connection: Connection) -> list[Round]:
        rounds: list[Round] = []
        at = url
        while not rounds or rounds[-1].reply.status == 307:
            began = time.monotonic()
            connection.ask(at, ask_for(0) | {"User-Agent": "patient"})
            rounds.append(Round(connection.reply(), time.monotonic() - began))
            # Players that keep the query for later are counted all the same.
            at = urljoin(at, rounds[-1].reply.headers.get("location", at))
        return rounds

    with ThreadPoolExecutor(1) as pool, Connection(url) as connection:
        yield pool.submit(wait, connection)


def problem(reply: Reply, code: str) -> str:
    """What a Problem says in detail."""
    assert (reply.status, reply.json()["code"]) == (504, code), reply
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["cache-control"] == "no-store"
    assert int(reply.headers["retry-after"]) > 0
    assert reply.headers["access-control-allow-origin"] == "*"
    detail: str = reply.json()["detail"]
    return detail


def test_a_film_that_is_complete_slows_down_no_other(lab: Lab, server: Server) -> None:
    film = view(lab, server, lab.torrent(12 * MIB))
    film.part(0, film.size - 1)
    # It is played from the disk: that it has few peers, or none, does not matter to anybody.
    with film.open(buffer=SMALL) as stream:
        slowly(stream, 200_000, 10)
        assert film.told()["readers"] == 1
        told = server.add(lab.share(lab.torrent(MIB)))
    assert told["status"] == "ready", "the metadata of another film did not come within 3 s"


def test_a_seeder_that_has_not_got_the_piece(lab: Lab, hasty: Server) -> None:
    torrent = lab.torrent(4 * MIB)
    hasty.add(lab.share(torrent, pieces=[0, 3]))
    film = viewing(hasty, torrent, hasty.ready(torrent.key))
    detail = problem(request(film.url, ask_for(2 * MIB)), "no-peers")
    assert "1 peers are connected (0 with the whole film), but none sent the piece" in detail
    # What is there plays at once, and a new try is a new wait.
    film.part(0, 99)


def test_a_head_starts_nothing(lab: Lab, hasty: Server) -> None:
    url = add_unknown(hasty, NOBODY_HAS, lab.tracker.url)
    # After a restart the torrent is known and nobody has asked for it.
    assert hasty.terminate() == 0
    hasty.start()
    before = len(lab.tracker.announces([NOBODY_HAS]))
    reply = request(url, method="HEAD")
    assert reply.status == 200
    assert "content-length" not in reply.headers
    assert "location" not in reply.headers
    assert reply.headers["accept-ranges"] == "bytes"
    assert reply.headers["cache-control"] == "no-store"
    pause(0.7)
    seen = request(f"{hasty.url}/api/resolutions?infoHash={NOBODY_HAS}").json()
    assert seen == {"resolutions": []}
    assert len(lab.tracker.announces([NOBODY_HAS])) == before
    assert request(f"{hasty.url}/readyz").json()["torrents"] == 0
    # The same link does start something for whoever wants bytes.
    lab.tracker.behave("fail", "this torrent is banned here")
    try:
        detail = problem(request(url), "no-metadata")
    finally:
        lab.tracker.behave("answer")
    assert "tracker 127.0.0.1: this torrent is banned here" in detail
    assert len(lab.tracker.announces([NOBODY_HAS])) > before


def test_a_known_film_without_a_seeder(lab: Lab, hasty: Server) -> None:
    torrent = lab.torrent(MIB, trackers=[lab.tracker.url])
    told = hasty.upload(torrent.raw).json()
    assert told["status"] == "ready"
    url = told["files"][0]["playUrl"]
    head = request(url, method="HEAD")
    assert (head.status, head.headers["content-length"]) == (200, str(MIB))
    detail = problem(request(url), "no-peers")
    assert "No peer is connected" in detail
    assert "127.0.0.1" in detail


def test_a_seeder_that_comes_while_a_player_is_held(lab: Lab, server: Server) -> None:
    torrent = lab.torrent(6 * MIB)
    server.add(lab.share(torrent, rate=MIB, stop_after=100_000))
    film = viewing(server, torrent, server.ready(torrent.key))
    until(lambda: film.told()["peers"] == 0, 5)
    with Connection(film.url) as held:
        held.ask(film.url, ask_for(3 * MIB))
        assert held.stray(2) == b"", "no head goes out before a byte is there"
        lab.seeders()[0].limit(torrent, 0)
        lab.seeders()[0].come_back(torrent)
        while held.head() == 307:
            held.ask(urljoin(film.url, held.headers["location"]), ask_for(3 * MIB))
        assert held.status == 206
        assert held.read_all() == film.data[3 * MIB :]


def test_in_mid_film_a_player_is_held_in_silence(lab: Lab, server: Server) -> None:
    torrent = lab.torrent(16 * MIB)
    server.add(lab.share(torrent, rate=2 * MIB, stop_after=4 * MIB))
    film = viewing(server, torrent, server.ready(torrent.key))
    film.part(0, MIB)
    until(lambda: film.told()["peers"] == 0, 5)
    with Connection(film.url) as seeking:
        began = time.monotonic()
        seeking.ask(film.url, ask_for(13 * MIB))
        assert seeking.head() == 206, "an error would end the film, and VLC follows no redirect"
        assert time.monotonic() - began < 3
        assert seeking.stray(2) == b""
        lab.seeders()[0].limit(torrent, 0)
        lab.seeders()[0].come_back(torrent)
        assert seeking.read_all() == film.data[13 * MIB :]


def test_whoever_has_had_the_first_bytes_is_in_mid_film(lab: Lab, server: Server) -> None:
    torrent = lab.torrent(16 * MIB)
    server.add(lab.share(torrent, pieces=range(12)))
    film = viewing(server, torrent, server.ready(torrent.key))
    film.part(0, 12 * MIB - 1)
    # As Kodi does: it reads the head, leaves that answer unfinished, and goes elsewhere.
    with film.open(0, buffer=SMALL, agent="Kodi") as stream:
        stream.read_exactly(200_000)
    with Connection(film.url, timeout=3) as seeking:
        seeking.ask(film.url, ask_for(13 * MIB) | {"User-Agent": "Kodi"})
        assert seeking.head() == 206


def test_a_magnet_that_is_added_again_brings_its_peers(lab: Lab, server: Server) -> None:
    torrent = lab.torrent(4 * MIB)
    server.add(lab.share(torrent, pieces=[0, 3]))
    film = viewing(server, torrent, server.ready(torrent.key))
    film.part(0, 99)
    # The film is stuck, so its owner looks for another magnet of it.
    better = lab.seeders(2)[1]
    better.seed(torrent)
    server.add(torrent.magnet(peers=[better.peer]))
    with Connection(film.url, timeout=10) as connection:
        connection.ask(film.url, ask_for(0))
        assert connection.reply().body == film.data


def test_an_unknown_magnet(lab: Lab, unknown: "Future[list[Round]]") -> None:
    *hops, last = unknown.result(timeout=40)
    assert len(hops) == 3
    for number, hop in enumerate(hops, 1):
        headers = hop.reply.headers
        assert headers["location"] == f"video?hop={number}"
        assert headers["cache-control"] == "no-store"
        assert headers["content-length"] == "0"
        assert headers["access-control-allow-origin"] == "*"
        assert "retry-after" not in headers
        assert hop.reply.body == b""
        # ExoPlayer gives up after 8 s, Kodi follows five redirects in all.
        assert 5.5 < hop.seconds < 8
    assert last.seconds < 8
    detail = problem(last.reply, "no-metadata")
    assert "127.0.0.1" in detail
    assert len(lab.tracker.announces([UNKNOWN])) >= 1
