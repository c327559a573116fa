"""The source that delivers fails in mid-film: the next one goes on, and the body is exact."""

from random import Random

import pytest

from tests.faults.services import services, torrent_of
from tests.faults.test_one_honest_source import noise
from tests.rig.http import request
from tests.rig.lab import MIB, Lab

PIECE = 256 * 1024
FAULTS = {
    "dies": f"die-after-{3 * MIB}",
    "stalls": f"stall-after-{3 * MIB}",
    "closes": f"close-early-{3 * MIB}",
    "lies": f"corrupt-piece-20-{PIECE}",
    "refuses": "expire-2",
    "shrinks": "length-changes",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_next_source_goes_on(lab: Lab, fault: str) -> None:
    size = 24 * MIB + 99
    sources = {"Instant.io": FAULTS[fault], "TorrentDrive": "slow-12000000"}
    with services(lab, sources, LOG_LEVEL="debug") as all_of_them:
        torrent = torrent_of(all_of_them.folder, "film.mkv", noise(size), PIECE)
        film = all_of_them.film(torrent)
        # On a busy machine the second one might be quicker to begin with.
        all_of_them.change("TorrentDrive", enabled=False)
        with film.open(0) as stream:
            assert stream.headers["x-served-by"] == "Instant.io"
            all_of_them.change("TorrentDrive", enabled=True)
            assert stream.digest() == film.sha256
        log = all_of_them.server.log
        # One that only hangs may be quicker another time: others come first from then on.
        assert ("[Instant.io] was slower" if fault == "stalls" else "[Instant.io] ✗") in log
        assert all_of_them.liars.open_after() == 0


def test_a_source_that_cannot_resume_begins_a_film_and_never_goes_on_in_it(lab: Lab) -> None:
    with services(lab, {"Instant.io": "no-range", "TorrentDrive": "slow-12000000"}) as all_of_them:
        url = f"{all_of_them.server.url}/api/sources"
        assert request(url).status == 200
        torrent = torrent_of(all_of_them.folder, "film.mkv", noise(24 * MIB), PIECE)
        film = all_of_them.film(torrent)
        with film.open(12 * MIB) as stream:
            assert stream.headers["x-served-by"] == "TorrentDrive"
            assert film.wrong(stream.read_all(), 12 * MIB) == 0
        with film.open() as stream:
            assert stream.digest() == film.sha256


def test_eight_readers_all_over_the_film(lab: Lab) -> None:
    with services(lab, {"Instant.io": "honest"}) as all_of_them:
        torrent = torrent_of(all_of_them.folder, "film.mkv", noise(24 * MIB), PIECE)
        film = all_of_them.film(torrent)
        film.parts(40, 2 * MIB, Random(3))
        assert all_of_them.liars.counts()["sent"] < 2 * film.size
