"""How far ahead of a player the film is fetched."""

import time

from tests.rig.lab import MIB, Lab
from tests.rig.server import Server
from tests.rig.viewing import Viewing, view
from tests.rig.waiting import until

WINDOW = 64 * MIB


def settled(film: Viewing) -> int:
    """Its verified bytes, once they no longer grow."""
    before = [-1, 0]

    def same() -> bool:
        time.sleep(0.5)
        before.append(film.told()["verifiedBytes"])
        return before[-1] == before[-2] > MIB

    until(same, 20, "the download to pause")
    return before[-1]


def test_a_player_that_pauses_stops_the_download(lab: Lab, server: Server) -> None:
    film = view(lab, server, lab.torrent(144 * MIB, MIB), rate=40 * MIB)
    with film.open(0) as stream:
        got = stream.read_exactly(MIB)
        paused = settled(film)
        # The window, what the sockets took and thrice that, the tail, and what had come before
        # the metadata said what there is.
        assert WINDOW // 2 < paused < WINDOW + 48 * MIB
        # It goes on: the window moves with it, and to the end.
        got += stream.read_all()
    assert film.wrong(got, 0) == 0
    assert len(got) == film.size


def test_a_seek_moves_the_window_at_once(lab: Lab, server: Server) -> None:
    film = view(lab, server, lab.torrent(112 * MIB, MIB), rate=40 * MIB)
    film.part(0, 999)
    place = 100 * MIB
    with film.open(place) as stream:
        assert film.wrong(stream.read_all(), place) == 0
    assert film.still_downloading()
