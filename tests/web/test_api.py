"""The API: the shapes other programs rely on (DESIGN §6), and what it takes."""

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import TestResponse

from addon.errors import Problem
from addon.library.titles import Title
from addon.playback.torrents import About
from addon.swarm.torrent import Progress
from addon.torrents.selection import FileIndex, MainVideo
from tests.torrents.build import pack
from tests.web.desk import HASH, HOST, MAGNET, METAINFO, Desk, listed

PATH = "/api/torrents"
TORRENT = "application/x-bittorrent"
MEMBERS = {
    "infoHash", "status", "files", "playUrl", "progress", "verifiedBytes", "downloadRate", "peers",
    "readers", "sources", "active",
}  # fmt: skip


@pytest.fixture
def desk() -> Desk:
    return Desk()


def problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    """The Problem in an answer, once its form is right."""
    told = json.loads(answer.text)
    assert (answer.status_code, told.get("code")) == (status, code), told
    assert answer.content_type == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    return dict(told)


def test_a_magnet_whose_metadata_does_not_come_in_time_is_a_202(desk: Desk) -> None:
    desk.torrents.answer = listed(metainfo=None)
    answer = desk.post({"magnetUri": MAGNET.uri()})
    told = json.loads(answer.text)
    assert answer.status_code == 202
    assert told.keys() == MEMBERS, "no name, because nobody has said one"
    assert told["infoHash"] == HASH.key
    assert (told["status"], told["files"], told["progress"]) == ("fetching-metadata", [], 0.0)
    assert desk.opened(told["playUrl"]) == (HASH, MainVideo())
    assert desk.torrents.added == [(MAGNET, About())]


def test_a_magnet_whose_metadata_is_known_is_a_201(desk: Desk) -> None:
    answer = desk.post({"magnetUri": MAGNET.uri()})
    told = json.loads(answer.text)
    assert answer.status_code == 201
    assert told.keys() == MEMBERS | {"name", "length"}
    assert (told["name"], told["status"]) == ("Show", "ready")
    assert told["length"] == METAINFO.total_size
    for shown, file in zip(told["files"], METAINFO.files, strict=True):
        assert shown.keys() == {"index", "path", "length", "playUrl"}
        assert (shown["index"], shown["path"]) == (file.index, file.path)
        assert shown["length"] == file.length
        assert desk.opened(shown["playUrl"]) == (HASH, FileIndex(file.index))
        assert shown["playUrl"].endswith(f"/{file.name}")
    assert desk.opened(told["playUrl"]) == (HASH, MainVideo())


@pytest.mark.parametrize(
    ("fields", "about"),
    [
        ({"imdbId": "tt0944947", "season": 1, "episode": 2}, About("tt0944947", 1, 2)),
        ({"season": "1", "episode": "02"}, About(None, 1, 2)),
        ({"fileIndex": 7}, About(file_index=7)),
        ({"fileIndex": 0, "season": 0, "episode": 0}, About(None, 0, 0, 0)),
        ({"imdbId": "", "season": "", "episode": None}, About()),
        ({"somethingElse": [1]}, About()),
    ],
)
def test_what_a_torrent_is_added_for(desk: Desk, fields: dict[str, Any], about: About) -> None:
    assert desk.post({"magnetUri": MAGNET.uri(), **fields}).status_code == 201
    form = {name: str(value or "") for name, value in fields.items() if value != 0}
    if 0 not in fields.values():
        assert desk.upload(form).status_code == 201
        answer = desk.ask(PATH, "POST", data=b"x", content_type=TORRENT, query_string=form)
        assert answer.status_code == 201
    assert {told for _, told in desk.torrents.added} == {about}


@pytest.mark.parametrize(
    "fields",
    [
        {"season": 1},
        {"episode": 1},
        {"season": -1, "episode": 1},
        {"season": 1.5, "episode": 1},
        {"season": True, "episode": 1},
        {"season": "١", "episode": 1},
        {"season": 1, "episode": 100_000},
        {"fileIndex": "main"},
        {"fileIndex": [1]},
        {"imdbId": "0944947"},
        {"imdbId": "tt"},
        {"imdbId": "tt09449470000"},
        {"imdbId": "tt1/../x"},
        {"imdbId": "tt١٢٣"},
        {"imdbId": 944947},
    ],
)
def test_what_makes_no_sense_is_not_added(desk: Desk, fields: dict[str, Any]) -> None:
    problem(desk.post({"magnetUri": MAGNET.uri(), **fields}), 400, "bad-request")
    assert desk.torrents.added == []


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"magnetUri": 7}', b"\xff", b"[" * 5000]
)
def test_a_body_that_says_nothing(desk: Desk, body: bytes) -> None:
    told = problem(desk.ask(PATH, "POST", data=body), 400, "bad-request")
    assert "magnetUri" in told["hint"]


def test_a_torrent_is_taken_as_it_is(desk: Desk) -> None:
    raw = bytes(range(256))
    desk.ask(PATH, "POST", data=raw, content_type=TORRENT)
    assert desk.upload({}, raw).status_code == 201
    assert [what for what, _ in desk.torrents.added] == [raw, raw]


def test_a_form_without_a_torrent(desk: Desk) -> None:
    answer = desk.ask(PATH, "POST", data={"other": (io.BytesIO(b"x"), "x")})
    assert '"torrent"' in problem(answer, 400, "bad-request")["detail"]


def test_problems_of_adding_are_told(desk: Desk) -> None:
    desk.torrents.problem = Problem("bad-torrent", "It cannot be read.")
    problem(desk.upload({}), 400, "bad-torrent")
    problem(desk.post({"magnetUri": "magnet:?xt=nothing"}), 400, "bad-magnet")


@pytest.mark.parametrize("path", [PATH, f"{PATH}/{HASH.key}", f"{PATH}/{HASH.key.upper()}"])
def test_a_torrent_that_is_being_played(desk: Desk, path: str) -> None:
    half = METAINFO.total_size // 2
    progress = Progress(peers=3, seeds=1, download_rate=4_000_000)
    sources = ("swarm", "My drive")
    desk.torrents.answer = listed(progress=progress, verified=half, readers=2, sources=sources)
    answer = desk.ask(path)
    told = json.loads(answer.text)
    told = told["torrents"][0] if "torrents" in told else told
    assert answer.status_code == 200
    assert told.keys() == MEMBERS | {"name", "length"}
    assert told["progress"] == half / METAINFO.total_size
    assert told["verifiedBytes"] == half
    assert (told["downloadRate"], told["peers"], told["readers"]) == (4_000_000, 3, 2)
    assert told["sources"] == ["swarm", "My drive"]
    assert told["active"] is True
    assert set(desk.torrents.asked) <= {HASH}


@pytest.mark.parametrize("sample", [False, True])
def test_a_torrent_names_its_title(desk: Desk, *, sample: bool) -> None:
    desk.title = Title("tt1", "series", "A show", 2019, sample=sample)
    told = json.loads(desk.ask(f"{PATH}/{HASH.key}").text)
    assert told["title"] == {"id": "tt1", "type": "series", "name": "A show"}
    assert told["sample"] is sample


def test_a_torrent_that_failed_says_why(desk: Desk) -> None:
    desk.torrents.answer = listed(problem=Problem("disk-full", "No room.", "Make some."))
    told = json.loads(desk.ask(f"{PATH}/{HASH.key}").text)
    assert told["status"] == "failed"
    assert told["problem"] == {"code": "disk-full", "detail": "No room.", "hint": "Make some."}
    assert json.loads(desk.ask(PATH).text)["torrents"][0] == told


def test_a_torrent_of_nothing_has_no_progress(desk: Desk) -> None:
    desk.torrents.answer = listed(metainfo=replace(METAINFO, total_size=0, files=()))
    assert json.loads(desk.ask(f"{PATH}/{HASH.key}").text)["progress"] == 0.0


def test_play_links_are_absolute_and_stay_the_same() -> None:
    desk = Desk(base_url="https://films.example/tv", public=True)
    first, second = (json.loads(desk.ask(f"{PATH}/{HASH.key}").text) for _ in range(2))
    assert first == second
    assert first["playUrl"].startswith(f"https://films.example/tv/play/{HASH.key}/main/")


def test_a_torrent_is_removed(desk: Desk) -> None:
    answer = desk.ask(f"{PATH}/{HASH.key}", "DELETE")
    assert (answer.status_code, answer.data) == (204, b"")
    assert desk.torrents.removed == [HASH]
    desk.torrents.problem = Problem("not-found", "It is not here.")
    problem(desk.ask(f"{PATH}/{HASH.key}", "DELETE"), 404, "not-found")


@pytest.mark.parametrize("key", ["x" * 40, "main", HASH.key[1:], "0" * 40])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_what_is_no_info_hash_is_not_found(desk: Desk, method: str, key: str) -> None:
    problem(desk.ask(f"{PATH}/{key}", method), 404, "not-found")
    assert desk.torrents.asked == desk.torrents.removed == []


def test_what_the_api_does_not_do(desk: Desk) -> None:
    answer = desk.ask(PATH, "PUT")
    assert (answer.status_code, json.loads(answer.text)["code"]) == (405, "not-allowed")
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))


def test_a_resolution_step_by_step(desk: Desk) -> None:
    entry = desk.journal.open(HASH.key, "s01e02", "anne")
    entry.step("getting the metadata", detail="kept")
    entry.step("ready to stream", source="swarm", verdict="verified")
    path = f"/api/resolutions/{entry.id}"
    told = json.loads(desk.ask(path).text)
    assert told.keys() == {"id", "infoHash", "file", "outcome", "startedAt", "steps"}
    assert (told["id"], told["infoHash"], told["file"]) == (entry.id, HASH.key, "s01e02")
    assert told["outcome"] == "running"
    assert [{n: v for n, v in step.items() if n != "t"} for step in told["steps"]] == [
        {"what": "getting the metadata", "detail": "kept"},
        {"what": "ready to stream", "source": "swarm", "verdict": "verified"},
    ]
    assert all(0 <= step["t"] < 5 for step in told["steps"])
    entry.file_index = 0
    entry.end("stored", "swarm")
    told = json.loads(desk.ask(path).text)
    assert (told["outcome"], told["source"], told["fileIndex"]) == ("stored", "swarm", 0)
    assert 0 <= told["duration"] < 5
    entry.end("failed", problem=Problem("no-peers", "Nobody has it.", "Try another."))
    told = json.loads(desk.ask(path).text)
    assert told["problem"] == {
        "code": "no-peers",
        "detail": "Nobody has it.",
        "hint": "Try another.",
    }
    assert "anne" not in json.dumps(told), "an install is nobody else's business"


def test_resolutions_newest_first(desk: Desk) -> None:
    first = desk.journal.open(HASH.key, "main", "").id
    second = desk.journal.open("cd" * 20, "main", "").id
    shown = json.loads(desk.ask("/api/resolutions").text)["resolutions"]
    assert [one["id"] for one in shown] == [second, first]
    only = json.loads(desk.ask(f"/api/resolutions?infoHash={HASH.key}").text)["resolutions"]
    assert [one["id"] for one in only] == [first]
    problem(desk.ask("/api/resolutions/nothing"), 404, "not-found")


def test_a_video_tells_of_the_subtitles_beside_it() -> None:
    desk = Desk()
    texts = [("Show.S01E01.en.forced.srt", 0.05), ("Subs/Show.S01E02/2_.srt", 0.05)]
    desk.torrents.answer = listed(pack("Show", "Show.S01E01.mkv", "Show.S01E02.mkv", *texts))
    (told,) = desk.ask("/api/torrents").json["torrents"]  # type: ignore[index]
    first, second, *others = told["files"]
    assert [(s["lang"], s["label"]) for s in first["subtitles"] + second["subtitles"]] == [
        ("en", "English (forced)"),
        ("und", "Unknown"),
    ]
    assert first["subtitles"][0]["url"].startswith(f"{HOST}/subtitles-file/{HASH.key}/2/")
    assert first["subtitles"][0]["url"].endswith("/Show.S01E01.en.forced.vtt")
    assert not any("subtitles" in file for file in others)
