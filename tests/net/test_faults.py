"""The way out, against servers that lie, hang, flood and die."""

import resource
from urllib.parse import quote

import gevent
import pytest

from addon.net.client import Client, Kind
from tests.net.asking import CHUNK, FILM, OPENING, READING, failure, soon, whole
from tests.rig.liars import Liars


@pytest.mark.parametrize(("fault", "kind"), OPENING.items())
def test_a_fault_before_the_body(client: Client, liars: Liars, fault: str, kind: Kind) -> None:
    url = liars.url(fault, "" if fault == "redirect-on" else "film.mp4")
    error = failure(lambda: client.open(url + "?key=secret", deadline=soon(0.7)), 1.2)
    assert error.kind is kind
    assert liars.open_after() == 0


@pytest.mark.parametrize(("fault", "kind"), READING.items())
def test_a_fault_in_the_body(client: Client, liars: Liars, fault: str, kind: Kind) -> None:
    answer = client.open(liars.url(fault, "film.mp4") + "?key=secret", deadline=soon())
    got = bytearray()
    end = soon(0.7)

    def read() -> None:
        while part := answer.read(CHUNK, end):
            got.extend(part)

    assert failure(read, 1.2).kind is kind
    assert failure(read).kind is Kind.LOCAL  # it is closed, which is no honest end
    assert liars.open_after() == 0
    if fault.endswith("100000"):
        assert bytes(got) == FILM[: len(got)]
        assert len(got) <= 100_000


RAW = {
    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\nbody": b"body",
    "HTTP/1.0 200 OK\r\n\r\nbody": b"body",
    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nbody": b"body",
    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody, and more": b"body",
    "HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\nbody": b"body",
    "HTTP/1.1 200 OK\r\nno colon, no header\r\n\r\nbody": b"body",
    "HTTP/1.1 200 OK\r\nSet-Cookie: \x00;;=;expires=\xff\r\n\r\nbody": b"body",
    "HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\n\r\nbody": b"body",
    "HTTP/1.1 404 No\r\nContent-Encoding: gzip\r\n\r\nbody": b"body",
    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nbody": Kind.PROTOCOL,
    "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\nbody": Kind.PROTOCOL,
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n4\r\nbody": Kind.PROTOCOL,
    "HTTP/1.1 99999 OK\r\n\r\nbody": Kind.PROTOCOL,
    "ICY 200 OK\r\n\r\nbody": Kind.PROTOCOL,
    "body": Kind.PROTOCOL,
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n": Kind.CUT,
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nbody": Kind.CUT,
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n": Kind.CUT,
    "HTTP/1.1 302 No\r\nLocation: http://[\r\n\r\n": Kind.REDIRECTS,
    "HTTP/1.1 302 No\r\nLocation: /\x00\r\n\r\n": Kind.ADDRESS,
}


@pytest.mark.parametrize(("sent", "expected"), RAW.items(), ids=range(len(RAW)))
def test_answers_as_they_come(
    client: Client,
    liars: Liars,
    caplog: pytest.LogCaptureFixture,
    sent: str,
    expected: bytes | Kind,
) -> None:
    caplog.set_level(0)
    url = f"{liars.base}/raw/{quote(sent.encode('latin-1'), safe='')}"
    if isinstance(expected, bytes):
        assert whole(client.open(url + "?key=secret", deadline=soon())) == expected
    else:
        error = failure(lambda: whole(client.open(url + "?key=secret", deadline=soon())))
        assert error.kind is expected
    assert "secret" not in caplog.text
    assert liars.open_after() == 0


def test_a_header_that_comes_twice_is_joined(client: Client, liars: Liars) -> None:
    raw = "HTTP/1.1 200 OK\r\nX-A: b\r\nx-a: c\r\nContent-Length: 0\r\n\r\n"
    with client.open(f"{liars.base}/raw/{quote(raw, safe='')}", deadline=soon()) as answer:
        assert answer.headers.get("X-A") == "b, c"


def test_a_server_that_never_closes(client: Client, liars: Liars) -> None:
    url = liars.url("keeps-open", "short one.mp4")
    for most in (10, 5000):
        with client.open(url, deadline=soon()) as answer:
            assert answer.read(most, soon())
            assert liars.counts()["open"] == 1
        assert liars.open_after() == 0
    assert liars.counts()["total"] == 2  # one for each request


def test_a_flood_does_not_stop_the_others(client: Client, liars: Liars) -> None:
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        while True:
            gevent.sleep(0.01)
            ticks += 1

    ticking = gevent.spawn(tick)
    answer = client.open(liars.url("endless-trailers"), deadline=soon())
    assert answer.read(10, soon()) == b"a"
    failure(lambda: answer.read(10, soon(0.5)), 0.8)
    ticking.kill()
    assert ticks > 20


def test_a_fast_server_does_not_stop_the_others(client: Client, liars: Liars) -> None:
    others = 0

    def other() -> None:
        nonlocal others
        while True:
            gevent.sleep(0)
            others += 1

    turning = gevent.spawn(other)
    with client.open(liars.url("honest", "film.mp4"), deadline=soon()) as answer:
        reads = sum(1 for _ in iter(lambda: answer.read(4096, soon()), b""))
    turning.kill()
    assert others >= reads / 2


def test_a_compressed_answer_is_never_inflated(client: Client, liars: Liars) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    url = liars.url("gzip-bomb", "film.mp4")
    assert failure(lambda: client.open(url, deadline=soon())).kind is Kind.PROTOCOL
    assert failure(lambda: client.fetch(url, most=1 << 30, deadline=soon())).kind is Kind.PROTOCOL
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000
