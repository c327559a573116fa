"""The server ends in mid-film and comes back: old links play on, and nothing is fetched twice."""

import pytest

from tests.rig.lab import MIB, Lab
from tests.rig.viewing import view
from tests.rig.waiting import until


@pytest.mark.parametrize("how", ["terminated", "killed"])
def test_an_old_link_plays_on(lab: Lab, how: str) -> None:
    server = lab.server()
    film = view(lab, server, lab.torrent(14 * MIB), rate=6 * MIB)
    stream = film.open(0)
    got = stream.read_exactly(6 * MIB)
    if how == "terminated":
        server.terminate()
    else:
        until(lambda: film.told()["verifiedBytes"] > 7 * MIB)
        server.kill()
    stream.close()
    seeder = lab.seeders()[0]
    before = seeder.uploaded(film.torrent)
    assert before < film.size
    server.start()
    told = film.told()
    assert told["status"] == "ready"
    assert told["files"][0]["playUrl"] == film.url, "links are stable"
    with film.open(len(got)) as again:
        first = again.read_exactly(1)
        assert film.still_downloading()
        got += first + again.read_all()
    assert film.wrong(got, 0) == 0
    assert len(got) == film.size
    lost = seeder.uploaded(film.torrent) - film.size
    # What had not been behind the fence, or not been noted yet: a second's worth at most.
    assert lost < (2 if how == "terminated" else 7) * MIB, f"{lost} bytes were fetched twice"


def test_a_finished_film_needs_no_swarm(lab: Lab) -> None:
    server = lab.server()
    film = view(lab, server, lab.torrent(4 * MIB))
    film.part(0, film.size - 1)
    until(lambda: not film.still_downloading())
    server.terminate()
    lab.seeders()[0].leave(film.torrent)
    server.start()
    reply = film.part(0, film.size - 1)
    assert reply.headers["x-served-by"] == "store"
