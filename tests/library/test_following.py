"""The file of the next episode: in the same torrent, else in the library, else none."""

from addon.library.following import Following
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.metainfo import Metainfo
from addon.torrents.selection import Episode, FileIndex, Wanted
from tests.library.shelf import KEY, Shelf, torrent

SERIES = torrent("Show.S01.1080p", "Show.S01E01.mkv", "Show.S01E02.mkv")
OTHER, THIRD = "cd" * 20, "ef" * 20


def after(shelf: Shelf, metainfo: Metainfo, index: int = 0) -> tuple[str, Wanted] | None:
    found = Following(shelf.titles.links, shelf.streams).after(metainfo, metainfo.file(index))
    return found and (found[0].key, found[1])


def test_the_next_file_of_a_pack(shelf: Shelf) -> None:
    shelf.add(SERIES)
    assert after(shelf, SERIES) == (KEY, FileIndex(1))
    assert after(shelf, SERIES, 1) is None


def test_a_pack_that_nobody_has_listed(shelf: Shelf) -> None:
    assert after(shelf, SERIES) == (KEY, FileIndex(1))


def test_the_next_season_of_a_pack(shelf: Shelf) -> None:
    both = torrent("Show", "Show.S01E09.mkv", "Show.S02E01.mkv")
    assert after(shelf, both) == (KEY, FileIndex(1))


def test_a_film_has_no_next_episode(shelf: Shelf) -> None:
    film = torrent("Film.2019.1080p.mkv")
    shelf.add(film, "tt1")
    assert after(shelf, film) is None


def test_another_torrent_of_the_library(shelf: Shelf) -> None:
    shelf.add(SERIES, "tt1")
    shelf.add(torrent("Show.S01E03.1080p.mkv", key=OTHER), "tt1", season=1, episode=3)
    assert after(shelf, SERIES, 1) == (OTHER, FileIndex(0))


def test_one_in_the_resolution_that_is_being_watched(shelf: Shelf) -> None:
    shelf.add(SERIES, "tt1")
    shelf.add(torrent("Show.S01E03.720p.mkv", key=OTHER), "tt1", season=1, episode=3)
    shelf.add(torrent("Show.S01E03.2160p.mkv", key=THIRD), "tt1", season=1, episode=3)
    assert after(shelf, SERIES, 1) == (THIRD, FileIndex(0)), "there is none: the best"
    shelf.add(torrent("Show.S01E03.1080p.mkv", key="12" * 20), "tt1", season=1, episode=3)
    assert after(shelf, SERIES, 1) == ("12" * 20, FileIndex(0))


def test_a_torrent_of_which_only_the_name_is_known(shelf: Shelf) -> None:
    shelf.add(SERIES, "tt1")
    shelf.add(Magnet(InfoHash(v1=OTHER), name="Show.S02.1080p"), "tt1")
    assert after(shelf, SERIES, 1) == (OTHER, Episode(2, 1))


def test_what_a_file_was_added_as_counts_more_than_its_name(shelf: Shelf) -> None:
    odd = torrent("pilot.mkv")
    shelf.add(odd, "tt1", season=1, episode=1)
    shelf.add(torrent("Show.S01E02.mkv", key=OTHER), "tt1", season=1, episode=2)
    assert after(shelf, odd) == (OTHER, FileIndex(0))


def test_another_show_is_not_looked_at(shelf: Shelf) -> None:
    shelf.add(SERIES, "tt1")
    shelf.add(torrent("Show.S01E03.mkv", key=OTHER), "tt2", season=1, episode=3)
    assert after(shelf, SERIES, 1) is None
