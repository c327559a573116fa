"""Nothing that a user can write makes the server connect to itself or to its own network."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from urllib.parse import quote

import libtorrent as lt
import pytest

from tests.faults.services import Services, hinted, services, torrent_of
from tests.faults.test_one_honest_source import noise
from tests.rig.http import follow, post_json, request
from tests.rig.lab import MIB, Lab
from tests.rig.torrents import Torrent

SPELLINGS = (
    *("127.0.0.1", "2130706433", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1", "017700000001"),
    *("127.0.0.1.", "0.0.0.0", "0", "127.8.8.8", "localhost", "LOCALHOST", "localhost."),
    *("a.localhost", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::]"),
    *("[64:ff9b::7f00:1]", "127。0。0。1", "①②⑦.0.0.1"),
)
ELSEWHERE = (
    *("169.254.169.254", "10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "[fe80::1]"),
    *("[fd00::1]", "metadata.google.internal", "printer.local", "nas"),
)
WHY = ("not on the public Internet", "of a local network", "not a URL", "names no host")
XS = 5  # as many places for a .torrent as a magnet may name


@dataclass
class Traps:
    """Listeners on loopback that nobody may reach: what connects stays in their queues."""

    sockets: list[socket.socket] = field(default_factory=list)
    port: int = 0

    def visitors(self) -> int:
        """How many have connected."""
        count = 0
        for trap in self.sockets:
            try:
                while True:
                    trap.accept()[0].close()
                    count += 1
            except BlockingIOError:
                continue
        return count


@pytest.fixture(scope="module")
def traps() -> Iterator[Traps]:
    with ExitStack() as stack:
        traps = Traps()
        # 0.0.0.0 would be every address of the machine; all of 127.0.0.0/8 is loopback anyway.
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            try:
                trap = socket.create_server((host, traps.port), family=family, backlog=128)
            except OSError:  # a machine without IPv6
                continue
            stack.enter_context(trap)
            trap.setblocking(False)
            traps.sockets.append(trap)
            traps.port = trap.getsockname()[1]
        yield traps


@pytest.fixture(scope="module")
def strict(lab: Lab) -> Iterator[Services]:
    """A server that may reach the Internet only, as it is by default."""
    with services(lab, {}, ALLOW_PRIVATE_ADDRESSES=None, FALLBACK_MODE="redirect") as here:
        yield here


def hosts(traps: Traps) -> list[str]:
    return [f"{host}:{traps.port}" for host in (*SPELLINGS, *ELSEWHERE)]


def test_the_traps_count(traps: Traps) -> None:
    with socket.create_connection(("127.0.0.1", traps.port)):
        assert traps.visitors() == 1
    assert traps.visitors() == 0


@pytest.mark.parametrize("kind", ["ws", "as", "url-list"])
def test_web_seeds(strict: Services, traps: Traps, kind: str) -> None:
    urls = [f"http://{host}/film-{kind}.mkv" for host in hosts(traps)]
    seeds: set[str] = set()
    for number, at in enumerate(range(0, len(urls), 10)):
        torrent = torrent_of(strict.folder, f"film-{kind}-{number}.mkv", noise(MIB))
        if kind == "url-list":
            torrent = naming(torrent, urls[at : at + 10])
        told = strict.film(torrent)
        if kind != "url-list":
            strict.server.add(hinted(torrent, **{kind: urls[at : at + 10]}))
        reply = follow(told.url)
        assert (reply.status, reply.json()["code"]) == (504, "no-source")
        assert "location" not in reply.headers
        tried = strict.steps(torrent)
        for name, (verdict, reason) in tried.items():
            if name.startswith("web seed"):
                assert verdict == "refused", (name, reason)
                assert any(why in reason for why in WHY), (name, reason)
                seeds.add(name.removeprefix("web seed ").partition(" #")[0])
    asked = {host.lower() for host in hosts(traps) if host.isascii()}
    assert seeds == asked, "each was tried, and refused"
    assert traps.visitors() == 0


def naming(torrent: Torrent, urls: list[str]) -> Torrent:
    """The same torrent with web seeds of its own."""
    raw = lt.bdecode(torrent.raw)
    assert isinstance(raw, dict)
    raw[b"url-list"] = [url.encode() for url in urls]
    return replace(torrent, raw=lt.bencode(raw))


@pytest.mark.parametrize("kind", ["xs", "as"])
def test_places_of_the_torrent(strict: Services, traps: Traps, kind: str) -> None:
    urls = [f"http://{host}/film.torrent" for host in hosts(traps)]
    for number, at in enumerate(range(0, len(urls), XS)):
        torrent = torrent_of(strict.folder, f"place-{kind}-{number}.mkv", noise(MIB))
        reply = follow(strict.server.add(hinted(torrent, **{kind: urls[at : at + XS]}))["playUrl"])
        assert (reply.status, reply.json()["code"]) == (504, "no-metadata")
        lines = [
            line.partition("✗ no metadata from ")[2]
            for line in strict.server.log.splitlines()
            if f"[{torrent.key[:8]}] ✗ no metadata from" in line
        ]
        assert len(lines) >= len(urls[at : at + XS])
        assert all(any(why in line for why in WHY) for line in lines), lines
    assert traps.visitors() == 0


@pytest.mark.parametrize("trust", ["open", "own"])
def test_sources_of_the_user(strict: Services, traps: Traps, trust: str) -> None:
    torrent = torrent_of(strict.folder, f"film-{trust}.mkv", noise(MIB))
    added: dict[str, str] = {}
    for number, host in enumerate(hosts(traps)):
        fields = {
            "name": f"{trust}-{number}",
            "url": f"http://{host}/{{infohash}}/{{filename}}",
            "trust": trust,
            "redirect": True,
        }
        reply = post_json(f"{strict.server.url}/api/sources", fields)
        assert reply.status in (201, 400), (host, reply.body)
        if reply.status == 201:
            added[f"{trust}-{number}"] = host
        else:
            assert reply.json()["code"] == "bad-source"
            assert not host.isascii()
    film = strict.film(torrent)
    told = strict.test(torrent, max=12)
    assert told["working"] == []
    tried = {found["name"]: found for found in told["tried"]}
    for name, host in added.items():
        assert tried[name]["verdict"] == "refused", (host, tried[name])
        assert any(why in tried[name]["reason"] for why in WHY), (host, tried[name])
    reply = follow(film.url)
    assert (reply.status, reply.json()["code"]) == (504, "no-source")
    assert "location" not in reply.headers
    assert traps.visitors() == 0
    for name in added:
        assert request(f"{strict.server.url}/api/sources/{name}", method="DELETE").status == 204


def test_places_of_the_settings(lab: Lab, traps: Traps) -> None:
    places = [f"http://{host}/{{INFOHASH}}.torrent" for host in hosts(traps) if host.isascii()]
    environ: dict[str, str | None] = {
        "ALLOW_PRIVATE_ADDRESSES": "off",
        "METADATA_SOURCES": ",".join(places),
    }
    with services(lab, {}, **environ) as here:
        torrent = torrent_of(here.folder, "film.mkv", noise(MIB))
        reply = follow(here.server.add(torrent.magnet())["playUrl"])
        assert (reply.status, reply.json()["code"]) == (504, "no-metadata")
        assert here.server.log.count("✗ no metadata from") >= len(places)
        assert traps.visitors() == 0


def test_where_private_addresses_are_allowed_the_rest_is_not(lab: Lab) -> None:
    """Nor is this server itself, which would ask itself without end."""
    with services(lab, {}, FALLBACK_MODE="redirect") as here:
        torrent = torrent_of(here.folder, "film.mkv", noise(MIB))
        film = here.film(torrent)
        port = here.server.port
        us = [f"{host}:{port}" for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]")]
        far = [f"{host}:{port}" for host in ("169.254.169.254", "[fe80::1]")]
        path = film.url.partition(f":{port}")[2]
        here.server.add(hinted(torrent, ws=[f"http://{host}{path}" for host in (*us, *far)]))
        reply = follow(film.url)
        assert (reply.status, reply.json()["code"]) == (504, "no-source")
        tried = here.steps(torrent)
        for host in us:
            verdict, reason = tried[f"web seed {host}"]
            assert verdict == "refused"
            assert reason.endswith("It leads back to this server.")
        for host in far:
            assert tried[f"web seed {host}"][0] == "refused"


def test_no_player_is_sent_to_what_it_might_read_otherwise(lab: Lab) -> None:
    """The user's own network is allowed here, so we may ask; what the player would make of such a
    spelling is another matter, so the film comes through the store."""
    with services(lab, {}, FALLBACK_MODE="redirect") as here:
        for host in ("2130706433", "0x7f.1", "127.1", "0177.0.0.1"):
            torrent = torrent_of(here.folder, f"film at {host}.mkv", noise(MIB))
            place = f"{host}:{here.liars.port}"
            seed = f"http://{place}/honest/{quote(torrent.name)}"
            film = here.named(torrent, seed)
            with film.open(0) as stream:
                assert stream.status == 206
                assert "location" not in stream.headers
                assert stream.headers["x-served-by"] == f"web seed {place}"
                assert stream.digest() == film.sha256
        assert "no player is sent to a source" in here.server.log
