"""Host names to addresses, so that dead names delay nobody else.

gevent's own resolver shares 10 threads: with 20 dead names in flight an unrelated look-up took 5 s
instead of none. Here names have threads of their own, one question for each name at a time, and
answers are kept.
"""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from cachetools import TLRUCache
from gevent import Timeout, monkey
from gevent.event import Event
from gevent.pool import Group
from gevent.threadpool import ThreadPool

from addon.net.failures import HttpError, Kind

# As ``getaddrinfo`` has it: family, type, protocol, canonical name, socket address.
Info = tuple[int, int, int, str, tuple[Any, ...]]
Resolve = Callable[[str, int], list[Info]]

AT_ONCE = 64
MOST_KEPT = 2048
KEEP_FOUND = 300.0
KEEP_ABSENT = 30.0
KEEP_UNKNOWN = 2.0
CLOSING_TIME = 1.0

# Nobody could be asked: that says nothing about the name.
OWN_FAULTS = frozenset({socket.EAI_AGAIN, socket.EAI_SYSTEM, socket.EAI_MEMORY})


def ask_system(host: str, port: int) -> list[Info]:
    """The system's resolver, blocking: the unpatched function, for a thread."""
    look_up = monkey.get_original("socket", "getaddrinfo")
    found: list[Info] = look_up(host, port, 0, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    return found


@dataclass(eq=False, slots=True)
class _Question:
    started: bool = False
    answer: list[Info] | int = socket.EAI_SYSTEM  # a number is getaddrinfo's error
    answered: Event = field(default_factory=Event)


class Names:
    """The resolver of one client; ``resolve`` is called in a thread and may block."""

    def __init__(
        self, resolve: Resolve = ask_system, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._resolve = resolve
        self._pool = ThreadPool(AT_ONCE)
        self._asking = Group()
        self._running: dict[tuple[str, int], _Question] = {}
        self._kept: TLRUCache[tuple[str, int], list[Info] | int] = TLRUCache(
            MOST_KEPT, lambda _, answer, now: now + _lifetime(answer), timer=clock
        )
        self._closed = False

    def look_up(self, host: str, port: int, deadline: float) -> list[Info]:
        """The host's addresses, at least one, by ``deadline`` (``time.monotonic``)."""
        if (literal := _literal(host, port)) is not None:
            return [literal]
        key = (host.lower(), port)
        answer = self._kept.get(key)
        if answer is None:
            answer = self._ask(key, deadline)
        if isinstance(answer, list):
            return answer
        if answer in OWN_FAULTS:
            raise HttpError(Kind.LOCAL, f"No name server could be asked for {host}.")
        raise HttpError(Kind.NAME, f"{host} has no address.")

    def close(self) -> None:
        """End the threads; one that is still asking ends when its answer comes."""
        self._closed = True
        self._asking.kill()
        with Timeout(CLOSING_TIME, False):  # noqa: FBT003 - gevent's way to say "silently"
            self._pool.kill()

    def _ask(self, key: tuple[str, int], deadline: float) -> list[Info] | int:
        question = self._running.get(key)
        if question is None:
            if self._closed:
                raise HttpError(Kind.LOCAL, "The client is closed.")
            question = self._running[key] = _Question()
            self._asking.spawn(self._find, key, question)
        if not question.answered.wait(max(deadline - time.monotonic(), 0)):
            if not question.started:
                raise HttpError(Kind.LOCAL, f"Too many names are asked for; {key[0]} must wait.")
            raise HttpError(Kind.TIMEOUT, f"It took too long to find the address of {key[0]}.")
        return question.answer

    def _find(self, key: tuple[str, int], question: _Question) -> None:
        """One name's look-up: it outlives callers that give up, and the next one joins it."""
        try:
            question.answer = self._pool.spawn(self._in_thread, key, question).get()
            self._kept[key] = question.answer
        finally:
            self._running.pop(key, None)
            question.answered.set()

    def _in_thread(self, key: tuple[str, int], question: _Question) -> list[Info] | int:
        question.started = True
        try:
            # An error becomes a value here: gevent prints what a thread's task raises.
            return self._resolve(*key) or socket.EAI_NONAME
        except UnicodeError:  # a label that is empty or longer than 63
            return socket.EAI_NONAME
        except socket.gaierror as error:
            return error.errno or socket.EAI_FAIL
        except OSError:
            return socket.EAI_SYSTEM


def _lifetime(answer: list[Info] | int) -> float:
    if isinstance(answer, list):
        return KEEP_FOUND
    return KEEP_UNKNOWN if answer in OWN_FAULTS else KEEP_ABSENT


def _literal(host: str, port: int) -> Info | None:
    """What a resolver would say of a plain address, without a thread."""
    try:
        version = ip_address(host).version
    except ValueError:
        return None
    if version == 4:
        return (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port))
    return (socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port, 0, 0))
