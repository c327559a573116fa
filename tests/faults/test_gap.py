"""How long a player waits when the source that delivers dies or falls silent in mid-film.

The bound is generous: without a hedge a silent source costs 10 s. ``make bench`` has the figures.
"""

from concurrent.futures import ThreadPoolExecutor

from tests.faults.gaps import WAYS, Pair
from tests.faults.services import NAMES, services, torrent_of
from tests.faults.test_one_honest_source import noise
from tests.rig.lab import MIB, Lab

PIECE = 256 * 1024
SIZE = 64 * MIB + 5
RATE = 6_000_000  # bytes a second: what comes is what the player reads
PATIENCE = 8.0


def test_the_longest_gap(lab: Lab) -> None:
    nobody_else = {"EXCLUDE_SOURCES": ",".join((*NAMES, "WebTor.io"))}
    with services(lab, {}, FALLBACK_MODE="proxy", **nobody_else) as here:

        def play(number: int) -> float:
            end, known = WAYS[number]
            torrent = torrent_of(here.folder, f"film-{number}.mkv", noise(SIZE, number), PIECE)
            pair = Pair(here, here.film(torrent), RATE, str(number))
            pair.add()
            return pair.longest_gap(end, known=known)

        with ThreadPoolExecutor(len(WAYS)) as pool:
            gaps = dict(zip(WAYS, pool.map(play, range(len(WAYS))), strict=True))
        assert max(gaps.values()) < PATIENCE, gaps
