"""The front page in real Chromium, over the real server and a swarm on loopback."""

import re
from collections.abc import Callable
from pathlib import Path

from tests.clients.chromium import drive
from tests.rig.lab import Lab
from tests.rig.server import SETTINGS, Server
from tests.rig.torrents import Torrent, make_torrent

FilmOf = Callable[[str], Path]

MAGNET_RATE = 1_000_000  # bytes a second: a film of 24 MB takes 24 s and is watched meanwhile
BUDGET = int(SETTINGS["RESOLVE_BUDGET"]) / 1000
KEY = "the-access-key-of-this-test"


def shared(lab: Lab, source: Path, name: str) -> tuple[Torrent, str]:
    """A torrent of a film, under a name that no other test of this file uses, and its magnet."""
    torrent = lab.renamed(source, name)
    return torrent, lab.share(torrent, rate=MAGNET_RATE)


def percents(figures: list[str]) -> list[int]:
    return [int(found[1]) for text in figures if (found := re.match(r"(\d+) %", text))]


def test_a_magnet_plays_and_seeks_while_it_downloads(
    lab: Lab, server: Server, film_of: FilmOf
) -> None:
    torrent, magnet = shared(lab, film_of("first.mp4"), "watched.mp4")
    seen = drive("film", server.url, magnet=magnet, name="watched", seek=0.7)

    start, later = seen["start"], seen["later"]
    assert start["after"]["time"] > start["before"]["time"] + 1
    assert start["after"]["frames"] > start["before"]["frames"]
    assert later["before"]["time"] >= 0.69 * later["before"]["duration"]
    assert later["after"]["time"] > later["before"]["time"] + 1
    assert later["after"]["frames"] > later["before"]["frames"] > start["after"]["frames"]
    assert later["after"]["error"] is None

    grown = percents(seen["growth"])
    assert len(grown) == 4
    assert grown == sorted(grown)
    assert 0 < grown[0] < grown[-1] < 100, "it was to be watched while it downloads"
    assert re.search(r" [kM]B/s · \d+ peers?$", seen["growth"][-1])
    assert any("first piece" in step for step in seen["steps"])

    # Closed: the focus is back, and nobody reads the film any more.
    assert seen["focus"] == "Play watched"
    assert seen["source"] is None
    assert server.torrent(torrent.key)["readers"] == 0


def test_subtitles_beside_a_film_are_shown_over_it(
    lab: Lab, server: Server, film_of: FilmOf
) -> None:
    folder = lab.folder / "Subtitled"
    folder.mkdir()
    (folder / "subtitled.mp4").hardlink_to(film_of("first.mp4"))
    cue = "1\n00:00:00,000 --> 00:10:00,000\nГде ты & <i>был</i>?\n"
    (folder / "subtitled.ru.srt").write_bytes(cue.encode("cp1251"))
    server.add(lab.share(make_torrent(folder, 256 * 1024)))
    seen = drive("subtitles", server.url, name="Subtitled")
    assert seen["offered"] == [{"label": "Russian", "language": "ru", "mode": "disabled"}]
    assert seen["shown"] == ["Где ты &amp; <i>был</i>?"]
    assert seen["left"] == 0


def test_the_keyboard_is_enough(lab: Lab, server: Server, film_of: FilmOf) -> None:
    _, magnet = shared(lab, film_of("first.mp4"), "typed.mp4")
    seen = drive("keyboard", server.url, magnet=magnet, name="typed")
    assert any("typed is in the library." in said for said in seen["said"])
    assert seen["inside"] == "typed", "the focus goes into the dialog, onto the film"
    assert seen["playing"]["after"]["frames"] > seen["playing"]["before"]["frames"]
    assert seen["back"] == "Play typed"


def test_a_broken_magnet_is_told_in_words(server: Server) -> None:
    seen = drive("refused", server.url, magnet="magnet:?xt=urn:btih:tooshort")
    detail, _, hint = seen["problem"].partition("\n\n")
    assert detail.endswith(".")
    assert hint.endswith(".")
    assert "status" not in detail


def test_a_film_that_nobody_has_says_so(server: Server) -> None:
    nobody = "magnet:?xt=urn:btih:" + "0f" * 20 + "&dn=nobody.mp4"
    seen = drive("dead", server.url, magnet=nobody, name="nobody", patience=60_000)
    assert seen["problem"].count(".") >= 2
    assert any("failed" in step for step in seen["steps"])
    assert seen["seconds"] < BUDGET + 4, "the reason is in the journal: no second search for it"


def test_a_phone_scrolls_in_one_direction_only(lab: Lab, server: Server, film_of: FilmOf) -> None:
    _, magnet = shared(lab, film_of("first.mp4"), "A.Long.Name." * 12 + "phone.mp4")
    server.add(magnet)
    seen = drive("layout", server.url, width=360, height=740)
    for part in ("home", "dialog"):
        assert seen[part]["content"] <= seen[part]["window"], seen


def test_a_closed_server_asks_for_its_key_once(lab: Lab) -> None:
    closed = lab.server(ACCESS_KEY=KEY)
    seen = drive("login", closed.url, key=KEY)
    assert "not the access key" in seen["wrong"]
    assert seen["status"] == 200, "the address that is shown must work"
    assert not seen["offline"], "the API takes the session of the page"
    assert seen["cookie"]["httpOnly"]
    assert seen["cookie"]["sameSite"] == "Strict"
    assert seen["script"] == ""
    assert KEY not in seen["manifest"] + seen["cookie"]["value"]
    assert KEY not in closed.log
