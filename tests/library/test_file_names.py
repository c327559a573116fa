"""Names that any file system, any URL and any XML can carry."""

import unicodedata

import pytest

from addon.library.file_names import Names, safe_name

HOSTILE = [
    ("../../etc/passwd", "etc passwd"),
    ("..", "Untitled"),
    (".hidden", "hidden"),
    ("", "Untitled"),
    ("a/b\\c:d", "a b c d"),
    ("Film\r\n#EXTINF:-1,x", "Film #EXTINF -1,x"),
    ("<b>&amp;\x00\u202e\ufffe", "b &amp;"),
    ("CON", "CON_"),
    ("nul.txt", "nul_.txt"),
    ("console", "console"),
    ("100% [x]", "100% [x]"),
    (unicodedata.normalize("NFD", "Amélie"), unicodedata.normalize("NFC", "Amélie")),
    ("é" * 200, "é" * 50),
]


@pytest.mark.parametrize(("text", "name"), HOSTILE)
def test_a_name_is_safe_everywhere(text: str, name: str) -> None:
    assert safe_name(text, 100) == name


def test_a_name_is_given_once_whatever_its_case() -> None:
    names = Names()
    taken = [names.take(name, "x") for name in ("Film", "film", "FILM", "Film [x]", "Other")]
    assert taken == ["Film", "film [x]", "FILM [x 2]", "Film [x] [x]", "Other"]


def test_a_long_name_is_cut_between_characters() -> None:
    for most in range(90, 110):
        name = safe_name("日本 é." * 50, most)
        assert most - 5 < len(name.encode()) <= most
        assert name[-1] not in ". "
