"""Waiting in the rig: its processes run no gevent hub."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def pause(seconds: float) -> None:
    """Let time pass."""
    time.sleep(seconds)


def until(look: Callable[[], T], seconds: float = 10.0, what: str = "", every: float = 0.02) -> T:
    """The first true value of ``look()``; AssertionError after ``seconds``."""
    end = time.monotonic() + seconds
    while not (seen := look()):
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain for {what or look}; last: {seen!r}")
        pause(every)
    return seen
