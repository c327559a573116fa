"""The library as folders: what media centres read in the names, and which names cannot be."""

import gevent

from addon.library.shelves import FRESH, Item, Leaf, Shelves
from addon.library.titles import Title
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.selection import FileIndex, MainVideo
from tests.library.shelf import KEY, Shelf, torrent
from tests.library.test_file_names import HOSTILE

OTHER, THIRD = "cd" * 20, "ef" * 20


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def shelves_of(shelf: Shelf) -> Shelves:
    return Shelves(shelf.library, shelf.streams, shelf)


def items(shelf: Shelf) -> list[Item]:
    return list(shelves_of(shelf).now().items)


def files(shelf: Shelf) -> dict[str, Leaf]:
    """Every file of the tree by its path."""
    tree = shelves_of(shelf).now().tree
    for path in tree:
        assert path == () or tree[path[:-1]][path[-1]] is None, f"{path} is in no folder"
    return {
        "/".join([*path, name]): leaf
        for path, inside in tree.items()
        for name, leaf in inside.items()
        if leaf is not None
    }


def test_an_empty_library_has_its_two_folders(shelf: Shelf) -> None:
    assert shelves_of(shelf).now().tree == {
        (): {"Movies": None, "Series": None},
        ("Movies",): {},
        ("Series",): {},
    }


def test_a_film_is_named_for_scrapers(shelf: Shelf) -> None:
    shelf.add(torrent("Some.Film.2019.1080p.WEB-DL.x264-GRP.mkv"), "tt0000001")
    (item,) = items(shelf)
    name = "Some Film (2019) [imdbid-tt0000001]"
    assert (item.folders, item.stem) == (("Movies", name), f"{name} - 1080p WEB-DL")
    assert item.label == "Some Film (2019)"
    ((path, leaf),) = files(shelf).items()
    assert path == f"Movies/{name}/{name} - 1080p WEB-DL.mkv"
    assert (leaf.info_hash.key, leaf.file.index, leaf.file.length) == (KEY, 0, 500_000_000)


def test_a_film_of_no_known_id_and_no_known_release(shelf: Shelf) -> None:
    shelf.add(torrent("Home video.mp4"))
    assert list(files(shelf)) == ["Movies/Home video/Home video.mp4"]


def test_an_older_release_keeps_its_name_when_a_better_one_comes(shelf: Shelf) -> None:
    shelf.add(torrent("Film.2019.720p.WEB-DL.mkv"), "tt1")
    (before,) = files(shelf).items()
    shelf.add(torrent("Film.2019.2160p.BluRay.mkv", key=OTHER), "tt1")
    shelf.add(torrent("Film.2019.720p.WEB-DL.x265.mkv", key=THIRD), "tt1")
    after = files(shelf)
    assert (before[0], after[before[0]]) == before
    assert [path.rpartition("/")[2] for path in after] == [
        "Film (2019) [imdbid-tt1] - 720p WEB-DL.mkv",
        "Film (2019) [imdbid-tt1] - 2160p BluRay.mkv",
        "Film (2019) [imdbid-tt1] - 720p WEB-DL [efefefef 0].mkv",
    ]
    assert [item.label for item in items(shelf)] == [
        "Film (2019) - 720p WEB-DL",
        "Film (2019) - 2160p BluRay",
        "Film (2019) - 720p WEB-DL",
    ]


def test_a_series_has_seasons(shelf: Shelf) -> None:
    pack = torrent("Show.S01.720p", "Show.S01E01.720p.mkv", "Show.S01E02.720p.mkv")
    shelf.add(pack, "tt2")
    shelf.add(torrent("Show.S00E01.mkv", key=OTHER), "tt2", season=0, episode=1)
    assert list(files(shelf)) == [
        "Series/Show [imdbid-tt2]/Season 00/Show S00E01.mkv",
        "Series/Show [imdbid-tt2]/Season 01/Show S01E01 - 720p.mkv",
        "Series/Show [imdbid-tt2]/Season 01/Show S01E02 - 720p.mkv",
    ]
    assert [item.label for item in items(shelf)] == ["Show S00E01", "Show S01E01", "Show S01E02"]


def test_films_packed_together_have_their_own_names(shelf: Shelf) -> None:
    shelf.add(torrent("A trilogy", "One.2001.mkv", "Two.2003.avi"))
    assert set(files(shelf)) == {"Movies/A trilogy/One.2001.mkv", "Movies/A trilogy/Two.2003.avi"}
    assert {item.label for item in items(shelf)} == {"A trilogy - One.2001", "A trilogy - Two.2003"}


def test_titles_of_one_name_stand_apart(shelf: Shelf) -> None:
    shelf.add(torrent("Film.mkv"))
    shelf.add(torrent("FILM.mkv", key=OTHER))
    assert list(files(shelf)) == [
        "Movies/Film/Film.mkv",
        "Movies/FILM [cdcdcdcd]/FILM [cdcdcdcd].mkv",
    ]


def test_without_metadata_there_is_a_link_but_no_file(shelf: Shelf) -> None:
    shelf.add(Magnet(InfoHash(v1=KEY), name="Film.2019.1080p.mkv"), "tt1")
    (item,) = items(shelf)
    assert (item.entry.wanted, item.entry.file) == (MainVideo(), None)
    assert item.stem == "Film (2019) [imdbid-tt1] - 1080p"
    assert files(shelf) == {}


def test_an_episode_that_only_its_name_tells_has_a_link(shelf: Shelf) -> None:
    shelf.add(torrent("Show.S01", "Show.S01E01.mkv", "Show.S01E02.mkv"), "tt2")
    shelf.add(Magnet(InfoHash(v1=OTHER), name="Show.S02E03.mkv"), "tt2")
    last = items(shelf)[-1]
    assert (last.folders[-1], last.stem) == ("Season 02", "Show S02E03")
    assert (last.entry.info_hash.key, str(last.entry.wanted)) == (OTHER, "s02e03")


def test_subtitles_lie_beside_their_film(shelf: Shelf) -> None:
    shelf.add(
        torrent(
            "Film.2019",
            "Film.2019.720p.mkv",
            ("Film.2019.720p.en.srt", 0.1),
            ("Film.2019.720p.en.forced.srt", 0.01),
            ("Film.2019.720p.srt", 0.1),
        ),
        "tt1",
    )
    stem = "Movies/Film (2019) [imdbid-tt1]/Film (2019) [imdbid-tt1] - 720p"
    found = files(shelf)
    assert {path.removeprefix(stem): leaf.file.name for path, leaf in found.items()} == {
        ".mkv": "Film.2019.720p.mkv",
        ".en.srt": "Film.2019.720p.en.srt",
        ".en.forced.srt": "Film.2019.720p.en.forced.srt",
        ".srt": "Film.2019.720p.srt",
    }


def test_what_cannot_be_read_does_not_hide_the_others(shelf: Shelf) -> None:
    shelf.add(torrent("One.mkv"))
    shelf.add(torrent("Two.mkv", key=OTHER))
    shelf.broken.add(KEY)
    assert list(files(shelf)) == ["Movies/Two/Two.mkv"]


def test_an_id_of_its_own_that_is_not_listed_is_on_no_shelf(shelf: Shelf) -> None:
    shelf.add(torrent("Film.2019.mkv"))
    shelf.add(torrent("Film.2019.mkv"), "tt1")
    assert [item.title.id for item in items(shelf)] == ["tt1"]


def test_the_library_is_looked_at_again_after_a_while(shelf: Shelf) -> None:
    clock = Clock()
    shelves = Shelves(shelf.library, shelf.streams, shelf, clock)
    assert shelves.now().items == ()
    shelf.add(torrent("Film.mkv"))
    clock.now = FRESH - 0.1
    assert shelves.now().items == ()
    clock.now = FRESH
    assert [item.entry.wanted for item in shelves.now().items] == [FileIndex(0)]


def test_what_was_listed_is_not_looked_for_again(shelf: Shelf) -> None:
    """A player asks by one name for part after part, and must get them of one file."""
    clock = Clock()
    shelves = Shelves(shelf.library, shelf.streams, shelf, clock)
    shelf.add(torrent("Film.mkv"))
    path = ("Movies", "Film", "Film.mkv")
    leaf = shelves.file(path)
    assert leaf is not None
    assert shelves.file(path[:-1]) is shelves.file(()) is None
    clock.now = FRESH
    shelf.titles.removed(KEY)
    assert shelves.file(path) is leaf
    shelves.now()
    assert shelves.file(path) is None


def test_others_go_on_while_a_large_pack_is_looked_at(shelf: Shelf) -> None:
    shelf.add(torrent("Show.S01", *(f"Show.S01E{number:03}.mkv" for number in range(1, 51))))
    turns = 0

    def others() -> None:
        nonlocal turns
        while True:
            gevent.sleep(0)
            turns += 1

    greenlet = gevent.spawn(others)
    assert len(items(shelf)) == 50
    greenlet.kill()
    assert turns >= 49, "one after each episode, the last of which ends it"


def test_a_large_library_is_looked_at_less_often(shelf: Shelf) -> None:
    times = iter((0.0, 3.0, 29.0, 33.0, 33.0))
    shelves = Shelves(shelf.library, shelf.streams, shelf, lambda: next(times))
    first = shelves.now()
    assert shelves.now() is first, "it took 3 s, so it stands for 30"
    assert shelves.now() is not first


# Names


def test_a_hostile_title_stays_in_its_folder(shelf: Shelf) -> None:
    for number, (text, _) in enumerate(HOSTILE):
        shelf.library.put(Title(f"tt{number}", "movie", text, 2019))
        shelf.add(torrent("Film.2019.1080p.mkv"), f"tt{number}")
    found = list(files(shelf))
    assert len(found) == len(HOSTILE)
    for path in found:
        root, folder, name = path.split("/")
        assert root == "Movies"
        assert name == f"{folder} - 1080p.mkv"
        assert len(name.encode()) < 255
    assert all(len(item.label.splitlines()) == 1 for item in items(shelf))
