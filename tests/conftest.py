"""What all tests share: production's patched standard library, the guards, the rig."""

# Before anything else, exactly as wsgi.py does it for the server: a module that took ``socket`` or
# ``ssl`` before would block the hub here and not there, and hide the difference.
from gevent import monkey

monkey.patch_all()

import socket  # noqa: E402 - see above

import pytest  # noqa: E402

pytest_plugins = [
    "tests.house.clients",
    "tests.house.fence",
    "tests.house.leaks",
    "tests.rig.fixtures",
]

# Quick tests first, then those with real parts: whoever broke a rule hears it within seconds.
SLOW = ["swarm", "faults", "live", "clients"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order by folder; within a folder as pytest found them."""

    def rank(item: pytest.Item) -> int:
        return max((SLOW.index(at) + 1 for at in item.nodeid.split("/") if at in SLOW), default=0)

    items.sort(key=rank)


def pytest_report_header() -> str:
    """Which network the tests can see."""
    names = [name for _, name in socket.if_nameindex()]
    return f"network: {', '.join(names)}" + (" (a namespace of its own)" * (names == ["lo"]))
