"""In mid-film nobody has the next piece for a while: Kodi stands still, and plays on.

An mp4, the more delicate of the two: Kodi ends it when it has no frame for 20 s, or at a cut.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

from tests.clients.kodi import Kodi
from tests.rig.lab import Lab
from tests.rig.server import Server
from tests.rig.viewing import Viewing, view
from tests.rig.waiting import pause, until

FilmOf = Callable[[str], Path]

# A longer one by hand: HOLE_SECONDS=40 make test ARGS='-s tests/clients/test_kodi_hole.py'
HOLE = float(os.environ.get("HOLE_SECONDS", "15"))
DURATION = 60.0
RATE = 420_000  # bytes a second; the film plays at 400 kB/s, so that Kodi has little in hand
PLAYING = 3.0  # seconds of the film that have been seen when it begins
THERE = 12.0  # seconds that have come: a request's first MiB are never trickled
ON = 5.0  # seconds after the hole's place that must be seen
PATIENCE = 40.0


def test_it_plays_on(lab: Lab, server: Server, film_of: FilmOf) -> None:
    torrent = lab.renamed(film_of("first.mp4"), "hole.mp4")
    film = view(lab, server, torrent, rate=RATE)
    (seeder,) = lab.seeders(1)
    with Kodi({}) as kodi:
        kodi.play(film.url)
        until(lambda: kodi.position() >= PLAYING, PATIENCE, "a picture")
        until(lambda: seconds_there(film) >= THERE, PATIENCE, "a request of some MiB", every=0.1)
        seeder.limit(torrent, 1)
        since = time.monotonic()
        # What is on its way still comes.
        pause(1.0)
        edge = seconds_there(film)
        until(lambda: time.monotonic() - since > HOLE, HOLE + 1, every=0.5)
        assert seconds_there(film) < edge + 1
        # Without a sound card its clock runs on for a while where there is nothing to see.
        reached = max(edge, kodi.position())
        seeder.limit(torrent, 0)
        until(lambda: kodi.position() > reached + ON, PATIENCE, "Kodi to go on")
        print(f"edge {edge:.1f} s, {reached:.1f} s; on after {time.monotonic() - since:.1f} s")
        kodi.stop()


def seconds_there(film: Viewing) -> float:
    """How much of the film has been downloaded."""
    return float(film.told()["verifiedBytes"]) / film.size * DURATION
