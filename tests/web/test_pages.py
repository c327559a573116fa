"""The page: who is shown what, and what browsers are told to refuse."""

from collections.abc import Mapping
from typing import Any

import pytest
import segno
from flask import Request, Response
from werkzeug.test import EnvironBuilder, TestResponse

from addon.access.installs import Install, Installs
from addon.access.keys import Keys
from addon.web.pages import PageInstall, Surroundings
from addon.web.sessions import COOKIE, DAYS, Sessions
from tests.clients.fake_server import Memory, page_app

KEY = "correct horse battery"
SIGNING = (b"signing" * 5,)


def login(client: Any, key: str = KEY, **more: Any) -> TestResponse:
    answer: TestResponse = client.post("/login", data={"key": key}, **more)
    return answer


def ask(
    cookie: str, method: str = "GET", headers: Mapping[str, str] | None = None, host: str = "s:7000"
) -> Request:
    builder = EnvironBuilder(
        method=method, base_url=f"http://{host}/", headers=list((headers or {}).items())
    )
    if cookie:
        builder.headers["Cookie"] = f"{COOKIE}={cookie}"
    try:
        return Request(builder.get_environ())
    finally:
        builder.close()


def session_of(key: str, keys: tuple[str, ...], now: float = 1000.0) -> tuple[str, Sessions]:
    """A cookie given for ``key``, and what recognises it on a server with ``keys``."""

    def sessions(*known: str) -> Sessions:
        return Sessions(
            Keys(known, public=False, signing=SIGNING), lambda _asked: "http://s:7000", lambda: now
        )

    response = Response()
    sessions(key).begin(ask(""), response, key)
    cookie = response.headers["Set-Cookie"].split(";")[0].removeprefix(f"{COOKIE}=")
    return cookie, sessions(*keys)


def test_an_open_server_shows_its_page_at_once() -> None:
    page = page_app().test_client().get("/", base_url="http://127.0.0.1:7000")
    assert page.status_code == 200
    assert 'value="http://127.0.0.1:7000/manifest.json"' in page.text
    assert "Log out" not in page.text
    assert "Set-Cookie" not in page.headers


@pytest.mark.parametrize(
    ("host", "headers"),
    [("rebound.example:7000", {}), ("127.0.0.1:7000", {"X-Forwarded-For": "203.0.113.5"})],
)
def test_an_open_server_tells_strangers_how_to_close_it(host: str, headers: Any) -> None:
    page = page_app().test_client().get("/", base_url=f"http://{host}", headers=headers)
    assert page.status_code == 403
    assert "ACCESS_KEY" in page.text
    assert "manifest.json" not in page.text


@pytest.mark.parametrize("path", ["/", "/assets/page.js", "/assets/page.css", "/assets/icon.svg"])
def test_browsers_are_told_to_run_only_our_own_files(path: str) -> None:
    answer = page_app().test_client().get(path, base_url="http://127.0.0.1:7000")
    assert answer.status_code == 200
    policy = dict(
        part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    answer.close()


def test_the_pages_hold_nothing_inline_and_nothing_from_elsewhere() -> None:
    client = page_app(KEY).test_client()
    form = client.get("/").text
    login(client)
    for page in (form, client.get("/").text):
        assert "<style" not in page
        assert "style=" not in page
        assert "<script>" not in page
        assert " on" + "click" not in page
        for attribute in ('src="', 'action="'):
            for part in page.split(attribute)[1:]:
                assert "://" not in part.split('"')[0]


def test_a_page_is_never_kept_and_an_asset_is_always_asked_about() -> None:
    client = page_app().test_client()
    page = client.get("/", base_url="http://127.0.0.1:7000")
    assert page.headers["Cache-Control"] == "no-store"
    asset = client.get("/assets/page.js")
    assert asset.headers["Cache-Control"] == "no-cache"
    again = client.get("/assets/page.js", headers={"If-None-Match": asset.headers["ETag"]})
    assert again.status_code == 304
    asset.close()
    again.close()


def test_films_may_come_from_the_public_address() -> None:
    app = page_app(KEY, base="https://films.example")
    policy = app.test_client().get("/").headers["Content-Security-Policy"]
    assert "connect-src 'self' https://films.example;" in policy
    assert "media-src http: https:;" in policy, "a web seed is somewhere else again"


def test_a_hostile_host_header_adds_nothing_to_the_policy() -> None:
    app = page_app(KEY, base="http://evil.example; script-src *")
    policy = app.test_client().get("/").headers["Content-Security-Policy"]
    assert "script-src" not in policy
    assert "connect-src 'self' http://evil.example;" in policy


def test_what_the_address_says_is_escaped() -> None:
    app = page_app(base='http://127.0.0.1:7000/"><script>alert(1)</script>')
    page = app.test_client().get("/", base_url="http://127.0.0.1:7000")
    assert "<script>alert" not in page.text
    assert "&#34;&gt;&lt;script&gt;" in page.text


def test_a_closed_server_asks_for_the_key_and_shows_nothing_else() -> None:
    page = page_app(KEY).test_client().get("/")
    assert page.status_code == 200
    assert 'type="password"' in page.text
    assert "manifest.json" not in page.text
    assert "Library" not in page.text


def test_the_right_key_opens_the_page_and_is_in_no_cookie() -> None:
    client = page_app(KEY).test_client()
    answer = login(client)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "./"
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Secure" not in cookie
    assert f"Max-Age={DAYS * 24 * 3600}" in cookie
    assert KEY not in cookie
    page = client.get("/")
    assert "Library" in page.text
    assert "Log out" in page.text


def test_over_https_the_cookie_never_travels_in_the_clear() -> None:
    answer = login(page_app(KEY, base="https://films.example").test_client())
    assert "Secure" in answer.headers["Set-Cookie"]


def test_every_session_is_its_own() -> None:
    app = page_app(KEY)
    cookies = {login(app.test_client()).headers["Set-Cookie"].split(";")[0] for _ in range(2)}
    assert len(cookies) == 2


@pytest.mark.parametrize("key", ["", "correct horse batter", "x" * 900, "ключ"])
def test_a_wrong_key_costs_a_second_and_gets_the_form_again(key: str) -> None:
    waited: list[float] = []
    answer = login(page_app(KEY, waited=waited).test_client(), key)
    assert answer.status_code == 403
    assert "This is not the access key of this server." in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert "Set-Cookie" not in answer.headers
    assert waited == [1.0]


def test_the_right_key_does_not_wait() -> None:
    waited: list[float] = []
    login(page_app(KEY, waited=waited).test_client(), f" {KEY}\n")
    assert waited == []


def test_a_huge_form_is_refused() -> None:
    assert login(page_app(KEY).test_client(), "x" * 100_000).status_code == 413


@pytest.mark.parametrize("cookie", ["", "x", "A" * 60, "é", "A" * 9000])
def test_a_made_up_cookie_gets_the_form(cookie: str) -> None:
    client = page_app(KEY).test_client()
    page = client.get("/", headers={"Cookie": f"{COOKIE}={cookie}"})
    assert page.status_code == 200
    assert 'type="password"' in page.text


def test_logging_out_ends_the_session() -> None:
    client = page_app(KEY).test_client()
    login(client)
    answer = client.post("/logout")
    assert answer.status_code == 303
    assert 'type="password"' in client.get("/").text


def test_a_foreign_form_logs_nobody_out() -> None:
    # It arrives without the cookie (SameSite), so nothing is set in the answer.
    assert "Set-Cookie" not in page_app(KEY).test_client().post("/logout").headers


def test_an_address_that_was_reloaded_leads_back_to_the_page() -> None:
    answer = page_app(KEY).test_client().get("/login")
    assert (answer.status_code, answer.headers["Location"]) == (303, "./")


def test_a_session_ends_after_its_days_and_with_its_key() -> None:
    cookie, sessions = session_of(KEY, (KEY,))
    assert sessions.valid(ask(cookie))
    cookie, rotated = session_of(KEY, ("another key of ours", KEY))
    assert rotated.valid(ask(cookie))
    cookie, without = session_of(KEY, ("another key of ours",))
    assert not without.valid(ask(cookie))
    _, later = session_of(KEY, (KEY,), now=1000.0 + DAYS * 24 * 3600)
    assert not later.valid(ask(cookie))
    _, opened = session_of(KEY, ())
    assert not opened.valid(ask(cookie))


@pytest.mark.parametrize(
    ("method", "headers", "obeyed"),
    [
        ("GET", {}, True),
        ("GET", {"Sec-Fetch-Site": "same-origin"}, True),
        ("GET", {"Sec-Fetch-Site": "none"}, True),
        ("GET", {"Sec-Fetch-Site": "same-site"}, False),
        ("GET", {"Origin": "http://s:8080"}, False),
        ("POST", {}, False),
        ("POST", {"Sec-Fetch-Site": "same-origin", "Origin": "http://s:7000"}, True),
        ("POST", {"Sec-Fetch-Site": "none"}, False),
        ("POST", {"Sec-Fetch-Site": "cross-site"}, False),
        ("DELETE", {"Origin": "http://s:7000"}, True),
        ("DELETE", {"Origin": "http://s:8080"}, False),
        ("DELETE", {"Origin": "null"}, False),
    ],
)
def test_the_api_obeys_a_session_only_from_our_own_page(
    method: str, headers: dict[str, str], *, obeyed: bool
) -> None:
    cookie, sessions = session_of(KEY, (KEY,))
    assert sessions.ok(ask(cookie, method, headers)) is obeyed
    assert not sessions.ok(ask("", method, headers))


def test_our_own_page_is_known_behind_a_proxy_that_renames_the_host() -> None:
    cookie, sessions = session_of(KEY, (KEY,))
    asked = ask(cookie, "POST", {"Origin": "http://s:7000"}, host="inside:1234")
    assert sessions.ok(asked)


def test_the_install_link_of_a_closed_server_stays_the_same() -> None:
    memory = Memory()
    links = []
    for _ in range(2):  # as after a restart
        client = page_app(KEY, memory=memory).test_client()
        login(client)
        links.append(client.get("/").text.split('id="manifest"')[1].split('value="')[1])
    token = links[0].removeprefix("http://localhost/").split("/")[0]
    assert links[0].split('"')[0] == links[1].split('"')[0]
    installs = Installs(Keys((KEY,), public=False, signing=SIGNING), memory)
    assert installs.open(token) == Install(memory.values["page-install"])
    assert KEY not in links[0]


def test_a_revoked_install_is_replaced() -> None:
    memory = Memory()
    installs = Installs(Keys((KEY,), public=False, signing=SIGNING), memory)
    page_install = PageInstall(installs, memory)
    first = page_install.install()
    memory.revoked.add(first.id)
    second = page_install.install()
    assert second != first
    assert page_install.install() == second
    assert installs.open(page_install.token()) == second


def shown(
    base: str = "http://127.0.0.1:7000",
    key: str | None = None,
    surroundings: Surroundings | None = None,
) -> str:
    """The page as a visitor at ``base`` sees it, logged in where ``key`` is asked for."""
    client = page_app(key, surroundings=surroundings).test_client()
    if key:
        client.post("/login", data={"key": key}, base_url=base)
    text: str = client.get("/", base_url=base).text
    return text


def test_https_offers_one_click_and_stremio_web() -> None:
    page = shown("https://films.example", KEY)
    assert 'href="stremio://films.example/' in page
    assert 'href="https://web.stremio.com/#/addons?addon=https%3A%2F%2Ffilms.example%2F' in page
    assert "one-click" not in page


def test_plain_http_on_this_computer_offers_stremio_web_and_says_what_to_allow() -> None:
    page = shown()
    assert 'href="https://web.stremio.com/#/addons?addon=http%3A%2F%2F127.0.0.1' in page
    assert 'href="stremio:' not in page
    assert "allow it" in page
    assert "stremio://</code> button here, because" in page


def test_plain_http_in_a_network_offers_the_address_alone() -> None:
    page = shown("http://192.168.1.5:7000", KEY)
    assert "stremio://</code> button here, because" in page
    assert "mixed content" in page
    assert "docs/deploy" in page
    assert "web.stremio.com" not in page
    assert 'href="stremio:' not in page


def test_every_player_has_its_address_with_the_token_in_front() -> None:
    page = shown("http://192.168.1.5:7000", KEY)
    base = page.split('id="manifest"')[1].split('value="')[1].split("/manifest.json")[0]
    assert base.count("/") == 3
    for path in ("kodi/", "playlist.m3u", "dav/"):
        assert f'value="{base}/{path}"' in page
    assert f'href="{base}/strm.zip"' in page
    assert 'href="pair"' in page, "relative, so that a proxy may put the server under a path"


@pytest.mark.parametrize("closed", [False, True])
def test_a_server_that_others_cannot_reach_says_how_they_could(*, closed: bool) -> None:
    page = shown(key=KEY if closed else None)
    assert "<svg" not in page
    assert "HOST=0.0.0.0" in page
    assert ("makes an access key" in page) is not closed


@pytest.mark.parametrize(
    ("base", "address"),
    [
        ("http://localhost:7000", "http://192.168.1.5:7000/"),
        ("http://192.168.1.9:7000", "http://192.168.1.9:7000/"),
        ("https://films.example", "https://films.example/"),
    ],
)
def test_the_code_is_the_address_of_this_page_for_others(base: str, address: str) -> None:
    page = shown(base, KEY, Surroundings(lambda: "192.168.1.5"))
    assert f'aria-label="QR code of {address}"' in page
    assert page.split('<path stroke="#000" d="')[1].split('"')[0] == drawing(address)
    assert "HOST=0.0.0.0" not in page
    assert "access key" in page


def drawing(address: str) -> str:
    """The black of a QR code as a path."""
    svg: str = segno.make(address, error="m").svg_inline(border=4)
    return svg.partition('d="')[2].partition('"')[0]


def test_a_computer_without_a_network_shows_no_code() -> None:
    page = shown(key=KEY, surroundings=Surroundings(lambda: None))
    assert "<svg" not in page
    assert "name or address of this computer" in page


def test_an_address_that_no_code_can_hold_is_left_out() -> None:
    page = shown(f"http://{'label.' * 500}example", KEY, Surroundings(lambda: None))
    assert "manifest.json" in page
    assert "<svg" not in page


def test_what_does_not_work_here_is_told() -> None:
    assert 'class="notice"' not in shown()
    assert "Peers &amp; co." in shown(surroundings=Surroundings(notice="Peers & co."))
