"""The guard itself: what it must notice, and what it must let pass."""

from pathlib import Path

import pytest

from tests.house.inner import reports, run

LEAKS = """
    import os
    import socket
    import subprocess
    import tempfile

    import gevent
    import pytest
    from gevent.threadpool import ThreadPool

    kept = []

    def test_socket():
        kept.append(socket.socket())

    def test_file():
        kept.append(open(__file__))

    def test_pipe():
        kept.append(os.pipe())

    def test_thread():
        pool = ThreadPool(1)
        pool.spawn(gevent.get_hub)
        kept.append(pool)

    def test_greenlet():
        kept.append(gevent.spawn(gevent.sleep, 60))

    def test_process():
        kept.append(subprocess.Popen(["sleep", "60"]))

    def test_orphan():
        subprocess.run(["sh", "-c", "sleep 61 &"])

    def test_that_fails_as_well():
        kept.append(open("/dev/zero"))
        assert False, "its own failure"

    @pytest.fixture
    def forgetful():
        yield
        kept.append(open("/dev/null"))

    def test_fixture(forgetful):
        pass

    @pytest.fixture(scope="module")
    def lab():
        yield
        kept.append(open("/dev/full"))

    def test_rig_that_grows_keeps_processes_and_no_sockets(lab):
        kept.append(subprocess.Popen(["sleep", "62"], stdin=subprocess.PIPE))
        kept.append(socket.socket())
"""

CLEAN = """
    import gc
    import subprocess
    import threading

    import gevent
    import pytest
    from gevent.threadpool import ThreadPool

    @pytest.fixture(scope="session")
    def for_all():
        with open("/dev/null") as file:
            yield file

    @pytest.fixture(scope="module")
    def for_this_file():
        with open("/dev/zero") as file, subprocess.Popen(["cat"], stdin=subprocess.PIPE):
            yield file

    def test_first(for_this_file):
        pass

    def test_session_fixture_that_begins_late(for_all):
        pass

    def test_asked_for_by_name(request):
        request.getfixturevalue("for_all")

    def test_the_end_may_take_a_moment():
        gevent.spawn(gevent.sleep, 0.3)
        subprocess.Popen(["sleep", "0.3"])

    def test_all_that_is_closed():
        pool = ThreadPool(3)
        pool.map(abs, range(10))
        pool.kill()
        thread = threading.Thread(target=gevent.sleep)
        thread.start()
        thread.join()

    def test_blocking_calls_use_threads_that_stay():
        gevent.get_hub().threadpool.map(abs, range(50))

    class Cycle:
        def __init__(self):
            self.me = self
            self.running = gevent.spawn(gevent.sleep)

    def test_cycles_are_no_leak():
        Cycle()

    def test_a_file_left_to_the_collector():
        open("/dev/null")
"""


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    return run(tmp_path_factory.mktemp("leaks"), LEAKS, "-o", "leak_patience=0.2")


@pytest.fixture(scope="module")
def found(output: str) -> dict[str, str]:
    return reports(output)


@pytest.mark.parametrize(
    ("test", "told"),
    [
        ("socket", "socket:["),
        ("file", "test_inner.py"),
        ("pipe", "pipe:["),
        ("thread", "thread "),
        ("greenlet", "sleep"),
        ("process", "sleep 60"),
        ("orphan", "sleep 61"),
        ("that_fails_as_well", "/dev/zero"),
        ("fixture", "/dev/null"),
    ],
)
def test_what_a_test_leaves_behind_is_named(found: dict[str, str], test: str, told: str) -> None:
    text = found[f"ERROR at teardown of test_{test}"]
    assert "The test left behind:" in text
    assert told in text


def test_processes_are_ended_with_the_run(output: str) -> None:
    assert "Left running and ended now:\n  sleep 60\n" in output


def test_a_tests_own_failure_is_shown_beside_its_leak(found: dict[str, str]) -> None:
    assert "its own failure" in found["test_that_fails_as_well"]


def test_a_rig_that_grows_is_looked_at_when_its_module_ends(found: dict[str, str]) -> None:
    # Both reports are of the module's last test, the later one is the module's.
    text = found["ERROR at teardown of test_rig_that_grows_keeps_processes_and_no_sockets"]
    assert "test_inner.py and its fixtures left behind:" in text
    assert "/dev/full" in text
    assert "sleep 62" in text


def test_what_ends_in_time_or_belongs_to_a_wider_scope_may_stay(tmp_path: Path) -> None:
    output = run(tmp_path, CLEAN)
    found = reports(output)
    assert list(found) == ["test_a_file_left_to_the_collector"], output
    assert "ResourceWarning" in found["test_a_file_left_to_the_collector"]
