"""Subtitle files as strangers write them -> SRT and WebVTT."""

import time

import gevent
import pytest

from addon.errors import Problem
from addon.library.charsets import decode_text
from addon.library.subtitles import (
    INLINE,
    MAX_CUES,
    MAX_LENGTH,
    Cue,
    convert,
    converted,
    read_cues,
    spoken,
)
from tests.library.speech import CHARSETS, TALK

FILL = 1024 * 1024
HEAD = b"1\n00:00:01,000 --> 00:00:02,000\n"
ASS = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Italic
Style: Default,Arial,0

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


def srt(lines: list[str]) -> str:
    return "\r\n".join(
        f"{n}\r\n00:{n // 60:02}:{n % 60:02},000 --> 00:{n // 60:02}:{n % 60:02},900\r\n{line}\r\n"
        for n, line in enumerate(lines, 1)
    )


def talk(language: str, charset: str) -> list[str]:
    """Its lines, with what the charset has no sign for replaced as people did."""
    text = "|".join(TALK[language])
    for sign, instead in (("’", "'"), ("œ", "oe"), ("ș", "ş"), ("ț", "ţ"), ("Ș", "Ş")):
        try:
            sign.encode(charset)
        except UnicodeEncodeError:
            text = text.replace(sign, instead)
    return text.split("|")


@pytest.mark.parametrize("times", [1, 100])
@pytest.mark.parametrize(
    ("language", "charset"),
    [(language, charset) for language, charsets in CHARSETS.items() for charset in charsets],
)
def test_every_charset_becomes_the_same_text(language: str, charset: str, times: int) -> None:
    lines = talk(language, charset) * times
    cues = read_cues(srt(lines).encode(charset))
    # The two Romanian spellings have the same bytes; both are read in Romania.
    told = [cue.text.replace("ş", "ș").replace("ţ", "ț").replace("Ş", "Ș") for cue in cues]
    assert told == [line.replace("ş", "ș").replace("ţ", "ț").replace("Ş", "Ș") for line in lines]


@pytest.mark.parametrize("language", TALK)
@pytest.mark.parametrize(
    "charset", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_unicode_shows_itself(language: str, charset: str) -> None:
    lines = TALK[language]
    # Without a mark, UTF-16 is known by its zeros: times and line ends have them.
    data = srt(lines).encode(charset)
    assert [cue.text for cue in read_cues(data)] == lines


def test_half_a_character_spoils_nothing_else() -> None:
    data = srt(TALK["rus"]).encode("utf-8")
    assert "вокзале" in decode_text(data + b"\xd0")


def test_srt_as_people_write_it() -> None:
    text = (
        "\ufeff\n\n1\n00:00:05,500 --> 00:00:06,000 X1:1 X2:2\nSecond\n\nwith a gap\n\n\n"
        "2\n0:00:01.5 --> 0:00:02.25\n<font color=red>First</font> {\\an8}<i>one</i>\n"
        "00:00:07,000 --> 00:00:08,000\n1984\n\n"
        "4\n00:00:09,000 --> 00:00:09,000\nno time\n\n5\n00:00:10,000 --> 00:00:11,000\n\n\n"
        "6\n00:00:12,000 --> 00:00:13,000\na --> b &amp; <script>alert(1)</script>\n"
    )
    assert read_cues(text.encode()) == [
        Cue(1500, 2250, "First <i>one</i>"),
        Cue(5500, 6000, "Second\nwith a gap"),
        Cue(7000, 8000, "1984"),
        Cue(12000, 13000, "a → b & alert(1)"),
    ]


def test_webvtt_loses_what_is_not_talk() -> None:
    text = (
        "WEBVTT - some film\n\nSTYLE\n::cue { color: red }\n\nNOTE it is long\n\n"
        "intro\n00:01.000 --> 00:02.000 align:start\n<v Anne>Hi <00:01.500><c.x>you</c>\n"
        "next line\n\nNOTE not this\n\n3\n01:00:00.000 --> 01:00:01.000\n&lt;x&gt; &nbsp;x\n"
    )
    assert read_cues(text.encode()) == [
        Cue(1000, 2000, "Hi you\nnext line"),
        Cue(3_600_000, 3_601_000, "<x> \xa0x"),
    ]


def test_substation_alpha_becomes_plain_text() -> None:
    lines = (
        r"Dialogue: 0,0:00:03.00,0:00:04.50,Default,,0,0,0,,{\i1}Late{\i0}, she\Nsaid\hso, {\b1}so",
        r"Comment: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,a note",
        r"Dialogue: 0,0:00:02.00,0:00:03.00,Default,,0,0,0,,{\p1}m 0 0 l 100 0{\p0}",
        r"Dialogue: 0,0:00:01.00,0:00:02.00,Nowhere,,0,0,0,,{\pos(10,20)\fad(1,2)}First",
    )
    text = ASS + "".join(f"{line}\n" for line in lines)
    assert read_cues(text.encode("utf-16")) == [
        Cue(1000, 2000, "First"),
        Cue(3000, 4500, "<i>Late</i>, she\nsaid so, so"),
    ]


@pytest.mark.parametrize(
    ("head", "rate"), [("{1}{1}25.000\n", 25), ("", 23.976), ("{1}{1}nan\n", 23.976)]
)
def test_microdvd_counts_frames(head: str, rate: float) -> None:
    text = head + "{250}{300}{y:i}One|two\n{500}{550}Three\n"
    told = [cue for cue in read_cues(text.encode("cp1250")) if cue.start > 1000]
    assert [cue.text for cue in told] == ["<i>One\ntwo</i>", "Three"]
    assert [cue.start for cue in told] == pytest.approx([250_000 / rate, 500_000 / rate], abs=1)


def test_what_is_written_is_read_again() -> None:
    data = srt(["A <i>B</i> & C < D", "two\r\nlines"]).encode()
    again = convert(data, "x.srt", "srt")
    assert again == (
        "1\n00:00:01,000 --> 00:00:01,900\nA <i>B</i> & C < D\n\n"
        "2\n00:00:02,000 --> 00:00:02,900\ntwo\nlines\n\n"
    )
    vtt = convert(data, "x.srt", "vtt")
    assert vtt == (
        "WEBVTT\n\n00:00:01.000 --> 00:00:01.900\nA <i>B</i> &amp; C &lt; D\n\n"
        "00:00:02.000 --> 00:00:02.900\ntwo\nlines\n\n"
    )
    assert read_cues(vtt.encode()) == read_cues(again.encode()) == read_cues(data)


@pytest.mark.parametrize(
    "data",
    [b"", b"just words", b"\0" * 100, bytes(range(256)) * 20, b"\xff\xfe", HEAD, ASS.encode()],
)
def test_what_is_none_is_a_problem(data: bytes) -> None:
    with pytest.raises(Problem, match=r"x\.srt") as caught:
        convert(data, "x.srt", "vtt")
    assert caught.value.code == "no-such-file"


def filled(head: bytes, part: bytes) -> bytes:
    return head + part * (FILL // len(part))


@pytest.mark.parametrize(
    "data",
    [
        filled(HEAD, b"\n"),
        filled(HEAD, b"<a"),
        filled(HEAD, b"<" + b"a" * 240 + b"\n"),
        filled(HEAD, b"{\\"),
        filled(HEAD, b"&#" * 500 + b"\n"),
        filled(b"", HEAD + b"word\n\n"),
        filled(
            ASS.encode(), b"Dialogue: 0,0:00:01.00,0:00:02.00,,,0,0,0,," + b"{\\i1}" * 380 + b"\n"
        ),
        filled(ASS.encode(), b"Dialogue: 0,0:00:01.00,0:00:02.00,,,0,0,0,," + b"{" * 1900 + b"\n"),
        filled(b"{1}{1}25\n", b"{10}{20}" + b"{y:" * 600 + b"\n"),
        filled(HEAD, b"\xe9\n"),
        b"\xff" * FILL,
    ],
    ids=range(11),
)
def test_hostile_files_end_in_bounded_time(data: bytes) -> None:
    began = time.process_time()
    cues = read_cues(data)
    # The slowest takes 1 s; what grows with the square of a line takes minutes.
    assert time.process_time() - began < 60
    assert len(cues) <= MAX_CUES + 1000
    assert read_cues(data + b"x" * 2 * MAX_LENGTH) == [], "too long"


def test_odd_numbers_in_a_file_are_passed_over() -> None:
    for wrong in (b"Dialogue: x\n", b"Dialogue: 0,a,b,c\n", b"Style: 1\n", b"Format: Zz\n"):
        read_cues(ASS.encode() + wrong)
    assert read_cues(b"{99999999}{99999999999}x\n" * 3) == []
    assert read_cues(b"999:99:99,999 --> 999:99:99,999\nx\n") == []


def test_a_large_file_is_converted_beside_the_films() -> None:
    data = srt(["word"] * 3000).encode()
    assert len(data) > INLINE
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        while True:
            gevent.sleep(0)
            ticks += 1

    ticker = gevent.spawn(tick)
    try:
        assert converted(data, "x.srt", "vtt").count("word") == 3000
        with pytest.raises(Problem, match=r"x\.srt"):
            converted(b"x" * (INLINE + 1), "x.srt", "vtt")
    finally:
        ticker.kill()
    assert ticks, "nothing else ran meanwhile"


def test_a_script_gives_its_language_away() -> None:
    sure = {"gre", "heb", "jpn", "kor", "rus", "tha", "ukr"}
    for language, lines in TALK.items():
        code = language.partition("-")[0]
        assert spoken(" ".join(lines * 3)) == (code if code in sure | {"chi"} else "und"), language
    assert spoken("") == "und"
