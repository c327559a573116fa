"""The status endpoint: who may ask, and the shape of what it tells."""

import json
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from addon.access.gate import Gate
from addon.access.links import Grant, Links
from addon.errors import Problem
from addon.playback.readiness import Film, Standing
from addon.torrents.magnet import InfoHash
from addon.torrents.metainfo import File
from addon.torrents.selection import Episode, MainVideo, Wanted
from addon.web import problems
from addon.web.status import Status, blueprint
from tests.access.stores import Revoked
from tests.web.playing import HASH, HOST, KEYS

BUSY = Standing("preparing", "just begun", 4, 1000, 1 / 3, ("swarm",), None, None)
FILM = File(2, "Film/Film.mkv", 0, 5000)


class Desk:
    """A server with the status route alone, over answers that a test gives."""

    def __init__(self) -> None:
        self.answer = BUSY
        self.asked: list[tuple[Film, bool]] = []
        self.revoked = Revoked()
        self.links = Links(KEYS)
        app = Flask("test", static_folder=None)
        problems.register(app)
        gate = Gate(KEYS, "127.0.0.1", None, trust_proxy=False)
        readiness: Any = self
        made = Status(gate, self.links, self.revoked, readiness, lambda asked: asked.is_secure)
        app.register_blueprint(blueprint(made))
        self.client = app.test_client()

    def look(self, film: Film, *, again: bool) -> Standing:
        self.asked.append((film, again))
        return self.answer

    def path(self, wanted: Wanted | None = None) -> str:
        wanted = wanted or MainVideo()
        return f"/status/{HASH.key}/{wanted}/{self.links.seal(Grant(HASH, wanted, 'anne'))}"

    def ask(self, path: str = "", method: str = "GET", base: str = HOST) -> TestResponse:
        answer: TestResponse = self.client.open(path or self.path(), method=method, base_url=base)
        return answer

    def told(self) -> Any:
        answer = self.ask()
        assert answer.status_code == 200
        return json.loads(answer.text)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_film_on_its_way(desk: Desk) -> None:
    assert desk.told() == {
        "state": "preparing",
        "step": "just begun",
        "peers": 4,
        "downloadRate": 1000,
        "progress": 0.333,
        "sources": ["swarm"],
    }
    assert desk.asked == [(Film("anne", HASH, MainVideo()), False)]


def test_a_film_that_is_ready_or_failed(desk: Desk) -> None:
    desk.answer = Standing("ready", "ready to play", 0, 0, 1.0, (), FILM, None)
    told = desk.told()
    assert (told["fileName"], told["length"]) == ("Film.mkv", 5000)
    assert told["contentType"] == "video/x-matroska"
    assert "problem" not in told
    problem = Problem("no-peers", "Nobody has it.", "Try later.")
    desk.answer = Standing("failed", "failed", 0, 0, 0.0, (), None, problem)
    told = desk.told()
    assert told["problem"] == {"code": "no-peers", "detail": "Nobody has it.", "hint": "Try later."}
    assert "fileName" not in told


def test_it_is_asked_as_the_play_link_is(desk: Desk) -> None:
    desk.ask(f"{desk.path(Episode(1, 2))}?again=1", base="https://127.0.0.1:7000")
    assert desk.asked == [(Film("anne", HASH, Episode(1, 2), secure=True), True)]


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
def test_only_a_get_begins_anything(desk: Desk, method: str) -> None:
    answer = desk.ask(method=method)
    assert (answer.status_code, answer.data, desk.asked) == (204, b"", [])
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_pages_elsewhere_may_read_it_and_nobody_keeps_it(desk: Desk) -> None:
    answer = desk.ask()
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_without_a_valid_grant_there_is_nothing(desk: Desk) -> None:
    token = desk.path().rpartition("/")[2]
    other = InfoHash("cd" * 20).key
    for path in (
        f"/status/{HASH.key}/main/x",
        f"/status/{HASH.key}/s01e01/{token}",
        f"/status/{other}/main/{token}",
        f"/status/{HASH.key}/nonsense/{token}",
    ):
        assert desk.ask(path).status_code == 404, path
    desk.revoked.add("anne")
    assert desk.ask().status_code == 404
    assert desk.asked == []


def test_an_open_server_answers_its_own_machine_alone(desk: Desk) -> None:
    assert desk.ask(base="http://rebound.example:7000").status_code == 403
    assert desk.asked == []
