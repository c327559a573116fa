"""Who comes to the end of an episode by watching finds the next one prepared; nobody else does."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import pytest

from tests.faults.web_seed import WebSeed
from tests.live.pace import at_rest
from tests.rig.http import request
from tests.rig.lab import MIB, Lab
from tests.rig.media import random_file
from tests.rig.server import Server
from tests.rig.torrents import Torrent, make_torrent
from tests.rig.viewing import Viewing, viewing
from tests.rig.waiting import until

SIZE = 12 * MIB
PIECE = 256 * 1024
RATE = 8_000_000
HEAD, TAIL = MIB, 512 * 1024
FIRST, SECOND = "Show.S01E01.mkv", "Show.S01E02.mkv"
MKV = b"\x1a\x45\xdf\xa3"
numbers = count(100)


@dataclass(frozen=True)
class Pack:
    """Two episodes on a server."""

    torrent: Torrent
    first: Viewing
    second: Viewing

    def prepared(self) -> list[str]:
        """How each preparation of this torrent ended."""
        return outcomes(self.first.server, self.torrent)


def outcomes(server: Server, torrent: Torrent) -> list[str]:
    """How what was prepared of a torrent ended; empty while it runs."""
    listed = request(f"{server.url}/api/resolutions?infoHash={torrent.key}").json()["resolutions"]
    whole = (request(f"{server.url}/api/resolutions/{one['id']}").json() for one in listed)
    return [
        str(one["outcome"])
        for one in whole
        if any(step["what"] == "preparing the next episode" for step in one["steps"])
    ]


def make_pack(lab: Lab) -> Torrent:
    number = next(numbers)
    folder = lab.folder / f"pack-{number}" / f"Show {number}"
    for name in (FIRST, SECOND):
        path = random_file(folder / name, SIZE, next(numbers))
        with path.open("r+b") as file:
            # A source that sends something else than a film is not believed.
            file.write(MKV)
    return make_torrent(folder, PIECE)


def open_pack(server: Server, torrent: Torrent) -> Pack:
    told = server.ready(torrent.key)
    episodes = (viewing(server, torrent, told, torrent.file(name)) for name in (FIRST, SECOND))
    return Pack(torrent, *episodes)


@pytest.fixture
def pack(lab: Lab, server: Server) -> Pack:
    torrent = make_pack(lab)
    server.add(lab.share(torrent, rate=RATE))
    return open_pack(server, torrent)


def watch(episode: Viewing, share: float, agent: str = "rig") -> None:
    """Take an episode from its start on, up to this share of it, and leave."""
    with episode.open(0, agent=agent) as stream:
        got = stream.read_exactly(int(share * episode.size))
        assert episode.wrong(got, 0) == 0


def read_ends(episode: Viewing) -> None:
    """As players do before they play."""
    episode.part(0, HEAD - 1)
    episode.part(episode.size - TAIL, episode.size - 1)


def test_the_next_episode_of_a_pack_is_prepared(lab: Lab, pack: Pack) -> None:
    (seeder,) = lab.seeders()
    read_ends(pack.first)
    watch(pack.first, 0.6)
    sent = at_rest(seeder, pack.torrent)
    assert sent < SIZE + 2 * MIB, "of the second episode nothing is wanted yet"
    assert pack.prepared() == []
    watch(pack.first, 0.97)
    until(lambda: pack.prepared() == ["stored"], 10, "the next episode to be resolved")
    at_rest(seeder, pack.torrent)
    there = pack.first.told()["verifiedBytes"]
    assert there < SIZE + HEAD + TAIL + 8 * MIB
    # Nobody else is needed for what a player reads first.
    seeder.leave(pack.torrent)
    until(lambda: pack.first.told()["peers"] == 0, 10)
    read_ends(pack.second)
    watch(pack.first, 0.97)
    assert pack.prepared() == ["stored"], "once for each viewer"


def test_an_episode_that_is_another_torrent_is_prepared(lab: Lab, server: Server) -> None:
    (one, other) = (
        make_torrent(random_file(lab.folder / name / name, SIZE, next(numbers)), PIECE)
        for name in ("Other.S01E01.mkv", "Other.S01E02.mkv")
    )
    for episode, torrent in enumerate((one, other), 1):
        server.add(lab.share(torrent), imdbId="tt0000001", season=1, episode=episode)
        server.ready(torrent.key)
    # What was prepared when they were added is not what this is about.
    watch(viewing(server, one, server.ready(one.key)), 0.97)
    until(lambda: outcomes(server, other) == ["stored"], 10, "the next episode to be resolved")
    assert outcomes(server, one) == []


@pytest.fixture
def switched_off(lab: Lab) -> Iterator[Server]:
    return lab.server(PREPARE_NEXT="false")


def test_switched_off_nothing_is_prepared(lab: Lab, switched_off: Server) -> None:
    torrent = make_pack(lab)
    switched_off.add(lab.share(torrent))
    pack = open_pack(switched_off, torrent)
    watch(pack.first, 1)
    assert at_rest(lab.seeders()[0], torrent) < SIZE + 2 * PIECE
    assert pack.prepared() == []


def test_a_source_prepares_it_where_there_is_no_swarm(lab: Lab) -> None:
    torrent = make_pack(lab)
    server = lab.server(P2P="off", FALLBACK_MODE="proxy")
    with WebSeed(torrent.folder, lab.folder / "nginx") as seed:
        assert server.upload(torrent.raw).status == 201
        server.add(f"{torrent.magnet()}&ws={seed.base}")
        pack = open_pack(server, torrent)
        watch(pack.first, 0.97)
        until(lambda: pack.prepared() == ["stored"], 15, "the next episode to be resolved")
        tail = pack.second.size - TAIL
        until(lambda: pack.first.told()["readers"] == 0, 30, "both ends to be there")
    # It is gone.
    pack.second.part(0, PIECE - 1)
    pack.second.part(tail, pack.second.size - 1)
    assert pack.first.told()["verifiedBytes"] < 2 * SIZE - 4 * MIB
