"""Who may use the API, and how much it takes from them."""

import io
import json
from typing import Any

import pytest
from werkzeug.test import TestResponse

from addon.web import bodies
from tests.web.desk import HASH, HOST, MAGNET, Desk

PATH = "/api/torrents"
KEY = "correct horse battery"
MIB = 1024 * 1024
TORRENT = "application/x-bittorrent"


def problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    """The Problem in an answer, once its form is right."""
    told = json.loads(answer.text)
    assert (answer.status_code, told.get("code")) == (status, code), told
    assert answer.headers["Cache-Control"] == "no-store"
    return dict(told)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.mark.parametrize(("kind", "limit"), [("text/plain", 64 * 1024), (TORRENT, 10 * MIB)])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_at_the_limit_is_read_and_one_byte_more_is_not(
    desk: Desk, kind: str, limit: int, *, chunked: bool
) -> None:
    body = json.dumps({"magnetUri": MAGNET.uri()}).encode().ljust(limit)
    assert desk.send(body, kind, chunked=chunked)[0].status_code == 201
    desk.torrents.added.clear()
    answer, left = desk.send(body + b" ", kind, chunked=chunked)
    told = problem(answer, 413, "too-large")
    assert chunked or f"{limit + 1} bytes; at most {limit}" in told["detail"]
    assert desk.torrents.added == []
    assert left == 0, "a connection closed over unread data is reset, and nobody hears why"


def test_who_leaves_while_their_upload_is_refused_is_no_mistake_of_ours(desk: Desk) -> None:
    class Gone(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise ConnectionResetError

    environ = {"wsgi.input": Gone(), "CONTENT_TYPE": TORRENT, "CONTENT_LENGTH": str(11 * MIB)}
    answer = desk.ask(PATH, "POST", environ_overrides=environ)
    problem(answer, 413, "too-large")


def test_a_form_may_hold_a_torrent_of_the_same_size_and_little_else(desk: Desk) -> None:
    desk.upload({}, bytes(10 * MIB))
    assert desk.torrents.added[0][0] == bytes(10 * MIB)
    problem(desk.upload({}, bytes(10 * MIB + 65 * 1024)), 413, "too-large")


def test_an_upload_without_end_is_not_read_for_ever(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "MAX_DRAIN", MIB)
    answer, left = desk.send(bytes(13 * MIB), TORRENT)
    problem(answer, 413, "too-large")
    assert left >= 11 * MIB


@pytest.mark.parametrize("origin", [HOST, "https://127.0.0.1:7000", "https://films.example"])
def test_our_own_page_may_use_an_open_server(origin: str) -> None:
    desk = Desk(base_url="https://films.example", public=True)
    assert desk.post({"magnetUri": MAGNET.uri()}, Origin=origin).status_code == 201


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://127.0.0.1:8080", "null", "file://", "x"]
)
@pytest.mark.parametrize("base_url", [None, "http://localhost:7000"])
def test_a_page_from_elsewhere_may_not(origin: str, base_url: str | None) -> None:
    # "null" is what a sandboxed frame of any page sends, and text/plain asks no preflight.
    desk = Desk(base_url=base_url)
    problem(desk.post({"magnetUri": MAGNET.uri()}, Origin=origin), 404, "not-found")
    assert desk.torrents.added == []


def test_an_open_server_answers_its_own_machine_only(desk: Desk) -> None:
    for headers in ({"Host": "rebound.example:7000"}, {"X-Forwarded-For": "203.0.113.5"}):
        answer = desk.ask(PATH, headers=headers)
        problem(answer, 403, "set-access-key")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 404),
        ({"Authorization": f"Bearer {KEY}"}, 200),
        ({"Authorization": f"bearer {KEY}"}, 200),
        ({"Authorization": f"Basic {KEY}"}, 404),
        ({"Authorization": f"Bearer {KEY}x"}, 404),
        ({"Authorization": "Bearer"}, 404),
        ({"Authorization": f"Bearer {KEY}", "Origin": "https://evil.example"}, 404),
    ],
)
def test_a_closed_server_asks_for_its_key(headers: dict[str, str], status: int) -> None:
    desk = Desk(KEY)
    for path in ("/api/torrents", "/api/resolutions"):
        answer = desk.ask(path, headers=headers)
        assert answer.status_code == status
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_wrong_key_hears_what_every_unknown_path_does() -> None:
    desk = Desk(KEY)
    inside = desk.ask(f"/api/torrents/{HASH.key}")
    assert inside.data == desk.ask("/nothing").data
    assert desk.ask(f"/api/torrents/{HASH.key}", "DELETE").status_code == 404
    assert desk.torrents.removed == []


def test_a_session_of_the_page_may_use_it_from_the_page() -> None:
    closed = Desk(KEY)
    closed.log_in()
    assert closed.ask(PATH).status_code == 200
    assert closed.post({"magnetUri": MAGNET.uri()}, Origin=HOST).status_code == 201
    assert closed.post({"magnetUri": MAGNET.uri()}).status_code == 404
    cross = {"Sec-Fetch-Site": "cross-site"}
    assert closed.ask(PATH, headers=cross).status_code == 404
