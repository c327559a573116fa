"""What may lie on disk: the rule alone, then a real session that stores what is handed in."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from addon.errors import Problem
from addon.swarm.cache import Room, choose
from addon.swarm.session import Swarm, SwarmConfig
from addon.swarm.storage import Held
from addon.swarm.torrent import Torrent
from addon.torrents.metainfo import Metainfo, load_torrent
from tests.rig.torrents import Torrent as Made
from tests.rig.torrents import make_torrent

PIECE = 64 * 1024
SIZE = 20 * PIECE
HELD = {"old": Held(100, 1.0), "newer": Held(200, 2.0), "watched": Held(50, 3.0)}
BY_USE = ["old", "newer"]


@pytest.mark.parametrize(
    ("needed", "growing", "room", "chosen"),
    [
        (50, {}, Room(400, 10**9), []),
        (51, {}, Room(400, 10**9), ["old"]),
        (150, {}, Room(400, 10**9), ["old"]),
        (151, {}, Room(400, 10**9), ["old", "newer"]),
        (350, {}, Room(400, 10**9), ["old", "newer"]),
        (351, {}, Room(400, 10**9), None),
        # What is being watched will still grow.
        (10, {"watched": 100}, Room(400, 10**9), ["old"]),
        (10, {"watched": 341}, Room(400, 10**9), None),
        # The disk may be smaller than the limit; what is deleted becomes free.
        (50, {}, Room(10**9, 50), []),
        (50, {}, Room(10**9, 49), ["old"]),
        (50, {"watched": 300}, Room(10**9, 60), ["old", "newer"]),
        (50, {}, Room(10**9, -300), None),
        # A candidate that would itself still grow does not, once it is gone.
        (10, {"old": 500}, Room(400, 10**9), ["old"]),
    ],
)
def test_what_goes(
    needed: int, growing: dict[str, int], room: Room, chosen: list[str] | None
) -> None:
    assert choose(HELD, growing, needed, room, BY_USE) == chosen


class Shelf:
    """A session with room for ``most`` bytes, and the films that it is given."""

    def __init__(self, folder: Path, most: int) -> None:
        self.folder = folder
        config = SwarmConfig(folder / "cache", most=most, p2p=False, interface="127.0.0.1")
        self.swarm = Swarm(config, lambda *_: None)
        self.swarm.start()

    def film(self, name: str, *sizes: int) -> tuple[Made, Metainfo]:
        top = self.folder / "made" / name
        top.parent.mkdir(exist_ok=True)
        if len(sizes) == 1:
            top.write_bytes(name.encode()[:1] * sizes[0])
        else:
            top.mkdir()
            for number, size in enumerate(sizes):
                (top / f"{number}.mkv").write_bytes(bytes([number + 65]) * size)
        made = make_torrent(top, PIECE)
        return made, load_torrent(made.raw)

    def store(self, metainfo: Metainfo, data: bytes, index: int = 0) -> Torrent:
        """Room is made for a file, and all of it is handed in."""
        self.swarm.add(metainfo.magnet(), metainfo)
        file = metainfo.file(index)
        torrent = self.swarm.reserve(metainfo.info_hash, file)
        with_reader = torrent.open(file, 0, file.length)
        for piece in metainfo.pieces_of(file):
            at = piece * PIECE
            assert torrent.feed(piece, data[at : at + metainfo.piece_size(piece)])
        torrent.pieces.fence()
        with_reader.close()
        return torrent

    def used(self) -> int:
        return sum(path.stat().st_blocks * 512 for path in (self.folder / "cache").rglob("*.mkv"))


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[int], Shelf]]:
    shelves: list[Shelf] = []

    def build(most: int) -> Shelf:
        shelves.append(Shelf(tmp_path, most))
        return shelves[-1]

    yield build
    for shelf in shelves:
        shelf.swarm.close()


def data(made: Made) -> bytes:
    return b"".join(file.data() for file in made.files)


def there(shelf: Shelf, *films: Any) -> list[bool]:
    return [(shelf.folder / "cache" / m.info_hash.key).exists() for _, m in films]


def test_the_film_used_longest_ago_goes(make: Callable[[int], Shelf]) -> None:
    shelf = make(5 * SIZE // 2)
    films = [shelf.film(f"{name}.mkv", SIZE) for name in "abc"]
    a, b, c = films
    shelf.store(a[1], data(a[0]))
    gevent.sleep(0.02)  # the file system's clock
    shelf.store(b[1], data(b[0]))
    gevent.sleep(0.02)
    # The first is looked at again: now the second is the oldest.
    torrent = shelf.swarm.get(a[1].info_hash)
    assert torrent is not None
    torrent.open(a[1].files[0], 0, 10).close()
    shelf.store(c[1], data(c[0]))
    assert there(shelf, *films) == [True, False, True]
    assert shelf.swarm.get(b[1].info_hash) is None
    assert shelf.used() <= 5 * SIZE // 2


def test_nothing_goes_under_a_reader(make: Callable[[int], Shelf]) -> None:
    shelf = make(5 * SIZE // 2)
    films = [shelf.film(f"{name}.mkv", SIZE) for name in "abc"]
    readers = []
    for made, metainfo in films[:2]:
        torrent = shelf.store(metainfo, data(made))
        readers.append(torrent.open(metainfo.files[0], 0, SIZE))
    metainfo = films[2][1]
    shelf.swarm.add(metainfo.magnet(), metainfo)
    with pytest.raises(Problem, match="are watching") as caught:
        shelf.swarm.reserve(metainfo.info_hash, metainfo.files[0])
    assert caught.value.code == "disk-full"
    readers.pop(0).close()
    shelf.store(metainfo, data(films[2][0]))
    assert there(shelf, *films) == [False, True, True]
    readers.pop().close()


def test_what_others_may_still_write_counts(make: Callable[[int], Shelf]) -> None:
    shelf = make(5 * SIZE // 2)
    films = [shelf.film(f"{name}.mkv", SIZE) for name in "abc"]
    readers = []
    for _, metainfo in films[:2]:
        torrent = shelf.swarm.add(metainfo.magnet(), metainfo)
        shelf.swarm.reserve(metainfo.info_hash, metainfo.files[0])
        readers.append(torrent.open(metainfo.files[0], 0, SIZE))
    assert shelf.used() == 0
    metainfo = films[2][1]
    shelf.swarm.add(metainfo.magnet(), metainfo)
    with pytest.raises(Problem, match="CACHE_MAX_BYTES"):
        shelf.swarm.reserve(metainfo.info_hash, metainfo.files[0])
    for reader in readers:
        reader.close()


def test_a_film_larger_than_everything_is_refused_with_both_sizes(
    make: Callable[[int], Shelf],
) -> None:
    shelf = make(1_000_000)
    _, metainfo = shelf.film("a.mkv", SIZE)
    shelf.swarm.add(metainfo.magnet(), metainfo)
    with pytest.raises(Problem) as caught:
        shelf.swarm.reserve(metainfo.info_hash, metainfo.files[0])
    assert "1.3 MB" in caught.value.detail
    assert "1.0 MB" in caught.value.detail


def test_episodes_before_make_room_for_the_next_one(make: Callable[[int], Shelf]) -> None:
    shelf = make(5 * SIZE // 2)
    made, metainfo = shelf.film("pack", SIZE, SIZE + 1000, SIZE)
    body = data(made)
    for index in (0, 1, 2):
        torrent = shelf.store(metainfo, body, index)
        assert torrent.verified_bytes(metainfo.file(index)) == metainfo.file(index).length
        assert shelf.used() <= 5 * SIZE // 2
    torrent = shelf.store(metainfo, body, 0)
    reader = torrent.open(metainfo.file(0), 0, SIZE)
    got = b"".join(
        chunk
        if isinstance(chunk, bytes)
        else Path(f"/proc/self/fd/{chunk[0]}").read_bytes()[chunk[1] : chunk[1] + chunk[2]]
        for chunk in reader.chunks()
    )
    reader.close()
    assert got == body[:SIZE]


def test_an_episode_is_not_deleted_to_prepare_the_next_one(make: Callable[[int], Shelf]) -> None:
    shelf = make(5 * SIZE // 2)
    made, metainfo = shelf.film("pack", SIZE, SIZE, SIZE)
    for index in (0, 1):
        torrent = shelf.store(metainfo, data(made), index)
    with pytest.raises(Problem) as caught:
        shelf.swarm.reserve(metainfo.info_hash, metainfo.file(2), SIZE - 1000)
    assert caught.value.code == "disk-full"
    assert [torrent.verified_bytes(metainfo.file(index)) for index in (0, 1)] == [SIZE, SIZE]
    assert shelf.swarm.get(metainfo.info_hash) is torrent
    assert shelf.swarm.reserve(metainfo.info_hash, metainfo.file(2)) is not torrent


def test_what_is_left_of_unknown_torrents_is_swept(make: Callable[[int], Shelf]) -> None:
    shelf = make(10 * SIZE)
    films = [shelf.film(f"{name}.mkv", SIZE) for name in "ab"]
    for made, metainfo in films:
        shelf.store(metainfo, data(made))
    shelf.swarm.close()
    after = make(10 * SIZE)
    after.swarm.sweep(lambda info_hash: info_hash == films[1][1].info_hash)
    assert there(after, *films) == [False, True]
