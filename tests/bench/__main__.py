"""``python -m tests.bench [--runs N] [a b c …]``: a table of medians with their spread.

Ours and bare libtorrent take turns in one run, on the same torrents and seeders, because the
machine is shared and its speed drifts. Everything stays on loopback.
"""

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.measures import MEASURES, Figure
from tests.rig.lab import Lab


def main() -> None:
    """Take the figures that were asked for and print them as they come."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="of each figure (default 5)")
    parser.add_argument("figures", nargs="*", help=f"of {' '.join(MEASURES)} (default: all)")
    given = parser.parse_args()
    unknown = set(given.figures) - set(MEASURES)
    if unknown:
        parser.error(f"no such figure: {', '.join(sorted(unknown))}")
    print(
        f"{os.cpu_count()} cores, Python {platform.python_version()}, "
        f"{time.strftime('%Y-%m-%d')}, load {os.getloadavg()[0]:.1f} at the start\n"
    )
    print("| figure | median | min-max | runs |\n| --- | --- | --- | --- |", flush=True)
    for name in given.figures or MEASURES:
        with tempfile.TemporaryDirectory() as folder, Lab(Path(folder)) as lab:
            for figure in MEASURES[name](lab, given.runs):
                print(row(figure), flush=True)


def row(figure: Figure) -> str:
    """One line of the table."""
    low, middle, high = min(figure.values), statistics.median(figure.values), max(figure.values)
    return (
        f"| {figure.name} | {shown(middle)} {figure.unit} | {shown(low)}-{shown(high)} "
        f"| {len(figure.values)} |"
    )


def shown(value: float) -> str:
    """Three significant digits at least, and no more decimals than that needs."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    sys.exit(main())
