"""What is no session. (Who is one, and who is obeyed, stands in test_pages.py.)"""

import pytest
from flask import Request, Response
from werkzeug.http import parse_cookie
from werkzeug.test import EnvironBuilder

from addon.access.installs import Install, Installs
from addon.access.keys import Keys
from addon.access.links import Grant, Links
from addon.torrents.magnet import InfoHash
from addon.torrents.selection import MainVideo
from addon.web.sessions import COOKIE, Sessions
from tests.access.stores import Revoked

KEY = "correct horse battery"
OTHER = "staple staple staple"
KEYS = Keys((KEY, OTHER), public=False, signing=(b"signing" * 5,))


def sessions(keys: Keys = KEYS, base: str = "http://s:7000") -> Sessions:
    return Sessions(keys, lambda _asked: base, lambda: 1000.0)


def ask(cookie: str) -> Request:
    builder = EnvironBuilder(base_url="http://s:7000/", headers={"Cookie": f"{COOKIE}={cookie}"})
    try:
        return Request(builder.get_environ())
    finally:
        builder.close()


def cookie(giver: Sessions, key: str = KEY) -> str:
    response = Response()
    giver.begin(ask(""), response, key)
    return parse_cookie(response.headers["Set-Cookie"])[COOKIE]


def test_each_key_has_its_sessions() -> None:
    for key in (KEY, OTHER):
        assert sessions().valid(ask(cookie(sessions(), key)))


def test_a_cookie_that_was_changed_anywhere() -> None:
    good = cookie(sessions())
    for at in range(0, len(good), 7):
        changed = good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1 :]
        assert not sessions().valid(ask(changed))
    assert not sessions().valid(ask(good[:-1]))
    assert not sessions().valid(ask(good + "A"))


def test_a_cookie_of_another_server() -> None:
    elsewhere = Keys((KEY,), public=False, signing=(b"another" * 5,))
    assert not sessions().valid(ask(cookie(sessions(elsewhere))))


def test_a_cookie_survives_a_new_signing_key_beside_the_old() -> None:
    rotated = Keys((KEY,), public=False, signing=(b"another" * 5, *KEYS.signing))
    assert sessions(rotated).valid(ask(cookie(sessions())))


@pytest.mark.parametrize(
    "token",
    [
        Installs(KEYS, Revoked()).seal(Install("anne")),
        Links(KEYS).seal(Grant(InfoHash("ab" * 20), MainVideo(), "anne")),
        KEY,
    ],
)
def test_what_a_player_holds_is_no_session(token: str) -> None:
    assert not sessions().valid(ask(token))


@pytest.mark.parametrize(("base", "secure"), [("https://s", True), ("http://s:7000", False)])
def test_a_session_is_ended_with_what_began_it(base: str, *, secure: bool) -> None:
    # A browser forgets a cookie only if the new one has its name, path and domain.
    begun, ended = Response(), Response()
    sessions(base=base).begin(ask(""), begun, KEY)
    sessions(base=base).end(ask(""), ended)
    first, last = (
        {part.split("=")[0] for part in r.headers["Set-Cookie"].split("; ")} for r in (begun, ended)
    )
    assert last == first
    assert "Max-Age=0" in ended.headers["Set-Cookie"].split("; ")
    assert ("Secure" in last) is secure
    assert {"HttpOnly", "SameSite", "Path"} <= last
