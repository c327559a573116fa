"""No test is left out, and none is run twice."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.house.halves import REAL_PARTS, commands
from tests.rig.waiting import until

REPOSITORY = Path(__file__).parents[2]


def test_each_folder_is_in_one_half() -> None:
    rest, real = commands([], "")
    assert real[-3:] == list(REAL_PARTS)
    assert rest[-3:] == [f"--ignore={folder}" for folder in REAL_PARTS]
    assert all((REPOSITORY / folder).is_dir() for folder in REAL_PARTS)
    assert {"tests.house.isolated", "pytest"} <= set(rest) & set(real)


def test_who_asks_for_something_gets_that_alone() -> None:
    (one,) = commands(["tests/web", "-x"], "results")
    assert one[-3:] == ["--junit-xml=results/asked.xml", "tests/web", "-x"]


def halves(*arguments: str, **environ: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.house.halves", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "PYTEST_ADDOPTS": "", **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_failure_is_the_status_of_all(tmp_path: Path) -> None:
    bad = tmp_path / "test_bad.py"
    bad.write_text("def test_bad():\n    assert False\n")
    with halves(str(bad), "-p", "no:cacheprovider", TEST_RESULTS=str(tmp_path)) as running:
        told, _ = running.communicate(timeout=60)
    assert running.returncode == 1, told
    assert 'failures="1"' in (tmp_path / "asked.xml").read_text()


def test_what_is_told_to_end_ends(tmp_path: Path) -> None:
    slow = tmp_path / "test_slow.py"
    begun = tmp_path / "begun"
    slow.write_text(
        f"import pathlib, time\ndef test_slow():\n"
        f"    pathlib.Path({str(begun)!r}).touch()\n    time.sleep(100)\n"
    )
    with halves(str(slow), "-p", "no:cacheprovider") as running:
        until(begun.exists, 60, "the test to begin")
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=20)
    assert running.returncode != 0
