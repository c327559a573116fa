"""VLC, mpv, ffprobe and rclone over the lists and the WebDAV tree of a real server."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin
from xml.etree import ElementTree as ET

import pytest

from tests.clients.players import Mpv, Player, Vlc, facts, run
from tests.rig.http import Reply, ask_for, follow, request
from tests.rig.lab import Lab
from tests.rig.server import Server
from tests.rig.torrents import Torrent, make_torrent
from tests.rig.waiting import until

FilmOf = Callable[[str], Path]

PATIENCE = 40.0  # seconds
ONE = "Movies/Lists One (2019) [imdbid-tt0000001]/Lists One (2019) [imdbid-tt0000001] - 1080p"
TWO = "Movies/Lists, Two (2020)/Lists, Two (2020) - 720p WEB-DL"
SUBTITLE = b"1\n00:00:01,000 --> 00:00:02,000\nHello.\n"


@pytest.fixture(scope="module")
def films(lab: Lab, server: Server, film_of: FilmOf) -> dict[str, Torrent]:
    """Two films by their path, whose torrents the server knows but has not begun."""
    one = lab.renamed(film_of("first.mp4"), "Lists.One.2019.1080p.mp4")
    name = "Lists, Two (2020) 720p WEB-DL"
    folder = lab.folder / "packed" / name
    folder.mkdir(parents=True)
    (folder / f"{name}.mkv").hardlink_to(film_of("film.mkv"))
    (folder / f"{name}.en.srt").write_bytes(SUBTITLE)
    two = make_torrent(folder, 256 * 1024)
    for torrent in request(f"{server.url}/api/torrents").json()["torrents"]:
        gone = request(f"{server.url}/api/torrents/{torrent['infoHash']}", method="DELETE")
        assert gone.status == 204, "a sample, which nobody has here"
    server.add(lab.share(one), imdbId="tt0000001")
    server.add(lab.share(two))
    for torrent in (one, two):
        server.ready(torrent.key)
    server.terminate()
    server.start()
    return {f"{ONE}.mp4": one, f"{TWO}.mkv": two}


def active(server: Server) -> int:
    count: int = request(f"{server.url}/readyz").json()["torrents"]
    return count


def entries(server: Server) -> list[str]:
    """The play links of the playlist."""
    reply = request(f"{server.url}/playlist.m3u")
    assert reply.status == 200
    lines = reply.body.decode().splitlines()
    assert lines[0] == "#EXTM3U"
    return lines[2::2]


def strms(server: Server) -> dict[str, str]:
    """Path and content of each .strm in the zip."""
    with zipfile.ZipFile(io.BytesIO(request(f"{server.url}/strm.zip").body)) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        return {name: archive.read(name).decode() for name in names}


def propfind(url: str, depth: str) -> Reply:
    # As Kodi asks, with a range that means nothing here.
    return request(url, {"Depth": depth, "Range": "bytes=0-"}, "PROPFIND", b"<propfind/>")


def hrefs(server: Server, path: str = "/dav/") -> list[str]:
    """Every href below a folder of the tree; all that lies between is looked at."""
    reply = propfind(server.url + path, "1")
    assert reply.status == 207, reply
    told = ET.fromstring(reply.body).iterfind("{DAV:}response/{DAV:}href")
    _, *inside = [href.text or "" for href in told]
    below = [href for found in inside if found.endswith("/") for href in hrefs(server, found)]
    return [*inside, *below]


def test_listing_starts_nothing(server: Server, films: dict[str, Torrent]) -> None:
    assert len(entries(server)) == len(strms(server)) == len(films)
    for name, content in strms(server).items():
        path = "/".join(part.replace(" ", "%20") for part in name.split("/"))
        assert request(f"{server.url}/strm/{path}").body.decode() == content
    files = [href for href in hrefs(server) if not href.endswith("/")]
    assert len(files) == len(films) + 1, "the films and a subtitle"
    for href in files:
        assert request(server.url + href, method="HEAD").status == 200
        assert request(urljoin(server.url + href, "VIDEO_TS.IFO")).status == 404
    assert active(server) == 0


def test_the_tree_is_only_for_reading(server: Server, films: dict[str, Torrent]) -> None:
    url = f"{server.url}/dav/"
    assert request(url, method="OPTIONS").headers["dav"] == "1"
    assert propfind(url, "infinity").status == 403
    for method in ("PUT", "DELETE", "MKCOL", "LOCK"):
        assert request(f"{url}x", method=method, body=b"x").status == 405
    assert films


def test_rclone_lists_the_tree_and_copies_out_of_it(
    server: Server, films: dict[str, Torrent], tmp_path: Path
) -> None:
    remote = ("--config", str(tmp_path / "none"), "--webdav-url", f"{server.url}/dav")
    listed = run("rclone", "lsl", ":webdav:", *remote)
    assert listed.returncode == 0, listed.stderr
    sizes = {f"{TWO}.en.srt": len(SUBTITLE)}
    sizes |= {path: film.size for path, film in films.items() if len(film.files) == 1}
    film = films[f"{TWO}.mkv"].file("Lists, Two (2020) 720p WEB-DL.mkv")
    sizes[f"{TWO}.mkv"] = film.length
    lines = [line.split(maxsplit=3) for line in listed.stdout.splitlines()]
    assert {path: int(size) for size, _, _, path in lines} == sizes

    folder = TWO.rpartition("/")[0]
    copied = run("rclone", "copy", f":webdav:{folder}", str(tmp_path / "copy"), *remote)
    assert copied.returncode == 0, copied.stderr
    stem = TWO.rpartition("/")[2]
    assert (tmp_path / "copy" / f"{stem}.mkv").read_bytes() == film.data()
    assert (tmp_path / "copy" / f"{stem}.en.srt").read_bytes() == SUBTITLE


def test_a_film_in_the_tree_is_answered_as_by_its_play_link(
    server: Server, films: dict[str, Torrent]
) -> None:
    (href,) = [href for href in hrefs(server) if href.endswith(".mp4")]
    film = films[f"{ONE}.mp4"].files[0]
    reply = follow(server.url + href, ask_for(1000, 1999))
    assert reply.status == 206
    assert reply.body == film.data()[1000:2000]
    link = next(url for url in entries(server) if url.endswith(".mp4"))
    there, here = (request(url, method="HEAD").headers for url in (link, server.url + href))
    for name in ("etag", "content-length", "content-type", "accept-ranges", "cache-control"):
        assert there[name] == here[name]
    beyond = request(server.url + href, ask_for(film.length))
    assert (beyond.status, beyond.headers["content-range"]) == (416, f"bytes */{film.length}")


def test_ffprobe_reads_every_strm(server: Server, films: dict[str, Torrent]) -> None:
    sizes = {path.rpartition(".")[0]: film for path, film in films.items()}
    for name, url in strms(server).items():
        told = facts(url)["format"]
        assert int(told["size"]) in {f.length for f in sizes[name.removesuffix(".strm")].files}


@pytest.mark.parametrize("player", [Mpv, Vlc])
def test_every_entry_of_the_playlist_plays(
    server: Server, films: dict[str, Torrent], player: type[Player]
) -> None:
    urls = entries(server)
    assert {url.split("/")[4] for url in urls} == {film.key for film in films.values()}
    with player(f"{server.url}/playlist.m3u") as playing:
        for number, url in enumerate(urls):
            if number:
                playing.next()

            def plays(url: str = url) -> bool:
                return playing.address() == url and playing.position() >= 1

            until(plays, PATIENCE, f"{player.name} to play entry {number}", every=0.2)
            assert playing.complaints() == ""
