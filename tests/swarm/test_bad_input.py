"""What bad input gets: a Problem that names its cause, and a server that goes on unharmed."""

from collections.abc import Iterator

import pytest

from tests.rig.http import Reply, ask_for, follow, post_json, request
from tests.rig.lab import MIB, Lab
from tests.rig.server import Server
from tests.rig.torrents import make_torrent
from tests.rig.tracker import bencode
from tests.rig.viewing import view

UNKNOWN = "0123456789abcdef0123456789abcdef01234567"
MEMBERS = {"type", "title", "status", "code", "detail", "hint"}


@pytest.fixture(autouse=True)
def _the_same_server_goes_on(server: Server) -> Iterator[None]:
    """Whatever a test sends: no worker was replaced, no torrent came or went by accident."""
    before = server.pids
    yield
    assert request(f"{server.url}/healthz").status == 200
    assert server.pids == before


def problem(reply: Reply, status: int, code: str) -> dict[str, str]:
    """The Problem in an answer, once its form is right."""
    assert reply.headers["content-type"] == "application/problem+json", reply
    told: dict[str, str] = reply.json()
    assert (reply.status, told["status"], told["code"]) == (status, status, code), told
    assert told.keys() == MEMBERS
    assert told["type"].endswith(code)
    assert told["title"]
    assert told["hint"]
    assert told["detail"].endswith(".")
    return told


def keys(server: Server) -> set[str]:
    return {one["infoHash"] for one in request(f"{server.url}/api/torrents").json()["torrents"]}


@pytest.mark.parametrize(
    "magnet",
    [
        "",
        "magnet:",
        "magnet:?dn=film",
        "magnet:?xt=urn:btih:xyz",
        f"magnet:?xt=urn:btih:{UNKNOWN[:-1]}",
        f"magnet:?xt=urn:btih:{'g' * 40}",
        f"magnet:?xt=urn:sha1:{UNKNOWN}",
        f"magnet:?xt=urn:btmh:1220{UNKNOWN}",
        f"https://films.example.org/{UNKNOWN}",
        UNKNOWN[:20],
        "magnet:?xt=urn:btih:" + "a" * 100_000,
        f"magnet:?xt=urn:btih:{UNKNOWN}&xt=urn:btih:{UNKNOWN[::-1]}",
    ],
)
def test_a_malformed_magnet(server: Server, magnet: str) -> None:
    before = keys(server)
    reply = post_json(f"{server.url}/api/torrents", {"magnetUri": magnet})
    if len(magnet) > 64 * 1024:
        problem(reply, 413, "too-large")
    else:
        problem(reply, 400, "bad-magnet")
    assert keys(server) == before


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"magnet:"',
        b"{}",
        b'{"magnetUri": 7}',
        b'{"magnetUri": null}',
        b"\xff\xfe",
        b"[" * 5000,
    ],
)
def test_a_body_that_says_nothing(server: Server, body: bytes) -> None:
    kind = {"Content-Type": "application/json"}
    problem(request(f"{server.url}/api/torrents", kind, "POST", body), 400, "bad-request")


@pytest.mark.parametrize(
    "about",
    [
        {"fileIndex": -1},
        {"fileIndex": "one"},
        {"fileIndex": True},
        {"season": 1},
        {"season": 1, "episode": "two"},
        {"imdbId": "0944947"},
        {"imdbId": 944947},
    ],
)
def test_fields_that_make_no_sense(server: Server, about: dict[str, object]) -> None:
    before = keys(server)
    magnet = f"magnet:?xt=urn:btih:{UNKNOWN}"
    reply = post_json(f"{server.url}/api/torrents", {"magnetUri": magnet, **about})
    problem(reply, 400, "bad-request")
    assert keys(server) == before


@pytest.mark.parametrize("key", [UNKNOWN, "main", "x" * 40, "%00", UNKNOWN * 2, "..%2f..%2fetc"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_unknown_torrent(server: Server, key: str, method: str) -> None:
    problem(request(f"{server.url}/api/torrents/{key}", method=method), 404, "not-found")


def test_a_file_that_is_not_there(lab: Lab, server: Server) -> None:
    torrent = lab.torrent(100_000, 16 * 1024)
    kind = {"Content-Type": "application/x-bittorrent"}
    reply = request(f"{server.url}/api/torrents?fileIndex=9", kind, "POST", torrent.raw)
    assert "9" in problem(reply, 404, "no-such-file")["detail"]
    assert torrent.key not in keys(server)


def test_play_links_that_were_changed(lab: Lab, server: Server) -> None:
    film = view(lab, server, lab.torrent(MIB))
    other = view(lab, server, lab.torrent(MIB))
    base, key, file, grant, name = film.url.rsplit("/", 4)
    wrong = [
        f"{base}/{key}/1/{grant}/{name}",
        f"{base}/{key}/99999999999/{grant}/{name}",
        f"{base}/{key}/-1/{grant}/{name}",
        f"{base}/{key}/s01e99/{grant}/{name}",
        f"{base}/{key}/%2e%2e/{grant}/{name}",
        f"{base}/{UNKNOWN}/{file}/{grant}/{name}",
        f"{base}/{other.torrent.key}/{file}/{grant}/{name}",
        f"{base}/{key}/{file}/{grant[:-1]}{'A' if grant[-1] != 'A' else 'Q'}/{name}",
        f"{base}/{key}/{file}/{grant[:-5]}/{name}",
        f"{base}/{key}/{file}/{grant}{grant}/{name}",
        f"{base}/{key}/{file}/AAAA/{name}",
        f"{base}/{key}/{file}/%ff%00/{name}",
    ]
    said = {problem(request(url), 404, "not-found")["detail"] for url in wrong}
    assert len(said) == 1, "an answer that differs tells what was right"
    assert request(wrong[0], method="HEAD").status == 404
    # The name is there for players only, and so is the case of the hash.
    assert follow(f"{base}/{key}/{file}/{grant}/other%20name.avi").body == film.data
    assert follow(f"{base}/{key.upper()}/{file}/{grant}/{name}").body == film.data


def test_a_link_of_a_torrent_that_was_removed(lab: Lab, server: Server) -> None:
    film = view(lab, server, lab.torrent(MIB))
    film.part(0, film.size - 1)
    folder = server.folder / "data"
    assert list(folder.rglob("film.mkv"))
    url = f"{server.url}/api/torrents/{film.torrent.key}"
    others = len(list(folder.rglob("film.mkv")))
    assert request(url, method="DELETE").status == 204
    assert len(list(folder.rglob("film.mkv"))) == others - 1
    told = problem(follow(film.url), 404, "not-found")
    assert "library" in told["detail"]
    problem(request(url), 404, "not-found")
    assert request(film.url, method="HEAD").status == 404


@pytest.mark.parametrize(
    "asked", ["bytes=5-2", "bytes=a-b", "bytes=", "bytes", "items=0-1", "bytes=--1", "bytes=0-0-0"]
)
def test_ranges_that_cannot_be_read_are_ignored(lab: Lab, server: Server, asked: str) -> None:
    film = view(lab, server, lab.torrent(200_000, 16 * 1024))
    reply = follow(film.url, {"Range": asked})
    assert (reply.status, reply.body) == (200, film.data)
    assert "content-range" not in reply.headers


def test_ranges_of_nothing(lab: Lab, server: Server) -> None:
    film = view(lab, server, lab.torrent(200_000, 16 * 1024))
    asked = ["bytes=200000-", "bytes=200000-200001", "bytes=999999999999-", "bytes=-0"]
    for value in asked:
        reply = follow(film.url, {"Range": value})
        assert "200000" in problem(reply, 416, "bad-range")["detail"]
        assert reply.headers["content-range"] == "bytes */200000"
    last = follow(film.url, ask_for(199_999, 10**18))
    assert (last.status, last.body) == (206, film.data[-1:])


def test_a_torrent_that_is_too_large(server: Server) -> None:
    reply = server.upload(b"d8:announce" + b"x" * (10 * MIB))
    assert "10" in problem(reply, 413, "too-large")["detail"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"d-4:",
        b"d4:infode",
        b"<html>404</html>",
        b"d" * 100_000,
        b"l" * (5 * MIB),
        b"i1e" * MIB,
        bencode({"info": {"name": b"x", "piece length": 16384, "pieces": b"x" * 20}}),
        bencode({"info": {"name": b"x", "piece length": -1, "pieces": b"x" * 20, "length": 9}}),
        bencode({"info": {"name": b"x", "piece length": 16384, "pieces": b"x", "length": 9}}),
        bencode({"info": {"name": b"x", "piece length": 2**62, "pieces": b"", "length": 2**62}}),
    ],
    ids=range(11),
)
def test_a_hostile_torrent(server: Server, raw: bytes) -> None:
    before = keys(server)
    reply = server.upload(raw)
    if raw == b"":
        assert reply.status == 400
    else:
        problem(reply, 400, "bad-torrent")
    assert keys(server) == before


def test_a_torrent_that_was_cut(lab: Lab, server: Server) -> None:
    torrent = lab.torrent(100_000, 16 * 1024)
    for length in range(1, len(torrent.raw), 7):
        problem(server.upload(torrent.raw[:length]), 400, "bad-torrent")


def test_names_that_lead_out_of_the_folder(lab: Lab, server: Server) -> None:
    file = lab.file("Pack/aa.mkv", 50_000)
    torrent = make_torrent(file.parent, 16 * 1024)
    wicked = torrent.raw.replace(b"6:aa.mkv", b"6:../../")
    assert wicked != torrent.raw
    reply = server.upload(wicked)
    if reply.status == 201:
        for listed in reply.json()["files"]:
            assert ".." not in listed["path"].split("/")
    else:
        problem(reply, 400, "bad-torrent")


def test_methods_that_do_nothing(lab: Lab, server: Server) -> None:
    film = view(lab, server, lab.torrent(20_000, 16 * 1024))
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        reply = request(film.url, method=method)
        problem(reply, 405, "not-allowed")
        assert "GET" in reply.headers["allow"]
    problem(request(f"{server.url}/api/torrents", method="DELETE"), 405, "not-allowed")
