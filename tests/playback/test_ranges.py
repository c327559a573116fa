"""RFC 9110 ranges as players use them."""

import random

import pytest

from addon.playback.ranges import (
    ByteRange,
    UnsatisfiableError,
    etag_listed,
    first_offset,
    if_range_holds,
    parse_range,
)

TOTAL = 1000


@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [
        ("bytes=0-", 0, 1000),
        ("bytes=0-0", 0, 1),
        ("bytes=999-", 999, 1000),
        ("bytes=10-19", 10, 20),
        ("bytes=990-5000", 990, 1000),
        ("bytes=-1", 999, 1000),
        ("bytes=-5000", 0, 1000),
        ("Bytes = 5-6", 5, 7),
        ("bytes=0-9,10-19", 0, 20),
        ("bytes=10-19, 0-9", 0, 20),
        ("bytes=0-15,10-19,5000-", 0, 20),
    ],
)
def test_what_can_be_satisfied(header, start, stop):
    assert parse_range(header, TOTAL) == ByteRange(start, stop, TOTAL)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "items=0-1",
        "bytes=abc",
        "bytes=-",
        "bytes=5-4",
        "bytes=0-9,20-29",
        "bytes",
        "bytes=1-2-3",
        "bytes=" + "9" * 20 + "-",
        "bytes=٣-",
        "bytes=" + ",".join(f"{i}-{i}" for i in range(40)),
    ],
)
def test_what_is_ignored_gets_the_whole_file(header):
    assert parse_range(header, TOTAL) is None


@pytest.mark.parametrize(
    "header", ["bytes=1000-", "bytes=5000-6000", "bytes=-0", "bytes=1000-1000"]
)
def test_what_names_no_byte_is_unsatisfiable(header):
    with pytest.raises(UnsatisfiableError):
        parse_range(header, TOTAL)


def test_random_headers_never_break_and_never_leave_the_file():
    rng = random.Random(7)
    for _ in range(3000):
        header = "bytes=" + "".join(rng.choice("0123456789-, ") for _ in range(rng.randrange(12)))
        try:
            found = parse_range(header, TOTAL)
        except UnsatisfiableError:
            continue
        if found is not None:
            assert 0 <= found.start < found.stop <= TOTAL


def test_content_range():
    assert ByteRange(5, 10, TOTAL).content_range == "bytes 5-9/1000"


@pytest.mark.parametrize(
    ("header", "offset"),
    [("bytes=7-", 7), ("bytes=7-9", 7), ("bytes=-7", None), (None, None), ("x=1-", None)],
)
def test_first_offset_before_the_length_is_known(header, offset):
    assert first_offset(header) == offset


def test_if_range_needs_the_strong_etag():
    assert if_range_holds(None, '"a-0"')
    assert if_range_holds('"a-0"', '"a-0"')
    assert not if_range_holds('W/"a-0"', '"a-0"')
    assert not if_range_holds('"b-0"', '"a-0"')
    assert not if_range_holds("Sun, 06 Nov 1994 08:49:37 GMT", '"a-0"')


def test_etag_lists():
    assert etag_listed('"x", W/"a-0"', '"a-0"')
    assert etag_listed("*", '"a-0"')
    assert not etag_listed('"x"', '"a-0"')
    assert not etag_listed(None, '"a-0"')
