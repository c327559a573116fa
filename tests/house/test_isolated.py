"""The namespace that the tests run in, and what becomes of processes that are left."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import gevent
import pytest

REPOSITORY = Path(__file__).parents[2]
ONLY_LOOPBACK = """
import os, socket
print([name for _, name in socket.if_nameindex()], os.getuid())
with socket.create_server(("127.0.0.7", 0)) as server:
    socket.create_connection(server.getsockname()).close()
with socket.socket() as outside:
    print(outside.connect_ex(("192.0.2.1", 80)) != 0)
"""


def isolated(
    *command: str, before: Sequence[str] = (), code: str = ""
) -> subprocess.CompletedProcess[str]:
    """``tests.house.isolated`` running a command, or the Python ``code``."""
    module = [sys.executable, *(["-c", code] if code else ["-m", "tests.house.isolated"])]
    return subprocess.run(
        [*before, *module, *command], cwd=REPOSITORY, capture_output=True, text=True
    )


@pytest.fixture(scope="module", autouse=True)
def _a_machine_that_allows_it() -> None:
    asked = isolated(code="from tests.house.isolated import refused; print(refused(), end='')")
    if asked.stdout and not os.environ.get("CI"):
        pytest.skip(f"this machine allows no network namespace: {asked.stdout}")


def test_loopback_is_up_and_alone() -> None:
    done = isolated(sys.executable, "-c", ONLY_LOOPBACK)
    assert done.stdout == f"['lo'] {os.getuid()}\nTrue\n", done


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("without", ["", "sys_admin"])
def test_root_can_start_a_player_as_somebody_else(without: str) -> None:
    """VLC runs as nobody but root; a root that may not change users is somebody else already."""
    before = ["setpriv", "--bounding-set", f"-{without}"] if without else []
    as_nobody = [] if without else ["setpriv", "--reuid", "65534", "--clear-groups"]
    done = isolated(*as_nobody, sys.executable, "-c", ONLY_LOOPBACK, before=before)
    assert done.stdout == "['lo'] 65534\nTrue\n", done


def test_the_status_is_the_commands() -> None:
    assert isolated("sh", "-c", "exit 7").returncode == 7
    assert isolated("sh", "-c", "kill -9 $$").returncode == 128 + signal.SIGKILL
    assert isolated("true").returncode == 0


def test_processes_left_behind_are_ended_and_fail_the_run() -> None:
    done = isolated("sh", "-c", "sleep 63 & (setsid sleep 64 &)")
    assert done.returncode == 1
    assert done.stderr.startswith("Left running and ended now:\n")
    assert {"  sleep 63", "  sleep 64"} <= set(done.stderr.splitlines())
    assert "sleep 64" not in subprocess.run(["ps", "-ef"], capture_output=True, text=True).stdout


def test_a_signal_reaches_the_command(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    script = f"trap 'exit 5' TERM; touch {ready}; while :; do sleep 0.05; done"
    with subprocess.Popen(
        [sys.executable, "-m", "tests.house.isolated", "sh", "-c", script], cwd=REPOSITORY
    ) as running:
        while not ready.exists():
            assert running.poll() is None
            gevent.sleep(0.02)
        running.terminate()
        assert running.wait(10) == 5


@pytest.mark.parametrize(("ci", "status"), [("", 0), ("true", 1)])
def test_where_it_is_not_allowed_a_line_says_so(
    monkeypatch: pytest.MonkeyPatch, ci: str, status: int
) -> None:
    monkeypatch.setenv("CI", ci)
    code = (
        "import sys; from tests.house import isolated; isolated.refused = lambda: 'not today'; "
        "sys.exit(isolated.main(['echo', 'ran']))"
    )
    done = isolated(code=code)
    assert done.returncode == status
    first, *rest = done.stdout.splitlines()
    assert "not today" in first
    assert rest == ["ran"] * (status == 0)
