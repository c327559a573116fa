"""What each placeholder becomes, and that a name arrives as it is."""

import base64
from dataclasses import replace
from urllib.parse import unquote, urlsplit

import pytest

from addon.sources.base import Media
from addon.sources.placeholders import VALUES
from addon.sources.template import MAX_BUILT, parse_template
from addon.torrents.magnet import InfoHash, Magnet, parse_magnet
from addon.torrents.metainfo import File
from tests.sources.wanted import HASH, V1, V2, known, unknown

NAMES = [
    "Film.mkv",
    "A Film (2010) [1080p].mkv",
    "50% off #1? & more + =;:@.mkv",
    "Амели 🎬 é.mkv",
    "%2e%2e",
    "a\\b.mkv",
    "{infohash}.mkv",
    "...",
    "..hidden.mkv",
]


def built(text: str, media: Media) -> str | None:
    return parse_template(text).build(media)


MEDIA = known("A Show", "s1/e1 #1.mkv", "s1/e2.MKV", at=1)


@pytest.mark.parametrize(
    ("placeholder", "value"),
    [
        ("infohash", V1),
        ("INFOHASH", V1.upper()),
        ("infohash_b32", base64.b32encode(bytes.fromhex(V1)).decode()),
        ("filename", "e2.MKV"),
        ("file_path", "A%20Show/s1/e2.MKV"),
        ("inner_path", "s1/e2.MKV"),
        ("file_index", "1"),
        ("file_index1", "2"),
        ("name", "A%20Show"),
        ("size", "500000000"),
        ("ext", "mkv"),
        ("magnet", f"magnet%3A%3Fxt%3Durn%3Abtih%3A{V1}%26dn%3DA%2520Show"),
        ("trackers", ""),
    ],
)
def test_each_placeholder(placeholder: str, value: str) -> None:
    url = built(f"https://host/x?{{infohash}}-{{{placeholder}}}", MEDIA)
    assert url == f"https://host/x?{V1}-{value}"


def test_every_placeholder_is_tested() -> None:
    tested = {case[0] for case in test_each_placeholder.pytestmark[0].args[1]}  # type: ignore[attr-defined]
    assert tested == set(VALUES)


def test_a_single_file_has_no_folder() -> None:
    media = known("Film.mkv", "Film.mkv")
    assert built("http://h/{infohash}/{file_path}/{inner_path}", media) == (
        f"http://h/{V1}/Film.mkv/Film.mkv"
    )


def test_one_file_in_a_folder_keeps_the_folder() -> None:
    media = known("Film", "Film.mkv")
    assert built("http://h/{file_path}?{inner_path}", media) == "http://h/Film/Film.mkv?Film.mkv"


@pytest.mark.parametrize("name", NAMES)
def test_a_name_arrives_as_it_is(name: str) -> None:
    """In the path and in the query it is one value, whatever signs are in it."""
    media = known("Root", f"deep/{name}")
    for text in (
        "https://host/get/{filename}",
        "https://host/?f={filename}",
        "https://host/{file_path}",
        "https://host/q?p={inner_path}",
    ):
        url = built(text, media)
        assert url is not None
        assert url.isascii()
        assert url.isprintable()
        parts = urlsplit(url)
        assert parts.netloc == "host"
        assert not parts.fragment
        value = parts.query.partition("=")[2] or parts.path
        assert unquote(value.rpartition("/")[2]) == name
    assert built("https://host/{infohash}/{filename}", unknown(name)) == (
        built("https://host/{infohash}/{filename}", media)
    )


@pytest.mark.parametrize("name", ["..", "."])
def test_dots_that_would_climb_make_no_url(name: str) -> None:
    assert built("https://host/{infohash}/{filename}", unknown(name)) is None
    assert built("https://host/{infohash}/{filename}/x", unknown(name)) is None
    assert built("https://host/{name}/{filename}", unknown("a.mkv", name=name)) is None
    # In a query they mean nothing.
    assert built("https://host/{infohash}?f={filename}", unknown(name)) is not None
    file = File(0, f"Root/{name}/a.mkv", 0, 1)
    media = replace(known("Root", "a.mkv"), file=file)
    assert built("https://host/{file_path}", media) is None


@pytest.mark.parametrize(
    ("placeholder", "media"),
    [
        ("infohash", unknown("a.mkv", info_hash=InfoHash(v2=V2))),
        ("INFOHASH", unknown("a.mkv", info_hash=InfoHash(v2=V2))),
        ("infohash_b32", unknown("a.mkv", info_hash=InfoHash(v2=V2))),
        ("filename", unknown()),
        ("file_path", unknown("a.mkv", name="A")),
        ("inner_path", unknown("a.mkv", name="A")),
        ("file_index", unknown("a.mkv", name="A")),
        ("file_index1", unknown("a.mkv", name="A")),
        ("name", unknown("a.mkv")),
        ("size", unknown("a.mkv")),
        ("ext", unknown("a")),
    ],
)
def test_a_value_that_is_not_known_makes_no_url(placeholder: str, media: Media) -> None:
    text = f"https://host/x?m={{magnet}}&x={{{placeholder}}}"
    assert built("https://host/x?m={magnet}", media) is not None
    assert built(text, media) is None


def test_a_hybrid_is_asked_for_by_its_v1_hash() -> None:
    media = unknown("a.mkv", info_hash=InfoHash(V1, V2))
    assert built("https://host/{infohash}", media) == f"https://host/{V1}"


def test_which_placeholders_wait_for_metadata() -> None:
    text = (
        "https://h/{infohash}/{filename}/{file_path}?{file_index}{file_index1}{inner_path}{magnet}"
    )
    assert parse_template(text).needs == {"file_path", "file_index", "file_index1", "inner_path"}
    assert parse_template("https://h/{infohash}/{filename}").needs == frozenset()


TRACKERS = tuple(f"udp://tracker-{n}.example:1/announce?a=b&c" for n in range(50))


def test_trackers_are_repeated_and_few() -> None:
    url = built("https://h/?x={infohash}{trackers}", unknown(trackers=TRACKERS))
    assert url is not None
    assert [unquote(part) for part in url.split("&tr=")[1:]] == list(TRACKERS[:10])


def test_a_magnet_is_whole_where_it_is_short_and_keeps_its_hash_where_it_is_long() -> None:
    magnet = Magnet(HASH, "A & B", TRACKERS[:2], web_seeds=("https://seed.example/a%20b",))
    short = built("https://h/?m={magnet}", Media(HASH, magnet))
    assert short is not None
    assert parse_magnet(unquote(short.partition("m=")[2])) == magnet
    magnet = replace(magnet, trackers=TRACKERS)
    long = built("https://h/?m={magnet}", Media(HASH, magnet))
    assert long is not None
    assert len(long) < MAX_BUILT
    assert parse_magnet(unquote(long.partition("m=")[2])) == Magnet(HASH, "A & B", TRACKERS[:10])


def test_a_url_that_no_server_would_read_is_not_made() -> None:
    name = "é" * 1500
    assert built("https://h/{infohash}/{filename}", unknown(name)) is None
