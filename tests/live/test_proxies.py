"""nginx and HAProxy in front, as they are set up at home: with their own buffering."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import unquote, urljoin

import pytest

from tests.live.pace import SMALL, slowly
from tests.rig.http import Connection, ask_for, open_stream, post_json, request
from tests.rig.lab import MIB, Lab
from tests.rig.proxies import Proxy
from tests.rig.server import Server, free_port
from tests.rig.torrents import Torrent, make_torrent

UNKNOWN = "0123456789abcdef0123456789abcdef01234567"
PREFIX = "/films/here"
SETTINGS = {"TRUST_PROXY": "on", "ACCESS_KEY": "public", "RESOLVE_BUDGET": "26000"}
WAYS = ["nginx", "nginx with a prefix", "haproxy"]
NAME = "Ein Film: 100% größer (2019).mkv"


@dataclass
class Front:
    """One proxy and the server behind it."""

    proxy: Proxy
    server: Server

    def add(self, magnet: str) -> str:
        """The link of the main video, made and asked for through the proxy."""
        reply = post_json(f"{self.proxy.url}/api/torrents", {"magnetUri": magnet})
        assert reply.status in (201, 202), reply
        return self.proxy.through(reply.json()["playUrl"])


@pytest.fixture(scope="module")
def fronts(lab: Lab) -> Iterator[dict[str, Front]]:
    """Each has a server of its own, which knows its public address by BASE_URL or is told it."""
    port = free_port()
    plain = lab.server(**SETTINGS)
    prefixed = lab.server(**SETTINGS, BASE_URL=f"https://127.0.0.1:{port}{PREFIX}")
    with (
        Proxy("nginx", lab.folder / "nginx", plain.port) as nginx,
        Proxy("haproxy", lab.folder / "haproxy", plain.port) as haproxy,
        Proxy("nginx", lab.folder / "prefixed", prefixed.port, PREFIX, port=port) as inner,
    ):
        yield {
            "nginx": Front(nginx, plain),
            "nginx with a prefix": Front(inner, prefixed),
            "haproxy": Front(haproxy, plain),
        }


@pytest.fixture(scope="module")
def torrent(lab: Lab) -> Torrent:
    """A film whose name every spelling of a URL could break."""
    return make_torrent(lab.file(NAME, 32 * MIB), MIB)


def test_a_film_comes_whole_by_a_link_for_the_world(
    lab: Lab, fronts: dict[str, Front], torrent: Torrent
) -> None:
    data = torrent.files[0].data()
    magnet = lab.share(torrent)
    for front in fronts.values():
        main = front.add(magnet)
        front.server.ready(torrent.key)
        reply = request(f"{front.proxy.url}/api/torrents/{torrent.key}")
        named = front.proxy.through(reply.json()["files"][0]["playUrl"])
        with open_stream(main) as stream:
            assert stream.status == 200
            assert stream.read_all() == data
        with open_stream(named, ask_for(20 * MIB)) as stream:
            assert stream.status == 206
            assert stream.headers["content-range"] == f"bytes {20 * MIB}-{32 * MIB - 1}/{32 * MIB}"
            assert stream.read_all() == data[20 * MIB :]


def test_a_slow_player_does_not_have_the_film_swallowed(
    lab: Lab, fronts: dict[str, Front], torrent: Torrent
) -> None:
    front = fronts["nginx"]
    url = front.add(lab.share(torrent))
    with open_stream(url, buffer=SMALL) as stream:
        slowly(stream, 400_000, 2)
        held = sum(
            file.stat().st_size for file in front.proxy.folder.glob("proxy/**/*") if file.is_file()
        )
        assert held == 0, "what a player has not taken yet is in the film's own file already"
    assert "buffered to a temporary file" not in front.proxy.said


def test_a_player_that_waits_is_sent_round_by_the_proxy_too(
    lab: Lab, fronts: dict[str, Front]
) -> None:
    magnet = f"magnet:?xt=urn:btih:{UNKNOWN}&tr={lab.tracker.url}"

    def sent(way: str) -> tuple[str, str]:
        url = fronts[way].add(magnet).removesuffix("/video") + "/A%20film%3A%20100%25.mkv"
        reply = request(url, {"User-Agent": way})
        assert reply.status == 307, reply
        return url, urljoin(url, reply.headers["location"])

    with ThreadPoolExecutor(len(WAYS)) as pool:
        for url, target in pool.map(sent, WAYS):
            # nginx has decoded what need not be escaped.
            assert unquote(target) == unquote(f"{url}?hop=1")
            # It is an address of ours, as the answer to HEAD shows at once.
            assert request(target, method="HEAD").status == 200


def test_in_mid_film_the_head_is_not_held_back(lab: Lab, fronts: dict[str, Front]) -> None:
    torrent = lab.torrent(8 * MIB)
    magnet = lab.share(torrent, pieces=[0, 1])
    for way, front in fronts.items():
        url = front.add(magnet)
        front.server.ready(torrent.key)
        mine = {"User-Agent": way}
        with open_stream(url, mine | ask_for(0, MIB - 1)) as stream:
            stream.read_all()
        with Connection(url) as seeking:
            seeking.ask(url, mine | ask_for(6 * MIB))
            assert seeking.head() == 206, "nginx as it comes keeps the head until there is a body"
            assert time.monotonic() - seeking.asked_at < 5
