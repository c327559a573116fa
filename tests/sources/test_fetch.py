"""Pieces out of real servers: whole, from several files, or with a verdict and a reason."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from addon.net.addresses import AddressPolicy
from addon.net.client import Client, Headers, HttpError, Kind
from addon.sources import fetch
from addon.sources.base import Kind as SourceKind
from addon.sources.base import Link, Media, NotYet, Trust
from addon.sources.fetch import Lost, PieceReader, check_head, locate, lost
from addon.sources.health import Verdict
from tests.rig.liars import Liars
from tests.rig.torrents import Torrent
from tests.sources.served import (
    PIECE,
    content,
    known,
    media_of,
    one_film,
    pack,
    pieces_of,
    soon,
    source,
)

VERSIONS = ["v1", "v2", "hybrid"]


def reader(client: Client, asked: Any, media: Media, run: range, **more: Any) -> PieceReader:
    return PieceReader(client, asked, media, run, more.pop("screen", soon()), **more)


def read(pieces: PieceReader) -> dict[int, bytes]:
    with pieces:
        return dict(pieces.pieces())


def why(pieces: PieceReader, within: float = 2.0) -> Lost:
    began = time.monotonic()
    with pytest.raises(Lost) as caught:
        read(pieces)
    assert time.monotonic() - began < within
    assert caught.value.reason
    assert str(caught.value) == caught.value.reason
    assert "http" not in caught.value.reason, "a URL may hold a key"
    return caught.value


@pytest.fixture(params=VERSIONS)
def made(folder: Path, request: pytest.FixtureRequest) -> Torrent:
    return pack(folder, request.param)


@pytest.fixture
def film(folder: Path) -> Torrent:
    return one_film(folder)


@pytest.mark.parametrize("episode", ["e1.mkv", "e2.mkv", "e3.mkv"])
def test_a_files_pieces_are_whole_with_their_neighbours_and_pads(
    client: Client, liars: Liars, made: Torrent, episode: str
) -> None:
    media = media_of(made, episode)
    run = pieces_of(media)
    got = read(reader(client, source(liars), media, run))
    assert list(got) == list(run)
    for index, data in got.items():
        assert data == content(made, index)
        assert known(media).check_piece(index, data)


def test_one_request_for_each_file_and_no_byte_too_many(
    client: Client, liars: Liars, folder: Path
) -> None:
    media = media_of(pack(folder), "e2.mkv")
    read(reader(client, source(liars), media, pieces_of(media)))
    asked = [(one["path"].partition("?")[0][-6:], one["headers"]["range"])
             for one in liars.requests()]  # fmt: skip
    begin, end = 3 * PIECE + 1000, 7 * PIECE + 3000
    assert asked == [
        ("e1.mkv", f"bytes={3 * PIECE}-{begin - 1}"),
        ("e2.mkv", f"bytes=0-{end - begin - 1}"),
        ("e3.mkv", f"bytes=0-{8 * PIECE - end - 1}"),
    ]
    assert liars.counts()["sent"] < len(pieces_of(media)) * PIECE + 3000


def test_pad_bytes_are_asked_of_nobody(client: Client, liars: Liars, folder: Path) -> None:
    made = pack(folder, "hybrid")
    media = media_of(made, "e1.mkv")
    got = read(reader(client, source(liars), media, range(3, 4)))
    assert got == {3: content(made, 3)}
    assert got[3].endswith(bytes(PIECE - 1000))
    assert len(liars.requests()) == 1


def test_a_run_in_the_middle(client: Client, liars: Liars, film: Torrent) -> None:
    media = media_of(film)
    assert read(reader(client, source(liars), media, range(1, 3))) == {
        1: content(film, 1),
        2: content(film, 2),
    }
    assert [one["headers"]["range"] for one in liars.requests()] == [
        f"bytes={PIECE}-{3 * PIECE - 1}"
    ]


def test_pieces_come_while_the_rest_is_on_its_way(
    client: Client, liars: Liars, film: Torrent
) -> None:
    slow = source(liars, "slow-200000")
    with reader(client, slow, media_of(film), range(4)) as pieces:
        began = time.monotonic()
        first = next(pieces.pieces())
        assert first == (0, content(film, 0))
        assert time.monotonic() - began < 0.8
        assert pieces.first_byte is not None
        assert began - 0.1 < pieces.first_byte < began + 0.3


def test_links_are_located_once_and_those_that_are_known_not_at_all(
    client: Client, liars: Liars, folder: Path
) -> None:
    made = pack(folder)
    media = media_of(made, "e2.mkv")
    asked: list[str] = []

    class Asked(FakeSource):
        def locate(self, media: Media, deadline: float) -> Link | None:
            asked.append(media.file_name)
            return source(liars).locate(media, deadline)

    link = source(liars).locate(media, 0.0)
    assert link is not None
    assert media.file is not None
    links = {media.file.index: link}
    assert len(read(reader(client, Asked(), media, pieces_of(media), links=links))) == 5
    assert asked == ["e1.mkv", "e3.mkv"]
    assert links.keys() == {0, 1, 2}, "and kept for the next run"
    assert links[media.file.index] is link


def test_a_links_headers_are_sent(client: Client, liars: Liars, film: Torrent) -> None:
    shown = source(liars, headers=(("Authorization", "Bearer x"), ("X-Own", "1")))
    read(reader(client, shown, media_of(film), range(1)))
    sent = liars.requests()[0]["headers"]
    assert (sent["authorization"], sent["x-own"]) == ("Bearer x", "1")


def test_a_source_that_cannot_resume_begins_with_the_file_and_goes_no_further(
    client: Client, liars: Liars, film: Torrent
) -> None:
    media = media_of(film)
    start_only = source(liars, "no-range", resumable=False)
    assert read(reader(client, start_only, media, range(2))) == {
        0: content(film, 0),
        1: content(film, 1),
    }
    assert "range" not in liars.requests()[0]["headers"]
    told = why(reader(client, start_only, media, range(2, 3)))
    assert (told.verdict, told.reason) == (Verdict.REFUSED, "answers no ranges")


def test_the_files_first_bytes_are_shown_and_may_be_refused(
    client: Client, liars: Liars, folder: Path
) -> None:
    made = pack(folder)
    media = media_of(made, "e2.mkv")
    shown: list[bytes] = []
    run = pieces_of(media)
    read(reader(client, source(liars), media, run, on_head=shown.append))
    assert len(shown) == 1
    assert made.file("e2.mkv").data().startswith(shown[0]), "not its neighbour's"
    shown.clear()
    read(reader(client, source(liars), media, run[1:], on_head=shown.append))
    assert shown == []

    def refuse(data: bytes) -> None:
        raise Lost(Verdict.WRONG, "is no film")

    told = why(reader(client, source(liars), media, run, on_head=refuse))
    assert told.reason == "is no film"


FAULTS: dict[str, tuple[Verdict, str]] = {
    "html": (Verdict.WRONG, "sends a web page instead of the film"),
    "html-as-video": (Verdict.WRONG, "has another file"),
    "placeholder": (Verdict.WRONG, "has another file: 100000 bytes instead of 307277"),
    "wrong-size": (Verdict.WRONG, "has another file: 307278 bytes instead of 307277"),
    "chunked": (Verdict.WRONG, "does not say how long its file is"),
    "no-range": (Verdict.REFUSED, "answers no ranges"),
    "status-404": (Verdict.ABSENT, "does not have the file (status 404)"),
    "status-410": (Verdict.ABSENT, "does not have the file (status 410)"),
    "status-403": (Verdict.REFUSED, "refuses (status 403)"),
    "status-401": (Verdict.REFUSED, "refuses (status 401)"),
    "status-204": (Verdict.REFUSED, "refuses (status 204)"),
    "status-416": (Verdict.WRONG, "has a shorter file (status 416)"),
    "status-429": (Verdict.LIMITED, "asks to come later (status 429)"),
    "status-503": (Verdict.LIMITED, "asks to come later (status 503)"),
    "status-500": (Verdict.DEAD, "is broken (status 500)"),
    "status-502": (Verdict.DEAD, "is broken (status 502)"),
    "rst": (Verdict.DEAD, "ended the connection"),
    "close-at-once": (Verdict.DEAD, "ended the connection"),
    "close-early-1000": (Verdict.DEAD, "ended the connection"),
    "die-after-1000": (Verdict.DEAD, "ended the connection"),
    "redirect-loop": (Verdict.DEAD, "redirects without end"),
    "redirect-nowhere": (Verdict.DEAD, "redirects to nowhere"),
    "gzip-bomb": (Verdict.DEAD, "compresses"),
    "absurd-chunk": (Verdict.WRONG, "does not say how long its file is"),
    "endless-headers": (Verdict.DEAD, "does not answer as HTTP"),
    "hang": (Verdict.DEAD, "took too long"),
    "hang-body": (Verdict.DEAD, "took too long"),
    "stall-after-1000": (Verdict.DEAD, "took too long"),
    "drip": (Verdict.DEAD, "took too long"),
    "drip-headers": (Verdict.DEAD, "took too long"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_has_its_verdict_and_reason(
    client: Client, liars: Liars, film: Torrent, fault: str
) -> None:
    verdict, words = FAULTS[fault]
    media = media_of(film)
    # Who sends whole files is asked for the start; chunks come where no range is asked for.
    run = range(2) if fault in ("html-as-video", "chunked", "absurd-chunk") else range(1, 3)
    asked = source(liars, fault, resumable=fault != "chunked")
    told = why(reader(client, asked, media, run, screen=soon(0.5)))
    assert told.verdict is verdict
    assert words in told.reason
    assert told.retry_after == (7 if verdict is Verdict.LIMITED else None)
    assert not told.neighbour
    assert liars.open_after() == 0


def test_what_our_own_policy_refuses_is_refused(liars: Liars, film: Torrent) -> None:
    strict = Client(AddressPolicy())
    told = why(reader(strict, source(liars), media_of(film), range(1)))
    assert (told.verdict, liars.counts()["total"]) == (Verdict.REFUSED, 0)
    strict.close()


def test_wrong_bytes_are_delivered_and_only_the_hash_tells(
    client: Client, liars: Liars, film: Torrent
) -> None:
    media = media_of(film)
    got = read(reader(client, source(liars, "wrong-bytes-70000"), media, range(3)))
    right = {index: known(media).check_piece(index, data) for index, data in got.items()}
    assert right == {0: True, 1: False, 2: True}


def test_past_the_screen_it_may_take_as_long_as_it_delivers(
    client: Client, liars: Liars, film: Torrent
) -> None:
    slow = source(liars, "slow-400000")
    began = time.monotonic()
    got = read(reader(client, slow, media_of(film), range(5), screen=soon(0.4)))
    assert len(got) == 5
    assert time.monotonic() - began > 0.6


def test_a_drip_past_the_screen_is_a_stall(
    client: Client, liars: Liars, film: Torrent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "STALL_TIME", 0.5)
    monkeypatch.setattr(fetch, "SCREENED", 10)
    told = why(reader(client, source(liars, "slow-30000"), media_of(film), range(5)))
    assert (told.verdict, told.reason) == (Verdict.DEAD, "stalls: almost nothing comes")


def test_silence_past_the_screen_is_the_end(
    client: Client, liars: Liars, film: Torrent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "STALL_TIME", 0.3)
    stalls = source(liars, f"stall-after-{2 * PIECE}")
    with reader(client, stalls, media_of(film), range(5)) as pieces:
        got: list[int] = []
        with pytest.raises(Lost) as caught:
            got.extend(index for index, _ in pieces.pieces())
    assert got == [0, 1]
    assert caught.value.verdict is Verdict.DEAD


def test_what_came_before_a_source_died_is_whole(
    client: Client, liars: Liars, film: Torrent
) -> None:
    got: dict[int, bytes] = {}
    dies = source(liars, f"die-after-{3 * PIECE + 100}")
    with reader(client, dies, media_of(film), range(5)) as pieces, pytest.raises(Lost):
        got.update(pieces.pieces())
    assert got == {index: content(film, index) for index in range(3)}


@pytest.mark.parametrize(
    ("missing", "episode", "run"),
    [("e1.mkv", "e2.mkv", range(3, 4)), ("e3.mkv", "e2.mkv", range(7, 8))],
)
def test_a_neighbour_that_is_missing_is_told_apart(
    client: Client, liars: Liars, folder: Path, missing: str, episode: str, run: range
) -> None:
    media = media_of(pack(folder), episode)
    without = source(liars, f"not-found-for-{missing}")
    told = why(reader(client, without, media, run))
    assert told.neighbour
    assert told.verdict is Verdict.ABSENT
    whole = range(4, 7)
    assert list(read(reader(client, without, media, whole))) == list(whole)
    itself = source(liars, f"not-found-for-{episode}")
    assert not why(reader(client, itself, media, whole)).neighbour


def test_a_neighbour_that_cannot_be_located_is_told_apart(
    client: Client, liars: Liars, folder: Path
) -> None:
    class Alone(FakeSource):
        def locate(self, media: Media, deadline: float) -> Link | None:
            if media.file_name != "e2.mkv":
                return None
            return source(liars).locate(media, deadline)

    media = media_of(pack(folder), "e2.mkv")
    told = why(reader(client, Alone(), media, pieces_of(media)))
    assert (told.neighbour, told.verdict) == (True, Verdict.ABSENT)


def test_leaving_in_the_middle_and_closing_twice(
    client: Client, liars: Liars, film: Torrent
) -> None:
    with reader(client, source(liars), media_of(film), range(5)) as pieces:
        next(pieces.pieces())
        pieces.close()
        pieces.close()
    assert liars.open_after() == 0


def test_pieces_are_read_only_once_the_metadata_is_known(client: Client, film: Torrent) -> None:
    media = replace(media_of(film), metainfo=None)
    with pytest.raises(RuntimeError):
        PieceReader(client, FakeSource(), media, range(1), soon())


@dataclass(frozen=True)
class FakeSource:
    name: str = "fake"
    priority: int = 0
    kind: SourceKind = SourceKind.FUNCTION
    trust: Trust = Trust.OPEN
    note: str = ""
    needs_metadata: bool = False
    resumable: bool = True
    redirect: bool = False

    def locate(self, media: Media, deadline: float) -> Link | None:
        return None


def failing(error: Exception) -> FakeSource:
    class Failing(FakeSource):
        def locate(self, media: Media, deadline: float) -> Link | None:
            raise error

    return Failing()


def test_locating_that_fails_is_told(film: Torrent) -> None:
    media = media_of(film)
    for asked, verdict, words, wait in (
        (FakeSource(), Verdict.ABSENT, "has no address", None),
        (failing(NotYet(0.5, 20.0)), Verdict.LIMITED, "preparing", 20.0),
        (failing(HttpError(Kind.TIMEOUT, "host took too long.")), Verdict.DEAD, "too long", None),
    ):
        with pytest.raises(Lost) as caught:
            locate(asked, media, soon())
        assert (caught.value.verdict, caught.value.retry_after) == (verdict, wait)
        assert words in caught.value.reason


def test_whose_fault_a_failure_is() -> None:
    ours = {Kind.LOCAL: Verdict.OURS, Kind.ADDRESS: Verdict.REFUSED}
    for kind in Kind:
        assert lost(HttpError(kind, "why")).verdict is ours.get(kind, Verdict.DEAD)


@dataclass
class FakeAnswer:
    status: int
    headers: Headers

    def read(self, most: int, deadline: float) -> bytes:
        raise AssertionError

    def close(self) -> None:
        pass


def answered(status: int = 206, **headers: object) -> FakeAnswer:
    told = {name.replace("_", "-"): str(value) for name, value in headers.items()}
    return FakeAnswer(status, Headers(told))


FITS: list[tuple[FakeAnswer, int, int | None, int | None]] = [
    (answered(content_range="bytes 5-9/10"), 5, 10, 10),
    (answered(content_range="bytes 0-9/10"), 0, None, 10),
    (answered(content_range=" Bytes 0-9/10 "), 0, 10, 10),
    (answered(content_range="bytes 0-9/*"), 0, None, None),
    (answered(200, content_length=10), 0, 10, 10),
    (answered(200), 0, None, None),
    (answered(200, content_length="ten"), 0, None, None),
    (answered(content_range="bytes 0-9/10", content_type="video/mp4"), 0, 10, 10),
    (answered(content_range="bytes 0-9/10", content_type="application/octet-stream"), 0, 10, 10),
]


@pytest.mark.parametrize(("answer", "start", "total", "told"), FITS)
def test_a_head_that_fits(
    answer: FakeAnswer, start: int, total: int | None, told: int | None
) -> None:
    assert check_head(answer, start, total) == told


MISFITS: list[tuple[FakeAnswer, int, int | None, Verdict]] = [
    (answered(content_range="bytes 0-9/11"), 0, 10, Verdict.WRONG),
    (answered(content_range="bytes 4-9/10"), 5, 10, Verdict.WRONG),
    (answered(content_range="bytes 0-9/*"), 0, 10, Verdict.WRONG),
    (answered(content_range="bytes */10"), 0, 10, Verdict.WRONG),
    (answered(content_range="0-9/10"), 0, 10, Verdict.WRONG),
    (answered(content_range="pieces 0-9/10"), 0, 10, Verdict.WRONG),
    (answered(content_range="bytes ٠-9/10"), 0, 10, Verdict.WRONG),
    (answered(content_range="bytes 0-9/" + "9" * 400), 0, 10, Verdict.WRONG),
    (answered(), 0, None, Verdict.WRONG),
    (answered(200), 0, 10, Verdict.WRONG),
    (answered(200, content_length=9), 0, 10, Verdict.WRONG),
    (answered(200, content_length=10), 5, 10, Verdict.REFUSED),
    (answered(200, content_type="text/plain"), 0, None, Verdict.WRONG),
    (answered(content_range="bytes 0-9/10", content_type=" TEXT/HTML; x"), 0, 10, Verdict.WRONG),
    (answered(200, content_type="application/json"), 0, None, Verdict.WRONG),
    (answered(503), 0, 10, Verdict.DEAD),
    (answered(301), 0, 10, Verdict.REFUSED),
    (answered(400), 0, 10, Verdict.REFUSED),
]


@pytest.mark.parametrize(("answer", "start", "total", "verdict"), MISFITS)
def test_a_head_that_does_not_fit(
    answer: FakeAnswer, start: int, total: int | None, verdict: Verdict
) -> None:
    with pytest.raises(Lost) as caught:
        check_head(answer, start, total)
    assert caught.value.verdict is verdict
    assert caught.value.reason


@pytest.mark.parametrize(
    ("text", "wait"),
    [("7", 7.0), (" 7 ", 7.0), ("999999999", 86_400.0), ("Wed, 21 Oct 2015 07:28:00 GMT", None),
     ("-5", None), ("", None), ("1e9", None)],
)  # fmt: skip
def test_retry_after_is_read_with_care(text: str, wait: float | None) -> None:
    with pytest.raises(Lost) as caught:
        check_head(answered(429, retry_after=text), 0, 10)
    assert (caught.value.verdict, caught.value.retry_after) == (Verdict.LIMITED, wait)
