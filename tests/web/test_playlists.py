"""Lists of play links: what they hold, for whom, and that no name breaks them."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from addon.access.links import Grant
from addon.library.titles import Title
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.selection import FileIndex, MainVideo
from tests.library.shelf import KEY, Shelf, torrent
from tests.library.shelf import shelf as opened
from tests.web.addons import unpacked
from tests.web.listing import INSTALL, TOKEN, Site

OTHER = "cd" * 20
FILM = torrent("Some Film (2019) 1080p.mkv")
PATH = "Movies/Some Film (2019) [imdbid-tt1]/Some Film (2019) [imdbid-tt1] - 1080p.strm"


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with opened(tmp_path) as shelf:
        yield shelf


@pytest.fixture
def site(shelf: Shelf) -> Site:
    return Site(shelf)


def fill(shelf: Shelf) -> None:
    """A film, and a torrent of which only the magnet is known."""
    shelf.add(FILM, "tt1")
    shelf.add(Magnet(InfoHash(v1=OTHER), name="Later, perhaps"))


def test_the_playlist_holds_every_stream(shelf: Shelf, site: Site) -> None:
    fill(shelf)
    answer = site.ask("/playlist.m3u")
    assert answer.status_code == 200
    assert answer.content_type == "audio/x-mpegurl; charset=utf-8"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    begin, told, url, later, later_url = answer.text.splitlines()
    assert begin == "#EXTM3U"
    assert told == '#EXTINF:-1 group-title="Movies",Some Film (2019)'
    assert later == '#EXTINF:-1 group-title="Movies",Later, perhaps'
    film = Grant(InfoHash(v1=KEY), FileIndex(0), INSTALL)
    assert site.opened(url) == (film, "Some%20Film%20%282019%29%201080p.mkv")
    unknown = Grant(InfoHash(v1=OTHER), MainVideo(), INSTALL)
    assert site.opened(later_url) == (unknown, "video")


def test_an_empty_playlist_is_one(site: Site) -> None:
    assert site.ask("/playlist.m3u").text == "#EXTM3U\n"


def test_links_bear_the_public_address(shelf: Shelf) -> None:
    fill(shelf)
    base = "https://films.example.org/at"
    site = Site(shelf, base)
    for line in site.ask("/playlist.m3u").text.splitlines()[2::2]:
        site.opened(line, base)


@pytest.mark.parametrize("name", ["A\r\nfile:///etc/passwd", "A\u2028#EXTM3U", 'A" x="', "A\x85b"])
def test_no_name_makes_a_line(shelf: Shelf, site: Site, name: str) -> None:
    shelf.library.put(Title("tt1", "movie", name, 2019))
    shelf.add(FILM, "tt1")
    lines = site.ask("/playlist.m3u").text.splitlines()
    assert len(lines) == 3
    assert lines[1].startswith('#EXTINF:-1 group-title="Movies",A')
    site.opened(lines[2])


def test_each_stream_has_a_strm(shelf: Shelf, site: Site) -> None:
    fill(shelf)
    answer = site.ask(f"/strm/{quote(PATH)}")
    assert (answer.status_code, answer.content_type) == (200, "text/plain; charset=utf-8")
    assert answer.text == site.ask("/playlist.m3u").text.splitlines()[2]
    later = site.ask("/strm/Movies/Later,%20perhaps/Later,%20perhaps.strm")
    assert site.opened(later.text)[0].wanted == MainVideo()


def test_there_is_no_other_strm(shelf: Shelf, site: Site) -> None:
    fill(shelf)
    for path in ("", "Movies/", "Movies/None/None.strm", quote(PATH)[:-5], "../playlist.m3u"):
        assert site.ask(f"/strm/{path}").status_code == 404


def test_the_zip_is_the_tree_of_strm(shelf: Shelf, site: Site) -> None:
    fill(shelf)
    answer = site.ask("/strm.zip")
    assert answer.content_type == "application/zip"
    assert answer.data == site.ask("/strm.zip").data
    files = unpacked(answer.data)
    assert list(files) == ["Movies/Later, perhaps/Later, perhaps.strm", PATH]
    for name, text in files.items():
        assert text.decode() == site.ask(f"/strm/{quote(name)}").text


@pytest.mark.parametrize("what", ["/playlist.m3u", "/strm.zip", f"/strm/{quote(PATH)}"])
def test_only_an_install_may_read_them(shelf: Shelf, site: Site, what: str) -> None:
    fill(shelf)
    assert site.ask_at(f"/{TOKEN}{what}").status_code == 200
    assert site.ask_at(f"/other{what}").status_code == 404
    assert site.ask_at(what).status_code == 404
