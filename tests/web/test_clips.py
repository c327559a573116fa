"""A film that does not open is answered by a clip that says why, where that is asked for."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import request

from addon.errors import Problem
from addon.playback.resolution import Failure
from addon.web.clips import CODES, FOLDER
from tests.clients.players import facts
from tests.house.clients import require_client
from tests.rig import clips as making
from tests.web.playing import DATA, Cinema, told

NOBODY = Problem("no-peers", "Nobody has it.", "Try later.", retry_after=30)
CLIP = (FOLDER / "no-peers.mp4").read_bytes()


@pytest.fixture
def cinema() -> Iterator[Cinema]:
    cinema = Cinema(clips=True)
    cinema.resolver.restart().finish(Failure(NOBODY))
    yield cinema
    assert all(stream.closed for stream in cinema.torrent.streams)


@pytest.mark.parametrize("code", sorted(CODES))
def test_each_reason_has_its_clip(cinema: Cinema, code: str) -> None:
    attempt = cinema.resolver.restart()
    attempt.finish(Failure(Problem(code, "It does not play.")))
    answer = cinema.ask()
    assert (answer.status_code, answer.data) == (200, (FOLDER / f"{code}.mp4").read_bytes())
    headers = answer.headers
    assert headers["Content-Type"] == "video/mp4"
    assert headers["Content-Length"] == str(len(answer.data))
    assert headers["Cache-Control"] == "no-store"
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["X-Resolution"] == attempt.entry.id
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "ETag" not in headers, "VLC would name it in the film that comes after it"


def test_other_reasons_are_told(cinema: Cinema) -> None:
    cinema.resolver.restart().finish(Failure(Problem("no-such-file", "Only a pack.")))
    answer = cinema.ask()
    assert (answer.status_code, told(answer)["code"]) == (404, "no-such-file")


def test_without_the_setting_the_reason_is_told() -> None:
    cinema = Cinema()
    cinema.resolver.restart().finish(Failure(NOBODY))
    answer = cinema.ask()
    assert (answer.status_code, told(answer)["code"]) == (504, "no-peers")


def test_a_player_that_asks_for_a_part_of_it(cinema: Cinema) -> None:
    answer = cinema.ask(Range="bytes=0-")
    assert (answer.status_code, answer.data) == (206, CLIP)
    assert answer.headers["Content-Range"] == f"bytes 0-{len(CLIP) - 1}/{len(CLIP)}"
    asked = len(cinema.resolver.asked)
    later = cinema.ask(Range="bytes=5000-5999")
    assert (later.status_code, later.data) == (206, CLIP[5000:6000])
    past = cinema.ask(Range="bytes=99999999-")
    assert (past.status_code, past.data) == (416, b"")
    assert past.headers["Content-Range"] == f"bytes */{len(CLIP)}"
    assert len(cinema.resolver.asked) == asked, "the film is not looked for once more"


def test_whoever_opens_it_again_asks_for_the_film(cinema: Cinema) -> None:
    cinema.ask()
    cinema.resolver.restart().finish(cinema.stored)
    assert cinema.ask().data == DATA
    assert cinema.ask(Range="bytes=4000-").data == DATA[4000:]


def test_another_viewer_is_not_shown_it(cinema: Cinema) -> None:
    cinema.ask()
    cinema.resolver.restart().finish(cinema.stored)
    assert cinema.ask(Range="bytes=4000-", User_Agent="another").data == DATA[4000:]


def test_in_mid_film_no_clip_takes_its_place(cinema: Cinema) -> None:
    cinema.resolver.restart().finish(cinema.stored)
    assert cinema.ask(Range="bytes=0-999").data == DATA[:1000]
    cinema.resolver.restart().finish(Failure(Problem("disk-full", "No room.")))
    answer = cinema.ask(Range="bytes=1000-")
    assert (answer.status_code, told(answer)["code"]) == (503, "disk-full")


def test_head_tells_of_the_film(cinema: Cinema) -> None:
    cinema.ask()
    answer = cinema.ask(method="HEAD")
    assert answer.headers["Content-Length"] == str(len(DATA))


def test_what_cannot_be_read_has_its_clip_too(cinema: Cinema) -> None:
    cinema.resolver.restart().finish(cinema.stored)
    cinema.torrent.refuses = Problem("disk-full", "No room.")
    answer = cinema.ask()
    assert answer.data == (FOLDER / "disk-full.mp4").read_bytes()


def test_a_search_without_end_has_its_clip(cinema: Cinema, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("addon.web.player.HOLD", 0.01)
    monkeypatch.setattr("addon.web.player.LAST_HOLD", 0.01)
    cinema.resolver.restart()
    statuses = [cinema.ask().status_code for _ in range(4)]
    assert statuses == [307, 307, 307, 200]
    cinema.resolver.current.abandon()


def test_a_file_below_another_path_is_never_a_clip(cinema: Cinema) -> None:
    _, _, key, file, token, _ = cinema.path().split("/")
    cinema.app.add_url_rule(
        "/dav/film.mkv", view_func=lambda: cinema.player.answer(request, key, file, token)
    )
    answer = cinema.ask("/dav/film.mkv")
    assert (answer.status_code, told(answer)["code"]) == (504, "no-peers")


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_player_can_play_them(code: str) -> None:
    path = FOLDER / f"{code}.mp4"
    require_client("ffmpeg")
    seen = facts(str(path))
    picture, sound = seen["streams"]
    assert (picture["codec_name"], picture["profile"]) == ("h264", "Constrained Baseline")
    assert (picture["width"], picture["height"], picture["pix_fmt"]) == (640, 360, "yuv420p")
    assert (sound["codec_name"], sound["profile"]) == ("aac", "LC")
    assert 5 <= float(seen["format"]["duration"]) <= 8
    raw = path.read_bytes()
    assert len(raw) < 60_000
    assert raw.index(b"moov") < raw.index(b"mdat"), "it begins at once"


def test_the_clips_can_be_made_again(tmp_path: Path) -> None:
    assert making.TEXTS.keys() == CODES
    assert {path.stem for path in FOLDER.iterdir()} == CODES
    for lines in making.TEXTS.values():
        assert all(len(line) <= 44 for text in lines for line in text.splitlines())
    require_client("ffmpeg")
    filters = subprocess.run(["ffmpeg", "-hide_banner", "-filters"], capture_output=True, text=True)
    if "drawtext" not in filters.stdout:
        pytest.skip("this ffmpeg draws no text")
    made, shipped = facts(str(making.make("busy", tmp_path))), facts(str(FOLDER / "busy.mp4"))
    for name in ("codec_name", "profile"):
        assert [one[name] for one in made["streams"]] == [one[name] for one in shipped["streams"]]
