"""What a client's socket tells while nothing is written to it."""

import socket
import struct

import gevent
import gevent.socket
import pytest

from addon.web.sockets import prepare, reset_at_close, unacknowledged, watched


@pytest.fixture
def pair():
    with gevent.socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        client = gevent.socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    yield server, client
    server.close()
    client.close()


def test_a_pipelined_request_is_not_taken_for_a_goodbye(pair):
    server, client = pair
    gone = []
    with watched({"gunicorn.socket": server}, lambda: gone.append(1)):
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        gevent.sleep(0.05)
    assert gone == []
    assert server.recv(3) == b"GET"


def test_a_client_that_leaves_is_noticed(pair):
    server, client = pair
    gone = gevent.event.Event()
    with watched({"gunicorn.socket": server}, gone.set):
        client.close()
        assert gone.wait(1)


def test_without_a_socket_nobody_is_watched():
    with watched({}, pytest.fail):
        gevent.sleep(0)


def test_what_the_other_side_has_not_acknowledged_is_counted(pair):
    server, _ = pair
    assert unacknowledged(server) == 0
    server.setblocking(False)
    sent = 0
    try:
        while True:
            sent += socket.socket.send(server, bytes(65536), socket.MSG_DONTWAIT)
    except BlockingIOError:
        pass
    assert 0 < unacknowledged(server) < sent


def test_a_reset_is_what_the_other_side_sees(pair):
    server, client = pair
    prepare(server)
    reset_at_close(server)
    linger = server.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)
    assert struct.unpack("ii", linger) == (1, 0)
    server.close()
    with pytest.raises(ConnectionResetError):
        client.recv(1)
