"""The WebDAV tree: what a folder says of itself, which requests it takes, and how a film plays."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from werkzeug.test import TestResponse

from addon.access.links import Grant
from addon.library.titles import Title
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.selection import FileIndex
from tests.library.shelf import KEY, Shelf, torrent
from tests.library.shelf import shelf as opened
from tests.web.listing import INSTALL, TOKEN, Site

NAME = "Some Film (2019) [imdbid-tt1]"
FOLDER = f"/dav/Movies/{quote(NAME, safe='')}"
FILE = f"{FOLDER}/{quote(f'{NAME} - 1080p.mkv', safe='')}"

NOWHERE = [
    # What Kodi looks for beside a film.
    *("/dav/VIDEO_TS.IFO", f"{FOLDER}/VIDEO_TS/VIDEO_TS.IFO", f"{FOLDER}/index.bdmv"),
    *(f"{FOLDER}/folder.jpg", f"{FILE}/", f"{FILE}/x", "/dav/../manifest.json"),
    *("/dav/Movies/../Movies/", "/dav/%2e%2e/", "/dav/Movies%2F..%2F..", "/dav/Movies//"),
    *("/dav//", "/dav/%00", "/dav/%ff"),
]


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with opened(tmp_path) as shelf:
        files = ("Some.Film.2019.1080p.mkv", ("Some.Film.2019.1080p.en.srt", 0.1))
        shelf.add(torrent("Some.Film.2019.1080p", *files), "tt1")
        yield shelf


@pytest.fixture
def site(shelf: Shelf) -> Site:
    return Site(shelf)


def find(site: Site, path: str, depth: str = "1") -> dict[str, dict[str, str]]:
    """The properties of each thing that is listed, by its href without the root."""
    answer = site.ask(path, "PROPFIND", headers={"Depth": depth, "Range": "bytes=0-"})
    assert (answer.status_code, answer.content_type) == (207, "application/xml; charset=utf-8")
    return properties(answer)


def properties(answer: TestResponse) -> dict[str, dict[str, str]]:
    found = {}
    for told in ET.fromstring(answer.data).findall("{DAV:}response"):
        assert told.findtext("{DAV:}propstat/{DAV:}status") == "HTTP/1.1 200 OK"
        values = {
            value.tag.removeprefix("{DAV:}"): value.text or "".join(inner.tag for inner in value)
            for value in told.iterfind("{DAV:}propstat/{DAV:}prop/*")
        }
        href = told.findtext("{DAV:}href") or ""
        assert href.startswith(f"/{TOKEN}/dav/")
        found[href.removeprefix(f"/{TOKEN}")] = values
    return found


def test_a_folder_and_what_is_in_it(site: Site) -> None:
    found = find(site, "/dav/")
    assert list(found) == ["/dav/", "/dav/Movies/", "/dav/Series/"]
    assert found["/dav/Movies/"] == {
        "displayname": "Movies",
        "resourcetype": "{DAV:}collection",
        "getlastmodified": "Tue, 01 Jan 1980 00:00:00 GMT",
    }
    assert list(find(site, "/dav/Movies/")) == ["/dav/Movies/", f"{FOLDER}/"]


def test_a_film_has_size_and_type_and_its_subtitle_beside_it(site: Site) -> None:
    found = find(site, f"{FOLDER}/")
    subtitle = FILE.replace(".mkv", ".en.srt")
    assert list(found) == [f"{FOLDER}/", subtitle, FILE]
    assert found[FILE] == {
        "displayname": f"{NAME} - 1080p.mkv",
        "resourcetype": "",
        "getlastmodified": "Tue, 01 Jan 1980 00:00:00 GMT",
        "getcontentlength": "500000000",
        "getcontenttype": "video/x-matroska",
        "getetag": f'"{KEY}-0"',
    }
    assert found[subtitle]["getcontentlength"] == "100000"
    assert found[subtitle]["getcontenttype"] == "application/x-subrip"


def test_depth_0_is_the_thing_alone(site: Site) -> None:
    for path in ("/dav", "/dav/", "/dav/Movies", FOLDER, f"{FOLDER}/", FILE):
        (href,) = find(site, path, "0")
        assert href.rstrip("/") == path.rstrip("/")
        assert href.endswith("/") == (path != FILE)


def test_a_slash_at_the_end_makes_no_difference(site: Site) -> None:
    assert find(site, FOLDER) == find(site, f"{FOLDER}/")


def test_nobody_gets_the_whole_tree_at_once(site: Site) -> None:
    nothing: dict[str, str] = {}
    for headers in (nothing, {"Depth": "infinity"}, {"Depth": "2"}):
        answer = site.ask("/dav/", "PROPFIND", headers=headers)
        assert answer.status_code == 403
        assert ET.fromstring(answer.data)[0].tag == "{DAV:}propfind-finite-depth"


@pytest.mark.parametrize("body", [b"<no xml", b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', b"\xff"])
def test_what_is_asked_for_is_not_read(site: Site, body: bytes) -> None:
    answer = site.ask("/dav/", "PROPFIND", headers={"Depth": "0"}, data=body)
    assert answer.status_code == 207


def test_hrefs_are_below_the_public_path(shelf: Shelf) -> None:
    site = Site(shelf, "https://films.example.org/at")
    answer = site.ask("/dav/", "PROPFIND", headers={"Depth": "0"})
    assert ET.fromstring(answer.data).findtext(".//{DAV:}href") == f"/at/{TOKEN}/dav/"


def test_options_name_the_class(site: Site) -> None:
    answer = site.ask("/dav/", "OPTIONS")
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["DAV"] == "1"
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, PROPFIND"


def test_nothing_can_be_written(site: Site) -> None:
    for method in [
        "PUT",
        "POST",
        "DELETE",
        "MKCOL",
        "COPY",
        "MOVE",
        "PROPPATCH",
        "LOCK",
        "UNLOCK",
        "PATCH",
    ]:
        answer = site.ask(FILE, method, data=b"x")
        assert answer.status_code == 405
        assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "PROPFIND"}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_film_is_the_players(site: Site, method: str) -> None:
    answer = site.ask(FILE, method)
    assert answer.status_code == 200
    assert site.played == [(method, Grant(InfoHash(v1=KEY), FileIndex(0), INSTALL))]
    assert answer.headers["Cache-Control"] == "private, no-transform"
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert answer.headers["Content-Security-Policy"] == "sandbox"


def test_so_is_a_subtitle(site: Site) -> None:
    site.ask(FILE.replace(".mkv", ".en.srt"))
    assert [grant.wanted for _, grant in site.played] == [FileIndex(1)]


def test_there_is_nothing_else(site: Site) -> None:
    for path in NOWHERE:
        for method in ("GET", "HEAD", "PROPFIND"):
            answer = site.ask(path, method, headers={"Depth": "1"})
            assert answer.status_code == 404, (method, path)
    assert site.played == []


def test_accents_may_be_written_apart(site: Site, shelf: Shelf) -> None:
    shelf.library.put(Title("tt2", "movie", "Amélie"))
    shelf.add(torrent("Am.mkv", key="cd" * 20), "tt2")
    name = "Ame\u0301lie [imdbid-tt2]"
    assert len(find(site, f"/dav/Movies/{quote(name)}/")) == 2


def test_a_torrent_without_metadata_is_not_there(site: Site, shelf: Shelf) -> None:
    shelf.add(Magnet(InfoHash(v1="cd" * 20), name="Later"))
    assert len(find(site, "/dav/Movies/")) == 2


@pytest.mark.parametrize(
    "name", ["../..", "a/b", "\ufffe]]>&<x/>", "100%2e", "x" * 999, "日本\r\n"]
)
def test_every_name_can_be_asked_for_as_it_was_listed(site: Site, shelf: Shelf, name: str) -> None:
    shelf.library.put(Title("tt2", "movie", name))
    shelf.add(torrent("Other.mkv", key="cd" * 20), "tt2")
    folder = next(href for href in find(site, "/dav/Movies/") if "tt2" in href)
    film = list(find(site, folder))[1]
    assert film.count("/") == 4
    assert site.ask(film).text == "the film"
    for link in links(site.ask(folder)):
        assert link == "../" or f"{folder}{link}" == film


def test_a_page_shows_names_as_text(site: Site, shelf: Shelf) -> None:
    shelf.library.put(Title("tt2", "movie", "Tom &lt; Jerry"))
    shelf.add(torrent("Other.mkv", key="cd" * 20), "tt2")
    assert ">Tom &amp;lt; Jerry [imdbid-tt2]/</a>" in site.ask("/dav/Movies/").text


# The same tree as pages


def links(answer: TestResponse) -> list[str]:
    assert (answer.status_code, answer.content_type) == (200, "text/html; charset=utf-8")
    return re.findall(r'<a href="([^"]*)"', answer.text)


def test_a_folder_is_a_page_with_sizes(site: Site) -> None:
    assert links(site.ask("/dav/")) == ["Movies/", "Series/"]
    answer = site.ask(f"{FOLDER}/")
    back, subtitle, film = links(answer)
    assert (back, f"{FOLDER}/{film}") == ("../", FILE)
    assert unquote(subtitle) == f"{NAME} - 1080p.en.srt"
    assert f"{NAME} - 1080p.mkv</a>  01-Jan-1980 00:00  477M\n" in answer.text
    assert ".en.srt</a>  01-Jan-1980 00:00  98K\n" in answer.text


def test_head_of_a_folder_says_that_it_is_a_page(site: Site) -> None:
    answer = site.ask("/dav/", "HEAD")
    assert (answer.status_code, answer.mimetype, answer.data) == (200, "text/html", b"")


@pytest.mark.parametrize(("path", "target"), [("/dav", "dav/"), (FOLDER, f"{quote(NAME, '')}/")])
def test_a_folder_without_its_slash_is_elsewhere(site: Site, path: str, target: str) -> None:
    answer = site.ask(path)
    assert (answer.status_code, answer.headers["Location"]) == (302, target)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PROPFIND", "OPTIONS"])
def test_only_an_install_may_come_in(site: Site, method: str) -> None:
    headers = {"Depth": "0"}
    for path in ("/dav", "/dav/", FILE):
        assert site.ask(path, method, headers=headers).status_code < 400
        for elsewhere in (path, f"/other{path}"):
            assert site.ask_at(elsewhere, method, headers=headers).status_code == 404
