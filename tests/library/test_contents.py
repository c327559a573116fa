"""Looking into torrents, once into each."""

import pytest

from addon.library import contents
from addon.library.contents import MAX_VIDEOS, Contents
from addon.torrents.magnet import InfoHash, Magnet
from tests.library.shelf import KEY, Shelf, torrent


def test_a_pack(shelf: Shelf) -> None:
    pack = torrent("Show.S01", "Show.S01E02.mkv", "Show.S01E01.mkv")
    shelf.add(pack)
    magnet, content = Contents(shelf).of(KEY)
    assert magnet == pack.magnet()
    assert content is not None
    assert (content.is_pack, content.main) == (True, None)
    assert {n: file.name for n, file in content.episodes.items()} == {
        (1, 1): "Show.S01E01.mkv",
        (1, 2): "Show.S01E02.mkv",
    }


def test_many_videos_are_not_all_offered(shelf: Shelf) -> None:
    shelf.add(torrent("Clips", *[(f"clip {chr(0x4E00 + n)}.mkv", n + 1) for n in range(200)]))
    _, content = Contents(shelf).of(KEY)
    assert content is not None
    assert [file.index for file in content.videos] == list(range(199, 199 - MAX_VIDEOS, -1))


def test_names_are_read_once(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.add(torrent("Film.2019.mkv"))
    reader = Contents(shelf)
    first = reader.of(KEY)
    monkeypatch.setattr(contents, "episodes", lambda _metainfo: 1 / 0)
    assert reader.of(KEY) == first


def test_metadata_that_comes_later_is_seen(shelf: Shelf) -> None:
    shelf.add(Magnet(InfoHash(v1=KEY), name="Film"))
    reader = Contents(shelf)
    magnet, content = reader.of(KEY)
    assert (magnet and magnet.name, content) == ("Film", None)
    shelf.describe(torrent("Film.2019.mkv"))
    assert reader.of(KEY)[1] is not None


def test_a_removed_torrent_is_gone_at_once(shelf: Shelf) -> None:
    shelf.add(torrent("Film.2019.mkv"))
    reader = Contents(shelf)
    assert reader.of(KEY)[1] is not None
    shelf.kept.forget(KEY)
    assert reader.of(KEY) == (None, None)


def test_one_that_cannot_be_read_is_logged_and_left_out(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    shelf.add(torrent("Film.2019.mkv"))
    shelf.broken.add(KEY)
    assert Contents(shelf).of(KEY) == (None, None)
    assert "cannot be read" in caplog.text
