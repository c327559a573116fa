"""Subtitles that lie beside the videos of a real torrent, on their way to players."""

from typing import Any

import pytest

from addon.torrents.fingerprint import video_hash
from tests.library.speech import TALK
from tests.rig.http import Reply, request
from tests.rig.lab import Lab
from tests.rig.media import random_file
from tests.rig.server import Server
from tests.rig.torrents import Torrent, make_torrent
from tests.rig.waiting import until

EDGE = 64 * 1024
FIRST, SECOND = "Show.S01E01.720p.mkv", "Show.S01E02.720p.mkv"
RUSSIAN = TALK["rus"]


def srt(lines: list[str]) -> str:
    return "\r\n".join(
        f"{n}\r\n00:00:{n:02},000 --> 00:00:{n:02},900\r\n{line}\r\n"
        for n, line in enumerate(lines, 1)
    )


@pytest.fixture(scope="module")
def pack(lab: Lab) -> Torrent:
    folder = lab.folder / "Show.S01.720p"
    random_file(folder / FIRST, 3_000_000, 1)
    random_file(folder / SECOND, 3_000_000, 2)
    (folder / "Show.S01E01.720p.ru.srt").write_bytes(srt(RUSSIAN).encode("cp1251"))
    sub = folder / "Subs" / "Show.S01E02.720p"
    sub.mkdir(parents=True)
    (sub / "2_English.srt").write_text(srt(["Where have you been?", "<i>Out</i> & about."]))
    (sub / "3_.srt").write_text(srt(TALK["gre"]))
    (folder / "Readme.srt").write_text("no subtitles at all")
    return make_torrent(folder, 64 * 1024)


@pytest.fixture(scope="module")
def shown(lab: Lab, server: Server, pack: Torrent) -> str:
    """The id of the series, once its files are known; nobody has it before ``lab`` shares it."""
    assert server.upload(pack.raw).status == 201
    return f"streme:{pack.key}"


def ask(server: Server, *path: str) -> Any:
    reply = request(f"{server.url}/{'/'.join(path)}.json")
    assert reply.status == 200
    return reply.json()


def stream(server: Server, video: str) -> Any:
    (found,) = ask(server, "stream", "series", video)["streams"]
    return found


def get(url: str, method: str = "GET", **headers: str) -> Reply:
    return request(url, headers, method)


def test_they_are_listed_before_anybody_has_them(server: Server, shown: str) -> None:
    first, second = (stream(server, f"{shown}:1:{episode}") for episode in (1, 2))
    assert [s["lang"] for s in first["subtitles"]] == ["rus"]
    assert [s["lang"] for s in second["subtitles"]] == ["eng", "und"]
    assert first["subtitles"][0]["url"].endswith("/Show.S01E01.720p.ru.srt")
    assert "videoHash" not in first["behaviorHints"]
    # HEAD tells what it is and waits for nobody.
    reply = get(first["subtitles"][0]["url"], "HEAD")
    assert (reply.status, reply.headers["content-type"]) == (
        200,
        "application/x-subrip; charset=utf-8",
    )


def test_they_come_as_text_that_players_read(
    lab: Lab, server: Server, pack: Torrent, shown: str
) -> None:
    server.add(lab.share(pack))
    (subtitle,) = stream(server, f"{shown}:1:1")["subtitles"]
    reply = get(subtitle["url"])
    assert reply.status == 200, reply
    assert reply.headers["content-type"] == "application/x-subrip; charset=utf-8"
    assert reply.headers["access-control-allow-origin"] == "*"
    text = reply.body.decode()
    assert text.startswith(f"1\n00:00:01,000 --> 00:00:01,900\n{RUSSIAN[0]}\n\n2\n")
    assert all(line in text for line in RUSSIAN)

    again = get(subtitle["url"], **{"If-None-Match": reply.headers["etag"]})
    assert (again.status, again.body) == (304, b"")

    (listed, english, *_) = (
        file for file in server.torrent(pack.key)["files"] if file["path"].endswith(".mkv")
    )
    assert [s["lang"] for s in listed["subtitles"]] == ["ru"]
    vtt = get(english["subtitles"][0]["url"])
    assert vtt.headers["content-type"] == "text/vtt; charset=utf-8"
    assert vtt.body.decode() == (
        "WEBVTT\n\n00:00:01.000 --> 00:00:01.900\nWhere have you been?\n\n"
        "00:00:02.000 --> 00:00:02.900\n<i>Out</i> &amp; about.\n\n"
    )


def test_what_was_read_once_has_its_language(server: Server, shown: str) -> None:
    unknown = stream(server, f"{shown}:1:2")["subtitles"][1]
    assert unknown["lang"] == "und"
    assert get(unknown["url"]).status == 200
    told = ask(
        server, "subtitles", "series", f"{shown}:1:2", f"filename={SECOND}&videoSize=3000000"
    )
    assert [s["lang"] for s in told["subtitles"]] == ["eng", "gre"]


def test_the_hash_is_told_as_soon_as_both_ends_are_there(
    server: Server, pack: Torrent, shown: str
) -> None:
    def told() -> str | None:
        found: str | None = stream(server, f"{shown}:1:1")["behaviorHints"].get("videoHash")
        return found

    film = pack.file(FIRST).data()
    url = stream(server, f"{shown}:1:1")["url"]
    for span in (f"bytes=0-{EDGE - 1}", f"bytes={len(film) - EDGE}-"):
        assert get(url, Range=span).status == 206
    found = until(told, 10, "the hash")
    assert found == video_hash(len(film), film[:EDGE], film[-EDGE:])


def test_what_is_none_says_so(server: Server, pack: Torrent, shown: str) -> None:
    (subtitle,) = stream(server, f"{shown}:1:1")["subtitles"]
    for wrong in (
        subtitle["url"].replace("ru.srt", "ru.exe"),
        subtitle["url"].replace("/0/", "/1/"),
    ):
        if wrong != subtitle["url"]:
            assert get(wrong).status == 404
