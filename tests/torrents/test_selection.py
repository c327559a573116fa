import random

import pytest

from addon.errors import Problem
from addon.torrents.metainfo import Metainfo
from addon.torrents.selection import (
    Episode,
    FileIndex,
    MainVideo,
    Wanted,
    episodes,
    parse_wanted,
    select,
    videos,
)
from tests.torrents.build import pack

MAIN = MainVideo()


def refused(metainfo: Metainfo, wanted: Wanted) -> Problem:
    with pytest.raises(Problem) as caught:
        select(metainfo, wanted)
    assert caught.value.code == "no-such-file"
    assert caught.value.hint
    return caught.value


def main(*files: str | tuple[str, float], name: str = "Some Film (2020) [1080p]") -> str:
    return select(pack(name, *files), MAIN).name


@pytest.mark.parametrize(
    ("text", "wanted", "written"),
    [
        ("0", FileIndex(0), "0"),
        ("12", FileIndex(12), "12"),
        ("007", FileIndex(7), "7"),
        ("s01e02", Episode(1, 2), "s01e02"),
        ("S1E2", Episode(1, 2), "s01e02"),
        ("s00e01", Episode(0, 1), "s00e01"),
        ("s2024e1015", Episode(2024, 1015), "s2024e1015"),
        ("main", MAIN, "main"),
        ("MAIN", MAIN, "main"),
    ],
)
def test_the_url_form(text: str, wanted: Wanted, written: str) -> None:
    assert parse_wanted(text) == wanted
    assert str(wanted) == written
    assert parse_wanted(written) == wanted


@pytest.mark.parametrize(
    "text",
    [
        *("", "-1", "+1", "1 ", "1\n", "٣", "1.5", "12345678", "s01", "e02", "s01e02\n", "../1"),
        *("s1e", "sample", "s12345e1", "x" * 10_000),
    ],
)
def test_what_does_not_say_which_file(text: str) -> None:
    with pytest.raises(Problem) as caught:
        parse_wanted(text)
    assert caught.value.code == "no-such-file"
    assert len(caught.value.detail) < 100


# Main video


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["Film.mkv"], "Film.mkv"),
        (["Film.mkv", "Film.srt", "cover.jpg", "RARBG.txt"], "Film.mkv"),
        ([("sample.mkv", 40), "Film.mkv"], "Film.mkv"),
        ([("Sample/film-sample.mkv", 40), "Film.mkv"], "Film.mkv"),
        ([("Film.2020.1080p-GRP.sample.mkv", 40), "Film.mkv"], "Film.mkv"),
        ([("Trailer.mp4", 200), "Film.mkv"], "Film.mkv"),
        ([("Film-trailer.mp4", 200), "Film.mkv"], "Film.mkv"),
        ([("Film-behindthescenes.mp4", 200), "Film.mkv"], "Film.mkv"),
        ([("Film-deleted.mp4", 200), "Film.mkv"], "Film.mkv"),
        ([("Making.Of.mkv", 200), "Film.mkv"], "Film.mkv"),
        ([("Extras/Doc.mkv", 900), "Film.mkv"], "Film.mkv"),
        ([("Featurettes/On the set.mkv", 490), "Film.mkv"], "Film.mkv"),
        ([("Film (2020) Extras/Doc.mkv", 900), "Film.mkv"], "Film.mkv"),
        ([("Behind The Scenes/a.mkv", 900), "Film.mkv"], "Film.mkv"),
        ([("Bonus Disc 2/a.mkv", 900), "Film.mkv"], "Film.mkv"),
        ([("Special Features/a.mkv", 900), "Film.mkv"], "Film.mkv"),
        ([("unmarked.mkv", 150), "Film.mkv"], "Film.mkv"),
        (["Film.MP4"], "Film.MP4"),
        (["Film.m2ts"], "Film.m2ts"),
        ([("big.iso", 9000), "Film.avi"], "Film.avi"),
    ],
    ids=repr,
)
def test_the_film_among_other_things(files: list[str | tuple[str, float]], expected: str) -> None:
    assert main(*files) == expected


@pytest.mark.parametrize(
    "name",
    [
        "Sample.mkv",
        "The Sample.mkv",
        "The Extra Man.mkv",
        "Trailer.mkv",
        "Extras.mkv",
        "S00E01.mkv",
    ],
)
def test_a_lone_video_is_the_main_one_whatever_it_is_called(name: str) -> None:
    assert select(pack(name, name), MAIN).name == name
    assert main(name) == name


def test_a_film_called_sample_has_a_sample() -> None:
    film = pack("Sample.2011.1080p-GRP", "Sample.2011.1080p-GRP.mkv", ("Sample/sample.mkv", 30))
    assert select(film, MAIN).name == "Sample.2011.1080p-GRP.mkv"
    film = pack("Trailer Town (2010)", "Trailer Town.mkv", ("Trailers/Trailer Town 1.mkv", 30))
    assert select(film, MAIN).name == "Trailer Town.mkv"


def test_only_extras_are_what_the_torrent_is_about() -> None:
    bonus = pack("Some Film Extras", ("Extras/a.mkv", 900), ("Extras/b.mkv", 100))
    assert [f.name for f in videos(bonus)] == ["a.mkv", "b.mkv"]
    assert select(bonus, MAIN).name == "a.mkv"


@pytest.mark.parametrize(
    "files",
    [
        ("Film 1.mkv", "Film 2.mkv"),
        (("First (1999).mkv", 700), ("Second (2003).mkv", 1400)),
        ("Film.CD1.avi", "Film.CD2.avi"),
        ("Film.2020.Part1.1080p.mkv", "Film.2020.Part2.720p.mkv"),
        ("VTS_01_1.VOB", "VTS_01_2.VOB"),
        ("a/Film.mkv", "b/Film.mkv"),
        ("Film.2010.1080p.mkv", "Film.2020.720p.mkv"),
    ],
    ids=repr,
)
def test_several_films_are_not_guessed_from(files: tuple[str | tuple[str, float], ...]) -> None:
    problem = refused(pack("Films", *files), MAIN)
    assert "2 videos" in problem.detail
    assert "s01e02" in problem.hint
    assert all(str(n) in problem.detail for n in (0, 1))


def test_a_long_list_of_films_is_cut_in_the_message() -> None:
    problem = refused(pack("Films", *(f"{n}{'x' * 400}.mkv" for n in range(500))), MAIN)
    assert "500 videos" in problem.detail
    assert len(problem.detail) < 600


def test_one_film_in_several_qualities_is_its_biggest() -> None:
    assert main(("Film.2020.720p.mkv", 900), ("Film.2020.1080p.mkv", 1600)).endswith("1080p.mkv")
    assert main(("Film (2020).mp4", 900), ("Film (2020).mkv", 1000)) == "Film (2020).mkv"


def test_a_season_has_no_main_video() -> None:
    season = pack("Show S01", *(f"Show.S01E{n:02}.mkv" for n in range(1, 11)))
    assert "10 episodes" in refused(season, MAIN).detail
    double = pack("Show S01", ("Show.S01E01.mkv", 5000), ("Show.S01E02.mkv", 500))
    assert "2 episodes" in refused(double, MAIN).detail


def test_a_single_episode_is_the_main_video() -> None:
    one = pack("Show.S01E02", ("Show.S01E02.mkv", 700), ("sample.mkv", 20))
    assert select(one, MAIN).name == "Show.S01E02.mkv"
    assert select(one, Episode(1, 2)).name == "Show.S01E02.mkv"


@pytest.mark.parametrize("files", [["a.txt", "b.rar"], [("a.mkv", 0), "b.txt"], [("a.mkv", 0)], []])
def test_a_torrent_without_a_video(files: list[str | tuple[str, float]]) -> None:
    metainfo = pack("Things", *files)
    assert videos(metainfo) == ()
    assert episodes(metainfo) == {}
    assert "no " in refused(metainfo, MAIN).detail
    for file in metainfo.files:
        assert select(metainfo, FileIndex(file.index)) == file


# Index


def test_an_index_names_any_file_but_only_those_there_are() -> None:
    film = pack("Film", "Film.mkv", "Film.srt", ("Sample/s.mkv", 10))
    assert [select(film, FileIndex(n)).name for n in range(3)] == ["Film.mkv", "Film.srt", "s.mkv"]
    assert "3" in refused(film, FileIndex(3)).detail


# Episodes


def test_videos_are_biggest_first_without_what_is_beside_them() -> None:
    show = pack(
        "Show S01",
        ("Show.S01E01.mkv", 300),
        ("Show.S01E02.mkv", 500),
        ("Show.S00E01.mkv", 900),
        ("Specials/Christmas.mkv", 800),
        ("Extras/Interview.mkv", 700),
        ("Samples/s.mkv", 10),
        ("NCOP1.mkv", 90),
    )
    assert [f.name for f in videos(show)] == ["Show.S01E02.mkv", "Show.S01E01.mkv"]


def test_a_season_pack() -> None:
    show = pack(
        "Some.Show.S02.1080p.WEB-GRP",
        *(f"Some.Show.S02E{n:02}.1080p.WEB-GRP.mkv" for n in range(1, 11)),
        *((f"Sample/some.show.s02e{n:02}.sample.mkv", 20) for n in range(1, 11)),
        *((f"some.show.s02e{n:02}.srt", 1) for n in range(1, 11)),
    )
    found = episodes(show)
    assert list(found) == [(2, n) for n in range(1, 11)]
    assert found[2, 7].name == "Some.Show.S02E07.1080p.WEB-GRP.mkv"
    problem = refused(show, Episode(2, 11))
    assert "season 2, episode 11" in problem.detail
    refused(show, Episode(1, 7))


def test_a_double_episode_stands_under_both() -> None:
    show = pack("Show", "Show.S01E01E02.mkv", "Show.S01E03.mkv", "Show.S01E04-E05.mkv")
    assert {k: f.index for k, f in episodes(show).items()} == {
        (1, 1): 0,
        (1, 2): 0,
        (1, 3): 1,
        (1, 4): 2,
        (1, 5): 2,
    }


def test_a_file_of_one_episode_comes_before_a_file_of_two() -> None:
    show = pack("Show", ("Show.S01E01E02.mkv", 2000), ("Show.S01E01.mkv", 500))
    assert select(show, Episode(1, 1)).index == 1
    assert select(show, Episode(1, 2)).index == 0


def test_the_biggest_of_several_qualities() -> None:
    show = pack("Show", ("720p/Show.S01E01.720p.mkv", 300), ("1080p/Show.S01E01.1080p.mkv", 900))
    assert select(show, Episode(1, 1)).index == 1
    same = pack("Show", ("Show 2010 S01E01.mkv", 300), ("Show.S01E01.mkv", 300))
    assert select(same, Episode(1, 1)).index == 0


@pytest.mark.parametrize(
    "files",
    [
        ("First Show S01E01.mkv", "Second Show S01E01.mkv"),
        ("First Show/Season 1/01.mkv", "Second Show/Season 1/01.mkv"),
        ("First Show/Season 1 [720p]/01.mkv", "Second Show/Season 1 [720p]/01.mkv"),
        ("Season 1/Disc 1/01.mkv", "Season 1/Disc 2/01.mkv"),
        ("Show S01E01 Part 1.mkv", "Show S01E01 Part 2.mkv"),
        ("Show S01E01 CD1.avi", "Show S01E01 CD2.avi"),
        ("Show.S01E01a.mkv", "Show.S01E01b.mkv"),
    ],
    ids=repr,
)
def test_different_things_under_one_number_are_refused(files: tuple[str, str]) -> None:
    both = pack("Pack", *files)
    assert "2 different files" in refused(both, Episode(1, 1)).detail
    assert episodes(both) == {}


def test_folders_of_two_qualities_are_one_show() -> None:
    show = pack("Show", ("Season 1/720p/01.mkv", 300), ("Season 1/1080p/01.mkv", 900))
    assert select(show, Episode(1, 1)).index == 1
    show = pack("P", ("Show 720p/Season 1/01.mkv", 300), ("Show 1080p/Season 1/01.mkv", 900))
    assert select(show, Episode(1, 1)).index == 1


def test_specials_answer_for_season_0_only() -> None:
    show = pack(
        "Show",
        *(f"Season 1/Show.S01E{n:02}.mkv" for n in range(1, 4)),
        "Specials/Show.S00E01.mkv",
        "Specials/02 - Christmas.mkv",
        "Season 1/Specials/03 - Making.mkv",
        "Season 0/Show.S00E04.mkv",
    )
    assert list(episodes(show)) == [(0, 1), (0, 4), (1, 1), (1, 2), (1, 3)]
    assert select(show, Episode(0, 1)).name == "Show.S00E01.mkv"
    assert len(videos(show)) == 3


def test_series_whose_titles_are_words_for_extras() -> None:
    for title in ("Extras", "Trailer Park Folk", "Bonus Family", "The Sample", "Interviews"):
        show = pack(
            f"{title} S01 1080p",
            *(f"{title}/Season 1/{title} S01E{n:02}.mkv" for n in range(1, 7)),
            (f"{title} Movie.mkv", 1200),
        )
        assert len(episodes(show)) == 6, title
        assert len(videos(show)) == 7, title


def test_a_word_in_a_films_name_marks_no_large_file() -> None:
    films = pack("Films", ("Trailer Town (2010).mkv", 700), ("Hill (2011).mkv", 900))
    assert len(videos(films)) == 2
    refused(films, MAIN)


def test_with_extras_in_the_torrents_name_extras_are_extras() -> None:
    for name in ("Show (2010) + Extras", "Show S01 with Extras", "Show and Extras 1080p"):
        show = pack(name, "Show S01E01.mkv", "Show S01E02.mkv", "Extras/S01E01 Commentary.mkv")
        assert len(videos(show)) == 2, name
        assert select(show, Episode(1, 1)).index == 0, name


def test_a_complete_series_in_folders() -> None:
    show = pack(
        "Some Show Complete Seasons 1-3",
        *(
            f"Some Show Season {season}/{episode:02} - Part {episode}.mkv"
            for season in (1, 2, 3)
            for episode in range(1, 14)
        ),
    )
    found = episodes(show)
    assert len(found) == 39
    assert found[3, 13].path.endswith("Season 3/13 - Part 13.mkv")


def test_years_and_resolutions_are_never_episodes() -> None:
    films = pack("Films", "Film 2012 1080p x264.mkv", "Film.1999.720p.x265.mkv", "2160p.HDR10.mkv")
    assert episodes(films) == {}
    show = pack("Show Season 1 2160p", "Show 01 2019 2160p.mkv", "Show 02 2019 2160p.mkv")
    assert list(episodes(show)) == [(1, 1), (1, 2)]


def test_anime() -> None:
    show = pack(
        "[Grp] Hill [BD]", *(f"[Grp] Hill - {n:02} [1080p][0A1B].mkv" for n in range(1, 27))
    )
    assert list(episodes(show)) == [(1, n) for n in range(1, 27)]
    assert "26 episodes" in refused(show, MAIN).detail


def test_every_answer_is_a_playable_file_of_the_torrent() -> None:
    chance = random.Random(5)
    words = [
        "Show",
        "S01E01",
        "1x02",
        "Season 1",
        "- 03",
        "Extras",
        "sample",
        "2019",
        "1080p",
        "E04",
    ]
    codes = set()
    words += ["[Grp]", "(", "]", "Part 1", "S00E01", "trailer", "…", "x264", "Specials", ".", "-"]
    for _ in range(400):
        paths = {
            "/".join(
                " ".join(chance.choices(words, k=chance.randint(1, 4)))
                for _ in range(chance.randint(1, 3))
            )
            + chance.choice([".mkv", ".mp4", ".srt", ""])
            for _ in range(chance.randint(1, 12))
        }
        metainfo = pack("Root", *((path, chance.choice([0, 10, 500])) for path in sorted(paths)))
        playable = set(videos(metainfo))
        assert all(f.length and f.name.endswith((".mkv", ".mp4")) for f in playable)
        assert len({f.index for f in playable}) == len(playable)
        for key, file in episodes(metainfo).items():
            assert select(metainfo, Episode(*key)) == file
            assert file in metainfo.files
        try:
            assert select(metainfo, MAIN) in playable
        except Problem as problem:
            codes.add(problem.code)
    assert codes == {"no-such-file"}
