"""The heads of a film's answers: conditions first, then the range."""

from typing import Any

import pytest
from flask import Flask, Request
from werkzeug.test import EnvironBuilder

from addon.errors import Problem
from addon.torrents.metainfo import File
from addon.web.heads import film_head
from tests.web.playing import HASH

FILM = File(2, "Film/Film (2019).mkv", 0, 5000)
ETAG = f'"{HASH.key}-2"'


def head(**headers: str) -> tuple[int, Any, tuple[int, int] | None]:
    """Status, headers, and the bytes that follow; ``If-Range`` is given as ``If_Range``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    builder = EnvironBuilder(headers=named)
    environ = builder.get_environ()
    builder.close()
    with Flask("test").test_request_context(environ_overrides=environ):
        response, part = film_head(Request(environ), HASH.key, FILM)
    return response.status_code, response.headers, part and (part.start, part.length)


def test_a_whole_film() -> None:
    status, headers, part = head()
    assert (status, part) == (200, (0, 5000))
    assert headers["Content-Length"] == "5000"
    assert headers["Content-Type"] == "video/x-matroska"
    assert (headers["ETag"], headers["Accept-Ranges"]) == (ETAG, "bytes")
    assert headers["Cache-Control"] == "private, no-transform"
    assert "Film (2019).mkv" in headers["Content-Disposition"]
    assert "Content-Range" not in headers


@pytest.mark.parametrize("condition", [None, ETAG, '"other"', f"W/{ETAG}"])
def test_a_range_while_the_file_is_the_same(condition: str | None) -> None:
    more = {} if condition is None else {"If_Range": condition}
    status, headers, part = head(Range="bytes=100-199", **more)
    if condition in (None, ETAG):
        assert (status, part) == (206, (100, 100))
        assert headers["Content-Range"] == "bytes 100-199/5000"
        assert headers["Content-Length"] == "100"
    else:
        assert (status, part) == (200, (0, 5000))


def test_a_range_beyond_the_end() -> None:
    status, headers, part = head(Range="bytes=5000-")
    assert (status, part) == (416, None)
    assert headers["Content-Range"] == "bytes */5000"
    assert headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("told", [ETAG, f"W/{ETAG}", "*", f'"other", {ETAG}'])
def test_who_has_it_gets_no_bytes_whatever_the_range(told: str) -> None:
    status, headers, part = head(If_None_Match=told, Range="bytes=9999-")
    assert (status, part) == (304, None)
    assert headers["ETag"] == ETAG
    assert "Content-Length" not in headers


def test_who_has_begun_another_file_is_told() -> None:
    with pytest.raises(Problem) as caught:
        head(If_Match='"other"', Range="bytes=0-1")
    assert caught.value.code == "changed"
    assert head(If_Match=ETAG)[0] == 200
