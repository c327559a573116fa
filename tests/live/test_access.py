"""Who may come in: a server with a key, and one that is open to its own machine only."""

import json
import re
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from addon.library.titles import OWN_PREFIX
from tests.rig.http import Connection, Reply, ask_for, follow, post_json, request
from tests.rig.lab import MIB, Lab
from tests.rig.server import Server
from tests.rig.torrents import Torrent
from tests.rig.viewing import Viewing, view
from tests.rig.waiting import until

KEY = "correct-horse-battery"
SECRET = "a secret of at least sixteen signs"
UNKNOWN = "0123456789abcdef0123456789abcdef01234567"
ELSEWHERE = {"Origin": "https://evil.example"}
KNOWN = {"Authorization": f"Bearer {KEY}"}
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Closed:
    """A server that asks for a key, and everything secret about it."""

    server: Server
    torrent: Torrent
    film: str
    main: str
    token: str
    cookie: str

    @property
    def grants(self) -> list[str]:
        """The secret parts of its play links."""
        return [url.split("/")[6] for url in (self.film, self.main)]

    @property
    def secrets(self) -> list[str]:
        return [KEY, SECRET, self.token, self.cookie, *self.grants]

    @property
    def api(self) -> list[tuple[str, str, bytes]]:
        """Every request that the API knows: method, path, body."""
        one = f"/api/torrents/{self.torrent.key}"
        magnet = json.dumps({"magnetUri": self.torrent.magnet()}).encode()
        return [
            ("GET", "/api/torrents", b""),
            ("POST", "/api/torrents", magnet),
            ("GET", one, b""),
            ("HEAD", one, b""),
            ("DELETE", f"/api/torrents/{UNKNOWN}", b""),
            ("GET", "/api/resolutions", b""),
            ("GET", "/api/resolutions/0123456789ab", b""),
        ]

    @property
    def stremio(self) -> list[str]:
        """Every address that Stremio may ask for, without the install token."""
        title = f"{OWN_PREFIX}{self.torrent.key}"
        return [
            "/manifest.json",
            "/catalog/movie/library.json",
            "/catalog/movie/library/search=film.json",
            f"/meta/movie/{quote(title)}.json",
            f"/stream/movie/{quote(title)}.json",
            "/stream/series/tt0944947:1:2.json",
            "/subtitles/movie/tt7654321.json",
        ]

    def ask(
        self,
        path: str,
        headers: dict[str, str] | None = None,
        method: str = "GET",
        body: bytes = b"",
    ) -> Reply:
        return request(
            self.server.url + path, (headers or {}) | (JSON if body else {}), method, body
        )


@pytest.fixture(scope="module")
def closed(lab: Lab) -> Closed:
    """Every secret is had as people get it: by the API with the key, and by the page."""
    server = lab.server(ACCESS_KEY=KEY, SECRET_KEY=SECRET)
    torrent = lab.torrent(MIB, 64 * 1024)
    lab.share(torrent)
    kind = {"Content-Type": "application/x-bittorrent"}
    told = request(f"{server.url}/api/torrents", kind | KNOWN, "POST", torrent.raw).json()
    magnet = {"magnetUri": torrent.magnet([lab.tracker.url])}
    assert post_json(f"{server.url}/api/torrents", magnet, KNOWN).status == 201
    login = request(
        f"{server.url}/login",
        {"Content-Type": "application/x-www-form-urlencoded"},
        "POST",
        urlencode({"key": KEY}).encode(),
    )
    assert (login.status, login.headers["location"]) == (303, "./")
    cookie = login.headers["set-cookie"].partition(";")[0]
    page = request(f"{server.url}/", {"Cookie": cookie}).body.decode()
    found = re.search(rf"{re.escape(server.url)}/([\w-]+)/manifest\.json", page)
    assert found
    return Closed(
        server,
        torrent,
        told["files"][0]["playUrl"],
        told["playUrl"],
        found[1],
        cookie.partition("=")[2],
    )


def changed(secret: str) -> str:
    """Another one that looks alike."""
    return secret[:-2] + ("AA" if secret[-2:] != "AA" else "QQ")


def test_with_what_was_given_everything_opens(closed: Closed) -> None:
    for ways in (KNOWN, {"Cookie": f"streme_session={closed.cookie}", "Origin": closed.server.url}):
        for method, path, body in closed.api:
            if path.endswith(("ab", UNKNOWN)):
                continue
            reply = closed.ask(path, ways, method, body)
            assert reply.status in (200, 201, 202), (method, path, reply)
    for path in closed.stremio:
        assert closed.ask(f"/{closed.token}{path}").status == 200, path
    for url in (closed.film, closed.main):
        reply = follow(url, ask_for(0, 999))
        assert (reply.status, reply.body) == (206, closed.torrent.files[0].data()[:1000])
    streams = closed.ask(
        f"/{closed.token}/stream/movie/{OWN_PREFIX}{closed.torrent.key}.json"
    ).json()
    for stream in streams["streams"]:
        assert follow(stream["url"], ask_for(0, 9)).status == 206


def test_without_it_there_is_nothing(closed: Closed) -> None:
    nothing = closed.ask("/such/a/thing/never/was").body
    refused: list[tuple[str, Reply]] = []
    cookies = {"Cookie": f"streme_session={changed(closed.cookie)}", "Origin": closed.server.url}
    wrong: list[dict[str, str]] = [
        *({}, {"Authorization": "Bearer "}, {"Authorization": KEY}, cookies),
        {"Authorization": f"Bearer {changed(KEY)}"},
        {"Authorization": f"Bearer {closed.token}"},
        {"Authorization": f"Basic {KEY}"},
        {"Cookie": f"streme_session={closed.cookie}"} | ELSEWHERE,
        KNOWN | ELSEWHERE,
    ]
    for headers in wrong:
        for method, path, body in closed.api:
            if method != "HEAD":
                refused.append((f"{method} {path}", closed.ask(path, headers, method, body)))
    tokens = ["", f"/{changed(closed.token)}", f"/{KEY}", f"/{UNKNOWN}"]
    paths = [token + path for token in tokens for path in closed.stremio]
    base, key, file, grant, name = closed.film.removeprefix(closed.server.url).rsplit("/", 4)
    paths += [
        f"{base}/{key}/{file}/{changed(grant)}/{name}",
        f"{base}/{key}/{file}/{closed.token}/{name}",
        f"{base}/{key}/{file}/{KEY}/{name}",
        f"{base}/{key}/main/{grant}/{name}",
        f"{base}/{UNKNOWN}/{file}/{grant}/{name}",
        f"{base}/{key}/{file}/{name}",
    ]
    refused += [(path, closed.ask(path, KNOWN)) for path in paths]
    for asked, reply in refused:
        assert (reply.status, reply.body) == (404, nothing), asked
    assert closed.ask("/api/torrents", method="HEAD").status == 404


def test_what_needs_no_key(closed: Closed) -> None:
    assert closed.ask("/healthz").json() == {"status": "ok"}
    ready = closed.ask("/readyz")
    assert ready.json().keys() == {"status", "p2p", "torrents", "readers"}
    page = closed.ask("/").body.decode()
    assert 'type="password"' in page
    for secret in closed.secrets:
        assert secret not in page
    wrong = closed.ask(
        "/login", {"Content-Type": "application/x-www-form-urlencoded"}, "POST", b"key=x"
    )
    assert wrong.status in (403, 400)
    assert "set-cookie" not in wrong.headers


def test_no_secret_reaches_the_log(closed: Closed) -> None:
    server = closed.server
    base, key, file, grant, name = closed.film.rsplit("/", 4)
    for token in (closed.token, changed(closed.token), KEY):
        for path in (*closed.stremio, "/configure", "/nothing/here", ""):
            closed.ask(f"/{token}{path}")
            closed.ask(f"/{token}{path}?token={closed.token}", {"Referer": closed.film}, "POST")
    for headers in (KNOWN, KNOWN | ELSEWHERE, {"Cookie": f"streme_session={closed.cookie}"}):
        for method, path, body in closed.api:
            closed.ask(path, headers | {"Referer": f"{server.url}/{closed.token}/"}, method, body)
    for url in (closed.film, closed.main):
        for method in ("GET", "HEAD", "OPTIONS", "POST"):
            for more in ("", f"?hop=1&key={KEY}"):
                request(url + more, {"Referer": url}, method)
        with Connection(url) as left:
            left.ask(url)
            left.reset()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    closed.ask("/login", form | {"Cookie": f"streme_session={closed.cookie}"}, "POST", KEY.encode())
    closed.ask("/logout", form | {"Cookie": f"streme_session={closed.cookie}"}, "POST", b"x=y")
    said = raw(server, closed, base.removeprefix(server.url), key, file, grant, name)
    closed.ask("/that/is/all")
    until(lambda: "/that/is/all" in server.log, 5)
    assert said.count(b"HTTP/1.1 4") >= 3
    log = server.log
    for secret in closed.secrets:
        assert secret not in log
        assert quote(secret, safe="") not in log
        # Nor enough of it to guess the rest.
        assert secret[: len(secret) * 2 // 3] not in log
    assert f"/play/{key}/{file}/***/{name}" in log
    assert "Traceback" not in log


def raw(server: Server, closed: Closed, *parts: str) -> bytes:
    """Requests that are wrong in themselves, each with a secret in it; all that is answered."""
    path = "/".join(parts)
    play = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    said = b""
    for text in (
        f"GET {path} HTTP/9.9\r\n\r\n",
        f"GET {path}\r\n\r\n",
        f"G\x01T {path} HTTP/1.1\r\n\r\n",
        f"{play}Authorization Bearer {KEY}\r\n\r\n",
        f"{play}Range: bytes={KEY}\r\nConnection: close\r\n\r\n",
        f"{play}Content-Length: {closed.token}\r\n\r\n",
        f"{play}Transfer-Encoding: {KEY}\r\n\r\n",
        f"{play}X: {closed.token * 200}\r\n\r\n",
        f"GET /{closed.token * 200}/manifest.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        f"GET {server.url}{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
            client.sendall(text.encode("latin-1"))
            client.shutdown(socket.SHUT_WR)
            while part := client.recv(65536):
                said += part
    return said


def test_no_grant_reaches_the_log_however_its_link_is_spelled(closed: Closed) -> None:
    reply = request(closed.film.replace("/play/", "/%70lay/"), ask_for(0, 9))
    assert reply.body == closed.torrent.files[0].data()[:10], "it is the same address"
    until(lambda: "/%70lay/" in closed.server.log, 2)
    for grant in closed.grants:
        assert grant not in closed.server.log


# The open server


@pytest.fixture(scope="module")
def film(lab: Lab, server: Server) -> Viewing:
    return view(lab, server, lab.torrent(MIB, 64 * 1024))


def everything(film: Viewing) -> list[tuple[str, str]]:
    """A request to each part of the open server: method, URL."""
    base = film.server.url
    return [
        ("GET", film.url),
        ("HEAD", film.url),
        *(("GET", f"{base}{path}") for path in ("/", "/manifest.json", "/api/torrents")),
        ("GET", f"{base}/catalog/movie/library.json"),
        ("GET", f"{base}/stream/movie/tt7654321.json"),
        ("GET", f"{base}/api/torrents/{film.torrent.key}"),
        ("DELETE", f"{base}/api/torrents/{film.torrent.key}"),
        ("POST", f"{base}/api/torrents"),
        ("GET", f"{base}/api/resolutions"),
    ]


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:7000"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "localhost.evil.example"},
        {"Host": "user@127.0.0.1"},
        {"Host": "192.168.1.5:7000"},
        {"X-Forwarded-For": "203.0.113.9"},
        {"X-Forwarded-Host": "127.0.0.1"},
        {"Forwarded": "for=203.0.113.9"},
        {"Via": "1.1 proxy"},
        {"X-Real-IP": "203.0.113.9"},
    ],
    ids=lambda headers: "=".join(*headers.items()),
)
def test_an_open_server_answers_its_own_machine_only(
    film: Viewing, headers: dict[str, str]
) -> None:
    for method, url in everything(film):
        reply = request(url, headers, method)
        assert reply.status == 403, (method, url, reply)
        if method != "HEAD" and reply.headers["content-type"] == "application/problem+json":
            assert reply.json()["code"] == "set-access-key"
            assert "ACCESS_KEY" in reply.json()["hint"]
    assert film.told()["status"] == "ready"


def test_it_knows_its_own_machine_by_every_name(film: Viewing) -> None:
    port = film.server.port
    for host in (
        f"127.0.0.1:{port}",
        f"localhost:{port}",
        "LOCALHOST",
        f"[::1]:{port}",
        "127.8.9.1",
    ):
        for method, url in everything(film):
            if method == "GET":
                status = request(url, {"Host": host}, method).status
                assert status in (200, 206), (host, url, status)


def test_pages_elsewhere_may_play_and_list_but_not_rule(film: Viewing) -> None:
    preflight = ELSEWHERE | {
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "range",
        "Access-Control-Request-Private-Network": "true",
    }
    for method, url in everything(film):
        allowed = request(url, preflight, "OPTIONS").headers
        asked: dict[str, Any] = {"Range": "bytes=0-9"} if "/play/" in url else {}
        reply = request(url, ELSEWHERE | asked, method)
        origins = {
            headers.get("access-control-allow-origin") for headers in (allowed, reply.headers)
        }
        if "/api/" in url:
            assert (reply.status, origins) == (404, {None}), (method, url)
        elif url == f"{film.server.url}/":
            assert origins == {None}
        else:
            assert reply.status in (200, 206), (method, url)
            assert origins == {"*"}
            assert "GET" in allowed["access-control-allow-methods"]
            assert allowed["access-control-allow-headers"] == "*"
            assert "access-control-allow-credentials" not in allowed
    play = request(film.url, ELSEWHERE | ask_for(0, 9)).headers["access-control-expose-headers"]
    assert {"Content-Range", "Content-Length", "ETag"} <= set(play.split(", "))
    errors = [ask_for(film.size), {"Host": "evil.example"}]
    for headers in errors:
        reply = request(film.url, ELSEWHERE | headers)
        assert reply.headers["access-control-allow-origin"] == "*", reply
    assert film.told()["status"] == "ready", "no page elsewhere has removed it"
