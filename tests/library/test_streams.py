"""Which file answers: the right one, or none."""

import pytest

from addon.library.streams import VideoId
from addon.library.titles import OWN_PREFIX
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.selection import Episode, FileIndex, MainVideo
from tests.library.shelf import KEY, Shelf, torrent

OWN = OWN_PREFIX + KEY
SERIES = torrent(
    "Show.S01.1080p.WEB-DL.H.264-GRP",
    "Show.S01E01.mkv",
    "Show.S01E02.mkv",
    ("Sample/Show.S01E02.sample.mkv", 20),
    ("Show.S01E02.srt", 0.1),
)


def magnet(name: str | None = None) -> Magnet:
    return Magnet(InfoHash(v1=KEY), name=name)


@pytest.mark.parametrize(
    ("text", "video"),
    [
        ("tt1254207", VideoId("tt1254207")),
        ("tt0944947:1:2", VideoId("tt0944947", Episode(1, 2))),
        ("tt0944947:0:13", VideoId("tt0944947", Episode(0, 13))),
        (OWN, VideoId(OWN)),
        (f"{OWN}:1:2", VideoId(OWN, Episode(1, 2))),
        ("tt1:2", VideoId("tt1:2")),
        ("tt1:a:2", VideoId("tt1:a:2")),
        ("tt1:1:99999", VideoId("tt1:1:99999")),
        ("tt1:١:٢", VideoId("tt1:١:٢")),
        (":1:2", VideoId(":1:2")),
        ("", VideoId("")),
    ],
)
def test_what_a_player_asks_for(text: str, video: VideoId) -> None:
    assert VideoId.parse(text) == video


def test_a_film(shelf: Shelf) -> None:
    shelf.add(torrent("Film.2019.1080p", "Film.2019.1080p.mkv", ("Trailer/trailer.mkv", 40)), "tt1")
    (entry,) = shelf.find("tt1")
    assert entry.file is not None
    assert entry.file.name == "Film.2019.1080p.mkv"
    assert entry.wanted == FileIndex(entry.file.index)
    assert entry.release.resolution == "1080p"
    assert not entry.pack
    assert shelf.find("tt2") == []
    assert shelf.find("tt1:1:1") == []


def test_each_episode_of_a_pack_and_never_another(shelf: Shelf) -> None:
    shelf.add(SERIES, "tt1")
    assert shelf.played("tt1:1:1") == ["Show.S01E01.mkv"]
    assert shelf.played("tt1:1:2") == ["Show.S01E02.mkv"]
    for other in ("tt1:1:3", "tt1:2:1", "tt1:0:1", "tt1"):
        assert shelf.played(other) == [], other
    assert shelf.find("tt1:1:1")[0].pack


def test_a_pack_without_an_imdb_id(shelf: Shelf) -> None:
    shelf.add(SERIES)
    assert shelf.played(f"{OWN}:1:2") == ["Show.S01E02.mkv"]
    assert shelf.played(f"{OWN}:1:3") == []
    # It was a film to the player before the metadata came: each file by its name.
    assert shelf.played(OWN) == ["Show.S01E01.mkv", "Show.S01E02.mkv"]


def test_the_torrents_name_speaks_where_the_files_is_silent(shelf: Shelf) -> None:
    shelf.add(SERIES, "tt1")
    release = shelf.find("tt1:1:2")[0].release
    assert (release.resolution, release.source, release.group) == ("1080p", "WEB-DL", "GRP")


def test_before_the_metadata_a_pack_is_asked_for_the_episode(shelf: Shelf) -> None:
    shelf.add(magnet("Show.S01.1080p"), "tt1")
    (entry,) = shelf.find("tt1:1:2")
    assert (str(entry.wanted), entry.file, entry.pack) == ("s01e02", None, True)
    assert shelf.played("tt1:2:2") == []
    shelf.describe(SERIES)
    assert shelf.played("tt1:1:2") == ["Show.S01E02.mkv"]
    assert shelf.played("tt1:1:9") == []


@pytest.mark.parametrize(
    ("name", "asked", "wanted"),
    [
        (None, "tt1:1:2", ["s01e02"]),
        ("Show", "tt1:1:2", ["s01e02"]),
        ("Show.S01E02.1080p", "tt1:1:2", ["s01e02"]),
        ("Show.S01E02.1080p", "tt1:1:3", []),
        ("Show.S01E01-E03.1080p", "tt1:1:3", ["s01e03"]),
        ("Show.S01E01-E03.1080p", "tt1:1:4", []),
        ("Show.S01-S03.1080p", "tt1:2:4", ["s02e04"]),
        (None, "tt1", ["main"]),
    ],
)
def test_before_the_metadata_the_name_rules_other_episodes_out(
    shelf: Shelf, name: str | None, asked: str, wanted: list[str]
) -> None:
    shelf.add(magnet(name), "tt1")
    assert shelf.played(asked) == wanted


def test_a_torrent_that_was_added_for_one_episode(shelf: Shelf) -> None:
    shelf.add(torrent("Show - The One with the Film.mkv"), "tt1", season=3, episode=4)
    assert shelf.played("tt1:3:4") == ["Show - The One with the Film.mkv"]
    for other in ("tt1:3:5", "tt1:1:1", "tt1"):
        assert shelf.played(other) == [], other


def test_it_is_asked_for_that_episode_before_its_metadata(shelf: Shelf) -> None:
    shelf.add(magnet(), "tt1", season=3, episode=4)
    assert shelf.find("tt1:3:4")[0].wanted == Episode(3, 4)
    assert shelf.find("tt1:3:5") == []
    assert shelf.find("tt1") == []


def test_a_pack_that_was_added_for_one_episode_gives_just_that(shelf: Shelf) -> None:
    shelf.add(SERIES, "tt1", season=1, episode=2)
    assert shelf.played("tt1:1:2") == ["Show.S01E02.mkv"]
    assert shelf.played("tt1:1:1") == []


def test_a_file_that_says_another_episode_is_not_believed_to_be_this_one(shelf: Shelf) -> None:
    shelf.add(torrent("Show.S03E05.mkv"), "tt1", season=3, episode=4)
    assert shelf.played("tt1:3:4") == []
    assert shelf.played("tt1:3:5") == []


def test_a_file_named_by_its_number_is_the_one(shelf: Shelf) -> None:
    films = torrent("Films", "First.2001.mkv", "Second.2002.mkv", "Third.2003.mkv")
    shelf.add(films, "tt2", file_index=1)
    shelf.add(films, "tt3", season=1, episode=7, file_index=2)
    assert shelf.played("tt2") == ["Second.2002.mkv"]
    assert shelf.played("tt2:1:1") == []
    assert shelf.played("tt3:1:7") == ["Third.2003.mkv"]
    assert shelf.played("tt3:1:8") == []
    assert shelf.played("tt3") == []


def test_a_file_number_before_and_after_the_metadata(shelf: Shelf) -> None:
    shelf.add(magnet("Films"), "tt2", file_index=1)
    shelf.add(magnet("Films"), "tt9", file_index=9)
    assert shelf.find("tt2")[0].wanted == FileIndex(1)
    shelf.describe(torrent("Films", "First.2001.mkv", "Second.2002.mkv"))
    assert shelf.played("tt2") == ["Second.2002.mkv"]
    assert shelf.played("tt9") == []


def test_several_films_of_like_size_are_offered_by_name(shelf: Shelf) -> None:
    shelf.add(torrent("Films", ("One.2001.mkv", 700), ("Other.2002.mkv", 800), ("notes.txt", 1)))
    entries = shelf.find(OWN)
    assert [(str(e.wanted), e.file.name if e.file else "") for e in entries] == [
        ("1", "Other.2002.mkv"),
        ("0", "One.2001.mkv"),
    ]


def test_a_torrent_without_a_video_offers_nothing(shelf: Shelf) -> None:
    shelf.add(torrent("Songs", "one.mp3", "two.mp3"), "tt1")
    assert shelf.find("tt1") == []


def test_the_best_comes_first(shelf: Shelf) -> None:
    for number, (name, megabytes) in enumerate(
        [
            ("Film.720p.mkv", 900),
            ("Film.mkv", 5000),
            ("Film.2160p.mkv", 800),
            ("Film.1080p.mkv", 900),
            ("Film.1080p.x265.mkv", 1200),
        ]
    ):
        shelf.add(torrent(name, (name, megabytes), key=f"{number:040}".replace("0", "a")), "tt1")
    shelf.add(magnet("Film.1080p.unknown"), "tt1")
    assert shelf.played("tt1") == [
        "Film.2160p.mkv",
        "Film.1080p.x265.mkv",
        "Film.1080p.mkv",
        "main",
        "Film.720p.mkv",
        "Film.mkv",
    ]


def test_one_file_is_offered_once(shelf: Shelf) -> None:
    shelf.add(SERIES, "tt1")
    shelf.add(SERIES, "tt1", season=1, episode=2)
    assert shelf.played("tt1:1:2") == ["Show.S01E02.mkv"]


def test_a_torrent_that_cannot_be_read_hides_no_other(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    shelf.add(torrent("Film.720p.mkv"), "tt1")
    shelf.add(torrent("Film.1080p.mkv", key="cd" * 20), "tt1")
    shelf.broken.add("cd" * 20)
    assert shelf.played("tt1") == ["Film.720p.mkv"]
    assert "cannot be read" in caplog.text


def test_before_the_metadata_a_film_is_the_main_video(shelf: Shelf) -> None:
    shelf.add(magnet("Film.2019.2160p"))
    (entry,) = shelf.find(OWN)
    assert entry.wanted == MainVideo()
    assert (entry.name, entry.release.resolution) == ("Film.2019.2160p", "2160p")
