"""Languages by their codes and by the words that people write."""

import pytest

from addon.torrents.languages import LANGUAGES, language, spoken_of


def test_every_language_is_known_by_its_codes_and_its_name() -> None:
    for code, known in LANGUAGES.items():
        assert spoken_of(code) == code
        assert spoken_of(known.name) == code
        assert spoken_of(known.short) == ("por" if code == "pob" else code)
        assert language(code) is known
    assert (language("und").name, language("xyz").name) == ("Unknown", "xyz")
    assert [spoken_of(word) for word in ("deu", "FRA", "zho", "It", "No", "it")] == [
        "ger", "fre", "chi", None, None, "ita",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("word", "code"),
    [
        *[("en", "eng"), ("EN", "eng"), ("En", None), ("pt-BR", "pob"), ("PT_br", "pob")],
        *[("pt-PT", "por"), ("zh_Hant", "chi"), ("en-hi", None), ("es-419", "spa")],
        *[("xx-YY", None), ("", None), ("Español", "spa"), ("français", "fre")],
    ],
)
def test_tags_and_words(word: str, code: str | None) -> None:
    assert spoken_of(word) == code


def test_two_languages_share_no_word() -> None:
    names = [known.name.casefold() for known in LANGUAGES.values()]
    assert len(set(names)) == len(names)
    assert {language(code).short for code in ("por", "pob")} == {"pt"}
