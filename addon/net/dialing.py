"""From a host's name to a connected socket, past the address policy."""

import socket
import time
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from addon.net.addresses import AddressPolicy, Refused
from addon.net.failures import OWN_FAULTS, HttpError, Kind
from addon.net.names import Info, Names

MOST_ADDRESSES = 6
# A look-up ends this much before the deadline: its own error tells whether the name is to blame.
MOMENT = 0.02
ATTEMPT_TIME = 5.0  # seconds for one address; less where the deadline must do for several


def dial(
    names: Names, policy: AddressPolicy, host: str, port: int, deadline: float
) -> socket.socket:
    """A connection to the first allowed address that answers.

    The address that was checked is the one that is connected to: a name server that answers
    otherwise the next time (DNS rebinding) is not asked a next time.
    """
    places, why = _allowed(policy, names.look_up(host, port, deadline - MOMENT), port)
    if not places:
        raise HttpError(Kind.ADDRESS, f"{host} is refused. {why}")
    failures: list[OSError] = []
    for left, (family, address) in zip(range(len(places), 0, -1), places, strict=True):
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise HttpError(Kind.TIMEOUT, f"{host} took too long to answer.")
        try:
            return _connected(family, address, min(remaining / left, ATTEMPT_TIME))
        except OSError as error:
            failures.append(error.with_traceback(None))
    if all(error.errno in OWN_FAULTS for error in failures):
        raise HttpError(Kind.LOCAL, f"{host} cannot be asked from here: {failures[-1].strerror}.")
    raise HttpError(Kind.CONNECT, f"Nobody answers at {host}.")


def _connected(family: int, address: tuple[Any, ...], seconds: float) -> socket.socket:
    line = socket.socket(family, socket.SOCK_STREAM)
    try:
        line.settimeout(seconds)
        line.connect(address)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.settimeout(None)  # from here on the deadline alone counts
    except BaseException:  # a greenlet that is killed, too, leaves no socket
        line.close()
        raise
    return line


def _allowed(
    policy: AddressPolicy, infos: list[Info], port: int
) -> tuple[list[tuple[int, tuple[Any, ...]]], str]:
    """Where to connect to, in order, and why the last of the others is refused."""
    places: list[tuple[int, tuple[Any, ...]]] = []
    why = "It has no address of a known kind."
    for family, _, _, _, address in infos:
        if family in (socket.AF_INET, socket.AF_INET6):
            try:
                policy.check_address(address[0], port)
            except Refused as refused:
                why = str(refused)
            else:
                places.append((family, (address[0], port, *address[2:])))
    return list(_alternating(places))[:MOST_ADDRESSES], why


def _alternating(
    places: list[tuple[int, tuple[Any, ...]]],
) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """The families in turns, the resolver's first choice first: one of them may lead nowhere."""
    if not places:
        return
    first = [place for place in places if place[0] == places[0][0]]
    second = [place for place in places if place[0] != places[0][0]]
    for pair in zip_longest(first, second):
        yield from (place for place in pair if place is not None)
