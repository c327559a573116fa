"""However a request ends, nothing of it stays open."""

import threading

import gevent
import pytest

from addon.net.client import Client, Kind
from tests.net.asking import CHUNK, OPENING, READING, failure, soon
from tests.rig.liars import Liars


def test_close_leaves_at_once(client: Client, liars: Liars) -> None:
    for fault in ("honest", "hang-body", "chunked", "slow-10"):
        answer = client.open(liars.url(fault, "film.mp4"), deadline=soon())
        answer.close()
        answer.close()
        assert liars.open_after(0.5) == 0
        assert failure(lambda answer=answer: answer.read(1, soon())).kind is Kind.LOCAL


def test_another_greenlet_may_close_it(client: Client, liars: Liars) -> None:
    answer = client.open(liars.url("hang-body", "film.mp4"), deadline=soon())
    reading = gevent.spawn(failure, lambda: answer.read(10, soon(30)))
    gevent.sleep(0.1)
    answer.close()
    assert reading.get(timeout=1).kind is Kind.LOCAL
    assert liars.open_after(0.5) == 0


@pytest.mark.parametrize("fault", ["hang", "hang-body", "hundred-continue", "drip", "honest"])
@pytest.mark.parametrize("moment", [0.0, 0.0005, 0.002, 0.01, 0.1])
def test_a_killed_greenlet_leaves_no_socket(
    client: Client, liars: Liars, fault: str, moment: float
) -> None:
    def ask() -> None:
        with client.open(liars.url(fault, "film.mp4"), deadline=soon(30)) as answer:
            while answer.read(1, soon(30)):
                pass

    asking = gevent.spawn(ask)
    gevent.sleep(moment)
    asking.kill(timeout=1)
    assert asking.dead
    assert liars.open_after(0.5) == 0


def test_a_timeout_of_the_caller_is_the_callers(client: Client, liars: Liars) -> None:
    with pytest.raises(gevent.Timeout) as caught, gevent.Timeout(0.2) as outer:
        client.open(liars.url("hang"), deadline=soon(30))
    assert caught.value is outer
    answer = client.open(liars.url("hang-body", "film.mp4"), deadline=soon())
    with pytest.raises(gevent.Timeout) as caught, gevent.Timeout(0.2) as outer:
        answer.read(1, soon(30))
    assert caught.value is outer
    assert liars.open_after(0.5) == 0


def test_many_at_once(client: Client, liars: Liars) -> None:
    faults = [*OPENING, *READING, "honest"] * 3
    threads = threading.active_count()

    def ask(fault: str) -> None:
        with client.open(liars.url(fault, "film.mp4"), deadline=soon(0.7)) as answer:
            end = soon(0.7)
            while answer.read(CHUNK, end):
                pass

    asking = [gevent.spawn(failure, lambda fault=fault: ask(fault), 5) for fault in faults]
    honest = [one for one, fault in zip(asking, faults, strict=True) if fault == "honest"]
    gevent.joinall(asking, timeout=10)
    assert all(one.dead for one in asking)
    assert all(one.successful() != (one in honest) for one in asking)
    assert liars.open_after(1) == 0
    assert threading.active_count() == threads
