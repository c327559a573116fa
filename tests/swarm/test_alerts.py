"""The way of alerts from libtorrent's thread to the hub, without libtorrent."""

import os
from collections.abc import Iterator
from typing import Any

import gevent
import pytest

from addon.swarm.alerts import AlertPump


class FakeSession:
    """Alerts wait in ``queue``; ``wake`` is the byte that libtorrent's thread writes."""

    def __init__(self) -> None:
        self.queue: list[Any] = []
        self.fd = -1

    def set_alert_fd(self, fd: int) -> None:
        self.fd = fd

    def pop_alerts(self) -> list[Any]:
        popped, self.queue = self.queue, []
        return popped

    def wake(self, *alerts: Any) -> None:
        self.queue += alerts
        os.write(self.fd, b"x")
        gevent.sleep(0.01)


class Case:
    def __init__(self) -> None:
        self.session: Any = FakeSession()
        self.heard: list[Any] = []
        self.session.queue.append("early")
        self.pump = AlertPump(self.session, self.hear)
        gevent.sleep(0)

    def hear(self, alert: Any) -> None:
        if alert == "bad":
            raise ValueError("a mistake of ours")
        self.heard.append(alert)


@pytest.fixture
def case() -> Iterator[Case]:
    case = Case()
    yield case
    case.pump.close()


def test_alerts_that_were_there_before_are_heard(case: Case) -> None:
    assert case.heard == ["early"]


def test_a_byte_brings_all_that_wait_in_their_order(case: Case) -> None:
    case.session.wake(1, 2, 3)
    case.session.wake(4)
    assert case.heard == ["early", 1, 2, 3, 4]


def test_one_that_is_handled_badly_does_not_deafen_us(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    case.session.wake(1, "bad", 2)
    case.session.wake(3)
    assert case.heard == ["early", 1, 2, 3]
    assert "a mistake of ours" in caplog.text


def test_libtorrents_thread_is_never_blocked(case: Case) -> None:
    assert not os.get_blocking(case.session.fd)


def test_after_closing_libtorrent_writes_to_nobody() -> None:
    case = Case()
    fd = case.session.fd
    case.pump.close()
    assert case.session.fd == -1
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)
