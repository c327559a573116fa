"""A media centre that asks how a film stands until it may be played, and then plays it.

What is let go when nobody asks any more takes a while, which passes during the other tests.
"""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.live.pace import at_rest
from tests.rig.http import Reply, request
from tests.rig.lab import MIB, Lab
from tests.rig.server import Server
from tests.rig.torrents import Torrent
from tests.rig.viewing import Viewing, view, viewing
from tests.rig.waiting import until

# Each answer comes at once, however long the film takes; so much may a busy machine add.
AT_ONCE = 3.0


@dataclass(frozen=True)
class Left:
    """A film that somebody waited for, and then did not."""

    torrent: Torrent
    film: Viewing


@pytest.fixture(scope="module")
def server(lab: Lab) -> Server:
    return lab.server(RESOLVE_BUDGET="4000", ENABLE_HTTP_FALLBACK="off")


@pytest.fixture(scope="module", autouse=True)
def left(lab: Lab, server: Server) -> Left:
    """Of its tail the seeder has only a part, so it stays wanted."""
    torrent = lab.torrent(8 * MIB, 256 * 1024)
    server.add(lab.share(torrent, rate=200_000, pieces=range(31)))
    film = viewing(server, torrent, server.ready(torrent.key))
    until(lambda: told(film.url)["state"] == "preparing" and "end" in told(film.url)["step"], 15)
    return Left(torrent, film)


def ask(url: str, query: str = "") -> Reply:
    """The status beside a play link."""
    address = url.replace("/play/", "/status/").rpartition("/")[0]
    return request(address + query)


def told(url: str, query: str = "") -> dict[str, Any]:
    reply = ask(url, query)
    assert reply.status == 200, reply
    assert reply.ttfb < AT_ONCE, "it holds nobody"
    answer: dict[str, Any] = reply.json()
    return answer


def test_a_slow_film_is_made_ready_and_then_begins_at_once(lab: Lab, server: Server) -> None:
    torrent = lab.torrent(16 * MIB)
    film = view(lab, server, torrent, rate=MIB)
    seen = [told(film.url)]

    def ready() -> bool:
        seen.append(told(film.url))
        return seen[-1]["state"] == "ready"

    until(ready, 20, "the film to be ready", every=0.2)
    assert seen[0]["state"] == "preparing"
    assert {one["state"] for one in seen} == {"preparing", "ready"}
    assert any(one["peers"] for one in seen)
    last = seen[-1]
    assert (last["fileName"], last["length"]) == ("film.mkv", film.size)
    assert (last["contentType"], last["progress"]) == ("video/x-matroska", 1.0)
    assert film.still_downloading()
    # Both ends are there: nothing that a player reads first is waited for.
    lab.seeders()[0].leave(torrent)
    until(lambda: film.told()["peers"] == 0, 10)
    film.part(0, 99)
    film.part(film.size - 512 * 1024, film.size - 1)
    resolutions = request(f"{server.url}/api/resolutions?infoHash={torrent.key}").json()
    assert len(resolutions["resolutions"]) == 1, "the player joined what the asking had begun"


def test_a_film_that_nobody_has_says_why_once(lab: Lab, server: Server) -> None:
    torrent = lab.torrent(MIB, trackers=[lab.tracker.url])
    url = server.upload(torrent.raw).json()["files"][0]["playUrl"]
    assert told(url)["state"] == "preparing"
    until(lambda: told(url)["state"] == "failed", 15, "the failure", every=0.2)
    answer = told(url)
    assert (answer["state"], answer["problem"]["code"]) == ("failed", "no-peers")
    assert "No peer is connected" in answer["problem"]["detail"]
    assert answer["problem"]["hint"]
    assert told(url, "?again=1")["state"] == "preparing"


def test_the_kodi_repository_is_the_same_after_a_restart(lab: Lab) -> None:
    server = lab.server(ACCESS_KEY="correct-horse-battery")
    pair = json.loads(request(f"{server.url}/kodi/pair", method="POST").body)
    assert request(f"{server.url}/kodi/pair/{pair['secret']}").status == 202
    assert request(f"{server.url}/kodi/pair/{pair['code']}.png").body[:4] == b"\x89PNG"
    assert request(f"{server.url}/kodi/").status == 404, "it is closed"
    origin = {"Origin": server.url, "Content-Type": "application/x-www-form-urlencoded"}
    form = f"code={pair['code']}&key=correct-horse-battery".encode()
    entered = request(f"{server.url}/pair", origin, "POST", form)
    cookie = {"Cookie": entered.headers["set-cookie"].partition(";")[0]}
    assert request(f"{server.url}/pair", origin | cookie, "POST", form).status == 200
    manifest = request(f"{server.url}/kodi/pair/{pair['secret']}").json()["manifest"]
    base = manifest.removesuffix("/manifest.json")
    assert request(manifest).status == 200

    def everything() -> dict[str, bytes]:
        names = ("addons.xml", "addons.xml.sha256", *zips)
        return {name: request(f"{base}/kodi/{name}").body for name in names}

    page = request(f"{base}/kodi/").body.decode()
    zips = [part.partition('"')[0] for part in page.split('href="')[1:] if ".zip" in part]
    assert len(zips) == 2
    before = everything()
    assert server.terminate() == 0
    server.start()
    assert everything() == before
    token = base.rpartition("/")[2]
    for secret in (token, pair["secret"]):
        assert secret not in server.log


def test_what_nobody_waits_for_any_more_is_not_fetched(
    lab: Lab, server: Server, left: Left
) -> None:
    until(lambda: left.film.told()["readers"] == 0, 30, "the film to be let go")
    assert at_rest(lab.seeders()[0], left.torrent) < 6 * MIB
    assert left.film.still_downloading()
