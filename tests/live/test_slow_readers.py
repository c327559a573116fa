"""Players that read slowly, stop for a while, or never read again: none is cut, and none is in
anybody's way.

What a reader is interested in shows on the server's disk: a gap between two readers fills only for
the one before it.
"""

import contextlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from tests.live.pace import FROZEN_AFTER, IN_BUFFERS, SMALL, slowly
from tests.rig.lab import MIB, Lab
from tests.rig.server import Server
from tests.rig.viewing import Viewing, view
from tests.rig.waiting import pause, until

SIZE = 72 * MIB
RATE = 3 * MIB
# Where a second viewer is: so far from the end that the server is never done with it.
PLACE = SIZE - 20 * MIB
# Pieces that had been asked for before anything changed.
UNDERWAY = 6


def there(film: Viewing) -> set[int]:
    """The pieces that the server has in its file: what it has not got is zeros."""
    path = film.server.folder / "data" / "cache" / film.torrent.key / film.torrent.name
    length = film.torrent.piece_length
    with path.open("rb") as file:
        fd = file.fileno()
        return {n for n in range(film.torrent.pieces) if any(os.pread(fd, 64, n * length))}


def gap(film: Viewing) -> set[int]:
    """The pieces between what a first reader has got so far and the second one's place."""
    before = max((n for n in there(film) if n < PLACE // MIB), default=0)
    return set(range(before + 1 + UNDERWAY, PLACE // MIB))


def block(lab: Lab, film: Viewing, place: int) -> None:
    """Wait until the server has more for a reader at ``place`` than fits into the buffers between
    them; from then on pieces come at ``RATE``."""
    enough = set(range((place + IN_BUFFERS) // MIB + 1))
    until(lambda: enough <= there(film), 15, "the server to be blocked", every=0.1)
    lab.seeders()[0].limit(film.torrent, RATE)


def test_a_slow_reader_is_not_cut_and_still_wants_its_film(lab: Lab, server: Server) -> None:
    film = view(lab, server, lab.torrent(SIZE), rate=2 * RATE)
    seen_enough = Event()
    with film.open(0, buffer=SMALL, agent="slow") as slow, ThreadPoolExecutor(1) as pool:
        # So slow that a third of the server's buffer takes longer than a look at it, and for longer
        # than a write with a time-out would last.
        reading = pool.submit(slowly, slow, 150_000, 30, seen_enough.is_set)
        block(lab, film, 0)
        pause(FROZEN_AFTER)
        between = gap(film)
        with film.open(PLACE, buffer=SMALL, agent="live") as live:
            seen = live.read_exactly(1)
            seen += slowly(live, 300_000, 10, lambda: bool(there(film) & between))
            assert there(film) & between, "nothing came that only the slow reader wants"
        seen_enough.set()
        got = reading.result()
        assert 700_000 < len(got) < 4_000_000
        lab.seeders()[0].limit(film.torrent, 0)
        got += slow.read_all()
    assert film.wrong(seen, PLACE) == 0
    assert film.wrong(got, 0) == 0
    assert len(got) == film.size


def test_frozen_readers_want_nothing_while_others_play(lab: Lab, server: Server) -> None:
    film = view(lab, server, lab.torrent(SIZE), rate=2 * RATE)
    places = [0, 2 * MIB, 4 * MIB]
    with contextlib.ExitStack() as all_of_them:
        frozen = [
            all_of_them.enter_context(film.open(place, buffer=SMALL, agent=f"frozen {place}"))
            for place in places
        ]
        got = [stream.read_exactly(1) for stream in frozen]
        block(lab, film, places[-1])
        pause(FROZEN_AFTER)
        between = gap(film)
        assert len(between) > 5
        with film.open(PLACE, buffer=SMALL, agent="live") as live:
            began = time.monotonic()
            seen = live.read_exactly(1)
            assert time.monotonic() - began < 5
            seen += slowly(live, MIB, 4)
            came = there(film) & between
            assert not came, f"pieces came that only frozen readers want: {sorted(came)}"
            with film.open(agent="new") as new:
                first = new.read_exactly(MIB)
                assert film.still_downloading()
                lab.seeders()[0].limit(film.torrent, 0)
                assert film.wrong(first, 0) == 0
                assert new.read_exactly(film.size - MIB) == film.data[MIB:]
            seen += live.read_all()
            assert film.wrong(seen, PLACE) == 0
        assert film.told()["readers"] == 3, "nobody was cut for it"
        for place, stream, head in zip(places, frozen, got, strict=True):
            assert head + stream.read_all() == film.data[place:]


def test_a_seek_leaves_the_old_stream_behind(lab: Lab, server: Server) -> None:
    # Kodi keeps the old connection open and unread.
    film = view(lab, server, lab.torrent(SIZE), rate=2 * RATE)
    with film.open(0, buffer=SMALL, agent="Kodi") as old:
        got = old.read_exactly(1)
        block(lab, film, 0)
        between = gap(film)
        with film.open(PLACE, buffer=SMALL, agent="Kodi") as new:
            seen = new.read_exactly(1)
            seen += slowly(new, MIB, 2)
            assert not there(film) & between, "pieces came for the stream that was left behind"
            lab.seeders()[0].limit(film.torrent, 0)
            seen += new.read_all()
        assert film.wrong(seen, PLACE) == 0
        got += old.read_all()
    assert film.wrong(got, 0) == 0
    assert len(got) == film.size
