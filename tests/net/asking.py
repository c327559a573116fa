"""What the tests of the client share: files, faults, name servers, a place that is forbidden."""

import random
import socket
import time
from collections.abc import Callable
from typing import Any

import gevent
import pytest

from addon.net.addresses import AddressPolicy
from addon.net.client import Answer, HttpError, Kind
from addon.net.names import Info

HERE, THERE = "127.0.0.5", "127.0.0.6"
FILM = random.Random(1).randbytes(3_000_000)
SHORT = random.Random(2).randbytes(1000)
CHUNK = 64 * 1024


class Blessed(AddressPolicy):
    """The public rules, with some loopback addresses taken for public ones."""

    def __init__(self, *addresses: str) -> None:
        super().__init__()
        self._blessed = addresses

    def may_reach(self, address: Any) -> bool:
        return str(address) in self._blessed or super().may_reach(address)


def soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


def whole(answer: Answer, seconds: float = 5.0) -> bytes:
    with answer:
        return b"".join(iter(lambda: answer.read(CHUNK, soon(seconds)), b""))


def failure(act: Callable[[], object], within: float = 2.0) -> HttpError:
    """The HttpError it raises, in time, which names no URL and holds nothing that does."""
    start = time.monotonic()
    with pytest.raises(HttpError) as caught:
        act()
    assert time.monotonic() - start < within
    error = caught.value
    assert error.detail.endswith(".")
    assert "/" not in error.detail
    assert "secret" not in error.detail
    assert error.__cause__ is error.__context__ is None
    return error


def resolver(**hosts: list[str]) -> Callable[[str, int], list[Info]]:
    """A name server: dots in names are written "_"; each call takes the next answer's turn."""

    turns = {host: answers.copy() for host, answers in hosts.items()}

    def resolve(host: str, port: int) -> list[Info]:
        if host not in hosts and (digits := NUMBERS.get(host)):
            return [entry(digits, port)]
        answers = turns.get(host.replace(".", "_"))
        if not answers:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        now = answers.pop(0) if len(answers) > 1 else answers[0]
        return [entry(address, port) for address in now.split()]

    return resolve


# As the system's resolver reads them (test_addresses.py asks it).
NUMBERS = dict.fromkeys(["2130706439", "0x7f.7", "0x7f.0.0.7", "0177.0.0.7", "127.7"], "127.0.0.7")


def entry(address: str, port: int) -> Info:
    if ":" in address:
        return (socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port, 0, 0))
    return (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))


class Listener:
    """Where nobody may come: it counts who does."""

    def __init__(self, address: str) -> None:
        self.visitors = 0
        self._socket = socket.create_server((address, 0))
        self.address, self.port = self._socket.getsockname()
        self._accepting = gevent.spawn(self._accept)

    def _accept(self) -> None:
        while True:
            visitor, _ = self._socket.accept()
            self.visitors += 1
            visitor.close()

    def close(self) -> None:
        gevent.sleep(0.05)
        self._accepting.kill()
        self._socket.close()


OPENING = {
    "hang": Kind.TIMEOUT,
    "drip-headers": Kind.TIMEOUT,
    "endless-headers": Kind.PROTOCOL,
    "long-header": Kind.PROTOCOL,
    "hundred-continue": Kind.PROTOCOL,
    "gzip-bomb": Kind.PROTOCOL,
    "rst": Kind.CUT,
    "close-at-once": Kind.CUT,
    "redirect-loop": Kind.REDIRECTS,
    "redirect-on": Kind.REDIRECTS,
    "redirect-nowhere": Kind.REDIRECTS,
}
READING = {
    "hang-body": Kind.TIMEOUT,
    "stall-after-100000": Kind.TIMEOUT,
    "drip": Kind.TIMEOUT,
    "slow-1000": Kind.TIMEOUT,
    "absurd-chunk": Kind.PROTOCOL,
    "bad-chunk": Kind.PROTOCOL,
    "endless-trailers": Kind.TIMEOUT,
    "close-early": Kind.CUT,
    "die-after-100000": Kind.CUT,
    "rst-100000": Kind.CUT,
}
