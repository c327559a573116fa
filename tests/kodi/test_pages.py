"""The lists: what stands in them, and that listing never asks the viewer anything."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.kodi.conftest import TOKEN, Site
from tests.kodi.fakes import Fakes

Call = Callable[..., None]
ROOT = "plugin://plugin.video.selfstreme/"
SERIES = {
    "id": "tt2",
    "type": "series",
    "name": "A Show",
    "videos": [
        {"id": "tt2:2:1", "season": 2, "episode": 1, "title": "Third", "overview": "What happens"},
        {"id": "tt2:1:2", "season": 1, "episode": 2, "title": "Second", "released": "2020-02-03T"},
        {"id": "tt2:1:1", "season": 1, "episode": 1, "thumbnail": "http://art/still.jpg"},
        {"id": "tt2:0:1", "season": 0, "episode": 1},
        {"id": "a trailer"},
    ],
}


def catalog(kind: str, *extra: str, required: str = "") -> dict[str, Any]:
    named: list[dict[str, Any]] = [{"name": name} for name in extra]
    if required:
        named.append({"name": required, "isRequired": True})
    return {"type": kind, "id": "library", "name": "Self-Streme", "extra": named}


@pytest.fixture
def library(paired: Site) -> Site:
    """A server with two catalogs, one that can only be searched, and one that cannot."""
    found = [catalog("movie", "search", "skip"), catalog("series", "search")]
    found += [catalog("channel", required="search"), catalog("tv", "skip")]
    paired.put("manifest.json", {"catalogs": found})
    return paired


@pytest.fixture(autouse=True)
def _no_dialog_in_a_list(fakes: Fakes) -> Any:
    yield
    assert fakes.modal == []


@pytest.fixture(autouse=True)
def _no_secret_in_an_address(fakes: Fakes) -> Any:
    yield
    menus = [line for _, item, _ in fakes.rows for _, line in item.menu]
    assert TOKEN not in " ".join([*(url for url, _, _ in fakes.rows), *menus, *fakes.log])


def test_home(call: Call, fakes: Fakes, library: Site) -> None:
    call()
    assert fakes.labels == [
        "Films · Self-Streme",
        "Series · Self-Streme",
        "tv · Self-Streme",
        "Search",
        "Settings",
    ]
    assert fakes.row("Films · Self-Streme")[::2] == (
        f"{ROOT}?action=catalog&type=movie&id=library",
        True,
    )
    # What does something is no folder: a skin that lists it would do it.
    assert fakes.row("Settings")[::2] == (f"{ROOT}?action=settings", False)
    assert fakes.ended == {"succeeded": True, "cached": True}


def test_a_catalog_of_films(call: Call, fakes: Fakes, library: Site) -> None:
    film = {
        "id": "tt1",
        "type": "movie",
        "name": "A Film",
        "releaseInfo": "2021",
        "description": "The plot",
        "poster": "http://art/poster.jpg",
        "background": "http://art/wide.jpg",
        "imdbRating": "7.5",
        "genres": ["Drama"],
        "runtime": "90 min",
    }
    library.put("catalog/movie/library.json", {"metas": [film]})
    call(action="catalog", type="movie", id="library")
    ((url, item, is_folder),) = fakes.rows
    assert (url, is_folder) == (f"{ROOT}?action=play&type=movie&id=tt1", False)
    assert item.properties["IsPlayable"] == "true"
    assert item.menu == [
        ("Choose source", f"RunPlugin({ROOT}?action=choose&type=movie&id=tt1)"),
    ]
    assert item.tag.told == {
        "MediaType": "movie",
        "Title": "A Film",
        "UniqueIDs": ({"imdb": "tt1"}, "imdb"),
        "IMDBNumber": "tt1",
        "Year": 2021,
        "Rating": 7.5,
        "Genres": ["Drama"],
        "Duration": 5400,
        "Plot": "The plot",
    }
    assert item.art == {
        "poster": "http://art/poster.jpg",
        "thumb": "http://art/poster.jpg",
        "fanart": "http://art/wide.jpg",
    }
    assert fakes.content == "movies"


def test_a_long_catalog_has_a_next_page(call: Call, fakes: Fakes, library: Site) -> None:
    metas = [{"id": f"streme:{n}", "type": "movie", "name": str(n)} for n in range(100)]
    library.put("catalog/movie/library.json", {"metas": metas})
    library.put("catalog/movie/library/skip=100.json", {"metas": metas[:1]})
    call(action="catalog", type="movie", id="library")
    url, item, is_folder = fakes.row("Next page")
    assert is_folder
    assert item.properties["SpecialSort"] == "bottom"
    assert url == f"{ROOT}?action=catalog&type=movie&id=library&skip=100"
    assert len(fakes.rows) == 101
    fakes.rows.clear()
    fakes.ended = None
    call(action="catalog", type="movie", id="library", skip=100)
    assert fakes.labels == ["0"]


def test_search_asks_every_catalog_and_lists_each_title_once(
    call: Call, fakes: Fakes, library: Site
) -> None:
    film = {"id": "tt1", "type": "movie", "name": "Found"}
    show = {"id": "tt2", "type": "series", "name": "A Show"}
    path = "library/search=a%2Fb%20%26%20%C3%A4.json"
    library.put(f"catalog/movie/{path}", {"metas": [film]})
    library.put(f"catalog/series/{path}", {"metas": [film, show]})
    library.put(f"catalog/channel/{path}", {"metas": [{"id": "c", "type": "channel"}]})
    call(action="search", query="a/b & ä")
    assert fakes.labels == ["Found", "A Show", "c"]
    assert fakes.content == "videos"


def test_the_search_history(call: Call, fakes: Fakes, library: Site, load: Any) -> None:
    load("memory").Memory(fakes.folder / "profile").searched("ä & b")
    call(action="searches")
    assert fakes.labels == ["New search", "ä & b"]
    assert fakes.row("New search")[::2] == (f"{ROOT}?action=find", False)
    assert fakes.row("ä & b")[::2] == (f"{ROOT}?action=search&query=%C3%A4+%26+b", True)
    assert fakes.ended == {"succeeded": True, "cached": False}
    assert library.asked == []


def test_seasons_in_order_with_specials_last(call: Call, fakes: Fakes, library: Site) -> None:
    library.put("meta/series/tt2.json", {"meta": SERIES})
    call(action="seasons", type="series", id="tt2")
    assert fakes.labels == ["Season 1", "Season 2", "Specials"]
    assert fakes.rows[1][0] == f"{ROOT}?action=episodes&type=series&id=tt2&season=2"
    assert fakes.rows[1][1].tag.told["Season"] == 2
    assert fakes.content == "seasons"


def test_episodes(call: Call, fakes: Fakes, library: Site) -> None:
    library.put("meta/series/tt2.json", {"meta": SERIES})
    call(action="episodes", type="series", id="tt2", season=1)
    assert fakes.labels == ["Episode 1", "Second"]
    url, item, is_folder = fakes.rows[1]
    assert (url, is_folder) == (
        f"{ROOT}?action=play&type=series&id=tt2&season=1&episode=2",
        False,
    )
    assert item.tag.told == {
        "MediaType": "episode",
        "Title": "Second",
        "TvShowTitle": "A Show",
        "Season": 1,
        "Episode": 2,
        "Premiered": "2020-02-03",
        "Plot": "",
        "UniqueIDs": ({"imdb": "tt2"}, "imdb"),
        "IMDBNumber": "tt2",
    }
    assert fakes.rows[0][1].art == {"thumb": "http://art/still.jpg"}
    assert fakes.content == "episodes"


def test_the_only_season_is_opened_at_once(call: Call, fakes: Fakes, library: Site) -> None:
    only = [video for video in SERIES["videos"] if video.get("season") == 1]  # type: ignore[attr-defined]
    library.put("meta/series/streme%3Aaa.json", {"meta": SERIES | {"videos": only}})
    call(action="seasons", type="series", id="streme:aa")
    assert fakes.labels == ["Episode 1", "Second"]
    there = f"{ROOT}?action=play&type=series&id=streme%3Aaa&season=1&episode=2"
    assert fakes.rows[1][0] == there


def test_a_series_of_which_nothing_is_known_yet(call: Call, fakes: Fakes, library: Site) -> None:
    library.put("meta/series/tt2.json", {"meta": {"id": "tt2", "type": "series", "name": "x"}})
    call(action="seasons", type="series", id="tt2")
    assert fakes.rows == []
    assert fakes.ended == {"succeeded": True, "cached": True}
    assert fakes.notes == [
        "The server does not know yet which episodes there are. Try again in a moment."
    ]


@pytest.mark.parametrize("action", ["catalog", "search", "seasons", "episodes"])
def test_a_list_that_fails_says_so_and_ends(
    call: Call, fakes: Fakes, paired: Site, action: str
) -> None:
    paired.close()
    call(action=action, type="series", id="tt2", season=1, query="x")
    assert fakes.ended == {"succeeded": False, "cached": True}
    (note,) = fakes.notes
    assert note.endswith("does not answer.")


def test_home_without_a_server_leads_to_pairing(call: Call, fakes: Fakes) -> None:
    call()
    assert fakes.labels == ["Pair with a server", "Settings"]
    assert fakes.row("Pair with a server")[::2] == (f"{ROOT}?action=pair", False)
    assert fakes.notes == ["This Kodi is not connected to a server."]


def test_home_when_the_server_shut_this_kodi_out(call: Call, fakes: Fakes, paired: Site) -> None:
    paired.put("manifest.json", {"detail": "There is nothing here.", "hint": ""}, 404)
    call()
    assert fakes.labels == ["Pair with a server", "Settings"]
    assert fakes.notes == ["There is nothing here."]


def test_a_mistake_of_ours_ends_the_list_too(call: Call, fakes: Fakes, library: Site) -> None:
    call(action="episodes", type="series", id="tt2", season="one")
    assert fakes.ended == {"succeeded": False, "cached": True}
    assert fakes.notes == ["The add-on made a mistake; Kodi's log says more."]
    assert "ValueError" in fakes.log[0]


def test_an_addon_that_came_from_a_server_knows_it(call: Call, fakes: Fakes, site: Site) -> None:
    site.put("manifest.json", {"catalogs": []})
    told = fakes.folder / "path" / "resources" / "server.json"
    told.parent.mkdir(parents=True)
    told.write_text(f'{{"manifest": "{site.manifest}"}}')
    call()
    assert fakes.labels == ["Search", "Settings"]
    assert fakes.settings.get("manifest_url") is None
