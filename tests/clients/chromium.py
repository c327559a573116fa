"""Runs one check of ``browser/drive.mjs`` in the Chromium of this machine."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.house.clients import require_client, require_packages

BROWSER = Path(__file__).parent / "browser"
TIME = 120  # seconds for one check; the longest measured takes 15


def drive(check: str, url: str, **job: Any) -> Any:
    """What the check saw. Fails on an error of the page or a word of its console."""
    asked = {"check": check, "url": url, "chromium": require_client("chromium"), **job}
    done = subprocess.run(
        [require_packages(BROWSER), BROWSER / "drive.mjs", json.dumps(asked)],
        capture_output=True,
        text=True,
        timeout=TIME,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["complaints"] == [], told["complaints"]
    return told["seen"]
