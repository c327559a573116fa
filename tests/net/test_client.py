"""The way out: what is sent, what comes back, and whose fault it is when nothing does."""

import contextlib
import os
import resource
import socket
import time
from collections.abc import Callable

import gevent
import pytest
from gevent import monkey

from addon.net.client import Client, Kind, StatusError
from addon.net.names import AT_ONCE, Info
from tests.net.asking import (
    FILM,
    HERE,
    SHORT,
    failure,
    resolver,
    soon,
    whole,
)
from tests.rig.liars import Liars

block = monkey.get_original("time", "sleep")


def test_a_file_is_read_whole(client: Client, liars: Liars) -> None:
    answer = client.open(liars.url("honest", "film.mp4"), deadline=soon())
    assert answer.status == 200
    assert answer.url == liars.url("honest", "film.mp4")
    assert answer.hops == ()
    assert answer.headers.get("content-LENGTH") == str(len(FILM))
    assert answer.headers.get("X-Absent") is None
    assert whole(answer) == FILM
    (asked,) = liars.requests()
    assert asked["headers"]["accept-encoding"] == "identity"
    assert asked["headers"]["connection"] == "close"
    assert asked["headers"]["user-agent"] == "Self-Streme"
    assert asked["headers"].keys() == {
        "host",
        "accept",
        "accept-encoding",
        "connection",
        "user-agent",
    }
    assert liars.open_after() == 0


def test_a_span_is_half_open(client: Client, liars: Liars) -> None:
    answer = client.open(liars.url("honest", "film.mp4"), span=(10, 20), deadline=soon())
    assert answer.status == 206
    assert answer.headers.get("Content-Range") == f"bytes 10-19/{len(FILM)}"
    assert whole(answer) == FILM[10:20]
    assert liars.requests()[0]["headers"]["range"] == "bytes=10-19"


@pytest.mark.parametrize("fault", ["honest", "chunked"])
@pytest.mark.parametrize(("name", "data"), [("short one.mp4", SHORT), ("empty.mp4", b"")])
def test_the_honest_end_is_no_error(
    client: Client, liars: Liars, fault: str, name: str, data: bytes
) -> None:
    with client.open(liars.url(fault, name), deadline=soon()) as answer:
        body = b"".join(iter(lambda: answer.read(7, soon()), b""))
        assert body == data
        assert answer.read(7, soon()) == b""
        assert liars.open_after() == 0


def test_chunks_are_put_together(client: Client, liars: Liars) -> None:
    assert whole(client.open(liars.url("chunked", "film.mp4"), deadline=soon())) == FILM


@pytest.mark.parametrize("code", [204, 300, 304, 403, 404, 410, 416, 429, 500, 503])
def test_any_status_is_an_answer(client: Client, liars: Liars, code: int) -> None:
    with client.open(liars.url(f"status-{code}"), deadline=soon()) as answer:
        assert answer.status == code
        assert answer.headers.get("retry-after") == ("7" if code in (429, 503) else None)
    with pytest.raises(StatusError) as caught:
        client.fetch(liars.url(f"status-{code}"), most=100, deadline=soon())
    assert (caught.value.kind, caught.value.status) == (Kind.STATUS, code)
    assert liars.open_after() == 0


def test_what_cannot_be_sent_is_our_own_fault(client: Client, liars: Liars) -> None:
    for header in (("X-A", "b\r\nX-C: d"), ("X-A\r\nX-C", "b"), ("X A:", "b")):
        error = failure(
            lambda header=header: client.open(
                liars.url("honest"), headers=[header], deadline=soon()
            )
        )
        assert error.kind is Kind.LOCAL
    late = failure(lambda: client.open(liars.url("honest"), deadline=soon(-1)))
    assert late.kind is Kind.LOCAL
    assert liars.counts()["total"] == 0


def test_the_next_address_is_tried(make: Callable[..., Client], liars: Liars) -> None:
    silent = socket.socket()
    silent.bind(("127.0.0.8", liars.port))
    silent.listen(0)
    crowd = [socket.socket() for _ in range(3)]
    for one in crowd:  # the queue is full: more are not even refused
        one.setblocking(False)
        one.connect_ex(("127.0.0.8", liars.port))
    try:
        client = make(
            resolve=resolver(gone_test=[f"::1 127.0.0.9 {HERE}"], silent_test=[f"127.0.0.8 {HERE}"])
        )
        for host, seconds in (("gone", 0.3), ("silent", 1.5)):
            start = time.monotonic()
            url = f"http://{host}.test:{liars.port}/honest/short%20one.mp4"
            assert client.fetch(url, most=5000, deadline=soon(2)) == SHORT
            assert time.monotonic() - start < seconds
        url = f"http://127.0.0.8:{liars.port}/"
        assert failure(lambda: client.open(url, deadline=soon(0.5)), 1).kind is Kind.TIMEOUT
    finally:
        for one in (*crowd, silent):
            one.close()


def test_nobody_there(make: Callable[..., Client], liars: Liars) -> None:
    client = make(resolve=resolver())
    url = f"http://127.0.0.9:{liars.port}/a?key=secret"
    assert failure(lambda: client.open(url, deadline=soon())).kind is Kind.CONNECT
    url = "http://absent.test/a?key=secret"
    assert failure(lambda: client.open(url, deadline=soon())).kind is Kind.NAME


def test_names_that_starve_each_other_are_our_own_fault(make: Callable[..., Client]) -> None:
    released = False

    def resolve(_: str, __: int) -> list[Info]:
        while not released:
            block(0.005)
        return []

    client = make(resolve=resolve)

    def ask(number: int) -> Kind:
        url = f"http://d{number}.test/"
        return failure(lambda: client.open(url, deadline=soon(0.5))).kind

    dead = [gevent.spawn(ask, number) for number in range(AT_ONCE)]
    gevent.sleep(0.2)
    # One more waits in the queue, the next is not even in it.
    late = [gevent.spawn(ask, AT_ONCE + number) for number in range(3)]
    assert {one.get() for one in dead} == {Kind.TIMEOUT}
    assert {one.get() for one in late} == {Kind.LOCAL}
    released = True


def test_too_many_open_files_is_our_own_fault(client: Client, liars: Liars) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))
    held = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 10, hard))
        with contextlib.suppress(OSError):
            while True:
                held.append(os.open("/dev/null", os.O_RDONLY))
        url = liars.url("honest")
        error = failure(lambda: client.open(url, deadline=soon()))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for one in held:
            os.close(one)
    assert error.kind is Kind.LOCAL


def test_fetch_takes_no_more_than_it_may(client: Client, liars: Liars) -> None:
    url = liars.url("honest", "film.mp4")
    assert client.fetch(url, most=len(FILM), deadline=soon()) == FILM
    liars.forget()
    error = failure(lambda: client.fetch(url, most=len(FILM) - 1, deadline=soon()))
    assert error.kind is Kind.TOO_LARGE
    url = liars.url("chunked", "film.mp4")
    assert client.fetch(url, most=len(FILM), deadline=soon()) == FILM
    error = failure(lambda: client.fetch(url, most=len(FILM) - 1, deadline=soon()))
    assert error.kind is Kind.TOO_LARGE
    url = liars.url("drip", "film.mp4")
    error = failure(lambda: client.fetch(url, most=1 << 30, deadline=soon(0.5)), 0.8)
    assert error.kind is Kind.TIMEOUT
