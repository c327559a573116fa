"""In mid-film nobody has the next piece for a while: players stand still, and play on."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.clients.chromium import drive
from tests.clients.players import Mpv, Player, Vlc
from tests.faults.services import NAMES, Services, services
from tests.rig.lab import Lab
from tests.rig.torrents import make_torrent
from tests.rig.viewing import Viewing
from tests.rig.waiting import pause, until

FilmOf = Callable[[str], Path]

# A longer one by hand: HOLE_SECONDS=40 make test ARGS='-s tests/clients/test_hole.py'
HOLE = float(os.environ.get("HOLE_SECONDS", "15"))
DURATION = 60.0
SLOW = 200_000  # bytes a second while the players start; the film plays at 400 kB/s
RATE = 450_000  # so that nobody has much in hand
PLAYING = 3.0  # seconds of the film that all have seen when it begins
ON = 4.0  # seconds after the hole's place that all must see
STOP = 15.0  # where in the film Chromium is done
PATIENCE = 40.0


@pytest.fixture(scope="module")
def here(lab: Lab) -> Iterator[Services]:
    nobody_else = {"EXCLUDE_SOURCES": ",".join((*NAMES[1:], "WebTor.io"))}
    with services(lab, {NAMES[0]: "told-it"}, **nobody_else) as here:
        yield here


def test_all_play_on(here: Services, film_of: FilmOf) -> None:
    path = here.folder / "film.mp4"
    path.hardlink_to(film_of("first.mp4"))
    torrent = make_torrent(path, 64 * 1024)
    here.liars.tell({"it": f"honest@{SLOW}"})
    film: Viewing = here.film(torrent)

    with ThreadPoolExecutor(1) as pool, Mpv(film.url) as mpv, Vlc(film.url) as vlc:
        players: tuple[Player, ...] = (mpv, vlc)
        name = (film.told().get("title") or {}).get("name") or torrent.name
        asked = {"name": name, "until": STOP}
        chromium = pool.submit(drive, "hole", here.server.url, **asked)
        try:
            until(lambda: film.told()["readers"] >= 3 or chromium.done(), PATIENCE, "three players")
            assert not chromium.done(), chromium.result()
            here.liars.tell({"it": f"honest@{RATE}"})
            until(lambda: all(p.position() >= PLAYING for p in players), PATIENCE, "two pictures")
            here.liars.tell({"it": "silent"})
            pause(1.0)
            edge = film.told()["verifiedBytes"] / film.size * DURATION
            assert edge < STOP - ON
            pause(HOLE - 1.0)
            reached = [player.position() for player in players]
            assert all(edge - 3 < place < edge + 1 for place in reached), (reached, edge)
        finally:
            here.liars.tell({"it": "honest"})
        since = time.monotonic()
        for player in players:
            until(lambda p=player: p.position() > edge + ON, PATIENCE, f"{player.name} to go on")  # type: ignore[misc]
            assert player.complaints() == ""
        seen: dict[str, Any] = chromium.result()
    print(f"edge {edge:.1f} s, after {time.monotonic() - since:.1f} s all were on; {seen}")
    assert seen["error"] is None
    assert seen["time"] >= STOP
    assert seen["stood"] > HOLE / 2
