"""Players that go away, politely (FIN) or not (RST): within a second nothing is done for them."""

import os
import re
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from tests.live.pace import SMALL, at_rest, leave
from tests.rig.http import Connection, ask_for
from tests.rig.lab import MIB, Lab
from tests.rig.server import Server
from tests.rig.viewing import Viewing, view, viewing
from tests.rig.waiting import pause, until

both_ways = pytest.mark.parametrize("how", ["fin", "rst"])


def readers(film: Viewing) -> int:
    count: int = film.told()["readers"]
    return count


def expect_gone(film: Viewing) -> None:
    """Nobody reads any more, within a second or so."""
    until(lambda: readers(film) == 0, 2.5, "the reader to be gone", every=0.1)


def view_some(lab: Lab, server: Server) -> Viewing:
    """A film of which nobody has the middle: only the first three pieces of eight, and the last."""
    torrent = lab.torrent(8 * MIB)
    server.add(lab.share(torrent, pieces=[0, 1, 2, 7]))
    return viewing(server, torrent, server.ready(torrent.key))


def asking(film: Viewing, first: int, agent: str = "rig") -> Connection:
    """A connection on which bytes from ``first`` on were asked for, and nothing was answered."""
    connection = Connection(film.url)
    connection.ask(film.url, ask_for(first) | {"User-Agent": agent})
    return connection


@both_ways
def test_in_mid_stream(lab: Lab, server: Server, how: str) -> None:
    film = view(lab, server, lab.torrent(32 * MIB), rate=4 * MIB)
    stream = film.open(0)
    assert film.wrong(stream.read_exactly(3 * MIB), 0) == 0
    assert readers(film) == 1
    leave(stream, how)
    expect_gone(film)
    sent = at_rest(lab.seeders()[0], film.torrent)
    assert sent < film.size * 3 // 4
    assert film.still_downloading()
    # The player comes back to where it was.
    with film.open(3 * MIB) as again:
        assert film.wrong(again.read_exactly(2 * MIB), 3 * MIB) == 0


@both_ways
def test_while_waiting_for_the_next_piece(lab: Lab, server: Server, how: str) -> None:
    film = view_some(lab, server)
    stream = film.open(0)
    assert film.wrong(stream.read_exactly(3 * MIB), 0) == 0
    pause(0.3)
    assert readers(film) == 1
    leave(stream, how)
    expect_gone(film)
    film.part(2 * MIB, 3 * MIB - 1)


@both_ways
def test_before_the_first_byte(lab: Lab, server: Server, how: str) -> None:
    film = view_some(lab, server)
    film.part(0, 99)
    expect_gone(film)
    held = asking(film, 5 * MIB, "somebody else")
    until(lambda: readers(film) == 1, 2, "the request to be held")
    leave(held, how)
    expect_gone(film)


@both_ways
def test_on_the_very_first_request(lab: Lab, server: Server, how: str) -> None:
    # The resolution goes on by itself; the request that waited for it must not.
    film = view_some(lab, server)
    held = asking(film, 5 * MIB)
    pause(0.5)
    leave(held, how)
    ended = re.compile(rf'"GET /play/{film.torrent.key}/\S+ HTTP/1.1" 499 ')
    until(lambda: ended.search(server.log), 2.5, "the request to end", every=0.1)


@both_ways
def test_without_having_read_what_was_sent(lab: Lab, server: Server, how: str) -> None:
    film = view(lab, server, lab.torrent(16 * MIB))
    stream = film.open(0, buffer=SMALL)
    stream.read_exactly(1)
    until(lambda: not film.still_downloading())
    pause(0.5)
    assert readers(film) == 1
    leave(stream, how)
    expect_gone(film)


def test_many_that_leave_at_any_moment_leave_nothing(lab: Lab, server: Server) -> None:
    film = view(lab, server, lab.torrent(24 * MIB), rate=6 * MIB)
    film.part(0, 99)

    def opened() -> int:
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in server.pids)

    expect_gone(film)
    before = opened()

    def come_and_go(number: int) -> None:
        random = Random(number)
        stream = asking(film, random.randrange(film.size), f"viewer {number}")
        pause(random.random() * 0.3)
        leave(stream, random.choice(["fin", "rst"]))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(come_and_go, range(80)))
    expect_gone(film)
    # libtorrent may have opened one or two of its own.
    until(lambda: opened() <= before + 2, 5, f"no more than {before} open files", every=0.2)
    lab.seeders()[0].limit(film.torrent, 0)
    with film.open() as stream:
        assert stream.digest() == film.sha256
