"""What a test may and may not reach."""

from pathlib import Path

import pytest

from tests.house.fence import is_here, names_this_machine
from tests.house.inner import reports, run

# 192.0.2.0/24 and 2001:db8::/32 are kept for documentation; nobody is there.
SOURCE = """
    import contextlib
    import socket

    import gevent
    import pytest
    from gevent.monkey import get_original

    def test_connect():
        with socket.socket() as s, contextlib.suppress(OSError):
            s.connect(("192.0.2.1", 80))

    def test_connect_ex():
        with socket.socket(socket.AF_INET6) as s, contextlib.suppress(OSError):
            s.connect_ex(("2001:db8::1", 80))

    def test_datagram():
        with socket.socket(type=socket.SOCK_DGRAM) as s, contextlib.suppress(OSError):
            s.sendto(b"x", ("192.0.2.1", 53))

    def test_name():
        with contextlib.suppress(OSError):
            socket.getaddrinfo("films.example.org", 80)

    def test_unpatched_socket_in_a_thread():
        def leave():
            with get_original("socket", "socket")() as s, contextlib.suppress(OSError):
                s.connect(("192.0.2.1", 80))

        gevent.get_hub().threadpool.apply(leave)

    def test_the_code_sees_an_error():
        with socket.socket() as s, pytest.raises(OSError, match="may not leave this machine"):
            s.connect(("192.0.2.1", 80))

    def test_here(tmp_path):
        for host in ("127.0.0.1", "127.0.0.9", "localhost"):
            with socket.create_server((host, 0)) as server:
                socket.create_connection(server.getsockname()).close()
        with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as s:
            server.bind(str(tmp_path / "s"))
            server.listen()
            s.connect(str(tmp_path / "s"))
        socket.getaddrinfo("192.0.2.1", 80)
        a, b = socket.socketpair()
        a.sendall(b"x")
        a.close()
        b.close()
"""


def test_leaving_this_machine_fails_a_test_even_if_it_takes_the_error_calmly(
    tmp_path: Path,
) -> None:
    found = reports(run(tmp_path, SOURCE))
    told = {
        "connect": "socket.connect ('192.0.2.1', 80)",
        "connect_ex": "socket.connect ('2001:db8::1', 80",
        "datagram": "socket.sendto ('192.0.2.1', 53)",
        "name": "socket.getaddrinfo",
        "unpatched_socket_in_a_thread": "socket.connect ('192.0.2.1', 80)",
        "the_code_sees_an_error": "socket.connect ('192.0.2.1', 80)",
    }
    assert found.keys() == {f"ERROR at teardown of test_{name}" for name in told}
    for name, text in told.items():
        assert text in found[f"ERROR at teardown of test_{name}"]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "LOCALHOST.", ""])
def test_names_of_this_machine(host: str) -> None:
    assert names_this_machine(host)
    assert names_this_machine(host.encode())


@pytest.mark.parametrize("host", ["10.0.0.1", "8.8.8.8", "fe80::1%eth0", "localhost.example.org"])
def test_names_of_others(host: str) -> None:
    assert not names_this_machine(host)


def test_addresses_without_a_host_are_here() -> None:
    assert is_here("/run/socket")
    assert is_here((0, 0))
    assert not is_here(("192.0.2.1", 80))
