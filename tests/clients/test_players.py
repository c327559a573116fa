"""ffmpeg, mpv and VLC play and seek over the real server, out of a torrent that still downloads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.clients.players import MPV, Mpv, Player, Vlc, facts, frames, likeness, run
from tests.house.clients import require_client
from tests.rig.http import request
from tests.rig.lab import Lab
from tests.rig.media import KINDS, SIZE
from tests.rig.server import Server
from tests.rig.viewing import Viewing, view
from tests.rig.waiting import until

FilmOf = Callable[[str], Path]
Play = Callable[[str, str], Viewing]

# Bytes a second of each: a film of 24 MB takes 24 s, and plays at 400 kB/s. With fewer than three
# peers the server soon turns to uTP as well, and then a new magnet waits 4 s for its first peer.
SEEDERS, UPLOAD_RATE = 3, 333_000
DURATION = 60.0
PLACE = 0.7  # of the film, which is 17 MB into the file: nobody has asked for it before
SEEK = DURATION * PLACE
DECODED = 1.0  # seconds of the film; more takes longer and proves the same
PATIENCE = 40.0  # seconds; the longest wait measured is 6
ALIKE = 35.0  # dB, see ``likeness``


@pytest.fixture
def play(lab: Lab, server: Server, film_of: FilmOf) -> Play:
    """``play("first.mp4", "vlc")``: a film that begins to download when it is asked for."""

    def shared(kind: str, whose: str) -> Viewing:
        torrent = lab.renamed(film_of(kind), f"{whose}-{kind}")
        return view(lab, server, torrent, rate=UPLOAD_RATE, count=SEEDERS)

    return shared


@pytest.mark.parametrize("kind", KINDS)
def test_ffprobe_and_ffmpeg_see_the_original(play: Play, film_of: FilmOf, kind: str) -> None:
    viewing = play(kind, "ffmpeg")
    told = facts(viewing.url)
    start = frames(viewing.url, 0, DECODED)
    assert viewing.told()["progress"] < PLACE, "the place to seek to was not to be there yet"
    later = frames(viewing.url, SEEK, DECODED)
    assert viewing.still_downloading()

    original = str(film_of(kind))
    assert told == facts(original)
    assert start == frames(original, 0, DECODED)
    assert later == frames(original, SEEK, DECODED)

    assert float(told["format"]["duration"]) == pytest.approx(DURATION, abs=0.1)
    assert int(told["format"]["size"]) == viewing.size
    picture, sound = told["streams"]
    assert (picture["codec_name"], picture["width"], picture["height"]) == ("h264", *SIZE)
    assert sound["codec_name"] == "aac"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("player", [Mpv, Vlc])
def test_it_plays_and_seeks(play: Play, film_of: FilmOf, player: type[Player], kind: str) -> None:
    viewing = play(kind, player.name)
    with player(viewing.url) as playing:

        def plays_on_from(place: float) -> None:
            # A second later, because VLC names the place before it has anything of it.
            until(lambda: playing.position() >= place + 1, PATIENCE, f"a picture after {place} s")
            at = playing.position()
            shown = playing.picture()
            assert viewing.still_downloading()
            assert likeness(shown, film_of(kind), at) > ALIKE, "another picture than the film's"

        plays_on_from(0)
        assert viewing.told()["progress"] < PLACE, "the place to seek to was not to be there yet"
        playing.seek(SEEK)
        plays_on_from(SEEK)
        assert playing.complaints() == ""
        assert viewing.told()["readers"] > 0
    until(lambda: viewing.told()["readers"] == 0, what="the server to see that nobody reads")


def test_a_film_that_nobody_has_ends_with_an_error(server: Server) -> None:
    """In ffmpeg and in mpv, at the same time: each waits as long as the server looks for it."""
    asked = {"ffmpeg": ("-v", "error", "-f", "null", "-", "-i"), "mpv": MPV}
    for name in asked:
        require_client(name)

    def play(name: str) -> tuple[int, str]:
        added = server.add(f"magnet:?xt=urn:btih:{nobodys(name)}&dn={name}.mp4")
        done = run(name, *asked[name], added["playUrl"])
        return done.returncode, done.stdout + done.stderr

    with ThreadPoolExecutor() as pool:
        (ffmpeg, by_ffmpeg), (mpv, by_mpv) = pool.map(play, asked)
    assert (ffmpeg, mpv) == (1, 2)
    assert "5XX Server Error" in by_ffmpeg
    assert "Failed to open" in by_mpv
    for name in asked:
        told = request(f"{server.url}/api/resolutions?infoHash={nobodys(name)}").json()
        assert [entry["outcome"] for entry in told["resolutions"]] == ["failed"]


def nobodys(name: str) -> str:
    """The info hash of a torrent that nobody has."""
    return name.encode().hex().ljust(40, "0")
