"""Pages of the library, and the details of its titles."""

from addon.library.catalogs import PAGE, Video
from addon.library.titles import OWN_PREFIX
from addon.torrents.magnet import InfoHash, Magnet
from tests.library.shelf import KEY, Shelf, torrent

OWN = OWN_PREFIX + KEY
SERIES = torrent("Show.S01", "Show.S01E02.mkv", "Show.S01E01.mkv", "Specials/Show.S00E01.mkv")


def test_pages_of_a_hundred(shelf: Shelf) -> None:
    for number in range(PAGE + 3):
        shelf.add(Magnet(InfoHash(v1=f"{number + 1:040}"), name=f"Film number {number}"))
    assert len(shelf.catalogs.page("movie")) == PAGE
    rest = shelf.catalogs.page("movie", skip=PAGE)
    assert [title.name for title in rest] == ["Film number 2", "Film number 1", "Film number 0"]
    assert [t.name for t in shelf.catalogs.page("movie", "NUMBER 77")] == ["Film number 77"]
    assert shelf.catalogs.page("movie", skip=PAGE + 3) == []
    assert shelf.catalogs.page("channel") == []


def test_the_episodes_of_a_series(shelf: Shelf) -> None:
    shelf.add(SERIES)
    details = shelf.catalogs.details(OWN)
    assert details is not None
    assert details.complete
    assert details.releases == ("Show.S01",)
    assert details.videos == (
        Video(f"{OWN}:0:1", 0, 1, "Show.S00E01.mkv"),
        Video(f"{OWN}:1:1", 1, 1, "Show.S01E01.mkv"),
        Video(f"{OWN}:1:2", 1, 2, "Show.S01E02.mkv"),
    )
    for video in details.videos:
        assert shelf.played(video.id) == [video.file]


def test_a_film_has_no_episodes(shelf: Shelf) -> None:
    shelf.add(torrent("Show.S01E02.mkv"))
    details = shelf.catalogs.details(OWN)
    assert details is not None
    assert details.videos == ()


def test_a_torrent_that_was_added_for_one_episode_lists_it(shelf: Shelf) -> None:
    shelf.add(torrent("Bare.mkv"), season=2, episode=3)
    details = shelf.catalogs.details(OWN)
    assert details is not None
    assert [video.id for video in details.videos] == [f"{OWN}:2:3"]
    assert shelf.played(f"{OWN}:2:3") == ["Bare.mkv"]


def test_without_metadata_more_is_to_come(shelf: Shelf) -> None:
    shelf.add(Magnet(InfoHash(v1=KEY), name="Show.S01"))
    details = shelf.catalogs.details(OWN)
    assert details is not None
    assert (details.complete, details.videos) == (False, ())
    shelf.describe(SERIES)
    details = shelf.catalogs.details(OWN)
    assert details is not None
    assert (details.complete, len(details.videos)) == (True, 3)


def test_a_torrent_that_cannot_be_read_is_not_complete(shelf: Shelf) -> None:
    shelf.add(SERIES)
    shelf.broken.add(KEY)
    details = shelf.catalogs.details(OWN)
    assert details is not None
    assert (details.complete, details.releases, details.videos) == (False, (), ())


def test_a_title_of_the_library_is_told_whoever_made_its_id(shelf: Shelf) -> None:
    shelf.add(SERIES, "tt1")
    details = shelf.catalogs.details("tt1")
    assert details is not None
    assert (details.title.name, details.releases) == ("Show", ("Show.S01",))
    assert [video.id for video in details.videos] == ["tt1:0:1", "tt1:1:1", "tt1:1:2"]
    assert shelf.played("tt1:1:2") == ["Show.S01E02.mkv"]


def test_what_is_not_in_the_library_is_left_to_others(shelf: Shelf) -> None:
    shelf.add(SERIES, "tt1")
    assert shelf.catalogs.details("tt2") is None
    assert shelf.catalogs.details(OWN_PREFIX + "cd" * 20) is None
