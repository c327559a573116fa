"""Looking up names: shared, kept, and never starved by dead ones."""

import socket
import time
from collections.abc import Callable, Iterator

import gevent
import pytest
from gevent import monkey

from addon.net.failures import HttpError, Kind
from addon.net.names import AT_ONCE, Info, Names

block = monkey.get_original("time", "sleep")


def info(address: str, port: int) -> Info:
    return (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))


class Nameserver:
    """Called in threads, as the system's resolver is; names that begin with "dead" block."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fails: dict[str, OSError | UnicodeError] = {}
        self.address = "127.0.0.9"
        self.released = False

    def __call__(self, host: str, port: int) -> list[Info]:
        self.asked.append(host)
        while host.startswith("dead") and not self.released:
            block(0.005)
        if host in self.fails:
            raise self.fails[host]
        return [] if host == "empty.test" else [info(self.address, port)]


@pytest.fixture
def nameserver() -> Nameserver:
    return Nameserver()


@pytest.fixture
def make(nameserver: Nameserver) -> Iterator[Callable[..., Names]]:
    made = []

    def make(**options: Callable[[], float]) -> Names:
        made.append(Names(nameserver, **options))
        return made[-1]

    yield make
    nameserver.released = True
    for names in made:
        names.close()


def soon(seconds: float = 2.0) -> float:
    return time.monotonic() + seconds


def kind_of(names: Names, host: str, seconds: float = 2.0) -> Kind:
    with pytest.raises(HttpError) as caught:
        names.look_up(host, 80, soon(seconds))
    assert host in caught.value.detail
    return caught.value.kind


def test_an_address_needs_no_look_up(make: Callable[..., Names], nameserver: Nameserver) -> None:
    names = make()
    assert names.look_up("127.0.0.3", 81, 0)[0][4] == ("127.0.0.3", 81)
    assert names.look_up("::1", 81, 0)[0][4][:2] == ("::1", 81)
    assert nameserver.asked == []


def test_look_ups_of_one_name_are_one(make: Callable[..., Names], nameserver: Nameserver) -> None:
    names = make()
    asking = [gevent.spawn(names.look_up, "dead.test", 80, soon()) for _ in range(50)]
    gevent.sleep(0.05)
    nameserver.released = True
    gevent.joinall(asking, raise_error=True)
    assert {one.value[0][4] for one in asking} == {("127.0.0.9", 80)}
    assert nameserver.asked == ["dead.test"]


def test_answers_are_kept_for_their_time(
    make: Callable[..., Names], nameserver: Nameserver
) -> None:
    now = 1000.0
    names = make(clock=lambda: now)
    nameserver.fails["absent.test"] = socket.gaierror(socket.EAI_NONAME, "no such name")
    nameserver.fails["unknown.test"] = socket.gaierror(socket.EAI_AGAIN, "nobody to ask")
    hosts = ["found.test", "absent.test", "unknown.test"]

    def asked() -> list[str]:
        nameserver.asked.clear()
        for host in hosts:
            if host == "found.test":
                names.look_up(host, 80, soon())
            else:
                kind_of(names, host)
        return nameserver.asked

    assert asked() == hosts
    now += 1.9
    assert asked() == []
    now += 0.2
    assert asked() == ["unknown.test"]
    now = 1029.9
    assert asked() == ["unknown.test"]
    now = 1030.1
    assert asked() == ["absent.test"]
    now = 1300.1
    assert asked() == hosts


def test_failures_have_their_kinds(make: Callable[..., Names], nameserver: Nameserver) -> None:
    names = make()
    nameserver.fails = {
        "absent.test": socket.gaierror(socket.EAI_NONAME, "x"),
        "nodata.test": socket.gaierror(socket.EAI_NODATA, "x"),
        "a..test": UnicodeError("label empty or too long"),
        "offline.test": socket.gaierror(socket.EAI_AGAIN, "x"),
        "files.test": OSError(24, "too many open files"),
    }
    expected = {
        "absent.test": Kind.NAME,
        "nodata.test": Kind.NAME,
        "a..test": Kind.NAME,
        "empty.test": Kind.NAME,
        "offline.test": Kind.LOCAL,
        "files.test": Kind.LOCAL,
    }
    assert {host: kind_of(names, host) for host in expected} == expected


def test_a_caller_waits_no_longer_than_its_deadline(
    make: Callable[..., Names], nameserver: Nameserver
) -> None:
    names = make()
    start = time.monotonic()
    assert kind_of(names, "dead.test", 0.2) is Kind.TIMEOUT
    assert 0.15 < time.monotonic() - start < 0.6
    # The look-up goes on, and who comes later joins it.
    nameserver.released = True
    assert names.look_up("dead.test", 80, soon())
    assert nameserver.asked == ["dead.test"]


def test_dead_names_do_not_delay_another(
    make: Callable[..., Names], nameserver: Nameserver
) -> None:
    names = make()
    dead = [gevent.spawn(kind_of, names, f"dead{n}.test", 1.0) for n in range(20)]
    gevent.sleep(0.1)
    start = time.monotonic()
    assert names.look_up("alive.test", 80, soon())
    assert time.monotonic() - start < 0.25
    nameserver.released = True
    gevent.killall(dead)


def test_what_never_began_is_our_own_fault(
    make: Callable[..., Names], nameserver: Nameserver
) -> None:
    names = make()
    dead = [gevent.spawn(kind_of, names, f"dead{n}.test", 5.0) for n in range(AT_ONCE + 1)]
    gevent.sleep(0.2)
    assert len(nameserver.asked) == AT_ONCE
    assert kind_of(names, "alive.test", 0.2) is Kind.LOCAL
    nameserver.released = True
    assert names.look_up("alive.test", 80, soon())
    gevent.killall(dead)


def test_close_does_not_wait_for_dead_names(
    make: Callable[..., Names], nameserver: Nameserver
) -> None:
    names = make()
    waiting = gevent.spawn(kind_of, names, "dead.test", 30.0)
    gevent.sleep(0.05)
    start = time.monotonic()
    names.close()
    assert time.monotonic() - start < 2
    assert waiting.get(timeout=1) is Kind.LOCAL
    assert kind_of_closed(names) is Kind.LOCAL
    nameserver.released = True


def kind_of_closed(names: Names) -> Kind:
    with pytest.raises(HttpError) as caught:
        names.look_up("other.test", 80, soon())
    return caught.value.kind
