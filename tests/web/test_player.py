"""What a player is answered: status, headers and bytes of every kind of request."""

from collections.abc import Iterator

import pytest

from addon.access.links import Grant, Links
from addon.errors import Problem
from addon.playback.resolution import Failure, Redirect, Stored
from addon.sources.base import Link, Trust
from addon.torrents.magnet import Magnet
from addon.torrents.selection import Episode, FileIndex, MainVideo
from tests.web.playing import DATA, ETAG, EXTRA, FILM, HASH, HOST, KEYS, Cinema, told

SIZE = len(DATA)


@pytest.fixture
def cinema() -> Iterator[Cinema]:
    cinema = Cinema()
    yield cinema
    assert all(stream.closed for stream in cinema.torrent.streams)


def test_the_whole_film(cinema: Cinema) -> None:
    answer = cinema.ask()
    assert (answer.status_code, answer.data) == (200, DATA)
    headers = answer.headers
    assert headers["Content-Length"] == str(SIZE)
    assert headers["Content-Type"] == "video/x-matroska"
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["ETag"] == ETAG
    assert headers["Cache-Control"] == "private, no-transform"
    assert "A Film (2019).mkv" in headers["Content-Disposition"]
    assert "Content-Range" not in headers
    assert headers["X-Served-By"] == "swarm"
    assert headers["X-Resolution"] == cinema.resolver.current.entry.id
    assert headers["X-Accel-Buffering"] == "no"


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-", 0, SIZE),
        ("bytes=0-0", 0, 1),
        ("bytes=1000-1999", 1000, 2000),
        ("bytes=4999-99999", 4999, SIZE),
        ("bytes=-500", SIZE - 500, SIZE),
        ("bytes=-99999", 0, SIZE),
    ],
)
def test_a_part_of_the_film(cinema: Cinema, asked: str, start: int, stop: int) -> None:
    answer = cinema.ask(Range=asked)
    assert (answer.status_code, answer.data) == (206, DATA[start:stop])
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{SIZE}"
    assert answer.headers["Content-Length"] == str(stop - start)
    assert answer.headers["ETag"] == ETAG
    (stream,) = cinema.torrent.streams
    assert (stream.start, stream.stop) == (start, stop), "no more is fetched than was asked for"


@pytest.mark.parametrize("asked", ["items=0-1", "bytes=5-2", "bytes=a-b", "bytes=0-1,9-10"])
def test_a_range_that_makes_no_sense_is_ignored(cinema: Cinema, asked: str) -> None:
    answer = cinema.ask(Range=asked)
    assert (answer.status_code, answer.data) == (200, DATA)
    assert "Content-Range" not in answer.headers


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", "bytes=99999-100000", "bytes=-0"])
def test_a_range_of_nothing_is_a_clean_416(cinema: Cinema, asked: str) -> None:
    answer = cinema.ask(Range=asked)
    assert (answer.status_code, told(answer)["code"]) == (416, "bad-range")
    assert answer.headers["Content-Range"] == f"bytes */{SIZE}"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["X-Resolution"]
    assert cinema.torrent.streams == []


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (ETAG, 206),
        (f'"{HASH.key}-3"', 200),
        (f"W/{ETAG}", 200),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 200),
    ],
)
def test_if_range(cinema: Cinema, said: str, status: int) -> None:
    answer = cinema.ask(Range="bytes=10-19", If_Range=said)
    assert answer.status_code == status
    assert answer.data == (DATA[10:20] if status == 206 else DATA)


def test_a_range_of_nothing_in_another_version_is_the_whole_film(cinema: Cinema) -> None:
    assert cinema.ask(Range="bytes=99999-", If_Range='"old"').status_code == 200


@pytest.mark.parametrize("said", [ETAG, f"W/{ETAG}", "*", f'"other", {ETAG}'])
def test_what_a_player_has_already(cinema: Cinema, said: str) -> None:
    answer = cinema.ask(If_None_Match=said)
    assert (answer.status_code, answer.data) == (304, b"")
    assert answer.headers["ETag"] == ETAG
    assert "Content-Length" not in answer.headers
    assert cinema.torrent.streams == []


def test_304_says_what_200_says_of_keeping_it(cinema: Cinema) -> None:
    # RFC 9110 §15.4.5: Cache-Control must stand in a 304 as it would in the 200.
    kept = cinema.ask().headers["Cache-Control"]
    assert cinema.ask(If_None_Match=ETAG).headers.get("Cache-Control") == kept


def test_what_a_player_has_of_another_version_is_sent_anew(cinema: Cinema) -> None:
    assert cinema.ask(If_None_Match='"other"').status_code == 200


def test_each_file_has_its_own_etag(cinema: Cinema) -> None:
    cinema.resolver.restart().finish(Stored(cinema.stored.torrent, EXTRA, "store"))
    answer = cinema.ask(cinema.path(FileIndex(3)))
    assert answer.headers["ETag"] == f'"{HASH.key}-3"'
    assert answer.headers["X-Served-By"] == "store"
    assert answer.headers["Content-Length"] == "100"


@pytest.mark.parametrize(
    ("asked", "start"), [("", 0), ("bytes=3000-", 3000), ("bytes=7-9", 7), ("bytes=-9", 0)]
)
def test_the_resolver_hears_where_the_player_begins(cinema: Cinema, asked: str, start: int) -> None:
    cinema.ask(cinema.path(Episode(1, 2), "bob"), Range=asked)
    assert cinema.resolver.asked == [("bob", HASH, Episode(1, 2), start)]


def test_head_tells_what_get_would_and_starts_nothing(cinema: Cinema) -> None:
    got, head = cinema.ask(), cinema.ask(method="HEAD")
    assert (head.status_code, head.data) == (200, b"")
    only_of_a_get = {"X-Resolution", "X-Served-By"}
    expected = {name: value for name, value in got.headers if name not in only_of_a_get}
    assert dict(head.headers) == expected
    assert len(cinema.resolver.asked) == len(cinema.torrent.streams) == 1


def test_head_before_the_metadata_names_no_length(cinema: Cinema) -> None:
    cinema.kept.known = None
    answer = cinema.ask(method="HEAD")
    assert (answer.status_code, answer.data) == (200, b"")
    assert "Content-Length" not in answer.headers
    assert "ETag" not in answer.headers
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Cache-Control"] == "no-store"
    assert cinema.resolver.asked == []


def test_head_of_a_file_that_is_not_there(cinema: Cinema) -> None:
    assert cinema.ask(cinema.path(FileIndex(9)), "HEAD").status_code == 404
    cinema.kept.there = False
    assert cinema.ask(method="HEAD").status_code == 404
    assert cinema.resolver.asked == []


def test_every_link_that_is_not_ours_gets_the_same_404(cinema: Cinema) -> None:
    _, _, key, file, token, name = cinema.path().split("/")
    other = "cd" * 20
    cinema.revoked.add("eve")
    changed = [
        f"/play/{key}/0/{token}/{name}",
        f"/play/{key}/s01e01/{token}/{name}",
        f"/play/{key}/nonsense/{token}/{name}",
        f"/play/{other}/{file}/{token}/{name}",
        f"/play/nonsense/{file}/{token}/{name}",
        f"/play/{key}/{file}/{token[:-1]}/{name}",
        f"/play/{key}/{file}/{token}{token}/{name}",
        f"/play/{key}/{file}/nonsense/{name}",
        f"/play/{key}/{file}/%C3%A9/{name}",
        cinema.path(install="eve"),
        "/play/nonsense",
        "/nonsense",
    ]
    answers = [cinema.ask(path) for path in changed]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.data for answer in answers}) == 1, "a difference tells what was right"
    assert {cinema.ask(path, "HEAD").status_code for path in changed} == {404}
    assert cinema.resolver.asked == []


def test_what_a_link_carries_is_put_back(cinema: Cinema) -> None:
    magnet = Magnet(HASH, exact_sources=("http://a.example/film.torrent",))
    carrying = Links(KEYS, lambda _: magnet).seal(Grant(HASH, MainVideo(), "anne"))
    path = f"/play/{HASH.key}/main/{carrying}/film.mkv"
    cinema.kept.there = False
    assert cinema.ask(path, "HEAD").status_code == 200
    assert cinema.kept.put == [magnet]
    assert cinema.ask(path).status_code == 200


def test_the_case_of_the_hash_and_the_name_of_the_file_do_not_matter(cinema: Cinema) -> None:
    path = cinema.path(name="another/name.avi").replace(HASH.key, HASH.key.upper())
    answer = cinema.ask(path)
    assert (answer.status_code, answer.headers["ETag"]) == (200, ETAG)


def test_a_failure_is_told_as_it_is(cinema: Cinema) -> None:
    problem = Problem("no-peers", "Nobody has it.", "Try another.", retry_after=30)
    cinema.resolver.restart().finish(Failure(problem))
    answer = cinema.ask()
    assert (answer.status_code, told(answer)["code"]) == (504, "no-peers")
    assert told(answer)["detail"] == "Nobody has it."
    assert answer.headers["Retry-After"] == "30"
    assert answer.headers["X-Resolution"] == cinema.resolver.current.entry.id


def test_a_player_that_may_fetch_from_a_source_is_sent_there(cinema: Cinema) -> None:
    link = Link("https://dav.example/film%20one.mkv?key=%2F", trust=Trust.OWN)
    attempt = cinema.resolver.restart()
    attempt.finish(Redirect(link, FILM, "My drive", at=0.0))
    answer = cinema.ask(Range="bytes=5-9")
    assert (answer.status_code, answer.data) == (302, b"")
    assert answer.headers["Location"] == link.url
    # libav asks anew at every seek; a player that kept it for ever would miss another choice.
    assert answer.headers["Cache-Control"] == "private, max-age=30"
    assert answer.headers["X-Served-By"] == "My drive"
    assert answer.headers["X-Resolution"] == attempt.entry.id
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert cinema.torrent.streams == []


def test_who_came_over_https_is_told_to_the_resolver(cinema: Cinema) -> None:
    cinema.ask().close()
    cinema.client.get(cinema.path(), base_url=HOST.replace("http:", "https:")).close()
    assert cinema.resolver.secure == [False, True]


def test_what_stops_a_stream_before_its_first_byte_is_told(cinema: Cinema) -> None:
    cinema.torrent.refuses = Problem("disk-full", "No room.")
    assert told(cinema.ask())["code"] == "disk-full"
    cinema.torrent.refuses = None
    cinema.torrent.breaks = Problem("bad-torrent", "It lies.")
    assert told(cinema.ask())["code"] == "bad-torrent"
    cinema.torrent.breaks = ValueError("a mistake of ours")
    assert cinema.ask().status_code == 500


def test_a_body_that_nobody_takes_is_closed(cinema: Cinema) -> None:
    status, _, body = cinema.begin()
    assert (status, cinema.torrent.streams[0].closed) == (200, False)
    body.close()
    assert cinema.torrent.streams[0].closed


def test_pages_elsewhere_may_read_every_answer(cinema: Cinema) -> None:
    asked = [
        cinema.ask(),
        cinema.ask(method="HEAD"),
        cinema.ask(method="OPTIONS"),
        cinema.ask(Range="bytes=1-2"),
        cinema.ask(Range="bytes=99999-"),
        cinema.ask(If_None_Match=ETAG),
        cinema.ask(cinema.path().replace("main", "0")),
    ]
    cinema.torrent.refuses = Problem("disk-full", "No room.")
    asked.append(cinema.ask())
    assert [a.status_code for a in asked] == [200, 200, 204, 206, 416, 304, 404, 503]
    for answer in asked:
        answer.close()
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Access-Control-Allow-Headers"] == "*"
        assert answer.headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
        exposed = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
        assert {"Content-Range", "Content-Length", "X-Resolution", "X-Served-By"} <= exposed
        assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_nothing_can_be_written_to_a_play_link(cinema: Cinema) -> None:
    assert {cinema.ask(method=method).status_code for method in ("POST", "PUT", "DELETE")} == {405}


def test_an_open_server_plays_to_its_own_machine_only(cinema: Cinema) -> None:
    path = cinema.path()
    by_proxy = cinema.ask(path, X_Forwarded_For="203.0.113.5")
    rebound = cinema.client.get(path, base_url="http://rebound.example:7000")
    assert [a.status_code for a in (by_proxy, rebound)] == [403, 403]
    assert cinema.resolver.asked == []
