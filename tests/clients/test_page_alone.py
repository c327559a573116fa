"""The front page in real Chromium over a scripted API: layout, words, keyboard, accessibility.

What the page does with the real server is in ``test_front_page.py``.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from addon.errors import Problem
from tests.clients.chromium import drive
from tests.clients.fake_server import FakeServer, torrent

LONG = "A.Very.Long.Name." * 12 + "WithoutOneSpace" * 8
NASTY = '<img src=x onerror="window.ran=1"><b>bold</b>\u202egpj.exe'


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        running.torrents = [
            torrent("a1" * 20, "Big.Buck.Bunny.1080p", title=title("Big Buck Bunny"), sample=True),
            torrent("b2" * 20, "Second", progress=0.42, verifiedBytes=3_000_000, peers=3),
        ]
        running.resolutions = [
            {
                "id": "r1",
                "infoHash": "a1" * 20,
                "startedAt": 1.0,
                "steps": [{"t": 0.1, "what": "waiting for the first piece", "source": "swarm"}],
            }
        ]
        yield running


def title(name: str, kind: str = "movie") -> dict[str, str]:
    return {"id": f"streme:{name}", "type": kind, "name": name}


def fits(seen: dict[str, int]) -> bool:
    return seen["content"] <= seen["window"]


@pytest.mark.parametrize("width", [320, 360, 1200])
def test_nothing_is_wider_than_the_window(server: FakeServer, width: int) -> None:
    pack = [(f"{LONG}/{LONG}.S01E{number:02}.mkv", 10**9) for number in range(1, 20)]
    server.torrents = [
        torrent("a1" * 20, LONG, title=title(LONG, "series"), files=pack),
        torrent(
            "c3" * 20,
            LONG,
            status="failed",
            files=[],
            problem={"code": "no-metadata", "detail": LONG, "hint": LONG},
        ),
    ]
    server.resolutions[0]["steps"] = [{"t": 1234.5, "what": LONG, "detail": LONG}]
    seen = drive("layout", server.url, width=width)
    assert fits(seen["home"]), seen
    assert fits(seen["dialog"]), seen


def test_names_of_strangers_are_only_text(server: FakeServer) -> None:
    server.torrents = [torrent("a1" * 20, NASTY, title=title(NASTY), files=[(NASTY, 5)])]
    server.resolutions[0]["steps"] = [{"t": 0.1, "what": NASTY, "detail": NASTY}]
    seen = drive("hostile", server.url)
    assert seen["heading"] == NASTY
    assert NASTY in seen["dialog"]
    assert seen["made"] == 0
    assert seen["ran"] is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(server: FakeServer, scheme: str) -> None:
    files = [(f"S/Planet.S01E{number:02}.mkv", 10**9) for number in range(1, 4)]
    server.torrents.append(torrent("c3" * 20, "Pack", title=title("P", "series"), files=files))
    seen = drive("accessible", server.url, scheme=scheme)
    assert seen == {"home": [], "player": [], "confirm": []}


def test_the_form_says_which_episode_it_is(server: FakeServer) -> None:
    seen = drive("fields", server.url, magnet="  magnet:?xt=urn:btih:" + "a1" * 20)
    assert server.posted == [
        {
            "magnetUri": "magnet:?xt=urn:btih:" + "a1" * 20,
            "imdbId": "tt1254207",
            "season": 2,
            "episode": 5,
        },
        {"file": "film.torrent"},
        {"file": "dropped.torrent"},
    ]
    assert seen["left"] == ""


def test_a_refusal_is_shown_as_it_came(server: FakeServer) -> None:
    server.problem = Problem("bad-magnet", "The link names no torrent.", "Copy it once more.")
    seen = drive("refused", server.url, magnet="magnet:?dn=x")
    assert "There is nothing to add yet." in seen["empty"]
    assert seen["where"] == "magnet"
    assert seen["problem"].split("\n\n") == ["The link names no torrent.", "Copy it once more."]
    assert seen["kept"] == "magnet:?dn=x", "a long link must not be lost for one wrong letter"


def test_a_film_that_does_not_come_says_why(server: FakeServer) -> None:
    seen = drive("hostile", server.url)
    assert "Nobody who has this film answered." in seen["dialog"]
    assert "Try again later." in seen["dialog"]


def test_what_the_journal_knows_is_not_asked_again(server: FakeServer) -> None:
    server.resolutions[0] |= {
        "outcome": "failed",
        "problem": {"code": "no-peers", "detail": "Two peers came and went.", "hint": "Wait."},
    }
    seen = drive("hostile", server.url)
    assert "Two peers came and went." in seen["dialog"]
    assert "Wait." in seen["dialog"]


def test_removing_asks_first_and_gives_the_focus_back(server: FakeServer) -> None:
    seen = drive("remove", server.url, name="Big Buck Bunny")
    assert seen["first"] == "BUTTON"
    assert seen["back"] == "Remove Big Buck Bunny"
    assert seen["kept"] == 1
    assert seen["cards"] == 1
    assert "Big Buck Bunny was removed." in seen["said"]


def test_a_page_that_nobody_sees_asks_nothing(server: FakeServer) -> None:
    seen = drive("hidden", server.url)
    assert 2 <= seen["seen"] <= 4
    assert seen["unseen"] == 0
    assert seen["back"] == 1


def test_the_address_to_install_is_one_press_away(server: FakeServer) -> None:
    seen: dict[str, Any] = drive("install", server.url)
    assert seen["copied"] == f"{server.url}/manifest.json"
    assert seen["kodi"] == f"{server.url}/kodi/"
    assert re.search(r"no one-click stremio:// button", seen["text"])


def test_a_question_that_is_asked_anew_at_once_is_still_heard(server: FakeServer) -> None:
    # The dialog's close event comes late: once it took the next question's listener with it.
    assert drive("hasty", server.url, name="Big Buck Bunny") == {"cards": 1}
