"""``make soak`` in small: a leak that half a minute of a few restless viewers shows fails here."""

from tests.bench.soak import Plan, soak
from tests.rig.lab import MIB, Lab

SMALL = Plan(seconds=20, viewers=6, films=3, size=12 * MIB, change=4, linger=False)


def test_restless_viewers_leave_nothing_behind(lab: Lab) -> None:
    outcome = soak(lab, SMALL)
    assert outcome.faults == []
