"""Programs that tests need: a missing one fails CI, and is named and counted at home."""

import json
import os
import re
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Never

import pytest

# Debian keeps PostgreSQL's own programs out of PATH.
_POSTGRES = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin/postgres")), reverse=True)

PROGRAMS = {
    "ffmpeg": ("ffmpeg",),
    "ffprobe": ("ffprobe",),
    "mpv": ("mpv",),
    "vlc": ("cvlc",),
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "node": ("node",),
    "nginx": ("nginx", "/usr/sbin/nginx"),
    "haproxy": ("haproxy", "/usr/sbin/haproxy"),
    "kodi": ("/usr/lib/x86_64-linux-gnu/kodi/kodi.bin", "/usr/lib/aarch64-linux-gnu/kodi/kodi.bin"),
    "xvfb": ("Xvfb",),
    "rclone": ("rclone",),
    "postgres": ("postgres", *_POSTGRES),
}
_REASON = re.compile(r"not tried here: (?P<name>[^(]+) \(")


def require_client(name: str) -> str:
    """The path of a client program; the test is skipped, and under CI fails, without it."""
    for program in PROGRAMS[name]:
        if path := shutil.which(program):
            return path
    return _missing(name, f"{' or '.join(PROGRAMS[name])} is not installed")


def require_packages(folder: Path) -> str:
    """The path of Node.js, once ``folder/package.json``'s dependencies are installed there too."""
    node = require_client("node")
    wanted = json.loads((folder / "package.json").read_text())
    for name in wanted.get("dependencies", {}) | wanted.get("devDependencies", {}):
        if not (folder / "node_modules" / name / "package.json").exists():
            _missing(folder.name, f"npm ci --prefix tests/clients/{folder.name} installs {name}")
    return node


def _missing(name: str, why: str) -> Never:
    if os.environ.get("CI"):
        pytest.fail(f"CI must try {name} ({why})", pytrace=False)
    pytest.skip(f"not tried here: {name} ({why})")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line that counts what a missing client kept from being tried."""
    counts: dict[str, int] = defaultdict(int)
    for report in terminalreporter.stats.get("skipped", []):
        if found := _REASON.search(str(report.longrepr)):
            counts[found["name"]] += 1
    if counts:
        tests = sum(counts.values())
        terminalreporter.write_line(
            f"not tried here: {', '.join(sorted(counts))} ({tests} test{'s' * (tests > 1)})",
            yellow=True,
        )
