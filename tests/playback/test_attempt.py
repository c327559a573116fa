"""An attempt ends once, for everybody who waits for it."""

import gevent
from gevent.event import Event

from addon.errors import Problem
from addon.playback.attempt import Attempt
from addon.playback.journal import Journal
from addon.playback.resolution import Failure

OVER = Failure(Problem("no-peers", "Nobody has it."))


def attempt() -> Attempt:
    return Attempt(Journal().open("ab" * 20, "main", ""))


def test_everybody_who_waits_hears_how_it_ended() -> None:
    running = attempt()
    waiting = [gevent.spawn(running.wait, 5) for _ in range(3)]
    gevent.sleep(0)
    assert running.waiting == 3
    running.finish(OVER)
    assert [one.get(timeout=1) for one in waiting] == [OVER] * 3
    assert running.waiting == 0


def test_what_was_abandoned_has_no_end_afterwards() -> None:
    # The server stops: the swarm's readers break at the same moment, and that is no answer.
    running = attempt()
    waiting = gevent.spawn(running.wait, 5)
    gevent.sleep(0)
    running.abandon()
    running.finish(OVER)
    assert waiting.get(timeout=1) is None
    assert running.abandoned


def test_what_has_ended_cannot_be_abandoned() -> None:
    running = attempt()
    running.finish(OVER)
    running.abandon()
    assert not running.abandoned
    assert running.wait(0) == OVER


def test_who_leaves_does_not_wait() -> None:
    running, left = attempt(), Event()
    left.set()
    assert running.wait(None, left) is None
    assert running.waiting == 0
