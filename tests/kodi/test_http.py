"""Asking the server: deadlines, redirects, and whose sentence the viewer reads."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

from tests.kodi.conftest import TOKEN, Site
from tests.rig.server import free_port

Load = Callable[[str], Any]


@pytest.fixture
def failure(load: Load) -> Callable[..., Any]:
    """What asking for a URL ends with."""

    def of(url: str, **more: Any) -> Any:
        http, error = load("http"), load("errors").AddonError
        with pytest.raises(error) as raised:
            http.ask(url, **more)
        assert TOKEN not in raised.value.text, "a message may not hold what is secret"
        return raised.value

    return of


def test_the_answer_is_an_object(load: Load, site: Site) -> None:
    site.answers["/a?b=1"] = (202, {"c": "ä"})
    assert load("http").ask(f"{site.url}/a?b=1") == (202, {"c": "ä"})
    assert load("http").ask(f"{site.url}/a?b=1", "POST") == (202, {"c": "ä"})
    assert site.asked == ["GET /a?b=1", "POST /a?b=1"]


def test_the_servers_own_sentence_is_told(failure: Callable[..., Any], site: Site) -> None:
    problem = {"code": "no-peers", "detail": "Nobody has it.", "hint": "Wait."}
    site.answers["/a"] = (504, problem)
    told = failure(f"{site.url}/a")
    assert told.text == "Nobody has it.\nWait."
    assert not told.passing
    site.answers["/a"] = (404, problem)
    assert failure(f"{site.url}/a").unknown


@pytest.mark.parametrize(
    ("status", "body", "sentence", "passing"),
    [
        (502, b"<h1>Bad gateway</h1>", "The server at 127.0.0.1 answered with error 502.", True),
        (404, b"<h1>None</h1>", "The server at 127.0.0.1 answered with error 404.", False),
        (200, b"<h1>Welcome</h1>", "This is not a Self-Streme server", False),
        (200, [1], "This is not a Self-Streme server", False),
    ],
)
def test_what_is_not_our_server_is_named(
    failure: Callable[..., Any], site: Site, status: int, body: Any, sentence: str, passing: bool
) -> None:
    site.put("manifest.json", body, status)
    told = failure(site.manifest)
    assert told.sentence.startswith(sentence)
    assert (told.passing, told.unknown) == (passing, status == 404)


def test_nobody_answers(failure: Callable[..., Any]) -> None:
    port = free_port()
    told = failure(f"http://127.0.0.1:{port}/{TOKEN}/manifest.json")
    assert told.sentence == f"The server at 127.0.0.1:{port} does not answer."
    assert told.passing


def test_a_server_may_take_longer_to_answer_than_to_be_reached(
    load: Load, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load("http"), "CONNECT_TIME", 0.2)
    site.answers["/a"] = (200, {"late": 1})
    site.delay = 0.5
    assert load("http").ask(f"{site.url}/a") == (200, {"late": 1})


def test_a_silent_server_is_left(failure: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        told = failure(f"http://127.0.0.1:{silent.getsockname()[1]}/a", read_time=0.1)
    assert told.passing


@pytest.mark.parametrize("url", ["http://127.0.0.1:x/a", "http:///a", "what is this"])
def test_an_address_that_is_none(failure: Callable[..., Any], url: str) -> None:
    assert failure(url).sentence


def test_redirects_on_the_same_host_are_followed(load: Load, site: Site) -> None:
    site.answers["/b"] = (200, {"here": 1})
    site.answers["/a"] = (307, None)
    site.headers["Location"] = "/b"
    assert load("http").ask(f"{site.url}/a") == (200, {"here": 1})


@pytest.mark.parametrize("location", ["http://localhost:9/b", "/a", ""])
def test_no_other_host_and_no_circle(
    failure: Callable[..., Any], site: Site, location: str
) -> None:
    site.answers["/a"] = (302, b"moved")
    site.headers["Location"] = location
    assert failure(f"{site.url}/a").sentence.startswith("This is not a Self-Streme server")
    assert len(site.asked) <= 4
