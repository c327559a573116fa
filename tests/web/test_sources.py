"""``/api/sources``: the shapes of DESIGN §6, and what it hands on."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Request
from werkzeug.test import TestResponse

from addon.access.gate import Gate
from addon.access.keys import Keys
from addon.access.links import Links
from addon.errors import Problem
from addon.settings import load_settings
from addon.sources.base import Link, Media
from addon.sources.catalogue import BUILT_IN, load_catalogue
from addon.sources.health import Experience, Verdict
from addon.sources.probe import Found
from addon.sources.registry import Registry
from addon.sources.template import TemplateSource, parse_template
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.metainfo import Metainfo
from addon.web import problems
from addon.web.api import Api
from addon.web.problems import not_found
from addon.web.sessions import Sessions
from addon.web.sources import blueprint
from addon.web.urls import public_base
from tests.torrents.build import pack

PATH = "/api/sources"
SHOW = pack("Show", "Show.S01E01.mkv", "Show.S01E02.mkv")
MAGNET = Magnet(SHOW.info_hash, web_seeds=("https://seed.example/",))
URL = "https://one.example/{infohash}"
FIRST = TemplateSource("One", parse_template(URL), priority=1, note="the first")
SECOND = TemplateSource("Two", parse_template(URL), priority=2)
HEALTH = {"score", "successes", "failures", "ttfb", "restsFor", "last"}
MEMBERS = {
    "name", "priority", "kind", "trust", "enabled", "needsMetadata", "supportsResume", "redirect",
    "note", "health",
}  # fmt: skip


class FakeSources:
    """Every test ends with ``outcome``; ``tested`` is what was asked for."""

    def __init__(self) -> None:
        self.experience = Experience(lambda: 1000.0)
        self.tested: list[tuple[Media, int]] = []
        self.outcome: list[Found] = []

    def test(self, media: Media, most: int) -> list[Found]:
        self.tested.append((media, most))
        return self.outcome


class FakeKept:
    def __init__(self) -> None:
        self.metadata: Metainfo | None = SHOW
        self.known: Magnet | None = MAGNET

    def magnet(self, info_hash: InfoHash) -> Magnet | None:
        return self.known

    def metainfo(self, info_hash: InfoHash) -> Metainfo | None:
        return self.metadata


class Desk:
    """A server with these routes alone; ``closed`` turns everybody away."""

    def __init__(
        self,
        registry: Registry | None = None,
        gate: Callable[[Request], None] | None = None,
    ) -> None:
        self.registry = registry or Registry([FIRST, SECOND], excluded=["Two"])
        self.sources: Any = FakeSources()
        self.kept = FakeKept()
        self.closed = False
        app = Flask("test", static_folder=None)
        problems.register(app)
        app.register_blueprint(
            blueprint(gate or self._enter, self.registry, self.sources, self.kept)
        )
        self.client = app.test_client()

    def _enter(self, asked: Request) -> None:
        if self.closed:
            raise not_found()

    def ask(self, path: str = "", method: str = "GET", **more: Any) -> TestResponse:
        answer: TestResponse = self.client.open(PATH + path, method=method, **more)
        assert answer.headers["Cache-Control"] == "no-store"
        return answer

    def told(self, path: str = "", method: str = "GET", status: int = 200, **more: Any) -> Any:
        answer = self.ask(path, method, **more)
        assert answer.status_code == status, answer.text
        return json.loads(answer.text)

    def test(self, **fields: Any) -> Any:
        fields = {"infoHash": SHOW.info_hash.key} | fields
        return self.told("/test", "POST", json={n: v for n, v in fields.items() if v is not None})

    def refused(self, code: str, path: str, method: str, **more: Any) -> None:
        answer = self.ask(path, method, **more)
        assert json.loads(answer.text)["code"] == code, answer.text
        assert answer.status_code == problems.STATUS[code]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_every_source_is_listed_those_that_are_off_too(desk: Desk) -> None:
    one, two = desk.told()["sources"]
    assert one.keys() == two.keys() == MEMBERS
    assert (one["name"], one["priority"], one["note"]) == ("One", 1, "the first")
    assert (one["kind"], one["trust"]) == (FIRST.kind.value, "open")
    assert (one["needsMetadata"], one["supportsResume"]) == (False, True)
    assert (one["enabled"], two["enabled"]) == (True, False)
    assert one["health"].keys() == HEALTH


def test_stats_are_of_those_that_may_be_asked(desk: Desk) -> None:
    desk.sources.experience.record("One", Verdict.VERIFIED, ttfb=0.25)
    told = desk.told("/stats")
    assert told.keys() == {"totalSources", "sources"}
    assert told["totalSources"] == 1
    (one,) = told["sources"]
    assert one.keys() == {"name", "priority", "note"} | HEALTH
    assert (one["name"], one["successes"], one["failures"]) == ("One", 1, 0)
    assert (one["ttfb"], one["last"]) == (0.25, "verified")
    assert one["restsFor"] == 0


def test_by_default_there_are_twelve() -> None:
    desk = Desk(Registry(load_catalogue(BUILT_IN), excluded=load_settings({}).exclude_sources))
    told = desk.told("/stats")
    assert told["totalSources"] == len(told["sources"]) == 12
    priorities = [one["priority"] for one in told["sources"]]
    assert priorities == sorted(priorities)
    notes = {one["name"]: one["note"] for one in told["sources"]}
    assert notes["Instant.io"] == "Best for popular torrents"
    assert "WebTor.io" not in notes
    desk.told("", "POST", 201, json={"name": "Mine", "url": URL})
    desk.told("/Instant.io", "PATCH", json={"enabled": False})
    desk.told("/TorrentDrive", "PATCH", json={"enabled": False})
    assert desk.told("/stats")["totalSources"] == 11
    desk.refused("bad-request", "/WebTor.io", "PATCH", json={"enabled": True})


def test_how_long_a_source_rests(desk: Desk) -> None:
    desk.sources.experience.record("One", Verdict.LIMITED, retry_after=90)
    (one,) = desk.told("/stats")["sources"]
    assert 0 < one["restsFor"] < 500


def test_a_source_is_added_changed_and_removed(desk: Desk) -> None:
    fields = {"name": "My drive/1", "url": "https://mine.example/{filename}", "trust": "own"}
    added = desk.told("", "POST", 201, json=fields)
    assert added.keys() == MEMBERS
    assert (added["name"], added["trust"], added["enabled"]) == ("My drive/1", "own", True)
    changed = desk.told("/My%20drive/1", "PATCH", json={"enabled": False, "priority": 7})
    assert (changed["enabled"], changed["priority"]) == (False, 7)
    assert len(desk.told()["sources"]) == 3
    answer = desk.ask("/My%20drive/1", "DELETE")
    assert (answer.status_code, answer.data) == (204, b"")
    assert len(desk.told()["sources"]) == 2


def test_what_the_registry_refuses_is_told(desk: Desk) -> None:
    desk.refused("exists", "", "POST", json={"name": "one", "url": URL})
    desk.refused("bad-source", "", "POST", json={"name": "New", "url": "no address"})
    desk.refused("built-in", "/One", "DELETE")
    desk.refused("not-found", "/Nobody", "DELETE")
    desk.refused("not-found", "/Nobody", "PATCH", json={"enabled": False})


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b"[" * 5000])
@pytest.mark.parametrize(("path", "method"), [("", "POST"), ("/One", "PATCH"), ("/test", "POST")])
def test_a_body_that_is_no_object(desk: Desk, path: str, method: str, body: bytes) -> None:
    desk.refused("bad-request", path, method, data=body)


@pytest.mark.parametrize(("path", "method"), [("", "POST"), ("/One", "PATCH"), ("/test", "POST")])
def test_a_body_that_is_too_large(desk: Desk, path: str, method: str) -> None:
    desk.refused("too-large", path, method, data=b" " * (64 * 1024 + 1))


def test_a_test_says_who_works_and_what_became_of_the_others(desk: Desk) -> None:
    link = Link("https://one.example/film")
    desk.sources.outcome = [
        Found(FIRST, Verdict.VERIFIED, "the piece is right", link, ttfb=0.2, size=500),
        Found(SECOND, Verdict.ABSENT, "404", ttfb=0.1),
    ]
    assert desk.test(fileIndex=0) == {
        "working": [{
            "name": "One", "url": link.url, "verified": True, "ttfb": 0.2, "size": 500
        }],
        "tried": [
            {"name": "One", "verdict": "verified", "reason": "the piece is right", "ttfb": 0.2},
            {"name": "Two", "verdict": "absent", "reason": "404", "ttfb": 0.1},
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "name"),
    [({"fileIndex": 1}, "Show.S01E02.mkv"), ({"fileName": "Show.S01E01.mkv"}, "Show.S01E01.mkv")],
)
def test_a_file_is_named_by_its_number_or_its_name(
    desk: Desk, asked: dict[str, Any], name: str
) -> None:
    desk.test(**asked, max=3)
    ((media, most),) = desk.sources.tested
    assert most == 3
    assert media.info_hash == SHOW.info_hash
    assert media.file is not None
    assert (media.file.name, media.file_name) == (name, name)
    assert media.magnet.web_seeds == MAGNET.web_seeds, "what the magnet knew is known here too"


def test_without_metadata_a_name_is_all_there_is(desk: Desk) -> None:
    desk.kept.metadata = desk.kept.known = None
    desk.test(fileName="film.mkv")
    desk.test()
    named, unnamed = (media for media, _ in desk.sources.tested)
    assert (named.metainfo, named.file, named.file_name) == (None, None, "film.mkv")
    assert unnamed.file_name == ""
    assert [most for _, most in desk.sources.tested] == [1, 1]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "bad-request"),
        ({"infoHash": 7}, "bad-request"),
        ({"infoHash": "ab"}, "bad-magnet"),
        ({"infoHash": SHOW.info_hash.key}, "no-such-file"),
        ({"infoHash": SHOW.info_hash.key, "fileIndex": 9}, "no-such-file"),
        ({"infoHash": SHOW.info_hash.key, "fileIndex": True}, "bad-request"),
        ({"infoHash": SHOW.info_hash.key, "fileIndex": "1"}, "bad-request"),
        ({"infoHash": SHOW.info_hash.key, "fileName": 1}, "bad-request"),
        ({"infoHash": SHOW.info_hash.key, "fileIndex": 0, "max": 0}, "bad-request"),
        ({"infoHash": SHOW.info_hash.key, "fileIndex": 0, "max": 13}, "bad-request"),
        ({"infoHash": SHOW.info_hash.key, "fileIndex": 0, "max": True}, "bad-request"),
    ],
)
def test_what_cannot_be_tested(desk: Desk, fields: dict[str, Any], code: str) -> None:
    desk.refused(code, "/test", "POST", json=fields)
    assert desk.sources.tested == []


def test_nobody_comes_in_who_may_not(desk: Desk) -> None:
    desk.closed = True
    asked = [("", "GET"), ("/stats", "GET"), ("", "POST"), ("/One", "PATCH"), ("/One", "DELETE")]
    for path, method in [*asked, ("/test", "POST")]:
        desk.refused("not-found", path, method, json={"name": "New", "url": URL})
    assert [entry.source.name for entry in desk.registry.all()] == ["One", "Two"]
    assert desk.sources.tested == []


def test_the_gate_is_the_apis_own() -> None:
    """As the application joins them: no key, no sources; a foreign page may not even test."""
    keys = Keys(("correct horse battery",), False, signing=(b"signing" * 5,))
    gate = Gate(keys, "127.0.0.1", None, trust_proxy=False)
    nothing: Any = None
    sessions = Sessions(keys, lambda asked: public_base(asked, None))
    api = Api(gate, sessions, Links(keys), nothing, nothing, None, nothing)
    desk = Desk(gate=api.require_access)
    known = {"Authorization": "Bearer correct horse battery"}
    for path, method in [("", "GET"), ("/stats", "GET"), ("", "POST"), ("/test", "POST")]:
        desk.refused("not-found", path, method, json={})
        desk.refused("not-found", path, method, json={}, headers={"Authorization": "Bearer x"})
    assert len(desk.told(headers=known)["sources"]) == 2
    foreign = known | {"Origin": "https://evil.example"}
    assert desk.ask("/test", "POST", json={}, headers=foreign).status_code in (403, 404)
    assert desk.sources.tested == []


def test_problems_of_testing_are_told(desk: Desk) -> None:
    def broken(media: Media, most: int) -> list[Found]:
        raise Problem("busy", "Too much is being tested.", retry_after=5)

    desk.sources.test = broken
    answer = desk.ask("/test", "POST", json={"infoHash": SHOW.info_hash.key, "fileIndex": 0})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
