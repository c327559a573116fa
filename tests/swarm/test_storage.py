"""Folders, free space and the map of pieces that are on file."""

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


def test_a_film_that_does_not_fit_is_refused_with_both_sizes(storage):
    storage.folder(KEY)
    storage.require_space(1)
    with pytest.raises(Problem) as caught:
        storage.require_space(10**18)
    assert caught.value.code == "disk-full"
    assert "free" in caught.value.detail


def test_a_hybrid_that_was_first_known_by_v2_keeps_its_folder(storage):
    both = InfoHash("a" * 40, "b" * 64)
    assert storage.key_of(both) == "a" * 40
    storage.folder("b" * 64)
    assert storage.key_of(both) == "b" * 64
