"""The liars' faults that are told, or that come by chance."""

import contextlib
import time
from collections.abc import Iterator

import pytest

from tests.rig.http import Connection, open_stream, request
from tests.rig.liars import Liars

PIECE = 64 * 1024
DATA = bytes(range(256)) * (40 * PIECE // 256)


@pytest.fixture(scope="module")
def liars(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Liars]:
    folder = tmp_path_factory.mktemp("told")
    for name in ("a.mkv", "b.mkv"):
        folder.joinpath(name).write_bytes(DATA)
    with Liars(folder) as liars:
        yield liars


def test_a_name_has_the_fault_that_it_was_told_last(liars: Liars) -> None:
    url = liars.url("told-x", "a.mkv")
    assert request(url).body == DATA
    liars.tell({"x": "status-404", "x/b.mkv": "honest"})
    assert request(url).status == 404
    assert request(liars.url("told-x", "b.mkv")).body == DATA, "of one file only"


@pytest.mark.parametrize("end", ["down", "silent@1000000"])
def test_down_and_silent_end_what_is_under_way(liars: Liars, end: str) -> None:
    name = end.partition("@")[0]
    liars.tell({name: "honest@1000000"})
    with open_stream(liars.url(f"told-{name}", "a.mkv"), timeout=1.0) as stream:
        stream.read_exactly(PIECE)
        liars.tell({name: end})
        with pytest.raises(TimeoutError if name == "silent" else ConnectionError):
            stream.read_all()


def test_a_rate_of_any_fault(liars: Liars) -> None:
    with Connection(liars.url("x")) as connection:
        connection.ask(liars.url("honest@5000000", "a.mkv"))
        assert connection.reply().body == DATA
        assert time.monotonic() - connection.asked_at > 0.7 * len(DATA) / 5_000_000


def test_one_piece_in_so_many_is_wrong_and_always_the_same(liars: Liars) -> None:
    def wrong(first: int) -> set[int]:
        url = liars.url(f"corrupt-about-5-{PIECE}-1", "a.mkv")
        body = request(url, {"Range": f"bytes={first * PIECE}-"}).body
        cut = [body[at : at + PIECE] for at in range(0, len(body), PIECE)]
        right = DATA[:PIECE]
        other = bytes(255 - byte for byte in right)
        assert set(cut) <= {right, other}
        return {first + number for number, piece in enumerate(cut) if piece != right}

    assert 0 < len(wrong(0)) < 20
    assert wrong(0) & set(range(7, 40)) == wrong(7)


def test_each_request_ends_at_another_byte(liars: Liars) -> None:
    def had() -> int:
        count = 0
        with (
            open_stream(liars.url("die-about-500000-3", "a.mkv")) as stream,
            contextlib.suppress(ConnectionError),
        ):
            while part := stream.read(PIECE):
                count += len(part)
        return count

    assert len({had() for _ in range(4)}) > 1
