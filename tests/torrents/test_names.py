import random
import re
import time
import unicodedata
from urllib.parse import unquote

import pytest

from addon.torrents.names import (
    MAX_HEADER_NAME,
    VIDEO_EXTENSIONS,
    Release,
    content_disposition,
    content_type,
    display_name,
    extension,
    human_size,
    parse_release,
    quote_segment,
)


@pytest.mark.parametrize(
    ("name", "release"),
    [
        (
            "Some.Film.2019.1080p.BluRay.DTS-HD.MA.5.1.x264-GRP.mkv",
            Release(
                "Some Film",
                2019,
                None,
                None,
                "1080p",
                "BluRay",
                "H.264",
                None,
                "DTS-HD MA 5.1",
                "GRP",
            ),
        ),
        (
            "The.Long.Show.S01E02.The.Title.2160p.WEB-DL.DDP5.1.Atmos.DV.HDR10.H.265-NTX",
            Release(
                "The Long Show",
                None,
                1,
                2,
                "2160p",
                "WEB-DL",
                "H.265",
                "DV HDR10",
                "DDP Atmos 5.1",
                "NTX",
            ),
        ),
        (
            "[SubGroup] Quiet Mountain - 12 [1080p][HEVC 10bit x265][AAC].mkv",
            Release(
                "Quiet Mountain", None, None, 12, "1080p", None, "H.265", None, "AAC", "SubGroup"
            ),
        ),
        (
            "[SubGroup] Quiet Mountain S2 - 05 (BD 1080p).mkv",
            Release("Quiet Mountain", None, 2, 5, "1080p", "BluRay", group="SubGroup"),
        ),
        (
            "Mr. Somebody (2018) - S02E03 - The Title (1080p AMZN WEB-DL x265 10bit EAC3 5.1 Hush)",
            Release("Mr. Somebody", 2018, 2, 3, "1080p", "WEB-DL", "H.265", None, "DDP 5.1"),
        ),
        (
            "Runner 2049 2017 UHD BluRay 2160p TrueHD Atmos 7.1 DV HEVC REMUX-FraMe",
            Release(
                "Runner 2049",
                2017,
                None,
                None,
                "2160p",
                "REMUX",
                "H.265",
                "DV",
                "TrueHD Atmos 7.1",
                "FraMe",
            ),
        ),
        (
            "show.name.1x02.hdtv.xvid-lol.avi",
            Release("show name", None, 1, 2, None, "HDTV", "XviD", group="lol"),
        ),
        (
            "Old.Film.1999.DVDRip.XviD.AC3-GRP",
            Release("Old Film", 1999, source="DVDRip", codec="XviD", audio="DD", group="GRP"),
        ),
        (
            "Show.S01.COMPLETE.1080p.WEB.H264-GRP[rartv]",
            Release("Show", None, 1, None, "1080p", "WEB", "H.264", group="GRP"),
        ),
        ("Show Season 3 Complete 720p", Release("Show", season=3, resolution="720p")),
        ("Show.S01-S04.1080p", Release("Show", resolution="1080p")),
        (
            "Film.2021.HDR10+.4K.WEBRip.AV1.Opus",
            Release(
                "Film",
                2021,
                resolution="2160p",
                source="WEBRip",
                codec="AV1",
                hdr="HDR10+",
                audio="Opus",
            ),
        ),
        (
            "Film_Name_2010_[1080p]_x264",
            Release("Film Name", 2010, resolution="1080p", codec="H.264"),
        ),
        ("Film 2010 1920x1080", Release("Film", 2010, resolution="1080p")),
        ("Film (2020)", Release("Film", 2020)),
        ("Film [2020]", Release("Film", 2020)),
        ("2012.2009.720p", Release("2012", 2009, resolution="720p")),
        ("2012.1080p.mkv", Release("2012", resolution="1080p")),
        ("1917 (2019)", Release("1917", 2019)),
        (
            "2001 A Space Thing (1968) 1080p",
            Release("2001 A Space Thing", 1968, resolution="1080p"),
        ),
        ("Show.2010.S01E01.720p", Release("Show", 2010, 1, 1, "720p")),
        ("Shows.S01E01.Class.of.1984.720p", Release("Shows", 1984, 1, 1, "720p")),
        ("Charlotte's Web (2006) [1080p]", Release("Charlotte's Web", 2006, resolution="1080p")),
        ("Cam (2018)", Release("Cam", 2018)),
        ("The.Opus.2025.1080p.WEB", Release("The Opus", 2025, resolution="1080p", source="WEB")),
        ("Film WEB AAC", Release("Film", source="WEB", audio="AAC")),
        ("Spider-Somebody", Release("Spider-Somebody")),
        ("Spider-Somebody.2002.1080p", Release("Spider-Somebody", 2002, resolution="1080p")),
        (
            "Film.1080p.BluRay-DTS",
            Release("Film", resolution="1080p", source="BluRay", audio="DTS"),
        ),
        ("Film.2020.1080p.WEB-DL", Release("Film", 2020, resolution="1080p", source="WEB-DL")),
        ("www.site.example - Film Name (2020) 720p", Release("Film Name", 2020, resolution="720p")),
        ("日本語 映画 (2020) [1080p].mkv", Release("日本語 映画", 2020, resolution="1080p")),
        ("Das.Böse.Mädchen.2020.German.720p", Release("Das Böse Mädchen", 2020, resolution="720p")),
        ("Film.mkv", Release("Film")),
        ("Dr. No", Release("Dr. No")),
        ("Extended Family S01E01", Release("Extended Family", season=1, episode=1)),
        ("1080p", Release("1080p", resolution="1080p")),
        ("1080p Film 2020", Release("1080p Film", 2020, resolution="1080p")),
        ("S01E01.mkv", Release("S01E01", season=1, episode=1)),
        ("", Release("")),
        ("[][](){}", Release("[][](){}")),
    ],
)
def test_releases(name: str, release: Release) -> None:
    assert parse_release(name) == release


@pytest.mark.parametrize("sign", [*"a .-_[]()s0e1x", "1.", "- ", "19", "映", "dts", "e1", "[a"])
def test_time_is_linear(sign: str) -> None:
    text = sign * (512 // len(sign))
    began = time.monotonic()
    parse_release(text)
    parse_release(f"www.{text}")
    display_name(text)
    content_disposition(text)
    assert time.monotonic() - began < 0.05


def test_a_name_of_any_length_costs_the_same() -> None:
    began = time.monotonic()
    parse_release("Film 2020 " * 1_000_000)
    display_name("\u0301" * 5_000_000)
    content_disposition("x" * 5_000_000)
    assert time.monotonic() - began < 0.2


def test_noise_is_some_title() -> None:
    chance = random.Random(2)
    for _ in range(3000):
        name = "".join(chance.choices("aS0e1x.- _[]()2019pWEB\x00\ud800é映\u202e\u0301", k=40))
        release = parse_release(name)
        assert release.title == display_name(release.title)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.mkv", "video/x-matroska"),
        ("A.MP4", "video/mp4"),
        ("a.b.webm", "video/webm"),
        ("a.m2ts", "video/mp2t"),
        ("a.srt", "application/x-subrip"),
        ("a.mp3", "audio/mpeg"),
        ("a.html", "application/octet-stream"),
        ("a.svg", "application/octet-stream"),
        ("a.js", "application/octet-stream"),
        ("a.exe", "application/octet-stream"),
        ("mkv", "application/octet-stream"),
        (".mkv", "application/octet-stream"),
        ("a.mkv.", "application/octet-stream"),
        ("a.mkv ", "application/octet-stream"),
        ("a.ｍｋｖ", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
def test_content_types(name: str, kind: str) -> None:
    assert content_type(name) == kind


def test_videos_are_known_by_their_extensions() -> None:
    assert {"mkv", "mp4", "webm", "avi", "mov", "m4v", "ts", "m2ts", "mpg"} <= VIDEO_EXTENSIONS
    assert {"mpeg", "wmv", "flv", "ogv", "3gp"} <= VIDEO_EXTENSIONS
    assert not {"srt", "mp3", "jpg", "ass", "sub"} & VIDEO_EXTENSIONS
    assert extension("a.MKV") == "mkv"
    assert extension("a/b.c/d") == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Film.mkv", "Film.mkv"),
        ("a\r\nb\tc", "a b c"),
        ("\x1b[31mred", "[31mred"),
        ("evil\u202egnp.exe", "evil gnp.exe"),
        ("a\u2066b\u2069c\u200bd\ufeffe", "a b c d e"),
        ("e\u0301", "é"),
        ("\ud800x\udfff", "x"),
        ("  many   spaces ", "many spaces"),
        ("a\u2028b\x85c", "a b c"),
        ("<b>&", "<b>&"),
        ("🎬 映画", "🎬 映画"),
        ("x" * 600, "x" * 512),
        ("", ""),
    ],
)
def test_display_names(text: str, shown: str) -> None:
    assert display_name(text) == shown


def read_disposition(header: str) -> tuple[str, str]:
    """What a strict reader makes of it: (plain name, true name)."""
    match = re.fullmatch(r"inline; filename=\"([ -!#-\[\]-~]*)\"; filename\*=UTF-8''(\S+)", header)
    assert match, header
    return match[1], unquote(match[2], errors="strict")


@pytest.mark.parametrize(
    ("name", "plain", "true"),
    [
        ("Film (2020).mkv", "Film (2020).mkv", "Film (2020).mkv"),
        ("映画.mkv", "video.mkv", "映画.mkv"),
        ("Amélie.mkv", "Amelie.mkv", "Amélie.mkv"),
        ('a"b\\c.mkv', "a_b_c.mkv", 'a"b_c.mkv'),
        ("100%25.mkv", "100_25.mkv", "100%25.mkv"),
        ("a\r\nSet-Cookie: x.mkv", "a Set-Cookie: x.mkv", "a Set-Cookie: x.mkv"),
        ("../../etc/passwd", "_.._etc_passwd", "_.._etc_passwd"),
        ("a/b.mkv", "a_b.mkv", "a_b.mkv"),
        ("evil\u202egnp.mkv", "evil gnp.mkv", "evil gnp.mkv"),
        (".mkv", "mkv", "mkv"),
        ("...", "video", "video"),
        ("", "video", "video"),
        ("\x00", "video", "video"),
        ("映画", "video", "映画"),
    ],
)
def test_content_disposition(name: str, plain: str, true: str) -> None:
    assert read_disposition(content_disposition(name)) == (plain, true)


@pytest.mark.parametrize("letter", ["x", "é", "映", "🎬"])
def test_a_long_name_keeps_its_extension(letter: str) -> None:
    plain, true = read_disposition(content_disposition(letter * 300 + ".mkv"))
    assert true.endswith(letter + ".mkv")
    assert plain.endswith(".mkv")
    assert MAX_HEADER_NAME - 4 < len(true.encode()) <= MAX_HEADER_NAME
    assert len(plain) <= MAX_HEADER_NAME


def test_any_name_makes_a_header_that_can_be_sent() -> None:
    chance = random.Random(4)
    for _ in range(3000):
        name = "".join(chr(chance.choice([chance.randrange(0x250), chance.randrange(0x110000)]))
                       for _ in range(chance.randint(0, 200)))  # fmt: skip
        header = content_disposition(name)
        header.encode("latin-1")
        plain, true = read_disposition(header)
        assert plain
        assert unicodedata.is_normalized("NFC", true)
        assert "/" not in true


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("Film-1_a.b~c", "Film-1_a.b~c"),
        ("a b(c):d", "a%20b%28c%29%3Ad"),
        ("a/b?c#d%e&f=g+h", "a%2Fb%3Fc%23d%25e%26f%3Dg%2Bh"),
        ("é", "%C3%A9"),
        ("'!*@,;$[]", "%27%21%2A%40%2C%3B%24%5B%5D"),
        ("\ud800", "%3F"),
        ("", ""),
    ],
)
def test_quoting(text: str, quoted: str) -> None:
    assert quote_segment(text) == quoted


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (9_949, "9.9 kB"),
        (9_950, "10 kB"),
        (367_000_000, "367 MB"),
        (366_600_000, "367 MB"),
        (999_499_999, "999 MB"),
        (999_500_000, "1.0 GB"),
        (1_430_000_000, "1.4 GB"),
        (25_300_000_000, "25 GB"),
        (2**62, "4611686 TB"),
    ],
)
def test_sizes(size: int, text: str) -> None:
    assert human_size(size) == text
