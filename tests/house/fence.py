"""A second fence behind the network namespace: this process talks to this machine only.

An audit hook sees every socket of Python, gevent's too, and cannot be replaced by accident. What
it stops is remembered, so a test fails even if the code under test takes the error calmly.
"""

import ipaddress
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

CONTACTS = {"socket.connect", "socket.sendto", "socket.sendmsg"}
LOOKUPS = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
REPOSITORY = Path(__file__).parents[2]

_stopped: list[str] = []


class OutsideError(OSError):
    """A test tried to leave this machine."""


def is_here(address: object) -> bool:
    """Whether a socket address stays on this machine."""
    if not isinstance(address, tuple) or not isinstance(address[0], str):
        return True  # a Unix socket's path, a netlink address, an unnamed peer
    return names_this_machine(address[0])


def names_this_machine(host: object) -> bool:
    """Whether a host name or address means this machine; "" and None mean any of its own."""
    host = host or "localhost"
    text = host.decode(errors="replace") if isinstance(host, bytes) else str(host)
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return text.rstrip(".").lower().rpartition(".")[2] == "localhost"
    return address.is_loopback or address.is_unspecified


def _look(event: str, arguments: tuple[object, ...]) -> None:
    if event in CONTACTS:
        inside, whom = is_here(arguments[1]), arguments[1]
    elif event in LOOKUPS:
        inside, whom = names_this_machine(arguments[0]), arguments[0]
        # Decoding an address's digits asks nobody; connecting to it is looked at by itself.
        inside = inside or (event == "socket.getaddrinfo" and _is_number(whom))
    else:
        return
    if not inside:
        text = f"{event} {whom!r} at {_place()}"
        _stopped.append(text)
        raise OutsideError(f"A test may not leave this machine: {text}")


def _is_number(host: object) -> bool:
    try:
        ipaddress.ip_address(str(host))
    except ValueError:
        return False
    return True


def _place() -> str:
    """The innermost line of the project that is being run."""
    for frame in reversed(traceback.extract_stack()):
        path = Path(frame.filename)
        if path.is_relative_to(REPOSITORY) and path != Path(__file__) and ".venv" not in path.parts:
            return f"{path.relative_to(REPOSITORY)}:{frame.lineno}"
    return "a place outside the project"


sys.addaudithook(_look)


@pytest.fixture(autouse=True)
def _stays_on_this_machine() -> Iterator[None]:
    yield
    stopped = _stopped.copy()
    _stopped.clear()
    if stopped:
        pytest.fail("\n  ".join(["It tried to leave this machine:", *stopped]), pytrace=False)
