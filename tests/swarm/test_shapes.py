"""Every kind of torrent plays exactly: versions, piece lengths, packs, first and last pieces."""

import pytest

from tests.rig.http import follow
from tests.rig.lab import MIB, Lab
from tests.rig.media import random_file
from tests.rig.server import Server
from tests.rig.torrents import Torrent, make_torrent
from tests.rig.viewing import Viewing, view, viewing

PIECE = 512 * 1024
EPISODES = (5 * MIB + 11_111, 9 * MIB + 3, 4 * MIB + 77_777)


@pytest.fixture(scope="module")
def server(lab: Lab) -> Server:
    """What it fetches for the episode after the one that plays is another test's."""
    return lab.server(PREPARE_NEXT="off")


def pack(lab: Lab, version: str = "v1", sizes: tuple[int, ...] = EPISODES) -> Torrent:
    """Episodes in one folder; with v1 each shares its first and last piece with its neighbours."""
    first = lab.file("Show/Show.S01E01.mkv", sizes[0])
    for number, size in enumerate(sizes[1:], 2):
        random_file(first.with_name(f"Show.S01E{number:02}.mkv"), size, size)
    return make_torrent(first.parent, PIECE, version)


def whole(film: Viewing) -> None:
    """Play it from the first byte to the last, beginning before it is complete."""
    with film.open(0) as stream:
        got = stream.read_exactly(1)
        assert film.still_downloading()
        got += stream.read_all()
    assert len(got) == film.size
    assert film.wrong(got, 0) == 0


@pytest.mark.parametrize("piece_length", [PIECE, 4 * MIB, 16 * MIB])
@pytest.mark.parametrize("version", ["v1", "v2", "hybrid"])
def test_versions_and_piece_lengths(
    lab: Lab, server: Server, version: str, piece_length: int
) -> None:
    size = 40 * MIB if piece_length > 4 * MIB else 12 * MIB
    torrent = lab.torrent(size + 54_321, piece_length, version)
    film = view(lab, server, torrent, rate=size // 3, count=2)
    whole(film)
    assert film.told()["infoHash"] == torrent.key


@pytest.mark.parametrize("version", ["v1", "v2", "hybrid"])
def test_the_last_bytes_come_first(lab: Lab, server: Server, version: str) -> None:
    film = view(lab, server, lab.torrent(9 * MIB + 4567, MIB, version), rate=2 * MIB)
    film.part(film.size - 1, film.size - 1)
    assert film.still_downloading()
    film.part(film.size - 5000, film.size - 1)
    film.part(film.size - 2 * MIB, film.size - 1)


@pytest.mark.parametrize("version", ["v1", "v2", "hybrid"])
def test_one_episode_of_a_pack(lab: Lab, server: Server, version: str) -> None:
    torrent = pack(lab, version)
    episode = torrent.file("Show.S01E02.mkv")
    film = view(lab, server, torrent, episode, rate=3 * MIB)
    assert len(film.told()["files"]) == 3
    whole(film)
    first = episode.offset // torrent.piece_length
    last = (episode.offset + episode.length - 1) // torrent.piece_length
    needed = sum(
        min(torrent.piece_length, torrent.size - index * torrent.piece_length)
        for index in range(first, last + 1)
    )
    sent = lab.seeders()[0].uploaded(torrent)
    assert sent <= needed + 64 * 1024, "bytes of its neighbours were fetched"
    assert film.told()["verifiedBytes"] <= needed


@pytest.mark.parametrize("version", ["v1", "hybrid"])
def test_a_tail_shared_with_the_next_film(lab: Lab, server: Server, version: str) -> None:
    torrent = pack(lab, version)
    server.add(lab.share(torrent, rate=5 * MIB))
    told = server.ready(torrent.key)
    first, second, third = (viewing(server, torrent, told, file) for file in torrent.files)
    second.part(second.size - 1000, second.size - 1)
    third.part(0, 2000)
    first.part(first.size - 1, first.size - 1)
    second.part(0, 0)
    assert first.still_downloading()
    for film in (first, second, third):
        whole(film) if film.still_downloading() else film.part(0, film.size - 1)


def test_many_small_files_in_one_piece(lab: Lab, server: Server) -> None:
    torrent = pack(lab, sizes=(1, 30_000, 50_000, 7, 100_000, 999))
    server.add(lab.share(torrent))
    told = server.ready(torrent.key)
    assert [file["length"] for file in told["files"]] == [1, 30_000, 50_000, 7, 100_000, 999]
    for file in torrent.files:
        film = viewing(server, torrent, told, file)
        film.part(0, film.size - 1)


def test_an_uploaded_torrent(lab: Lab, server: Server) -> None:
    file = lab.file("Film.2020.mkv", 6 * MIB)
    torrent = make_torrent(file, PIECE, trackers=[lab.tracker.url])
    lab.share(torrent, rate=3 * MIB)
    reply = server.upload(torrent.raw)
    assert reply.status == 201
    told = reply.json()
    assert (told["infoHash"], told["name"], told["status"]) == (torrent.key, file.name, "ready")
    assert [(f["index"], f["path"], f["length"]) for f in told["files"]] == [
        (0, file.name, 6 * MIB)
    ]
    whole(viewing(server, torrent, told))


def test_the_main_film_beside_its_extras(lab: Lab, server: Server) -> None:
    trailer = lab.file("Film.2020/Film.2020-trailer.mkv", MIB)
    random_file(trailer.with_name("Film.2020.mkv"), 8 * MIB, 5)
    random_file(trailer.with_name("Film.2020.srt"), 5000, 6)
    torrent = make_torrent(trailer.parent, PIECE)
    told = server.add(lab.share(torrent))
    assert told["playUrl"].split("/")[5] == "main"
    film = Viewing(server, torrent, told["playUrl"], torrent.file("Film.2020.mkv").data())
    film.part(0, film.size - 1)


def test_a_pack_has_no_main_film(lab: Lab, server: Server) -> None:
    told = server.add(lab.share(pack(lab)))
    reply = follow(told["playUrl"])
    assert (reply.status, reply.json()["code"]) == (404, "no-such-file")
    assert "3 episodes" in reply.json()["detail"]


@pytest.mark.parametrize("only", ["v1", "v2"])
def test_a_hybrid_by_either_hash(lab: Lab, server: Server, only: str) -> None:
    torrent = lab.torrent(5 * MIB, MIB, "hybrid")
    lab.share(torrent, rate=4 * MIB)
    told = server.add(torrent.magnet([lab.tracker.url], only=only))
    whole(Viewing(server, torrent, told["playUrl"], torrent.files[0].data()))
    other = "v2" if only == "v1" else "v1"
    again = server.add(torrent.magnet([lab.tracker.url], only=other))
    Viewing(server, torrent, again["playUrl"], torrent.files[0].data()).part(1000, 2 * MIB)


def test_a_hybrid_with_both_hashes_is_one_torrent(lab: Lab, server: Server) -> None:
    torrent = lab.torrent(2 * MIB, 64 * 1024, "hybrid")
    film = view(lab, server, torrent)
    film.part(0, 9)
    assert torrent.v2
    assert server.torrent(torrent.v2)["infoHash"] == torrent.key
    again = server.add(torrent.magnet([lab.tracker.url], only="v2"))
    assert again["infoHash"] == torrent.key
    assert again["verifiedBytes"] > 0
