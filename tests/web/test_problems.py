"""Every error becomes a Problem, and only here a code becomes a status."""

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, abort
from werkzeug.test import TestResponse

from addon.errors import Problem
from addon.web import problems
from addon.web.problems import STATUS, TITLES, not_found, problem_response, register

ADDON = Path(problems.__file__).parents[1]


@pytest.fixture
def app() -> Flask:
    app = Flask("test", static_folder=None)
    register(app)

    @app.get("/raise/<code>")
    def raises(code: str) -> str:
        raise Problem(code, "It is so.", "Do this.", retry_after=2.6)

    @app.get("/abort/<int:status>")
    def aborts(status: int) -> str:
        abort(status, description="One line.\nAnother.")

    @app.get("/break")
    def breaks() -> str:
        raise ValueError("a secret of the inside")

    return app


def ask(app: Flask, path: str, method: str = "GET") -> tuple[TestResponse, dict[str, Any]]:
    answer = app.test_client().open(path, method=method)
    assert answer.content_type == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    told = json.loads(answer.text)
    assert told.keys() == {"type", "title", "status", "code", "detail", "hint"}
    return answer, told


@pytest.mark.parametrize("code", STATUS)
def test_each_code_has_its_status_and_title(app: Flask, code: str) -> None:
    answer, told = ask(app, f"/raise/{code}")
    assert answer.status_code == told["status"] == STATUS[code]
    assert told == {
        "type": f"urn:self-streme:problem:{code}",
        "title": TITLES[code],
        "status": STATUS[code],
        "code": code,
        "detail": "It is so.",
        "hint": "Do this.",
    }
    assert told["title"]


def test_the_tables_know_every_code_that_is_raised_and_no_other_title() -> None:
    raised = {
        found[1]
        for path in ADDON.rglob("*.py")
        for found in re.finditer(r"""\bProblem\(\s*"([a-z-]+)\"""", path.read_text())
    }
    assert len(raised) > 8
    assert raised - STATUS.keys() == set()
    assert STATUS.keys() == TITLES.keys()


@pytest.mark.parametrize(
    ("seconds", "header"), [(None, None), (30, "30"), (2.6, "3"), (0.1, "1"), (0, "1")]
)
def test_when_to_try_again(seconds: float | None, header: str | None) -> None:
    with Flask("test").app_context():
        response = problem_response(Problem("busy", "It is so.", retry_after=seconds))
    assert response.headers.get("Retry-After") == header


@pytest.mark.parametrize(
    ("status", "code"),
    [(404, "not-found"), (413, "too-large"), (429, "too-many"), (400, "bad-request")],
)
def test_what_the_framework_refuses(app: Flask, status: int, code: str) -> None:
    answer, told = ask(app, f"/abort/{status}")
    assert (answer.status_code, told["code"]) == (status, code)
    if code != "not-found":
        assert told["detail"] == "One line."


def test_other_refusals_are_bad_requests(app: Flask) -> None:
    answer, told = ask(app, "/abort/415")
    assert (answer.status_code, told["code"]) == (400, "bad-request")


def test_a_status_of_the_server_stays_what_it_is(app: Flask) -> None:
    assert app.test_client().get("/abort/501").status_code == 501


def test_every_unknown_path_is_answered_alike(app: Flask) -> None:
    first, second = (ask(app, path)[1] for path in ("/x", "/y/%00/z"))
    assert first == second
    assert first["detail"] == not_found().detail


def test_a_wrong_method_hears_the_right_ones(app: Flask) -> None:
    answer, told = ask(app, "/break", "POST")
    assert (answer.status_code, told["code"]) == (405, "not-allowed")
    assert {"GET", "HEAD"} <= set(answer.headers["Allow"].split(", "))


def test_a_mistake_of_ours_is_logged_whole_and_told_without_a_word(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    answer, told = ask(app, "/break")
    assert (answer.status_code, told["code"]) == (500, "busy")
    assert "secret" not in answer.text
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "GET /break broke" in caplog.text
    assert "a secret of the inside" in caplog.text
