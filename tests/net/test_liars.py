"""The rig itself: each lie is the lie that its name says, and everything else is honest."""

import contextlib
from collections.abc import Callable

import pytest

from addon.net.client import Client, HttpError, Kind
from tests.net.asking import FILM, SHORT, soon, whole
from tests.rig.liars import Liars

Get = Callable[..., tuple[int, bytes, Callable[[str], str | None]]]


@pytest.fixture
def get(client: Client, liars: Liars) -> Get:
    """Status, body and headers of the film with a fault."""

    def get(
        fault: str, span: tuple[int, int] | None = None, *headers: tuple[str, str]
    ) -> tuple[int, bytes, Callable[[str], str | None]]:
        url = liars.url(fault, "film.mp4")
        answer = client.open(url, span=span, headers=headers, deadline=soon())
        return answer.status, whole(answer), answer.headers.get

    return get


def differing(body: bytes) -> list[int]:
    return [at for at, (one, other) in enumerate(zip(body, FILM, strict=True)) if one != other]


def test_honest(get: Get, client: Client, liars: Liars) -> None:
    status, body, header = get("honest", (100, len(FILM) + 100))
    assert (status, body) == (206, FILM[100:])
    assert header("Content-Range") == f"bytes 100-{len(FILM) - 1}/{len(FILM)}"
    assert header("Content-Type") == "video/mp4"
    etag = header("ETag") or ""
    assert get("honest", (0, 5), ("If-Range", etag))[0] == 206
    assert get("honest", (0, 5), ("If-Range", '"other"'))[0] == 200
    status, _, header = get("honest", (len(FILM), len(FILM) + 1))
    assert (status, header("Content-Range")) == (416, f"bytes */{len(FILM)}")
    with client.open(liars.url("honest", "no film.mp4"), deadline=soon()) as answer:
        assert answer.status == 404
    with client.open(liars.url("no-such-fault"), deadline=soon()) as answer:
        assert answer.status == 501


def test_wrong_files(get: Get) -> None:
    assert get("no-range", (10, 20))[:2] == (200, FILM)
    status, body, header = get("html", (0, 10))
    assert (status, header("Content-Type")) == (200, "text/html")
    assert body.startswith(b"<!DOCTYPE html>")
    assert get("html-as-video")[2]("Content-Type") == "video/mp4"
    status, body, header = get("placeholder", (0, 10_000))
    assert (status, header("Content-Type")) == (206, "video/mp4")
    assert header("Content-Range") == "bytes 0-9999/100000"
    assert body[:4096] == FILM[:4096]
    assert body[4096:] != FILM[4096:10_000]
    assert get("wrong-size", (0, 10))[2]("Content-Range") == f"bytes 0-9/{len(FILM) + 1}"
    assert get("wrong-size")[1] == FILM + b"\0"


def test_wrong_bytes(get: Get) -> None:
    assert differing(get("wrong-bytes-70000")[1]) == [70_000]
    assert get("wrong-bytes-70000", (69_999, 70_002))[1] == bytes(
        [FILM[69_999], FILM[70_000] ^ 0xFF, FILM[70_001]]
    )
    assert get("wrong-bytes", (5, 9))[1] == bytes(one ^ 0xFF for one in FILM[5:9])
    assert differing(get("corrupt-piece-3-100000")[1]) == list(range(300_000, 400_000))


def test_changes_of_mind(get: Get, client: Client, liars: Liars) -> None:
    assert [get("expire-2", (0, 5))[0] for _ in range(4)] == [206, 206, 403, 403]
    assert [get("etag-changes")[2]("ETag") for _ in range(2)] == ['"1"', '"2"']
    totals = [get("length-changes", (0, 5))[2]("Content-Range") for _ in range(2)]
    assert totals == [f"bytes 0-4/{len(FILM)}", f"bytes 0-4/{len(FILM) - 1}"]
    with pytest.raises(HttpError) as caught:
        get("die-once-after-1000")
    assert caught.value.kind is Kind.CUT
    assert get("die-once-after-1000")[1] == FILM
    assert get("not-found-for-film.mp4")[0] == 404
    url = liars.url("not-found-for-film.mp4", "short one.mp4")
    assert client.fetch(url, most=5000, deadline=soon()) == SHORT


def test_speed(client: Client, liars: Liars) -> None:
    with client.open(liars.url("slow-100000", "film.mp4"), deadline=soon()) as answer:
        body = b""
        end = soon(1)
        with contextlib.suppress(HttpError):
            while part := answer.read(1 << 20, end):
                body += part
    assert 60_000 < len(body) <= 110_000
    assert FILM.startswith(body)


def test_counts(get: Get, liars: Liars) -> None:
    get("honest", (0, 1000), ("X-Mark", "one"))
    get("honest")
    counts = liars.counts()
    assert counts["paths"] == {"/honest/film.mp4": 2}
    assert counts["total"] == 2
    assert len(FILM) + 1000 < counts["sent"] < len(FILM) + 3000
    assert [one["headers"].get("x-mark") for one in liars.requests()] == ["one", None]
    assert [one["method"] for one in liars.requests()] == ["GET", "GET"]
    liars.forget()
    assert (liars.counts()["paths"], liars.requests()) == ({}, [])
