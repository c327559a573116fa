"""Which subtitles belong to a video, and what their names say."""

import time

import pytest

from addon.torrents.subtitles import MAX_FILES, MAX_SUBTITLES, all_subtitles, subtitles_of
from tests.torrents.build import pack

SMALL = 0.05


def owners(*files: str, name: str = "Pack") -> dict[str, str | None]:
    """Each subtitle's path to the name of its video, None where it is nobody's."""
    sizes = [(f, _megabytes(f)) for f in files]
    metainfo = pack(name, *sizes)
    found: dict[str, str | None] = {f: None for f, size in sizes if size == SMALL}
    for index, subtitles in all_subtitles(metainfo).items():
        for subtitle in subtitles:
            path = subtitle.file.path.removeprefix(f"{name}/")
            found[path] = metainfo.file(index).path.removeprefix(f"{name}/")
    return found


def _megabytes(path: str) -> float:
    if not path.endswith(".mkv"):
        return SMALL
    return 20 if "trailer" in path else 500


def told(subtitle: str, video: str = "Some.Film.2019.mkv") -> tuple[str, bool, bool]:
    """Language, forced and for the hearing impaired, of one subtitle beside one video."""
    metainfo = pack("Film", video, (subtitle, SMALL))
    (found,) = subtitles_of(metainfo, metainfo.files[0])
    return found.language, found.forced, found.hearing_impaired


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Some.Film.2019.srt", ("und", False, False)),
        ("Some.Film.2019.en.srt", ("eng", False, False)),
        ("some.film.2019.EN.SRT", ("eng", False, False)),
        ("Some.Film.2019.eng.forced.srt", ("eng", True, False)),
        ("Some.Film.2019.forced.de.ass", ("ger", True, False)),
        ("Some.Film.2019.en.sdh.srt", ("eng", False, True)),
        ("Some.Film.2019.en.hi.srt", ("eng", False, True)),
        ("Some.Film.2019.hi.srt", ("hin", False, False)),
        ("Some.Film.2019.en.cc.vtt", ("eng", False, True)),
        ("Some.Film.2019.pt-BR.srt", ("pob", False, False)),
        ("Some.Film.2019.pt_br.srt", ("pob", False, False)),
        ("Some.Film.2019.pt-PT.srt", ("por", False, False)),
        ("Some.Film.2019.fr-CA.srt", ("fre", False, False)),
        ("Some.Film.2019.zh-Hant.srt", ("chi", False, False)),
        ("Some.Film.2019.es-419.srt", ("spa", False, False)),
        ("Some.Film.2019.[English].srt", ("eng", False, False)),
        ("Some.Film.2019-en.srt", ("eng", False, False)),
        ("Some.Film.2019.track3.ger.default.srt", ("ger", False, False)),
        ("Some.Film.2019.commentary.srt", ("und", False, False)),
        ("Subs/English.srt", ("eng", False, False)),
        ("Subs/2_English.srt", ("eng", False, False)),
        ("Subs/2_en.srt", ("eng", False, False)),
        ("Subs/English (SDH).srt", ("eng", False, True)),
        ("Subs/SDH.eng.HI.srt", ("eng", False, True)),
        ("Subs/Forced English.srt", ("eng", True, False)),
        ("Subs/Brazilian Portuguese.srt", ("pob", False, False)),
        ("Subs/Portuguese (Brazil).srt", ("pob", False, False)),
        ("Subs/Português.srt", ("por", False, False)),
        ("Subs/Русский.srt", ("rus", False, False)),
        ("Subs/简体中文.srt", ("chi", False, False)),
        ("Subs/de.sub", ("ger", False, False)),
        ("Subs/German/film.srt", ("ger", False, False)),
        ("Subs/Another.Name.Of.It.srt", ("und", False, False)),
        ("Subs/The.English.Patient.srt", ("und", False, False)),
        ("Subs/Klingon.srt", ("und", False, False)),
    ],
)
def test_language_and_marks_are_read_from_the_name(
    name: str, expected: tuple[str, bool, bool]
) -> None:
    assert told(name) == expected


def test_the_words_of_the_video_are_no_language() -> None:
    assert told("The.English.Game.srt", "The.English.Game.mkv") == ("und", False, False)
    assert told("Forced.Entry.en.srt", "Forced.Entry.mkv") == ("eng", False, False)


def test_a_label_is_for_people() -> None:
    metainfo = pack("F", "F.mkv", ("F.en.forced.srt", SMALL), ("F.de.srt", SMALL), ("F.srt", SMALL))
    labels = [subtitle.label for subtitle in subtitles_of(metainfo, metainfo.files[0])]
    assert labels == ["English (forced)", "German", "Unknown"]


def test_whole_subtitles_stand_before_marked_ones_and_known_languages_first() -> None:
    names = ("F.srt", "F.en.forced.srt", "F.en.sdh.srt", "F.en.srt", "F.de.srt")
    metainfo = pack("F", "F.mkv", *((name, SMALL) for name in names))
    found = [subtitle.file.name for subtitle in subtitles_of(metainfo, metainfo.files[0])]
    assert found == ["F.en.srt", "F.en.sdh.srt", "F.en.forced.srt", "F.de.srt", "F.srt"]


def test_a_film_has_what_lies_beside_it() -> None:
    found = owners(
        "Film.mkv", "Film.en.srt", "English.srt", "Subs/German.srt", "Subs/fr/other.srt",
        "Extras/Making of.srt", "Film-trailer.mkv", "Film-trailer.srt", "Film.S01E02.srt",
    )  # fmt: skip
    assert found == {
        "Film.en.srt": "Film.mkv",
        "English.srt": "Film.mkv",
        "Subs/German.srt": "Film.mkv",
        "Subs/fr/other.srt": "Film.mkv",
        "Extras/Making of.srt": None,
        "Film-trailer.srt": "Film-trailer.mkv",
        "Film.S01E02.srt": None,
    }


def test_a_pack_has_each_episodes_own() -> None:
    found = owners(
        "Show.S01E01.1080p.WEB.mkv", "Show.S01E02.1080p.WEB.mkv", "Show.S01E03-E04.1080p.mkv",
        "Show.S01E01.1080p.WEB.en.srt", "Subs/Show.S01E02.1080p.WEB/2_English.srt",
        "Subs/Show.S01E02.1080p.WEB/3_German.srt", "Subs/Show.S01E01.HDTV.en.srt",
        "Subs/Other.Show.S01E01.en.srt", "Subs/S01E02/fr.srt", "Subs/S01E03E04.en.srt",
        "Subs/S01E03.en.srt", "Subs/English.srt", "Subs/2_English.srt", "Show.S01E05.en.srt",
    )  # fmt: skip
    assert found == {
        "Show.S01E01.1080p.WEB.en.srt": "Show.S01E01.1080p.WEB.mkv",
        "Subs/Show.S01E02.1080p.WEB/2_English.srt": "Show.S01E02.1080p.WEB.mkv",
        "Subs/Show.S01E02.1080p.WEB/3_German.srt": "Show.S01E02.1080p.WEB.mkv",
        "Subs/Show.S01E01.HDTV.en.srt": "Show.S01E01.1080p.WEB.mkv",
        "Subs/Other.Show.S01E01.en.srt": None,
        "Subs/S01E02/fr.srt": "Show.S01E02.1080p.WEB.mkv",
        "Subs/S01E03E04.en.srt": "Show.S01E03-E04.1080p.mkv",
        "Subs/S01E03.en.srt": None,
        "Subs/English.srt": None,
        "Subs/2_English.srt": None,
        "Show.S01E05.en.srt": None,
    }


def test_the_second_subtitle_is_not_the_second_episodes() -> None:
    found = owners(
        "Season 1/1.mkv", "Season 1/2.mkv", "Season 2/1.mkv", "Season 2/2.mkv",
        "Season 1/Subs/1/2_English.srt", "Season 2/Subs/2_English.srt", "Season 2/Subs/1.en.srt",
        "Season 2/2.srt", "Subs/2.en.srt",
    )  # fmt: skip
    assert found == {
        "Season 1/Subs/1/2_English.srt": "Season 1/1.mkv",
        "Season 2/Subs/2_English.srt": None,
        "Season 2/Subs/1.en.srt": "Season 2/1.mkv",
        "Season 2/2.srt": "Season 2/2.mkv",
        "Subs/2.en.srt": None,
    }


def test_the_longest_name_wins() -> None:
    found = owners("Film.mkv", "Film.2.mkv", "Film.en.srt", "Film.2.en.srt", "Film.3.en.srt")
    assert found["Film.2.en.srt"] == "Film.2.mkv"
    assert found["Film.en.srt"] == "Film.mkv"


def test_an_episode_with_a_folder_of_its_own_has_what_lies_in_it() -> None:
    found = owners(
        "Show.S01E01/a.mkv", "Show.S01E01/Subs/English.srt", "Show.S01E02/b.mkv",
        "Show.S01E02/2_en.srt", "English.srt",
    )  # fmt: skip
    assert found == {
        "Show.S01E01/Subs/English.srt": "Show.S01E01/a.mkv",
        "Show.S01E02/2_en.srt": "Show.S01E02/b.mkv",
        "English.srt": None,
    }


def test_several_films_share_nothing() -> None:
    found = owners("One (2001).mkv", "Two (2002).mkv", "English.srt", "Two (2002).en.srt")
    assert found == {"English.srt": None, "Two (2002).en.srt": "Two (2002).mkv"}


def test_pictures_empty_files_and_whole_archives_are_no_subtitles() -> None:
    metainfo = pack(
        "F", "F.mkv", ("F.idx", SMALL), ("F.sub", SMALL), ("F.txt", SMALL), ("F.en.srt", 0),
        ("F.de.srt", 6), ("F.fr.sub", SMALL),
    )  # fmt: skip
    found = [subtitle.file.name for subtitle in subtitles_of(metainfo, metainfo.files[0])]
    assert found == ["F.fr.sub"]


def test_of_one_text_in_several_formats_the_plainest_is_taken() -> None:
    metainfo = pack("F", "F.mkv", ("F.en.ass", SMALL), ("F.en.srt", SMALL), ("F.de.ass", SMALL))
    found = {subtitle.file.name for subtitle in subtitles_of(metainfo, metainfo.files[0])}
    assert found == {"F.en.srt", "F.de.ass"}


def test_the_count_is_capped() -> None:
    many = [(f"Subs/{number}_English.srt", SMALL) for number in range(100)]
    metainfo = pack("F", "F.mkv", *many)
    assert len(subtitles_of(metainfo, metainfo.files[0])) == MAX_SUBTITLES


def test_what_is_no_video_has_none() -> None:
    metainfo = pack("F", "F.mkv", ("F.en.srt", SMALL))
    assert subtitles_of(metainfo, metainfo.files[1]) == ()


def test_hostile_names_take_no_time() -> None:
    names = ["a" * 5000, "-" * 5000, "en." * 2000, "(" * 3000, "pt-br_" * 900, "S01E01" * 800]
    files = [(f"{name}{number}.srt", SMALL) for name in names for number in range(50)]
    metainfo = pack("F", "F.mkv", "G.mkv", *files)
    began = time.process_time()
    all_subtitles(metainfo)
    # It takes a tenth of a second; what grows with the square of the length would take minutes.
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    ("video", "subtitle"),
    [
        ("{}/Film.mkv", "s{}/Film.en.srt"),
        ("{0}/Show.S01E01.{0}.mkv", "s{0}/Show.S01E01.{0}y.srt"),
        ("{}x.mkv", "y{}.srt"),
    ],
)
def test_hostile_numbers_of_files_take_no_time(video: str, subtitle: str) -> None:
    count = 4000
    files = [video.format(number) for number in range(count)]
    texts = [(subtitle.format(number), SMALL) for number in range(count)]
    metainfo = pack("F", *files, *texts)
    began = time.process_time()
    assert all_subtitles(metainfo) == {}, "nothing tells them apart"
    # It takes a second or two; comparing each with each takes minutes.
    assert time.process_time() - began < 10


def test_so_many_files_are_looked_at() -> None:
    files = [(f"Film.{number}.srt", SMALL) for number in range(MAX_FILES)]
    metainfo = pack("F", "Film.mkv", "Other.mkv", *files, ("Other.en.srt", SMALL))
    assert list(all_subtitles(metainfo)) == [0], "the last is beyond"
