"""A server whose disk is wiped and whose library is in PostgreSQL."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import gevent
import pytest

from tests.rig.http import ask_for, follow, post_json, request
from tests.rig.lab import MIB, Lab
from tests.rig.postgres import PASSWORD, USER, Postgres
from tests.rig.server import Server
from tests.rig.torrents import Torrent

KEY = "correct-horse-battery"
KNOWN = {"Authorization": f"Bearer {KEY}"}


@dataclass(frozen=True)
class Place:
    """A server, its database, and what a viewer was given before the disk was wiped."""

    postgres: Postgres
    server: Server
    torrent: Torrent
    install: str
    play: str


@pytest.fixture(scope="module")
def place(lab: Lab) -> Iterator[Place]:
    with Postgres() as postgres:
        server = lab.server(DATABASE_URL=postgres.url(), ACCESS_KEY=KEY)
        torrent = lab.torrent(MIB, 64 * 1024)
        lab.share(torrent)
        kind = {"Content-Type": "application/x-bittorrent"}
        told = request(f"{server.url}/api/torrents", kind | KNOWN, "POST", torrent.raw).json()
        play = told["files"][0]["playUrl"]
        # The file names no tracker.
        magnet = {"magnetUri": torrent.magnet([lab.tracker.url])}
        assert post_json(f"{server.url}/api/torrents", magnet, KNOWN).status == 201
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        login = request(f"{server.url}/login", form, "POST", f"key={KEY}".encode())
        cookie = {"Cookie": login.headers["set-cookie"].partition(";")[0]}
        page = request(f"{server.url}/", cookie).body.decode()
        found = re.search(rf"{re.escape(server.url)}/([\w-]+)/manifest\.json", page)
        assert found
        yield Place(postgres, server, torrent, f"{server.url}/{found[1]}", play)
        server.close()


def test_the_library_and_every_link_outlive_the_disk(place: Place) -> None:
    place.server.kill()
    shutil.rmtree(place.server.folder / "data")
    place.server.start()
    assert not list((place.server.folder / "data").glob("*.sqlite*"))
    catalog = request(f"{place.install}/catalog/movie/library.json").json()
    assert any(place.torrent.key in meta["id"] for meta in catalog["metas"])
    told = request(f"{place.server.url}/api/torrents/{place.torrent.key}", KNOWN).json()
    assert told["status"] == "ready"
    reply = follow(place.play, ask_for(0, 999))
    assert (reply.status, reply.body) == (206, place.torrent.files[0].data()[:1000])


def test_the_same_magnet_added_twice_at_once_is_one(place: Place, lab: Lab) -> None:
    torrent = lab.torrent(MIB, 64 * 1024)
    lab.share(torrent)
    body = {"magnetUri": torrent.magnet([lab.tracker.url])}
    url = f"{place.server.url}/api/torrents"
    adding = [gevent.spawn(post_json, url, body, KNOWN) for _ in range(4)]
    gevent.joinall(adding, raise_error=True)
    assert {greenlet.value.status for greenlet in adding} <= {201, 202}
    kept = [told["infoHash"] for told in request(url, KNOWN).json()["torrents"]]
    assert kept.count(torrent.key) == 1


def test_while_the_database_is_away_the_server_says_so(place: Place) -> None:
    url = f"{place.server.url}/api/torrents"
    place.postgres.stop()
    reply = request(url, KNOWN)
    assert (reply.status, reply.json()["code"]) == (503, "busy")
    assert reply.headers["retry-after"] == "5"
    assert request(f"{place.server.url}/healthz").status == 200
    place.postgres.start()
    assert request(url, KNOWN).status == 200
    assert follow(place.play, ask_for(0, 9)).status == 206


def test_a_database_that_is_not_there_stops_the_start_with_a_sentence(lab: Lab) -> None:
    url = f"postgres://{USER}:hunter2-hunter2@127.0.0.1:1/films"
    with pytest.raises(AssertionError, match="it ended with") as caught:
        Server(lab.folder / "refused", DATABASE_URL=url)
    told = str(caught.value)
    assert "DATABASE_URL: database films on 127.0.0.1 cannot be used" in told
    assert "Connection refused" in told
    assert "Traceback" not in told
    assert "hunter2" not in told


def test_the_password_is_in_no_log(place: Place) -> None:
    assert "staple" in PASSWORD
    assert "staple" not in place.server.log
