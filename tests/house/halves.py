"""All tests, in two halves side by side, each in a network of its own.

    python -m tests.house.halves [ARGUMENT...]

Most tests with real parts wait for something, so two at a time take little more than half as long.
With arguments there is one pytest, which gets them. ``TEST_RESULTS`` names a folder for the
results (JUnit XML). The exit status is 0 if both halves passed.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

# What takes longest with real parts; the rest is the other half.
REAL_PARTS = ("tests/swarm", "tests/faults", "tests/live")


def commands(arguments: Sequence[str], results: str) -> list[list[str]]:
    """What is run: one command, or one for each half."""
    python = [sys.executable, "-m"]
    pytest = [*python, "tests.house.isolated", *python, "pytest"]

    def written(name: str) -> list[str]:
        return [f"--junit-xml={Path(results) / name}.xml"] if results else []

    if arguments:
        return [[*pytest, *written("asked"), *arguments]]
    rest = [f"--ignore={folder}" for folder in REAL_PARTS]
    return [[*pytest, *written("rest"), *rest], [*pytest, *written("real"), *REAL_PARTS]]


def main(arguments: Sequence[str]) -> int:
    """Run them; what the second prints comes when the first has ended."""
    first, *others = commands(arguments, os.environ.get("TEST_RESULTS", ""))
    # The terminal sends an interrupt to all of them; everything else is passed on.
    signal.signal(signal.SIGINT, lambda *_: None)
    running: list[subprocess.Popen[bytes]] = []
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: [one.send_signal(number) for one in running])
    with tempfile.TemporaryFile() as told:
        running.append(subprocess.Popen(first))
        running += [subprocess.Popen(other, stdout=told, stderr=told) for other in others]
        statuses = [one.wait() for one in running]
        told.seek(0)
        sys.stdout.flush()
        sys.stdout.buffer.write(told.read())
        sys.stdout.flush()
    return next((status for status in statuses if status), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
