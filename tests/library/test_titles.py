"""What a torrent is listed as, now and when more is known of it."""

from dataclasses import replace

import pytest

from addon.library.titles import OWN_PREFIX, Title, fold
from addon.torrents.magnet import InfoHash, Magnet
from tests.library.shelf import KEY, Shelf, torrent

OWN = OWN_PREFIX + KEY
SERIES = torrent("Show.S01.1080p.WEB-DL-GRP", "Show.S01E01.mkv", "Show.S01E02.mkv")


def test_a_film_without_an_imdb_id_gets_one_of_its_own(shelf: Shelf) -> None:
    assert shelf.add(torrent("Some.Film.2019.1080p.BluRay.x264-GRP.mkv")) == OWN
    assert shelf.listed("movie") == [(OWN, "Some Film", 2019)]
    assert shelf.listed("series") == []


def test_a_film_with_an_imdb_id_stands_under_it(shelf: Shelf) -> None:
    assert shelf.add(torrent("Some.Film.2019.mkv"), "tt1234567") == "tt1234567"
    assert shelf.listed("movie") == [("tt1234567", "Some Film", 2019)]


def test_several_episodes_make_a_series(shelf: Shelf) -> None:
    shelf.add(SERIES)
    assert shelf.listed("series") == [(OWN, "Show", None)]
    assert shelf.listed("movie") == []


def test_one_episode_plays_like_a_film_and_says_which_it_is(shelf: Shelf) -> None:
    shelf.add(torrent("Show.S01E02.720p.mkv"))
    assert shelf.listed("movie") == [(OWN, "Show S01E02", None)]


def test_one_episode_with_an_imdb_id_is_of_a_series(shelf: Shelf) -> None:
    shelf.add(torrent("Show.S01E02.720p.mkv"), "tt1")
    shelf.add(torrent("Bare.mkv", key="cd" * 20), "tt2", season=1, episode=2)
    assert {name for _, name, _ in shelf.listed("series")} == {"Show", "Bare"}
    assert shelf.listed("movie") == []


def test_a_film_with_a_number_in_its_name_is_no_series(shelf: Shelf) -> None:
    shelf.add(torrent("Star Wars Episode 4 1977 1080p.mkv"), "tt0076759")
    assert [title_id for title_id, _, _ in shelf.listed("movie")] == ["tt0076759"]


@pytest.mark.parametrize("imdb_id", [None, "tt1"])
def test_the_same_torrent_twice_changes_nothing(shelf: Shelf, imdb_id: str | None) -> None:
    first = shelf.add(SERIES, imdb_id)
    before = shelf.library.title(first)
    assert shelf.add(SERIES, imdb_id) == first
    assert shelf.add(SERIES.magnet(), imdb_id) == first
    assert shelf.library.title(first) == before
    assert len(shelf.library.links_of_torrent(KEY)) == 1


def test_an_imdb_id_that_comes_later_is_answered_too_and_listed_alone(shelf: Shelf) -> None:
    film = torrent("Some.Film.2019.mkv")
    shelf.add(film)
    assert shelf.add(film, "tt1") == "tt1"
    assert shelf.played("tt1") == shelf.played(OWN) == ["Some.Film.2019.mkv"]
    assert shelf.listed("movie") == [("tt1", "Some Film", 2019)]
    assert shelf.add(film) == "tt1"
    assert shelf.listed("movie") == [("tt1", "Some Film", 2019)]


def test_adding_it_once_more_without_the_imdb_id_makes_no_second_title(shelf: Shelf) -> None:
    film = torrent("Some.Film.2019.mkv")
    shelf.add(film, "tt1")
    assert shelf.add(film) == "tt1"
    assert shelf.listed("movie") == [("tt1", "Some Film", 2019)]


def test_two_torrents_of_one_title_are_one_title(shelf: Shelf) -> None:
    shelf.add(torrent("Some.Film.2019.720p.mkv"), "tt1")
    shelf.add(torrent("some film 2019 4k.mkv", key="cd" * 20), "tt1")
    assert shelf.listed("movie") == [("tt1", "Some Film", 2019)]


def test_a_magnet_is_listed_by_its_name_until_more_is_known(shelf: Shelf) -> None:
    shelf.add(Magnet(InfoHash(v1=KEY), name="Show.S01.1080p"))
    assert shelf.listed("movie") == [(OWN, "Show", None)]
    shelf.describe(SERIES)
    assert shelf.listed("movie") == []
    assert shelf.listed("series") == [(OWN, "Show", None)]


def test_a_magnet_without_a_name_gets_it_from_the_metadata(shelf: Shelf) -> None:
    shelf.add(Magnet(InfoHash(v1=KEY)))
    assert shelf.listed("movie") == [(OWN, "Torrent abababab", None)]
    shelf.describe(torrent("Some.Film.2019.1080p.mkv"))
    assert shelf.listed("movie") == [(OWN, "Some Film", 2019)]


def test_an_imdb_title_without_a_name_gets_it_and_its_type_from_the_metadata(shelf: Shelf) -> None:
    shelf.add(Magnet(InfoHash(v1=KEY)), "tt1")
    assert shelf.listed("movie") == [("tt1", "tt1", None)]
    shelf.describe(SERIES)
    assert shelf.listed("movie") == []
    assert shelf.listed("series") == [("tt1", "Show", None)]


def test_a_series_stays_one_when_a_torrent_shows_no_episodes(shelf: Shelf) -> None:
    shelf.add(SERIES, "tt1")
    shelf.add(Magnet(InfoHash(v1="cd" * 20)), "tt1")
    shelf.describe(torrent("bonus.mkv", key="cd" * 20))
    assert shelf.listed("series") == [("tt1", "Show", None)]


def test_one_file_of_a_torrent_is_named_by_it(shelf: Shelf) -> None:
    films = torrent("Trilogy", "First.Film.2001.mkv", "Second.Film.2002.mkv")
    shelf.add(films, "tt2", file_index=1)
    assert shelf.listed("movie") == [("tt2", "Second Film", 2002)]


def test_a_torrent_knows_the_title_that_it_is_listed_under(shelf: Shelf) -> None:
    film = torrent("Some.Film.2019.mkv")
    assert shelf.titles.title_of(film.info_hash) is None
    shelf.add(film)
    assert shelf.titles.title_of(film.info_hash) == Title(OWN, "movie", "Some Film", 2019)
    shelf.add(film, "tt1")
    assert shelf.titles.title_of(film.info_hash) == Title("tt1", "movie", "Some Film", 2019)


def test_a_hybrid_is_one_title_by_whichever_hash_it_comes(shelf: Shelf) -> None:
    film = torrent("Some.Film.2019.mkv")
    v2 = "cd" * 32
    shelf.add(Magnet(InfoHash(v2=v2)))
    hybrid = replace(film, info_hash=InfoHash(KEY, v2))
    shelf.kept.keep(hybrid.magnet(), b"file")
    shelf.describe(hybrid)
    assert shelf.add(hybrid) == OWN_PREFIX + v2
    assert shelf.listed("movie") == [(OWN_PREFIX + v2, "Some Film", 2019)]
    assert [entry.info_hash for entry in shelf.find(OWN_PREFIX + v2)] == [hybrid.info_hash]


def test_a_removed_torrent_takes_its_titles_along(shelf: Shelf) -> None:
    shelf.add(torrent("Some.Film.2019.720p.mkv"), "tt1")
    shelf.add(torrent("Some.Film.2019.1080p.mkv", key="cd" * 20), "tt1")
    shelf.add(torrent("Some.Film.2019.1080p.mkv", key="cd" * 20), "tt2")
    shelf.titles.removed("cd" * 20)
    assert shelf.library.title("tt2") is None
    assert shelf.played("tt1") == ["Some.Film.2019.720p.mkv"]
    shelf.titles.removed(KEY)
    assert shelf.listed("movie") == []


def test_nothing_hidden_gets_into_a_title(shelf: Shelf) -> None:
    shelf.add(Magnet(InfoHash(v1=KEY), name="Film\u202e.2019\x00 \n.mkv"))
    (_, name, _) = shelf.listed("movie")[0]
    assert name.isprintable()


def test_what_a_search_compares() -> None:
    assert fold("Amélie STRASSE ÅÇ") == fold("amelie straße åç")
