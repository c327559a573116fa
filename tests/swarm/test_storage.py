"""Folders, free space and the map of pieces that are on file."""

import os
import shutil
from dataclasses import replace

import pytest

from addon.errors import Problem
from addon.swarm.storage import Storage
from addon.torrents.magnet import InfoHash
from addon.torrents.metainfo import File, Metainfo

KEY = "a" * 40


def metainfo(count=10):
    files = (File(index=0, path="film/one.mkv", offset=0, length=count * 1000),)
    return Metainfo(
        info_hash=InfoHash(KEY, None),
        name="film",
        piece_length=1000,
        piece_count=count,
        total_size=count * 1000,
        files=files,
        private=False,
        trackers=(),
        web_seeds=(),
        raw=b"",
    )


@pytest.fixture
def storage(tmp_path):
    return Storage(tmp_path / "cache")


def touch(storage):
    film = storage.folder(KEY) / "film/one.mkv"
    film.parent.mkdir()
    film.touch()
    return film


def test_the_piece_map_survives(storage):
    touch(storage)
    pieces = bytearray([1, 0, 0, 1, 1, 1, 0, 0, 1, 1])
    storage.save_pieces(KEY, pieces)
    assert storage.load_pieces(KEY, metainfo()) == pieces


def test_a_missing_map_is_not_an_empty_one(storage):
    assert storage.load_pieces(KEY, metainfo()) is None


def test_a_map_of_another_length_or_kind_is_not_believed(storage):
    touch(storage)
    storage.save_pieces(KEY, bytes([1] * 10))
    assert storage.load_pieces(KEY, metainfo(400)) is None
    (storage.root / f"{KEY}.pieces").write_bytes(b"garbage!")
    assert storage.load_pieces(KEY, metainfo()) is None


def test_a_map_is_not_believed_when_its_file_was_deleted(storage):
    film = touch(storage)
    storage.save_pieces(KEY, bytes([1] * 10))
    film.unlink()
    assert storage.load_pieces(KEY, metainfo()) is None


def test_forget_deletes_files_and_map(storage):
    touch(storage)
    storage.save_pieces(KEY, bytes([1] * 10))
    storage.forget(KEY)
    assert list(storage.root.iterdir()) == []


def test_a_path_never_leaves_its_torrents_folder(storage):
    storage.folder(KEY)
    with pytest.raises(Problem) as caught:
        storage.path(KEY, File(index=0, path="../../etc/passwd", offset=0, length=1))
    assert caught.value.code == "bad-torrent"


def test_a_link_that_leads_out_is_refused(storage, tmp_path):
    (tmp_path / "secret").write_text("x")
    (storage.folder(KEY) / "film").symlink_to(tmp_path)
    with pytest.raises(Problem):
        storage.path(KEY, File(index=0, path="film/secret", offset=0, length=1))


@pytest.mark.parametrize("key", ["../x", "a/b", "", "."])
def test_only_an_info_hash_names_a_folder(storage, key):
    with pytest.raises(ValueError, match="not an info hash"):
        storage.folder(key)


def test_what_each_torrent_takes_is_measured_in_blocks(storage):
    film = touch(storage)
    film.write_bytes(b"x" * 100_000)
    with film.open("r+b") as file:
        file.truncate(50_000_000)  # sparse, as libtorrent makes it
    (storage.root / "a stranger's").mkdir()
    held = storage.held()
    assert held.keys() == {KEY}
    assert 100_000 <= held[KEY].size < 200_000


def test_the_one_used_last_is_known(storage):
    for number, key in enumerate((KEY, "b" * 40)):
        storage.folder(key)
        os.utime(storage.root / key, (1000 + number, 1000 + number))
    storage.touch(KEY)
    storage.touch("c" * 40)  # gone meanwhile
    held = storage.held()
    assert held[KEY].used_at > held["b" * 40].used_at == 1001


def test_what_belongs_to_no_torrent_is_swept(storage):
    for key in (KEY, "b" * 40, "c" * 64):
        storage.folder(key)
    (storage.root / f"{'d' * 40}.pieces").touch()
    (storage.root / f"{'e' * 40}.new").touch()
    for name in ("notes", "readme.txt"):
        (storage.root / name).mkdir()
    known = {KEY, "c" * 64}
    gone = storage.sweep(lambda info_hash: info_hash.key in known)
    assert gone == ["b" * 40, "d" * 40, "e" * 40]
    left = {path.name for path in storage.root.iterdir()}
    assert left == {KEY, "c" * 64, "notes", "readme.txt"}


def test_the_default_limit_leaves_room(storage):
    storage.folder(KEY)
    free = shutil.disk_usage(storage.root).free
    assert 0 < storage.default_limit() <= min(20_000_000_000, free)


def test_files_of_a_torrent_are_forgotten_with_their_pieces(storage):
    files = (File(0, "pack/one.mkv", 0, 2500), File(1, "pack/two.mkv", 2500, 7500))
    pack = replace(metainfo(), files=files)
    for file in files:
        path = storage.folder(KEY) / file.path
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes(file.length))
    storage.save_pieces(KEY, bytes([1] * 10))
    storage.forget_files(KEY, pack, [files[0]])
    assert not (storage.root / KEY / "pack/one.mkv").exists()
    # Piece 2 holds bytes of both.
    assert storage.load_pieces(KEY, pack) == bytearray([0, 0, 0, 1, 1, 1, 1, 1, 1, 1])


def test_a_hybrid_that_was_first_known_by_v2_keeps_its_folder(storage):
    both = InfoHash("a" * 40, "b" * 64)
    assert storage.key_of(both) == "a" * 40
    storage.folder("b" * 64)
    assert storage.key_of(both) == "b" * 64
