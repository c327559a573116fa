"""Connecting a Kodi by a code: what Kodi is told, and what the page does for whom."""

import io
import json
from typing import Any

import pytest
from flask import Flask, Response, request
from werkzeug.test import TestResponse

from addon.access.gate import Gate
from addon.access.installs import Installs
from addon.access.keys import Keys
from addon.access.pairing import LOCKED_FOR, MOST_WAITING, MOST_WRONG, Pairings
from addon.web import problems
from addon.web.pages import WRONG_KEY_WAIT
from addon.web.pairing import WRONG_CODE_WAIT, Desk, blueprint
from addon.web.sessions import Sessions
from tests.access.stores import Revoked

KEY = "correct horse battery"
HOST = "http://127.0.0.1:7000"
OWN = {"Origin": HOST}


class Home:
    """A server with the pairing routes alone: Kodi and a browser ask it. Without a key it is
    open."""

    def __init__(self, key: str | None = KEY) -> None:
        keys = Keys((key,) if key else (), public=False, signing=(b"signing" * 5,))
        self.now = 1000.0
        self.waited: list[float] = []
        self.revoked = Revoked()
        self.installs = Installs(keys, self.revoked)
        self.pairings = Pairings(lambda: self.now)
        app = Flask("test", static_folder=None)
        problems.register(app)

        def public_base(asked: Any) -> str:
            return f"{asked.scheme}://{asked.host}"

        sessions = Sessions(keys, public_base)
        gate = Gate(keys, "127.0.0.1", None, trust_proxy=False)
        desk = Desk(gate, sessions, self.installs, self.pairings, public_base, self.waited.append)
        app.register_blueprint(blueprint(desk))

        @app.post("/log-in")
        def log_in() -> Response:
            response = Response()
            sessions.begin(request, response, key or "")
            return response

        self.kodi, self.browser = app.test_client(), app.test_client()

    def log_in(self) -> None:
        self.browser.post("/log-in", base_url=HOST)

    def begin(self) -> dict[str, Any]:
        answer = self.kodi.post("/kodi/pair", base_url=HOST)
        assert answer.status_code == 201
        return dict(json.loads(answer.text))

    def collect(self, secret: str) -> tuple[int, dict[str, Any]]:
        answer = self.kodi.get(f"/kodi/pair/{secret}", base_url=HOST)
        return answer.status_code, json.loads(answer.text)

    def show(self, code: str = "") -> TestResponse:
        answer: TestResponse = self.browser.get(f"/pair?code={code}", base_url=HOST)
        return answer

    def approve(self, code: str, **more: Any) -> TestResponse:
        asked: dict[str, Any] = {"headers": OWN} | more
        fields = {"code": code} | asked.pop("fields", {})
        answer: TestResponse = self.browser.post("/pair", base_url=HOST, data=fields, **asked)
        return answer


@pytest.fixture
def home() -> Home:
    return Home()


def test_kodi_is_connected_by_an_install_of_its_own(home: Home) -> None:
    told = home.begin()
    assert told["page"] == f"{HOST}/pair?code={told['code']}"
    assert told["qr"] == f"{HOST}/kodi/pair/{told['code']}.png"
    assert told["expiresIn"] == 300
    assert home.collect(told["secret"]) == (202, {})
    home.log_in()
    page = home.show(told["code"])
    assert told["code"] in page.text
    assert "Connect this Kodi" in page.text
    done = home.approve(told["code"])
    assert done.status_code == 200
    assert "is connected" in done.text
    status, body = home.collect(told["secret"])
    base, token, name = body["manifest"].rsplit("/", 2)
    assert (status, base, name) == (200, HOST, "manifest.json")
    install = home.installs.open(token)
    assert install is not None
    assert home.collect(told["secret"])[0] == 404
    assert home.waited == []
    home.revoked.add(install.id)
    assert home.installs.open(token) is None


def test_two_devices_get_two_installs(home: Home) -> None:
    home.log_in()
    manifests = set()
    for _ in range(2):
        told = home.begin()
        home.approve(told["code"])
        manifests.add(home.collect(told["secret"])[1]["manifest"])
    assert len(manifests) == 2


def test_the_address_is_the_one_that_kodi_used(home: Home) -> None:
    answer = home.kodi.post("/kodi/pair", base_url="http://192.0.2.7:7000")
    told = json.loads(answer.text)
    assert told["page"].startswith("http://192.0.2.7:7000/pair?")
    home.log_in()
    home.approve(told["code"])
    answer = home.kodi.get(f"/kodi/pair/{told['secret']}", base_url="http://192.0.2.7:7000")
    assert json.loads(answer.text)["manifest"].startswith("http://192.0.2.7:7000/")


def test_the_picture_says_the_same_as_the_page(home: Home) -> None:
    segno = pytest.importorskip("segno")
    told = home.begin()
    answer = home.kodi.get(f"/kodi/pair/{told['code']}.png", base_url=HOST)
    assert answer.content_type == "image/png"
    expected = io.BytesIO()
    segno.make(told["page"], error="m").save(expected, kind="png", scale=8, border=4)
    assert answer.data == expected.getvalue()
    padded = f"{told['code']}{'-' * 5000}.png"
    answer = home.kodi.get(f"/kodi/pair/{padded}", base_url=HOST)
    assert answer.data == expected.getvalue(), "only the code is in it"
    assert home.kodi.get("/kodi/pair/AAAAAA.png", base_url=HOST).status_code == 404


def test_a_closed_server_asks_for_its_key_and_then_for_the_device(home: Home) -> None:
    told = home.begin()
    page = home.show(told["code"])
    assert 'name="key"' in page.text
    assert "Connect this Kodi" not in page.text
    wrong = home.approve(told["code"], fields={"key": "wrong"})
    assert (wrong.status_code, home.waited) == (403, [WRONG_KEY_WAIT])
    assert "not the access key" in wrong.text
    assert "Set-Cookie" not in wrong.headers
    right = home.approve(told["code"], fields={"key": f" {KEY} "})
    assert (right.status_code, right.headers["Location"]) == (303, f"pair?code={told['code']}")
    assert home.collect(told["secret"]) == (202, {}), "knowing the key approves nothing by itself"
    assert "Connect this Kodi" in home.show(told["code"]).text
    assert home.approve(told["code"]).status_code == 200


def test_nobody_approves_without_a_session(home: Home) -> None:
    told = home.begin()
    answer = home.approve(told["code"])
    assert answer.status_code == 403
    assert 'name="key"' in answer.text
    assert home.collect(told["secret"]) == (202, {})


@pytest.mark.parametrize("headers", [{"Origin": "http://elsewhere"}, {}, {"Origin": "null"}])
@pytest.mark.parametrize("key", [KEY, None])
def test_a_form_of_another_site_approves_nothing(key: str | None, headers: dict[str, str]) -> None:
    home = Home(key)
    told = home.begin()
    home.log_in()
    assert home.approve(told["code"], headers=headers).status_code == 404
    assert home.collect(told["secret"]) == (202, {})


def test_an_open_server_asks_for_nothing_but_the_code() -> None:
    home = Home(None)
    told = home.begin()
    assert "Connect this Kodi" in home.show(told["code"]).text
    assert home.approve(told["code"]).status_code == 200
    assert home.installs.open(home.collect(told["secret"])[1]["manifest"].split("/")[3])


def test_an_open_server_answers_its_own_machine_alone() -> None:
    home = Home(None)
    for method, path in (("POST", "/kodi/pair"), ("GET", "/kodi/pair/x"), ("POST", "/pair")):
        answer = home.kodi.open(path, method=method, base_url="http://rebound.example:7000")
        assert (answer.status_code, json.loads(answer.text)["code"]) == (403, "set-access-key")
    page = home.kodi.get("/pair", base_url="http://rebound.example:7000")
    assert page.status_code == 403
    assert "ACCESS_KEY" in page.text


def test_a_wrong_code_costs_a_second_and_several_lock_it(home: Home) -> None:
    told = home.begin()
    home.log_in()
    for _ in range(MOST_WRONG):
        answer = home.approve("AAAAAA")
        assert answer.status_code == 404
        assert "No device that waits" in answer.text
    assert home.waited == [WRONG_CODE_WAIT] * MOST_WRONG
    locked = home.approve(told["code"])
    assert locked.status_code == 429
    assert home.collect(told["secret"]) == (202, {})
    home.now += LOCKED_FOR
    assert home.approve(told["code"]).status_code == 200


def test_a_web_page_cannot_take_the_places(home: Home) -> None:
    answer = home.kodi.post("/kodi/pair", base_url=HOST, headers={"Origin": "http://elsewhere"})
    assert answer.status_code == 404
    for _ in range(MOST_WAITING):
        home.begin()
    full = home.kodi.post("/kodi/pair", base_url=HOST)
    assert (full.status_code, json.loads(full.text)["code"]) == (429, "too-many")
    assert int(full.headers["Retry-After"]) == 300


def test_a_code_in_the_address_is_only_a_code(home: Home) -> None:
    home.log_in()
    page = home.show('"><script>alert(1)</script>')
    assert "script" not in page.text.lower().replace("javascript", "")
    assert 'value="SCRPT' not in page.text or "<" not in page.text.split('value="')[1].split('"')[0]


def test_what_browsers_are_told(home: Home) -> None:
    page = home.show("ABCDEF")
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert "style=" not in page.text
    assert "<script" not in page.text
