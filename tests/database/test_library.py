"""Titles and links in SQL."""

import pytest
from sqlalchemy import Engine

from addon.database.library import KeptLibrary
from addon.database.torrents import KeptTorrents
from addon.errors import Problem
from addon.library.titles import Link, Title
from addon.torrents.magnet import InfoHash, Magnet

ONE, TWO = "1" * 40, "2" * 40


@pytest.fixture
def library(engine: Engine) -> KeptLibrary:
    torrents = KeptTorrents(engine)
    for key in (ONE, TWO):
        torrents.keep(Magnet(InfoHash(v1=key)), None)
    return KeptLibrary(engine)


def names(library: KeptLibrary, search: str = "", kind: str = "movie") -> list[str]:
    return [title.name for title in library.titles(kind, search, 0, 100)]


def test_a_title_comes_back_whole_and_may_change(library: KeptLibrary) -> None:
    for title in (
        Title("tt1", "movie", "Film", 2010, sample=True),
        Title("tt1", "series", "Séries", None, listed=False),
    ):
        library.put(title)
        assert library.title("tt1") == title
    assert library.title("tt2") is None


def test_titles_are_listed_by_type_newest_first_in_pages(library: KeptLibrary) -> None:
    for number in range(5):
        library.put(Title(f"tt{number}", "movie", f"Film {number}"))
    library.put(Title("tt9", "series", "Series"))
    library.put(Title("tt8", "movie", "Hidden", listed=False))
    library.put(Title("tt2", "movie", "Film 2"))
    assert names(library) == [f"Film {number}" for number in (4, 3, 2, 1, 0)]
    assert [title.id for title in library.titles("movie", "", 3, 100)] == ["tt1", "tt0"]
    assert [title.id for title in library.titles("movie", "", 1, 2)] == ["tt3", "tt2"]
    assert library.titles("movie", "", 5, 100) == []
    assert names(library, kind="series") == ["Series"]


def test_a_search_finds_all_its_words_however_they_are_written(library: KeptLibrary) -> None:
    for number, name in enumerate(["Amélie", "Straße nach Süden", "100% Wolf", "10 Wolf_e"]):
        library.put(Title(f"tt{number}", "movie", name))
    assert names(library, "AMELIE") == ["Amélie"]
    assert names(library, "süd strasse") == ["Straße nach Süden"]
    assert names(library, "0% wolf") == ["100% Wolf"]
    assert names(library, "_") == ["10 Wolf_e"]
    assert names(library, "wolf amelie") == []
    assert len(names(library, "  ")) == 4


def test_a_link_in_place_of_one_like_it(library: KeptLibrary) -> None:
    title = Title("tt1", "series", "Series")
    library.put(title, Link("tt1", ONE))
    library.put(title, Link("tt1", ONE, file_index=3))
    library.put(title, Link("tt1", ONE, 1, 2))
    library.put(title, Link("tt1", ONE, 1, 2, 7))
    library.put(title, Link("tt1", ONE, 1, 3, 8))
    library.put(title, Link("tt1", TWO, 1, 2))
    assert library.links_of_title("tt1") == [
        Link("tt1", TWO, 1, 2),
        Link("tt1", ONE, 1, 3, 8),
        Link("tt1", ONE, 1, 2, 7),
        Link("tt1", ONE, file_index=3),
    ]
    assert library.links_of_torrent(TWO) == [Link("tt1", TWO, 1, 2)]


def test_a_link_to_a_torrent_that_was_just_removed_is_not_kept(library: KeptLibrary) -> None:
    with pytest.raises(Problem) as caught:
        library.put(Title("tt1", "movie", "Film"), Link("tt1", "3" * 40))
    assert caught.value.code == "busy"
    assert library.title("tt1") is None


def test_a_torrent_that_goes_takes_its_titles_but_no_others(library: KeptLibrary) -> None:
    library.put(Title("tt1", "movie", "Both"), Link("tt1", ONE))
    library.put(Title("tt1", "movie", "Both"), Link("tt1", TWO))
    library.put(Title("tt2", "movie", "Only one"), Link("tt2", ONE))
    library.put(Title("tt3", "movie", "Without any"))
    library.drop_torrent(ONE)
    assert library.title("tt2") is None
    assert library.title("tt3") is not None
    assert library.links_of_title("tt1") == [Link("tt1", TWO)]
    library.drop_torrent(TWO)
    assert library.title("tt1") is None


def test_forgetting_a_torrent_leaves_no_link(engine: Engine, library: KeptLibrary) -> None:
    library.put(Title("tt1", "movie", "Film"), Link("tt1", ONE))
    KeptTorrents(engine).forget(ONE)
    assert library.links_of_title("tt1") == []


def test_a_sample_is_given_once(library: KeptLibrary) -> None:
    assert not library.sample_given(ONE)
    library.give_sample(ONE)
    assert library.sample_given(ONE)
    assert not library.sample_given(TWO)
