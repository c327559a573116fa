"""How long a player waits, and when it is sent round: no head before a byte is in hand."""

import socket
import time
from collections.abc import Iterator
from urllib.parse import urljoin

import gevent
import gevent.socket
import pytest

from addon.errors import Problem
from addon.playback import late
from addon.playback.resolution import Failure, Redirect
from addon.playback.viewers import Viewer
from addon.sources.base import Link, Trust
from addon.torrents.selection import FileIndex
from addon.web import player, sending
from tests.web.playing import DATA, ETAG, FILM, HASH, HOST, Cinema, told

HOLD = 0.05
Pair = tuple[gevent.socket.socket, gevent.socket.socket]


@pytest.fixture
def cinema(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cinema]:
    for name in ("HOLD", "LAST_HOLD"):
        monkeypatch.setattr(player, name, HOLD)
    monkeypatch.setattr(player, "WATCHING_HOLD", 3 * HOLD)
    cinema = Cinema()
    yield cinema
    assert all(stream.closed for stream in cinema.torrent.streams)


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = gevent.socket.socketpair(socket.AF_UNIX)
    yield ours, theirs
    ours.close()
    theirs.close()


def watching(cinema: Cinema, **who: str) -> None:
    """The player has had bytes of the film."""
    viewer = {"install": "anne", "address": "127.0.0.1", "agent": "kodi"} | who
    cinema.viewers.had_bytes(Viewer(**viewer, file=(HASH.key, "main")))


def test_a_player_that_waited_long_is_asked_to_come_again(cinema: Cinema) -> None:
    attempt = cinema.resolver.restart()
    began = time.monotonic()
    answer = cinema.ask()
    assert time.monotonic() - began >= HOLD
    assert (answer.status_code, answer.data) == (307, b"")
    assert answer.headers["Location"] == "film.mkv?hop=1"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Length"] == "0"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["X-Resolution"] == attempt.entry.id
    assert attempt.waiting == 0


@pytest.mark.parametrize(
    ("sent", "location"),
    [
        ("A%20Film%20%282019%29.mkv", "A%20Film%20%282019%29.mkv?hop=1"),
        ("A%20Film.mkv?hop=3", "A%20Film.mkv?hop=1"),
        ("100%25%3F.mkv?x=/y", "100%25%3F.mkv?hop=1"),
        ("folder/film.mkv", "film.mkv?hop=1"),
        ("%D1%84.mkv", "%D1%84.mkv?hop=1"),
    ],
)
def test_it_is_sent_to_its_own_spelling_of_the_name(
    cinema: Cinema, sent: str, location: str
) -> None:
    cinema.resolver.restart()
    path = cinema.path()
    raw = f"/a/proxys/prefix{path.removesuffix('film.mkv')}{sent}"
    status, headers, body = cinema.begin(path, RAW_URI=raw)
    body.close()
    assert (status, headers["Location"]) == (307, location)


def test_a_colon_in_the_name_does_not_make_another_address_of_it(cinema: Cinema) -> None:
    # nginx with a prefix decodes %3A. RFC 3986 §4.2: a first segment with a colon is a scheme.
    cinema.resolver.restart()
    raw = cinema.path(name="Film:2.mkv")
    _, headers, body = cinema.begin(RAW_URI=raw)
    body.close()
    assert urljoin(HOST + raw, headers["Location"]) == f"{HOST}{raw}?hop=1"


def test_three_times_and_then_it_hears_why(cinema: Cinema) -> None:
    cinema.resolver.restart().entry.step("waiting for the first piece")
    answers = [cinema.ask(cinema.path(name=f"film.mkv?hop={n}")) for n in (0, 1, 2, 3)]
    assert [a.status_code for a in answers] == [307, 307, 307, 503]
    assert [a.headers.get("Location") for a in answers[:3]] == [
        f"film.mkv?hop={n}" for n in (1, 2, 3)
    ]
    last = answers[3]
    assert told(last)["code"] == "busy"
    assert "waiting for the first piece" in told(last)["detail"]
    assert last.headers["Retry-After"]
    assert last.headers["X-Resolution"]
    assert cinema.ask().headers["Location"] == "film.mkv?hop=1", "a new try waits anew"


def test_the_last_wait_is_long_enough_to_say_why(
    cinema: Cinema, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(player, "LAST_HOLD", 20 * HOLD)
    attempt = cinema.resolver.restart()
    for _ in range(player.MAX_HOPS):
        assert cinema.ask().status_code == 307
    failure = Failure(Problem("no-peers", "Nobody has it."))
    gevent.spawn_later(3 * HOLD, attempt.finish, failure)
    assert told(cinema.ask())["code"] == "no-peers"


def test_hops_are_counted_for_a_viewer_and_never_from_the_address(cinema: Cinema) -> None:
    cinema.resolver.restart()
    late = cinema.path(name="film.mkv?hop=3")
    asked = [
        (late, {"User_Agent": "Kodi"}),
        (late, {"User_Agent": "Kodi", "Range": "bytes=9-"}),
        (late, {"User_Agent": "VLC"}),
        (cinema.path(install="bob"), {"User_Agent": "Kodi"}),
        (cinema.path(FileIndex(2)), {"User_Agent": "Kodi"}),
    ]
    locations = [cinema.ask(path, **headers).headers["Location"] for path, headers in asked]
    assert [location[-1] for location in locations] == ["1", "2", "1", "1", "1"]
    elsewhere = cinema.client.get(
        late,
        base_url=HOST,
        headers={"User-Agent": "Kodi"},
        environ_overrides={"REMOTE_ADDR": "127.0.0.9"},
    )
    assert elsewhere.headers["Location"][-1] == "1"


def test_a_failure_ends_the_wait_and_the_next_try_waits_anew(cinema: Cinema) -> None:
    attempt = cinema.resolver.restart()
    assert cinema.ask().headers["Location"].endswith("hop=1")
    attempt.finish(Failure(Problem("no-peers", "Nobody has it.")))
    assert cinema.ask().status_code == 504
    cinema.resolver.restart()
    assert cinema.ask().headers["Location"].endswith("hop=1")


def test_the_film_that_comes_in_time_is_sent_at_once(cinema: Cinema) -> None:
    attempt = cinema.resolver.restart()
    gevent.spawn_later(HOLD / 2, attempt.finish, cinema.stored)
    answer = cinema.ask()
    assert (answer.status_code, answer.data) == (200, DATA)


def test_no_head_goes_out_before_the_first_byte_is_there(cinema: Cinema) -> None:
    cinema.torrent.ready.clear()
    answer = cinema.ask(Range="bytes=4000-")
    assert (answer.status_code, answer.headers["Location"]) == (307, "film.mkv?hop=1")
    gevent.spawn_later(HOLD / 2, cinema.torrent.ready.set)
    answer = cinema.ask(Range="bytes=4000-")
    assert (answer.status_code, answer.data) == (206, DATA[4000:])


def test_one_request_is_held_once(cinema: Cinema) -> None:
    # ExoPlayer gives up after 8 s: the resolution and the piece have one time together.
    attempt = cinema.resolver.restart()
    cinema.torrent.ready.clear()
    gevent.spawn_later(0.8 * HOLD, attempt.finish, cinema.stored)
    assert cinema.ask(Range="bytes=-100").status_code == 307
    assert cinema.torrent.streams[0].waited < 0.5 * HOLD


def test_a_viewer_in_mid_film_gets_the_head_at_once_and_is_held(
    cinema: Cinema, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(player, "HOLD", 5.0)
    assert cinema.ask(User_Agent="kodi", Range="bytes=0-99").data == DATA[:100]
    cinema.torrent.ready.clear()
    began = time.monotonic()
    status, headers, body = cinema.begin(HTTP_USER_AGENT="kodi", HTTP_RANGE="bytes=4000-")
    assert time.monotonic() - began < 1
    assert (status, headers["Content-Range"]) == (206, f"bytes 4000-4999/{len(DATA)}")
    rest = gevent.spawn(b"".join, body)
    gevent.sleep(4 * HOLD)
    assert not rest.ready(), "held in silence"
    cinema.torrent.ready.set()
    assert rest.get(timeout=1) == DATA[4000:]


def test_a_viewer_in_mid_film_is_held_while_the_film_is_looked_for_again(cinema: Cinema) -> None:
    watching(cinema)
    attempt = cinema.resolver.restart()
    gevent.spawn_later(2 * HOLD, attempt.finish, cinema.stored)
    answer = cinema.ask(User_Agent="kodi")
    assert (answer.status_code, answer.data) == (200, DATA)


def test_a_viewer_in_mid_film_gets_the_head_while_the_film_is_looked_for(cinema: Cinema) -> None:
    watching(cinema)
    attempt = cinema.resolver.restart()
    status, headers, body = cinema.begin(HTTP_USER_AGENT="kodi", HTTP_RANGE="bytes=4000-")
    assert (status, headers["Content-Range"]) == (206, f"bytes 4000-4999/{len(DATA)}")
    assert headers["Content-Length"] == "1000"
    assert headers["X-Resolution"] == attempt.entry.id
    rest = gevent.spawn(b"".join, body)
    gevent.sleep(2 * HOLD)
    assert not rest.ready(), "held in silence"
    attempt.finish(cinema.stored)
    assert rest.get(timeout=1) == DATA[4000:]
    body.close()


def test_what_may_pass_is_no_error_in_mid_film(
    cinema: Cinema, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Kodi, VLC, Chromium and GStreamer end the film at any error.
    monkeypatch.setattr(late, "PAUSE", 0.02)
    watching(cinema)
    cinema.resolver.restart().finish(Failure(Problem("no-source", "Nobody.", retry_after=5)))
    status, _, body = cinema.begin(HTTP_USER_AGENT="kodi")
    assert status == 200
    rest = gevent.spawn(b"".join, body)
    gevent.sleep(0.01)
    cinema.resolver.restart().finish(cinema.stored)
    assert rest.get(timeout=1) == DATA
    body.close()


def test_what_will_not_pass_is_told_in_mid_film_too(cinema: Cinema) -> None:
    watching(cinema)
    cinema.resolver.restart().finish(Failure(Problem("edge-piece", "It cannot be checked.")))
    assert cinema.ask(User_Agent="kodi").status_code == 504


def test_a_redirect_in_mid_film_is_waited_for_a_moment(cinema: Cinema) -> None:
    watching(cinema)
    link = Link("https://dav.example/film.mkv", trust=Trust.OWN)
    redirect = Redirect(link, FILM, "My drive", at=0.0)
    attempt = cinema.resolver.restart()
    gevent.spawn_later(HOLD, attempt.finish, redirect)
    assert cinema.ask(User_Agent="kodi").status_code == 302
    attempt = cinema.resolver.restart()
    status, _, body = cinema.begin(HTTP_USER_AGENT="kodi")
    assert status == 200
    attempt.finish(redirect)
    assert b"".join(body) == DATA, "no redirect can follow a head"
    assert cinema.resolver.stored_anyway
    body.close()


def test_who_names_our_etag_is_in_mid_film_after_a_restart_too(cinema: Cinema) -> None:
    attempt = cinema.resolver.restart()
    status, _, body = cinema.begin(HTTP_USER_AGENT="vlc", HTTP_IF_MATCH=ETAG)
    assert status == 200
    attempt.finish(cinema.stored)
    assert b"".join(body) == DATA
    body.close()


def test_conditions_are_answered_while_the_film_is_looked_for(cinema: Cinema) -> None:
    watching(cinema)
    cinema.resolver.restart()
    assert cinema.ask(User_Agent="kodi", If_None_Match=ETAG).status_code == 304
    assert cinema.ask(User_Agent="kodi", Range="bytes=9999-").status_code == 416


def test_without_metadata_nobody_is_in_mid_film(cinema: Cinema) -> None:
    watching(cinema)
    cinema.kept.known = None
    cinema.resolver.restart()
    assert cinema.ask(User_Agent="kodi").status_code == 307


@pytest.mark.parametrize("watches", [False, True])
def test_a_server_that_stops_sends_whoever_waits_to_the_next_one(
    cinema: Cinema, monkeypatch: pytest.MonkeyPatch, *, watches: bool
) -> None:
    monkeypatch.setattr(player, "HOLD", 5.0)
    monkeypatch.setattr(player, "WATCHING_HOLD", 5.0)
    if watches:
        watching(cinema)
    gevent.spawn_later(0.02, cinema.resolver.restart().abandon)
    began = time.monotonic()
    answer = cinema.ask(User_Agent="kodi")
    assert (answer.status_code, answer.headers["Location"]) == (307, "film.mkv?hop=1")
    assert time.monotonic() - began < 2


def test_a_server_that_stops_before_the_first_byte_sends_on_too(
    cinema: Cinema, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(player, "HOLD", 5.0)
    cinema.torrent.ready.clear()

    def stop() -> None:
        cinema.torrent.streams[0].cancel()

    gevent.spawn_later(0.02, stop)
    assert cinema.ask().status_code == 307


def test_a_viewer_who_was_sent_elsewhere_watches_too(cinema: Cinema) -> None:
    link = Link("https://dav.example/film.mkv", trust=Trust.OWN)
    cinema.resolver.restart().finish(Redirect(link, FILM, "My drive", at=0.0))
    assert cinema.ask(User_Agent="kodi").status_code == 302
    cinema.resolver.restart().finish(cinema.stored)
    cinema.torrent.ready.clear()
    status, _, body = cinema.begin(HTTP_USER_AGENT="kodi")
    assert status == 200
    cinema.torrent.ready.set()
    assert b"".join(body) == DATA


@pytest.mark.parametrize("who", [{"agent": "vlc"}, {"address": "127.0.0.9"}, {"install": "bob"}])
def test_only_who_watches_is_held_that_long(cinema: Cinema, who: dict[str, str]) -> None:
    watching(cinema, **who)
    cinema.torrent.ready.clear()
    assert cinema.ask(User_Agent="kodi").status_code == 307


def test_a_player_that_leaves_during_the_resolution(cinema: Cinema, pair: Pair) -> None:
    ours, theirs = pair
    attempt = cinema.resolver.restart()
    task = gevent.spawn(cinema.begin, **{"gunicorn.socket": ours})
    gevent.sleep(0)
    theirs.close()
    status, headers, body = task.get(timeout=1)
    body.close()
    assert status == 499
    assert "Location" not in headers
    assert attempt.waiting == 0
    assert cinema.ask().headers["Location"].endswith("hop=1"), "nobody was sent round"


def test_who_has_left_is_not_waited_for(
    cinema: Cinema, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its deadlines are dropped a second after nobody waits any more (the resolver's ABSENCE).
    monkeypatch.setattr(player, "HOLD", 5.0)
    ours, theirs = pair
    attempt = cinema.resolver.restart()
    task = gevent.spawn(cinema.begin, **{"gunicorn.socket": ours})
    gevent.sleep(HOLD)
    assert attempt.waiting == 1
    theirs.close()
    gevent.sleep(HOLD)
    waiting = attempt.waiting
    attempt.finish(cinema.stored)
    task.get(timeout=1)[2].close()
    assert waiting == 0


def test_a_player_that_leaves_before_the_first_byte(
    cinema: Cinema, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(player, "HOLD", 5.0)
    ours, theirs = pair
    cinema.torrent.ready.clear()
    task = gevent.spawn(cinema.begin, **{"gunicorn.socket": ours})
    gevent.sleep(HOLD)
    theirs.close()
    status, _, body = task.get(timeout=1)
    body.close()
    assert status == 499
    assert cinema.torrent.streams[0].closed


def test_a_viewers_newest_request_comes_first(
    cinema: Cinema, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[object] = []
    monkeypatch.setattr(cinema.sender, "outrank", heard.append)
    assert cinema.ask(User_Agent="kodi").data == DATA
    assert heard == [Viewer("anne", "127.0.0.1", "kodi", (HASH.key, "main"))]


def test_too_many_streams(cinema: Cinema, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "MAX_STREAMS", 0)
    answer = cinema.ask()
    assert (answer.status_code, told(answer)["code"]) == (503, "busy")
    assert cinema.torrent.streams == []
