import time

import pytest

from addon.torrents.numbering import explicit, number_files, season_of

Numbered = tuple[int, tuple[int, ...]] | None


def numbers(*paths: str) -> list[Numbered]:
    return [n and (n.season, n.episodes) for n in number_files(paths)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Some.Show.S01E02.1080p.WEB.H264-GRP", (1, (2,))),
        ("some show s1e2", (1, (2,))),
        ("Some_Show_S01_E02", (1, (2,))),
        ("Some.Show.S01.E02.Title", (1, (2,))),
        ("Some Show - S01 - E02 - Title", (1, (2,))),
        ("Some Show S01 EP02", (1, (2,))),
        ("Some Show S01 Ep.02", (1, (2,))),
        ("S2024E112", (2024, (112,))),
        ("Long.Runner.S01E1015", (1, (1015,))),
        ("Show.S00E03.Special", (0, (3,))),
        ("Show.S01E00.Pilot", (1, (0,))),
        ("Show 1x02 Title", (1, (2,))),
        ("Show [1x02]", (1, (2,))),
        ("Show.12x103", (12, (103,))),
        ("Season 1 Episode 2", (1, (2,))),
        ("Show - Season 01, Episode 12 (720p)", (1, (12,))),
        ("Series.3.Ep.4", (3, (4,))),
        ("Staffel 2 Folge 7", (2, (7,))),
        ("Temporada 1 Capítulo 10", (1, (10,))),
        ("Show S01E01E02", (1, (1, 2))),
        ("Show.S01E01-E02.1080p", (1, (1, 2))),
        ("Show.S01E01-E03", (1, (1, 2, 3))),
        ("Show S01E01 - E02", (1, (1, 2))),
        ("Show S01E01+E02", (1, (1, 2))),
        ("Show S01E01 & E02", (1, (1, 2))),
        ("Show S01E01-02", (1, (1, 2))),
        ("Show S01E01-S01E02", (1, (1, 2))),
        ("Show S01E01.S01E02", (1, (1, 2))),
        ("Show 1x01-02", (1, (1, 2))),
        ("Show 1x01-1x02", (1, (1, 2))),
        ("Show S01E10-S02E11", (1, (10,))),
        ("Show S01E02 - 24 Hours", (1, (2,))),
        ("Show S01E02-720p", (1, (2,))),
        ("Show S01E02-1080p", (1, (2,))),
        ("Show.S01E02.2010.x264", (1, (2,))),
        ("Show.S01E05-GRP", (1, (5,))),
        ("Show S01E05-04", (1, (5,))),
        ("Show S01E01-99", (1, (1,))),
        ("2010.Show.S03E04", (3, (4,))),
        ("映画S01E02", None),
        ("Film.1920x1080.x264", None),
        ("Film 640x480", None),
        ("Film 1280x720", None),
        ("Film.DDP5.1x264", None),
        ("Film.5.1x265", None),
        ("Film 4x4", None),
        ("Film 16x9", None),
        ("Film.2019.2160p.H.265", None),
        ("Some.Show.S01.1080p", None),
        ("Miss E02", None),
        ("", None),
    ],
)
def test_a_name_by_itself(text: str, expected: Numbered) -> None:
    found = explicit(text)
    assert (found and (found.season, found.episodes)) == expected


def test_where_the_marker_begins() -> None:
    found = explicit("Some Show S01E02 Title")
    assert found
    assert found.start == len("Some Show ")


@pytest.mark.parametrize(
    ("text", "season"),
    [
        ("Season 1", 1),
        ("season.02", 2),
        ("S03", 3),
        ("Some.Show.S03.1080p.BluRay", 3),
        ("Some Show (Season 4) [1080p]", 4),
        ("Some Show 2nd Season", 2),
        ("Series 5", 5),
        ("Season 0", 0),
        ("Specials", None),
        ("Some Show S01-S05", None),
        ("Some Show S01-05", None),
        ("Seasons 1-3", None),
        ("Season 1-3", None),
        ("Season 1 to 3", None),
        ("Some Show S01 S02 S03", None),
        ("Some Show 1080p", None),
        ("S.W.A.T", None),
        ("Class 1984", None),
    ],
)
def test_seasons(text: str, season: int | None) -> None:
    assert season_of(text) == season


@pytest.mark.parametrize(
    "names",
    [
        ("01 - Pilot", "02 - The Return", "03 - Home"),
        ("01", "02", "03"),
        ("1. Pilot", "2. The Return", "3. Home"),
        ("Show 01", "Show 02", "Show 03"),
        ("Show - 01 - Pilot", "Show - 02 - Return", "Show - 03 - Home"),
        ("Show.01.1080p.x264", "Show.02.1080p.x264", "Show.03.1080p.x264"),
        ("Show 01 (2019) [1080p] 5.1", "Show 02 (2019) [1080p] 5.1", "Show 03 (2019) [1080p] 5.1"),
        ("Episode 1", "Episode 2", "Episode 3"),
        ("Show E01", "Show E02", "Show E03"),
        ("Ep.01", "Ep.02", "Ep.03"),
        ("24 - 01 - Midnight", "24 - 02 - One", "24 - 03 - Two"),
        ("[Grp] Show - 01 [1080p]", "[Grp] Show - 02v2 [1080p]", "[Grp] Show - 03 [1080p][A1B2C3]"),
        ("[Grp]_Show_-_01_[720p]", "[Grp]_Show_-_02_[720p]", "[Grp]_Show_-_03_[720p]"),
        ("01 - 12 Monkeys", "02 - 7 Days", "03 - Home"),
        ("401 - Pilot", "402 - The Return", "403 - Home"),
        ("Show.401.HDTV", "Show.402.HDTV", "Show.403.HDTV"),
    ],
)
@pytest.mark.parametrize("folder", ["Show/Season 4", "Show.S04.720p", "Show/S04/720p"])
def test_a_season_folder_gives_the_season(folder: str, names: tuple[str, ...]) -> None:
    assert numbers(*(f"{folder}/{name}.mkv" for name in names)) == [(4, (n,)) for n in (1, 2, 3)]


def test_a_film_in_a_season_folder_does_not_confuse_the_rest() -> None:
    paths = [f"Show/Season 1/{n:02} - Part.mkv" for n in range(1, 9)]
    assert numbers(*paths, "Show/Season 1/Unaired.mkv")[-2:] == [(1, (8,)), None]


def test_a_few_numbers_among_many_titles_are_titles() -> None:
    titles = ["7 Days", "9 Lives", "Home", "The Return", "Away"]
    assert numbers(*(f"Show/Season 1/{title}.mkv" for title in titles)) == [None] * 5


def test_anime_without_a_season_is_season_1() -> None:
    paths = [f"[Grp] Quiet Hill - {n:02} [1080p].mkv" for n in range(1, 13)]
    assert numbers(*(f"[Grp] Quiet Hill [Batch]/{p}" for p in paths))[11] == (1, (12,))
    assert numbers(paths[4]) == [(1, (5,))]
    assert numbers("[Grp] Quiet Hill S2 - 05 [1080p].mkv") == [(2, (5,))]
    assert numbers("[Grp] Quiet Hill 2nd Season - 05.mkv") == [(2, (5,))]
    assert numbers("Pack/Show Episode 1.mkv", "Pack/Show Episode 2.mkv") == [(1, (1,)), (1, (2,))]


@pytest.mark.parametrize(
    "paths",
    [
        ("Quiet Hill - 05.mkv",),  # a lone name without a fansub group: a film's number perhaps
        ("Films/01 - First.mkv", "Films/02 - Second.mkv"),
        ("Films/Film 1.mkv", "Films/Film 2.mkv"),
        ("Films/Some Film - 2 [1080p].mkv", "Films/Another Film - 3 [1080p].mkv"),
        ("Show Seasons 1-3/Show - 05.mkv", "Show Seasons 1-3/Show - 06.mkv"),
        ("Film 2019.mkv",),
        ("Film - 2019.mkv", "Film - 2020.mkv"),
        ("[Grp] Film - 1080.mkv",),
        ("2160.mkv", "720.mkv"),
    ],
)
def test_what_is_not_clear_is_left_alone(paths: tuple[str, ...]) -> None:
    assert numbers(*paths) == [None] * len(paths)


def test_no_season_1_beside_names_that_speak_of_seasons() -> None:
    assert numbers("P/Show S02E01.mkv", "P/Show - 05.mkv", "P/Show - 06.mkv")[1:] == [None, None]
    assert numbers("P/Show S00E01.mkv", "P/Show - 05.mkv", "P/Show - 06.mkv") == [
        (0, (1,)),
        (1, (5,)),
        (1, (6,)),
    ]


def test_a_folder_of_one_episode_lends_its_number() -> None:
    assert numbers("Show.S01E05.1080p-GRP/x7f3a9.mkv") == [(1, (5,))]
    assert numbers("Show.S01E05.1080p-GRP/a.mkv", "Show.S01E05.1080p-GRP/b.mkv") == [None, None]
    assert numbers("Show.S01E01-E10/a.mkv") == [None]


@pytest.mark.parametrize("sign", "a .-_[(0s1e")
def test_time_is_linear(sign: str) -> None:
    text = sign * 512
    began = time.monotonic()
    explicit(text)
    season_of(text)
    number_files([f"S01/{text}.mkv", f"{text}/{text}.mkv"])
    assert time.monotonic() - began < 0.05
