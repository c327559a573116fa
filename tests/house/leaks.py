"""Nothing that a test opened may outlive it: files, sockets, threads, greenlets, processes.

Each test is compared with the moment after the fixtures of its module and session were set up, and
each module with the moment before its own fixtures were. What a fixture of a wider scope opened
while it was being set up belongs to that scope.
"""

import gc
import itertools
import os
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import gevent
import pytest
from gevent import Greenlet, get_hub

from tests.house.isolated import adopt_orphans, children

REPOSITORY = Path(__file__).parents[2]
GROWING_RIGS = {
    "lab": "starts its tracker, seeders and servers when a test of the module first asks for them",
}

Key = tuple[str, Any]

_numbers = itertools.count()
_greenlets: WeakKeyDictionary[Greenlet, int] = WeakKeyDictionary()
_lasting: dict[str, set[Key]] = {
    "session": set(),
    "package": set(),
    "module": set(),
    "class": set(),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """The time in which what is still open may close by itself."""
    # A libtorrent session needs most of a second to end its threads.
    parser.addini("leak_patience", "seconds in which what a test opened may close", default="3")


def pytest_sessionstart() -> None:
    """What gevent opens once and keeps is there before the first look."""
    adopt_orphans()
    gevent.config.threadpool_idle_task_timeout = 86_400.0
    pool = get_hub().threadpool
    pool.size = pool.maxsize
    pool.apply(int)
    subprocess.run(["true"], check=True)
    Greenlet.add_spawn_callback(lambda new: _greenlets.setdefault(new, next(_numbers)))


def look() -> dict[Key, str]:
    """Everything that is open now, with a description."""
    seen: dict[Key, str] = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue  # the listing itself
        if target == "anon_inode:[eventpoll]":
            # Only hubs open one, and keep it: one for each native thread, and threads are counted.
            # A thread of gevent's pool gets its hub whenever the collector first runs in it.
            continue
        kind = target.partition(":")[0] if target.startswith(("socket:", "pipe:")) else "file"
        seen[kind, (name, target)] = f"file descriptor {name}: {target}"
    for task in Path("/proc/self/task").iterdir():
        try:
            seen["thread", task.name] = f"thread {task.name}: {(task / 'comm').read_text().strip()}"
        except OSError:
            continue  # it has ended
    for pid, command in children().items():
        seen["process", pid] = f"process {pid}: {command}"
    for greenlet, number in list(_greenlets.items()):
        if not greenlet.dead:
            seen["greenlet", number] = f"greenlet {greenlet!r}, spawned at {_birthplace(greenlet)}"
    return seen


def _birthplace(greenlet: Greenlet) -> str:
    frame = greenlet.spawning_stack
    while frame:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(REPOSITORY) and ".venv" not in path.parts:
            return f"{path.relative_to(REPOSITORY)}:{frame.f_lineno}"
        frame = frame.f_back
    return "a place outside the project"


def _left(before: dict[Key, str], theirs: set[Key], kinds: set[str], patience: float) -> list[str]:
    """What came since and does not go within ``patience`` seconds."""
    end = time.monotonic() + patience
    pause = 0.0
    while True:
        now = look()
        new = [key for key in now if key not in before and key not in theirs and key[0] in kinds]
        # pytest's watchdog is a new thread for each test: threads may take each other's place.
        gone = sum(key[0] == "thread" for key in before.keys() - now.keys())
        new = [key for key in new if key[0] != "thread" or (gone := gone - 1) < 0]
        if not new or time.monotonic() > end:
            return [now[key] for key in new]
        # A cycle is no leak: the collector closes what it holds, with a ResourceWarning (an error).
        gc.collect()
        gevent.sleep(pause)
        pause = 0.02


def _guard(
    request: pytest.FixtureRequest, whose: str, theirs: Iterable[str], kinds: set[str]
) -> Iterator[None]:
    patience = float(request.config.getini("leak_patience"))
    before = look()
    yield
    lasting = set().union(*(_lasting[scope] for scope in theirs))
    if left := _left(before, lasting, kinds, patience):
        pytest.fail("\n  ".join([f"{whose} left behind:", *left]), pytrace=False)


ALL = {"file", "socket", "pipe", "thread", "process", "greenlet"}


@pytest.fixture(scope="module", autouse=True)
def _a_module_leaves_nothing(request: pytest.FixtureRequest) -> Iterator[None]:
    yield from _guard(request, f"{request.path.name} and its fixtures", ("session", "package"), ALL)


@pytest.fixture(autouse=True)
def _a_test_leaves_nothing(request: pytest.FixtureRequest) -> Iterator[None]:
    # The parts of such a rig are looked for when its module ends.
    grows = GROWING_RIGS.keys() & set(request.fixturenames)
    kinds = ALL - {"process", "pipe"} if grows else ALL
    yield from _guard(request, "The test", _lasting, kinds)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Iterator[None]:
    """What a lasting fixture opens while it is set up belongs to its scope."""
    if fixturedef.scope == "function":
        return (yield)
    before = look()
    try:
        return (yield)
    finally:
        _lasting[fixturedef.scope] |= look().keys() - before.keys()
