"""A closed server from outside: every road that there is, without a key, token or grant."""

import re
from collections.abc import Iterator

import pytest

from tests.test_app import KEY, House

# Open to everybody: whether it lives, the page that asks for the key and its files, and a Kodi
# that asks to be connected.
OPEN = {"/healthz", "/readyz", "/", "/login", "/logout", "/pair", "/kodi/pair"}
OPEN |= {"/configure", "/<token>/configure"}  # to the page
# A preflight tells nothing, and a HEAD of these nothing either.
SILENT = (200, 204)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("closed"), ACCESS_KEY=KEY)
    house.ask("/healthz")  # it starts with its first request
    yield house
    house.app.close()


def roads(house: House) -> Iterator[tuple[str, str]]:
    """Method and path of every route that must be closed."""
    for rule in house.app._flask.url_map.iter_rules():
        if rule.rule in OPEN:
            continue
        path = re.sub(r"<[^>]+>", "wrong", rule.rule)
        for method in sorted(rule.methods or ()):
            yield method, path


def test_it_looks_as_if_nothing_were_there(house: House) -> None:
    nothing = house.ask("/no/such/place")
    assert nothing.status_code == 404
    met = set()
    for method, path in roads(house):
        answer = house.ask(path, method)
        if answer.status_code in SILENT and method in ("HEAD", "OPTIONS"):
            assert answer.data == b"", (method, path)
            continue
        met.add(path)
        assert answer.status_code == 404, (method, path)
        assert answer.data in (nothing.data, b""), (method, path)
        assert answer.content_type == nothing.content_type, (method, path)
        assert "Location" not in answer.headers
    assert {"/wrong/dav/", "/wrong/kodi/", "/wrong/playlist.m3u", "/wrong/manifest.json"} <= met
    assert {"/status/wrong/wrong/wrong", "/subtitles-file/wrong/wrong/wrong/wrong"} <= met


@pytest.mark.parametrize("path", ["/kodi/", "/dav", "/playlist.m3u", "/manifest.json"])
def test_a_token_that_was_changed_is_none(house: House, path: str) -> None:
    token = house.app._page_install.token()
    assert house.ask(f"/{token}{path}").status_code < 400
    end = "B" if token[10] == "A" else "A"
    for wrong in (token[:10] + end + token[11:], token[:-5], token + "A", token.lower()):
        assert house.ask(f"/{wrong}{path}").status_code == 404


def test_the_install_token_goes_nowhere_else(house: House) -> None:
    token = house.app._page_install.token()
    for path in ("/dav", "/dav/", "/kodi/", "/kodi/addons.xml", "/playlist.m3u", "/strm.zip"):
        answer = house.ask(f"/{token}{path}")
        assert answer.headers["Referrer-Policy"] == "no-referrer", path
        assert answer.headers["Cache-Control"].startswith("private"), path
        assert token not in answer.headers.get("Location", ""), path
