"""The middle file of a pack, whose first and last piece may hold bytes of its neighbours, with the
swarm off: exact from sources that have the whole pack; told where only this file is there."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from tests.faults.services import Services, services
from tests.faults.test_one_honest_source import noise
from tests.faults.web_seed import WebSeed
from tests.rig.http import ask_for, follow, request
from tests.rig.lab import MIB, Lab
from tests.rig.torrents import Torrent, TorrentFile, make_torrent
from tests.rig.viewing import Viewing, viewing

MIDDLE = "b #1? 100% ü & [x];+'.mkv"
NAMES = ("a.mkv", MIDDLE, "c.mkv")
SHAPES = {  # piece length to the lengths of the three files
    4 * MIB: (MIB + 11, 13 * MIB + 7, MIB + 5),
    16 * MIB: (MIB + 11, 33 * MIB + 7, MIB + 5),
}
VERSIONS = ("v1", "hybrid", "v2")
SOON = 4.0  # seconds
numbers = count(1)


@dataclass
class House:
    """``store`` sends everything itself, ``auto`` does as it does by default. What is below
    ``seeded`` is at their web seeds, everything else at their source."""

    store: Services
    auto: Services


@pytest.fixture(scope="module")
def house(lab: Lab) -> Iterator[House]:
    with ExitStack() as stack:
        store = stack.enter_context(services(lab, {}, FALLBACK_MODE="proxy"))
        auto = stack.enter_context(services(lab, {}))
        for here in (store, auto):
            here.custom(name="by path", url=f"{here.liars.base}/honest/{{file_path}}")
        yield House(store, auto)


@pytest.fixture(scope="module")
def seeds(house: House, lab: Lab) -> Iterator[dict[str, WebSeed]]:
    """The web seeds of both servers."""
    with ExitStack() as stack:
        seeds = {}
        for name, here in (("store", house.store), ("auto", house.auto)):
            (here.folder / "seeded").mkdir()
            own = lab.folder / f"nginx-{name}"
            seeds[name] = stack.enter_context(WebSeed(here.folder / "seeded", own))
        yield seeds


@pytest.fixture
def pack(house: House) -> Iterator[list[Path]]:
    """Folders of packs, removed when the test ends: they are large."""
    made: list[Path] = []
    yield made
    for folder in made:
        for path in folder.iterdir():
            path.unlink()


def make(
    folder: Path, made: list[Path], version: str = "v1", piece: int = 4 * MIB
) -> tuple[Torrent, TorrentFile]:
    """A pack of its own, and its middle file."""
    number = next(numbers)
    inside = folder / f"Pack {number} #ü"
    inside.mkdir()
    made.append(inside)
    for name, size in zip(NAMES, SHAPES[piece], strict=True):
        (inside / name).write_bytes(noise(size, number))
    torrent = make_torrent(inside, piece, version)
    file = torrent.file(MIDDLE)
    shares = file.offset % piece != 0
    assert shares == (version == "v1"), "only v1 packs put two files into one piece"
    return torrent, file


def is_exact(film: Viewing) -> None:
    """Its first byte, its last one, some in the middle, then all of it."""
    film.part(0, 0)
    film.part(film.size - 1, film.size - 1)
    film.part(film.size // 2, film.size // 2 + 999)
    with film.open(0) as stream:
        assert stream.digest() == film.sha256


@pytest.mark.parametrize("piece", SHAPES)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["web seed", "template"])
def test_the_whole_pack_is_there(
    house: House,
    seeds: dict[str, WebSeed],
    pack: list[Path],
    kind: str,
    version: str,
    piece: int,
) -> None:
    here, seed = house.store, seeds["store"]
    if kind == "web seed":
        torrent, file = make(here.folder / "seeded", pack, version, piece)
        film = here.named(torrent, seed.base, file=file)
        seed.forget()
        is_exact(film)
        asked = seed.requests()
        assert all(line.endswith(" 206") for line in asked), asked
    else:
        torrent, file = make(here.folder, pack, version, piece)
        film = here.film(torrent, file)
        here.liars.forget()
        is_exact(film)
        asked = here.asked("Pack")
    # Neighbours are asked for where a piece is shared, and only there.
    assert any("a.mkv" in line for line in asked) == (version == "v1")
    assert any("c.mkv" in line for line in asked) == (version == "v1")


@pytest.mark.parametrize("version", VERSIONS)
def test_only_this_file_is_there_at_an_open_source(
    house: House, pack: list[Path], version: str
) -> None:
    here = house.auto
    torrent, file = make(here.folder, pack, version)
    film = here.film(torrent, file)
    remove_neighbours(torrent)
    if version != "v1":
        is_exact(film)
        return
    for first in (0, film.size - 1):
        began = time.monotonic()
        reply = follow(film.url, ask_for(first))
        assert (reply.status, reply.json()["code"]) == (504, "edge-piece"), reply.body
        assert time.monotonic() - began < SOON
        assert "by path" in reply.json()["detail"]
        assert "FALLBACK_MODE=redirect" in reply.json()["hint"]


@pytest.mark.parametrize("version", VERSIONS)
def test_only_this_file_is_there_at_a_web_seed(
    house: House, seeds: dict[str, WebSeed], pack: list[Path], version: str
) -> None:
    here, seed = house.auto, seeds["auto"]
    torrent, file = make(here.folder / "seeded", pack, version)
    film = here.named(torrent, seed.base, file=file)
    remove_neighbours(torrent)
    there = seed.url(f"{torrent.name}/{MIDDLE}")
    for first in (0, film.size - 1):
        reply = follow(film.url, ask_for(first))
        assert (reply.status, reply.headers.get("location")) == (302, there), reply.body
    assert film.wrong(request(there).body, 0) == 0


def test_the_middle_of_a_lone_file_plays(house: House, pack: list[Path]) -> None:
    """Its edges cannot be checked, the rest can, also after somebody has asked for an edge."""
    here = house.auto
    torrent, file = make(here.folder, pack)
    film = here.film(torrent, file)
    remove_neighbours(torrent)
    assert follow(film.url, ask_for(0)).json()["code"] == "edge-piece"
    inside = torrent.piece_length - file.offset % torrent.piece_length
    film.part(inside, inside + torrent.piece_length)
    film.part(inside + torrent.piece_length + 1, inside + torrent.piece_length + 999)


@pytest.mark.parametrize("brings", ["all", "the edges"])
def test_peers_bring_the_edges_of_a_lone_file(lab: Lab, brings: str) -> None:
    with services(lab, {}, p2p="on", FALLBACK_MODE="proxy") as here:
        here.custom(name="by path", url=f"{here.liars.base}/honest/{{file_path}}")
        torrent, file = make(here.folder, [])
        middle = file.data()
        edges = {file.offset // torrent.piece_length}
        edges.add((file.offset + file.length - 1) // torrent.piece_length)
        # Peers share a copy of the pack that the source does not have.
        away = lab.folder / f"away-{next(numbers)}"
        away.mkdir()
        (here.folder / torrent.name).rename(away / torrent.name)
        lone = here.folder / torrent.name / MIDDLE
        lone.parent.mkdir()
        lone.write_bytes(middle)
        only = edges if brings == "the edges" else None
        seeder = lab.seeders(1)[0]
        seeder.seed(torrent, rate=2_000_000, folder=away, pieces=only)
        lab.tracker.introduce(torrent.hashes, [seeder.peer])
        told = here.server.upload(torrent.raw).json()
        here.server.add(torrent.magnet([lab.tracker.url]))
        film = viewing(here.server, torrent, told, replaced(file, lone))
        with film.open(0) as stream:
            assert stream.digest() == film.sha256
        assert here.liars.counts()["sent"] > film.size // 2, "the source does what it can"


def replaced(file: TorrentFile, path: Path) -> TorrentFile:
    return TorrentFile(file.index, path, file.offset, file.length)


def remove_neighbours(torrent: Torrent) -> None:
    for file in torrent.files:
        if file.path.name != MIDDLE:
            file.path.unlink()
