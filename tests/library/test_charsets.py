"""Bytes of a text file -> text; whole subtitle files are read in ``test_subtitles.py``."""

import pytest

from addon.library.charsets import SAMPLE, decode_text
from tests.library.speech import CHARSETS, TALK

CZECH, RUSSIAN = ("\n".join(TALK[code]) for code in ("cze", "rus"))


def test_there_is_speech_in_many_charsets() -> None:
    assert len({charset for charsets in CHARSETS.values() for charset in charsets}) > 10


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1251"])
def test_no_mark_is_left_in_the_text(charset: str) -> None:
    assert decode_text(RUSSIAN.encode(charset)) == RUSSIAN


@pytest.mark.parametrize("data", [b"", b"\xff", b"\xff\xfe", b"\x00", b"\xef\xbb\xbf", b"\x81" * 9])
def test_any_bytes_are_some_text(data: bytes) -> None:
    assert isinstance(decode_text(data), str)


def test_a_few_broken_signs_do_not_change_the_charset() -> None:
    data = CZECH.encode() * 3
    at = data.index("ě".encode())
    broken = decode_text(data[:at] + b"\xc3" + data[at:])
    assert broken.replace("\ufffd", "") == CZECH * 3


def test_the_charset_is_judged_by_lines_that_have_something_to_say() -> None:
    plain = "Nothing to see here.\n" * SAMPLE
    assert decode_text((plain + CZECH).encode("cp1250")) == plain + CZECH


def test_dashes_and_quotes_alone_are_western() -> None:
    text = "“Well – yes…” it’s 5 €"
    assert decode_text(text.encode("cp1252")) == text
