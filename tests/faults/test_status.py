"""With the swarm off, a source makes a film ready for a media centre that asks how it stands."""

import random
from typing import Any

from tests.faults.services import services, torrent_of
from tests.rig.http import request
from tests.rig.lab import MIB, Lab
from tests.rig.waiting import until

HONEST = "Bitport.io"
TAIL = 512 * 1024


def test_a_source_brings_the_head_and_the_tail(lab: Lab) -> None:
    with services(lab, {HONEST: "honest"}) as all_of_them:
        data = b"\x1a\x45\xdf\xa3" + random.Random(7).randbytes(9 * MIB)
        torrent = torrent_of(all_of_them.folder, "film.mkv", data)
        film = all_of_them.film(torrent)
        status = film.url.replace("/play/", "/status/").rpartition("/")[0]
        seen: list[dict[str, Any]] = []

        def ready() -> bool:
            seen.append(request(status).json())
            return bool(seen[-1]["state"] == "ready")

        until(ready, 25, "the film to be ready", every=0.1)
        assert (seen[-1]["fileName"], seen[-1]["peers"]) == ("film.mkv", 0)
        assert {one["state"] for one in seen} <= {"preparing", "ready"}
        # What a player reads first is in the store: nobody else is needed.
        all_of_them.liars.close()
        film.part(0, 99)
        film.part(film.size - TAIL, film.size - 1)
        assert film.still_downloading()
