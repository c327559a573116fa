"""A pytest inside a test, with the guards of ``tests/conftest.py``."""

import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

REPOSITORY = Path(__file__).parents[2]
OUTER = {"CI", "PYTEST_ADDOPTS"}


def run(folder: Path, source: str, *options: str, **environ: str) -> str:
    """What pytest prints about a file with this source; what it leaves running is ended.

    The outer run's CI and options do not count, only those given here.
    """
    test = folder / "test_inner.py"
    test.write_text(dedent(source))
    outer = {name: value for name, value in os.environ.items() if name not in OUTER}
    python = [sys.executable, "-m", "tests.house.isolated", sys.executable]
    pytest = ["-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    where = ["-c", f"{REPOSITORY}/.pytest.ini", "--rootdir", str(folder), str(test)]
    done = subprocess.run(
        [*python, *pytest, *options, *where],
        cwd=REPOSITORY,
        env=outer | {"COLUMNS": "400"} | environ,
        capture_output=True,
        text=True,
    )
    return done.stdout + done.stderr


def reports(output: str) -> dict[str, str]:
    """The text below each heading (``ERROR at teardown of test_x`` and the like)."""
    parts = re.split(
        r"^_{2,} (.+?) _{2,}$", output.partition("= short test summary")[0], flags=re.MULTILINE
    )
    return dict(zip(parts[1::2], parts[2::2], strict=True))
