"""Connecting to a server, and the other things to do."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.kodi.conftest import Site
from tests.kodi.fakes import Fakes

Call = Callable[..., None]
PAIRING = {
    "code": "AB12CD",
    "secret": "s/1",
    "page": "http://host/pair?code=AB12CD",
    "qr": "http://host/kodi/pair/AB12CD.png",
    "expiresIn": 300,
}
SECRET = "/kodi/pair/s%2F1"


@pytest.fixture
def desk(site: Site, fakes: Fakes) -> Site:
    """A server to pair with, whose address stands in the settings."""
    site.answers["/kodi/pair"] = (201, PAIRING)
    site.answers[SECRET] = [(202, {}), (200, {"manifest": site.manifest}), (404, {"detail": "?"})]
    fakes.settings["server_address"] = site.url
    return site


def pair(call: Call) -> None:
    call(handle=-1, action="pair")


def test_a_code_is_shown_until_it_is_approved(call: Call, fakes: Fakes, desk: Site) -> None:
    pair(call)
    assert fakes.settings["manifest_url"] == desk.manifest
    (window,) = fakes.windows
    assert not window.shown
    texts = [control[5] for control in window.controls if control[0] == "label"]
    assert PAIRING["code"] in texts
    assert PAIRING["page"] in texts
    assert PAIRING["qr"] in [control[5] for control in window.controls if control[0] == "image"]
    assert fakes.notes == ["This Kodi is connected now."]
    assert fakes.builtins == ["Container.Refresh"]
    assert desk.asked[:2] == ["POST /kodi/pair", f"GET {SECRET}"]


def test_a_code_that_expired(call: Call, fakes: Fakes, desk: Site) -> None:
    desk.answers[SECRET] = [(202, {}), (404, {"detail": "Gone."})]
    pair(call)
    assert fakes.modal == [("ok", "The code was not approved in time.\nAsk for a new one.")]
    assert "manifest_url" not in fakes.settings


def test_back_cancels(
    call: Call, fakes: Fakes, desk: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Back:
        def getId(self) -> int:  # noqa: N802 - Kodi's name
            return 92

    def show(window: Any) -> None:
        window.onAction(Back())

    monkeypatch.setattr(fakes, "on_show", show)
    pair(call)
    assert "manifest_url" not in fakes.settings
    assert (fakes.modal, fakes.notes) == ([], [])
    assert desk.asked == ["POST /kodi/pair"]


def test_an_accident_while_it_waits_is_forgiven(call: Call, fakes: Fakes, desk: Site) -> None:
    desk.answers[SECRET] = [(502, b"x"), (200, {"manifest": desk.manifest})]
    pair(call)
    assert fakes.settings["manifest_url"] == desk.manifest


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [
        (429, {"detail": "Ten devices wait.", "hint": "Later."}, "Ten devices wait.\nLater."),
        (200, {}, "This is not a Self-Streme server, or its address is wrong."),
    ],
)
def test_a_server_that_gives_no_code(
    call: Call, fakes: Fakes, desk: Site, status: int, body: Any, text: str
) -> None:
    desk.answers["/kodi/pair"] = (status, body)
    pair(call)
    assert fakes.modal == [("ok", text)]
    assert fakes.windows == []


def test_the_address_is_asked_for_only_if_none_is_known(
    call: Call, fakes: Fakes, desk: Site
) -> None:
    host = desk.url.removeprefix("http://")
    fakes.settings["server_address"] = ""
    fakes.answers.append(f" {host} ")
    pair(call)
    assert fakes.modal == [("input", None)]
    assert fakes.settings["server_address"] == host
    assert fakes.settings["manifest_url"] == desk.manifest


def test_pairing_again_asks_the_same_server(call: Call, fakes: Fakes, desk: Site) -> None:
    fakes.settings |= {"server_address": "", "manifest_url": f"{desk.url}/old/manifest.json"}
    pair(call)
    assert fakes.settings["manifest_url"] == desk.manifest
    assert fakes.modal == []


def test_a_whole_link_needs_no_code(call: Call, fakes: Fakes, site: Site) -> None:
    fakes.answers.append(site.manifest)
    pair(call)
    assert fakes.settings["manifest_url"] == site.manifest
    assert not fakes.settings.get("server_address"), "the link is a secret and this is shown"
    assert site.asked == []


def test_no_address_no_pairing(call: Call, fakes: Fakes, site: Site) -> None:
    fakes.answers.append("")
    pair(call)
    assert (fakes.notes, fakes.windows) == ([], [])


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("192.168.1.2:7000", "http://192.168.1.2:7000"),
        ("https://home.example.org/x/", "https://home.example.org"),
        ("stremio://home.example.org/token/manifest.json", "http://home.example.org"),
        ("", ""),
        ("http://", ""),
    ],
)
def test_what_an_address_is(load: Callable[[str], Any], typed: str, address: str) -> None:
    assert load("settings").server_address(typed) == address


def test_a_new_search_is_remembered_and_shown(call: Call, fakes: Fakes) -> None:
    fakes.answers.extend([" ä & b ", ""])
    call(handle=-1, action="find")
    there = "plugin://plugin.video.selfstreme/?action=search&query=%C3%A4+%26+b"
    assert fakes.builtins == [f"Container.Update({there})"]
    call(handle=-1, action="find")
    assert len(fakes.builtins) == 1
    call(action="searches")
    assert fakes.labels == ["New search", "ä & b"]
    call(handle=-1, action="forget")
    assert fakes.notes == ["Forgotten."]
    fakes.rows.clear()
    fakes.ended = None
    call(action="searches")
    assert fakes.labels == ["New search"]


def test_the_settings_are_opened(call: Call, fakes: Fakes) -> None:
    call(handle=-1, action="settings")
    assert fakes.modal == [("settings", None)]
