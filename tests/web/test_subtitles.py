"""The route of subtitle files: who gets which text, and what browsers and players are told."""

import socket
from collections.abc import Iterator
from typing import Any

import gevent.socket
import pytest
from flask import Flask
from gevent.event import Event
from werkzeug.test import TestResponse

from addon.access.gate import Gate
from addon.access.links import Grant, Links
from addon.errors import Problem
from addon.library.sidecars import Sidecars
from addon.library.subtitles import MAX_LENGTH
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.metainfo import Metainfo
from addon.torrents.selection import FileIndex, MainVideo, Wanted
from addon.web import problems
from addon.web.subtitles import SubtitleFiles, blueprint
from tests.access.stores import Revoked
from tests.library.speech import TALK
from tests.torrents.build import pack
from tests.web.playing import HOST, KEYS, told

METAINFO = pack("Film", ("Film.mkv", 3), ("Film.srt", 0.05))
HASH = METAINFO.info_hash
VIDEO, TEXT = METAINFO.files
SRT = "1\r\n00:00:01,000 --> 00:00:02,000\r\n{}\r\n"
NAME = "Film.en.srt"


class Desk:
    """A server with this route alone; ``found`` is what the store gives, or raises."""

    def __init__(self) -> None:
        self.found: bytes | Problem = SRT.format("Out &amp; about").encode()
        self.waits: Event | None = None
        self.asked: list[tuple[str, InfoHash, int, int]] = []
        self.revoked = Revoked()
        self.links = Links(KEYS)
        known: Any = self
        self.sidecars = Sidecars(known)
        self.app = Flask("test", static_folder=None)
        problems.register(self.app)
        gate = Gate(KEYS, "127.0.0.1", None, trust_proxy=False)
        files: Any = self
        self.put_back: list[Magnet] = []
        made = SubtitleFiles(
            gate, self.links, self.revoked, self.put_back.append, files, self.sidecars
        )
        self.app.register_blueprint(blueprint(made))
        self.client = self.app.test_client()

    def metainfo(self, info_hash: InfoHash) -> Metainfo | None:
        return METAINFO if info_hash == HASH else None

    def read(
        self, install: str, info_hash: InfoHash, index: int, *, most: int, timeout: float, gone: Any
    ) -> tuple[str, bytes]:
        assert 0 < timeout < 30, "a router in front cuts at 30 s"
        self.asked.append((install, info_hash, index, most))
        if self.waits is not None:
            self.waits.set()
            assert gone.wait(5), "nobody told that the client is gone"
            raise ConnectionAbortedError
        if isinstance(self.found, Problem):
            raise self.found
        return TEXT.name, self.found

    def path(self, name: str = NAME, wanted: Wanted | None = None, install: str = "anne") -> str:
        wanted = wanted or FileIndex(TEXT.index)
        token = self.links.seal(Grant(HASH, wanted, install))
        return f"/subtitles-file/{HASH.key}/{wanted}/{token}/{name}"

    def ask(self, path: str = "", method: str = "GET", **more: Any) -> TestResponse:
        more = {"base_url": HOST} | more
        answer: TestResponse = self.client.open(path or self.path(), method=method, **more)
        return answer


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.mark.parametrize(
    ("form", "kind", "text"),
    [
        ("srt", "application/x-subrip", "1\n00:00:01,000 --> 00:00:02,000\nOut & about\n\n"),
        ("vtt", "text/vtt", "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nOut &amp; about\n\n"),
    ],
)
def test_the_last_extension_is_the_format(desk: Desk, form: str, kind: str, text: str) -> None:
    answer = desk.ask(desk.path(f"Film.srt.{form}"))
    assert (answer.status_code, answer.text) == (200, text)
    assert answer.content_type == f"{kind}; charset=utf-8"
    assert answer.content_length == len(answer.data)
    assert desk.asked == [("anne", HASH, TEXT.index, MAX_LENGTH)]


def test_a_head_begins_nothing(desk: Desk) -> None:
    answer = desk.ask(method="HEAD")
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.content_type == "application/x-subrip; charset=utf-8"
    assert "Content-Length" not in answer.headers, "it is not known yet"
    assert answer.headers["ETag"] == desk.ask().headers["ETag"]
    assert len(desk.asked) == 1, "the GET's"


def test_who_has_it_is_told_so(desk: Desk) -> None:
    etag = desk.ask().headers["ETag"]
    del desk.asked[:]
    for method in ("GET", "HEAD"):
        answer = desk.ask(method=method, headers={"If-None-Match": f'"other", {etag}'})
        assert (answer.status_code, answer.data) == (304, b"")
        assert answer.headers["ETag"] == etag
        assert "max-age" in answer.headers["Cache-Control"]
    assert desk.asked == []
    # The same file in another format is another text.
    other = desk.ask(desk.path("Film.en.vtt"), headers={"If-None-Match": etag})
    assert other.status_code == 200


def test_without_a_valid_grant_there_is_nothing(desk: Desk) -> None:
    key, index, token, name = desk.path().removeprefix("/subtitles-file/").split("/")
    paths = [
        f"{'cd' * 20}/{index}/{token}/{name}",
        f"{key}/{VIDEO.index}/{token}/{name}",
        f"{key}/{index}/{token[:-4]}AAAA/{name}",
        f"{key}/what/{token}/{name}",
    ]
    answers = [desk.ask(f"/subtitles-file/{path}") for path in paths]
    desk.revoked.add("anne")
    answers.append(desk.ask())
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.data for answer in answers}) == 1, "it does not tell what was wrong"
    assert desk.asked == []


@pytest.mark.parametrize("name", ["Film.en.ass", "Film.en.mkv", "srt", "Film", "Film.srt/"])
def test_there_are_two_formats(desk: Desk, name: str) -> None:
    assert desk.ask(desk.path(name)).status_code == 404
    assert desk.asked == []


def test_only_a_file_by_its_number_is_one(desk: Desk) -> None:
    assert desk.ask(desk.path(wanted=MainVideo())).status_code == 404
    assert desk.asked == []


def test_who_came_too_early_may_come_again(desk: Desk) -> None:
    desk.found = Problem("busy", "Still looked for.", "Try again.", retry_after=5)
    answer = desk.ask()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert told(answer)["code"] == "busy"
    assert "ETag" not in answer.headers
    assert "max-age" not in answer.headers.get("Cache-Control", ""), "an error must not be kept"
    # A page reads the reason too.
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.fixture
def sockets() -> Iterator[tuple[Any, socket.socket]]:
    with gevent.socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        client = gevent.socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    yield server, client
    server.close()
    client.close()


def test_nothing_goes_on_for_a_client_that_is_gone(desk: Desk, sockets: Any) -> None:
    server, client = sockets
    desk.waits = Event()
    asking = gevent.spawn(desk.ask, environ_overrides={"gunicorn.socket": server})
    assert desk.waits.wait(5)
    client.close()
    answer = asking.get(timeout=5)
    assert (answer.status_code, answer.data) == (499, b"")


def test_the_text_tells_a_language_that_the_name_does_not(desk: Desk) -> None:
    assert [one.language for one in desk.sidecars.of(HASH, VIDEO)] == ["und"]
    desk.found = SRT.format("\r\n".join(TALK["gre"])).encode()
    assert desk.ask().status_code == 200
    assert [one.language for one in desk.sidecars.of(HASH, VIDEO)] == ["gre"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_pages_elsewhere_may_read_it_and_nothing_in_it_runs(desk: Desk, method: str) -> None:
    answer = desk.ask(method=method)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "sandbox"
    assert "Set-Cookie" not in answer.headers
    assert (method == "GET") == bool(desk.asked)


def test_no_name_makes_a_header(desk: Desk) -> None:
    hostile = "a%0dSet-Cookie:%20x=1%22;%20%2f..%5c%e2%80%aeb.srt"
    assert desk.ask(desk.path(hostile.replace("%0d", "%0d%0a"))).status_code == 404
    answer = desk.ask(desk.path(hostile))
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    shown = answer.headers["Content-Disposition"]
    assert shown.isascii()
    assert shown.isprintable()
    assert shown.count('"') == 2


def test_an_open_server_answers_its_own_machine_alone(desk: Desk) -> None:
    for more in ({"base_url": "http://192.0.2.1:7000"}, {"headers": {"X-Forwarded-For": "x"}}):
        for method in ("GET", "HEAD"):
            assert desk.ask(method=method, **more).status_code == 403
    assert desk.asked == []
