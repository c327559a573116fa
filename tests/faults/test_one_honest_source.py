"""With the swarm off: one honest source among eleven liars wins, and each liar is told why not."""

import random

from tests.faults.services import NAMES, services, torrent_of
from tests.rig.http import follow
from tests.rig.lab import MIB, Lab

HONEST = "Bitport.io"
LIES = {
    "Instant.io": "html",
    "TorrentDrive": "html-as-video",
    "BTCache": "wrong-bytes-100000",
    "BTDigg Proxy": "wrong-size",
    "TorrentSafe": "status-404",
    "MediaBox": "status-429",
    "TorrentStream": "hang",
    "CloudTorrent": "drip",
    "StreamMagnet": "redirect-loop",
    "TorrentAPI": "gzip-bomb",
    "Seedr.cc": "rst",
}
VERDICTS = {
    "Instant.io": ("wrong", "web page"),
    "TorrentDrive": ("wrong", "another file"),
    "BTCache": ("wrong", "hash"),
    "BTDigg Proxy": ("wrong", "another file"),
    "TorrentSafe": ("absent", "404"),
    "MediaBox": ("limited", "429"),
    "TorrentStream": ("dead", ""),
    "CloudTorrent": ("dead", ""),
    "StreamMagnet": ("dead", ""),
    "TorrentAPI": ("dead", ""),
    "Seedr.cc": ("dead", ""),
    HONEST: ("verified", "hash"),
}


def noise(size: int, seed: int = 1) -> bytes:
    made, left = random.Random(seed), size - 4
    parts = [b"\x1a\x45\xdf\xa3"]
    while left:  # randbytes takes less than 256 MiB
        parts.append(made.randbytes(min(left, 128 * MIB)))
        left -= len(parts[-1])
    return b"".join(parts)


def test_the_honest_one_wins_and_the_film_is_exact(lab: Lab) -> None:
    assert len(NAMES) == 12
    with services(lab, {**LIES, HONEST: "honest"}) as all_of_them:
        torrent = torrent_of(all_of_them.folder, "film.mkv", noise(9 * MIB + 77))
        film = all_of_them.film(torrent)
        with film.open(0) as stream:
            assert stream.headers["x-served-by"] == HONEST
            assert stream.digest() == film.sha256
        told = all_of_them.steps(torrent)
        assert told[HONEST][0] == "verified"
        assert all_of_them.liars.open_after() == 0, "the losers' connections are closed"


def test_each_liar_is_told_why(lab: Lab) -> None:
    with services(lab, {**LIES, HONEST: "honest"}) as all_of_them:
        torrent = torrent_of(all_of_them.folder, "film.mkv", noise(3 * MIB))
        all_of_them.film(torrent)
        told = all_of_them.test(torrent, max=2)
        assert [found["name"] for found in told["working"]] == [HONEST]
        assert told["working"][0]["verified"] is True
        assert told["working"][0]["size"] == 3 * MIB
        tried = {found["name"]: (found["verdict"], found["reason"]) for found in told["tried"]}
        assert tried.keys() == VERDICTS.keys()
        for name, (verdict, word) in VERDICTS.items():
            assert tried[name][0] == verdict, (name, tried[name])
            assert word in tried[name][1], (name, tried[name])


def test_nobody_honest_is_told_quickly(lab: Lab) -> None:
    with services(lab, LIES, RESOLVE_BUDGET="26000") as all_of_them:
        torrent = torrent_of(all_of_them.folder, "film.mkv", noise(MIB))
        film = all_of_them.film(torrent)
        reply = follow(film.url)
        assert (reply.status, reply.json()["code"]) == (504, "no-source")
        assert "12 sources" in reply.json()["detail"]
        assert "retry-after" in reply.headers
