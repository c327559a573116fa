"""``python -m tests.bench [--runs N] [a b c …]``: a table of medians with their spread.

Ours and bare libtorrent take turns in one run, on the same torrents and seeders, because the
machine is shared and its speed drifts. Everything stays on loopback.
"""

# As the server does it: the simulation runs its race in this process.
from gevent import monkey

monkey.patch_all()

import argparse  # noqa: E402 - see above
import os  # noqa: E402
import platform  # noqa: E402
import statistics  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402

from tests.bench.measures import MEASURES, Figure  # noqa: E402
from tests.bench.platform import PLATFORM_MEASURES  # noqa: E402
from tests.bench.simulation import table  # noqa: E402
from tests.bench.sources import SOURCE_MEASURES  # noqa: E402
from tests.rig.lab import Lab  # noqa: E402

ALL = MEASURES | SOURCE_MEASURES | PLATFORM_MEASURES
SIMULATION = "s"


def main() -> None:
    """Take the figures that were asked for and print them as they come."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="of each figure (default 5)")
    parser.add_argument(
        "figures", nargs="*", help=f"of {' '.join(ALL)} {SIMULATION} (default: all)"
    )
    given = parser.parse_args()
    unknown = set(given.figures) - {*ALL, SIMULATION}
    if unknown:
        parser.error(f"no such figure: {', '.join(sorted(unknown))}")
    print(
        f"{os.cpu_count()} cores, Python {platform.python_version()}, "
        f"{time.strftime('%Y-%m-%d')}, load {os.getloadavg()[0]:.1f} at the start\n"
    )
    print("| figure | median | min-max | runs |\n| --- | --- | --- | --- |", flush=True)
    for name in given.figures or ALL:
        if name == SIMULATION:
            continue
        with tempfile.TemporaryDirectory() as folder, Lab(Path(folder)) as lab:
            for figure in ALL[name](lab, given.runs):
                print(row(figure), flush=True)
    if not given.figures or SIMULATION in given.figures:
        print("", *table(), sep="\n", flush=True)


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
