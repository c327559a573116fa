"""Bytes on a real socket: complete, or the body raises."""

import errno
import os
import socket

import gevent
import gevent.socket
import pytest

from addon.errors import Problem
from addon.web import sending
from addon.web.sending import Sender

SIZE = 3 * 1024 * 1024


class FakeStream:
    """Chunks that a test decides on, and a record of what was said to it."""

    def __init__(self, chunks):
        self._chunks = chunks
        self.frozen = []
        self.cancelled = gevent.event.Event()
        self.closed = False

    def chunks(self):
        for chunk in self._chunks:
            if chunk is WAIT:
                self.cancelled.wait()
                raise ConnectionAbortedError("cancelled")
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk

    def stall(self, *, frozen):
        self.frozen.append(frozen)

    @property
    def ended(self):
        return self.cancelled.is_set()

    def cancel(self):
        self.cancelled.set()

    def close(self):
        self.closed = True


WAIT = object()


@pytest.fixture
def pair():
    with gevent.socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        client = gevent.socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    # Small buffers, so that a client that does not read is felt at once.
    server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    yield server, client
    server.close()
    client.close()


@pytest.fixture
def film(tmp_path):
    data = os.urandom(SIZE)
    path = tmp_path / "film"
    path.write_bytes(data)
    fd = os.open(path, os.O_RDONLY)
    yield fd, data
    os.close(fd)


def run(sender, server, stream, viewer="anne", on_first=lambda: None):
    """What gunicorn does: take every item, in a greenlet of its own."""

    def body():
        return list(sender.body({"gunicorn.socket": server}, stream, viewer, on_first))

    return gevent.spawn(body)


def receive(client, count):
    out = b""
    while len(out) < count:
        part = client.recv(min(65536, count - len(out)))
        if not part:
            break
        out += part
    return out


def test_bytes_and_file_ranges_arrive_in_order_and_whole(pair, film):
    server, client = pair
    fd, data = film
    stream = FakeStream([data[:1000], (fd, 1000, SIZE - 2000), data[SIZE - 1000 :]])
    firsts = []
    task = run(Sender(), server, stream, on_first=lambda: firsts.append(1))
    assert receive(client, SIZE) == data
    # The only item is the empty one that makes gunicorn send its head.
    assert task.get(timeout=5) == [b""]
    assert firsts
    assert stream.closed


def test_other_servers_get_a_plain_generator(film):
    fd, data = film
    stream = FakeStream([data[:10], (fd, 10, SIZE - 10)])
    body = Sender().body({}, stream, "anne", lambda: None)
    assert b"".join(body) == data
    assert stream.closed


@pytest.mark.parametrize(
    "reason",
    [Problem("disk-full", "No room."), OSError("disk"), ValueError("a mistake of ours")],
)
def test_a_body_that_cannot_go_on_raises_and_says_why_in_the_log(pair, caplog, reason):
    server, _ = pair
    stream = FakeStream([b"x" * 10, reason])
    task = run(Sender(), server, stream)
    with pytest.raises(BrokenPipeError) as caught:
        task.get(timeout=5)
    assert caught.value.errno == errno.EPIPE
    assert str(reason) in caplog.text
    assert stream.closed


def test_a_file_that_is_too_short_raises(pair, film):
    server, client = pair
    fd, _ = film
    task = run(Sender(), server, FakeStream([(fd, SIZE - 10, 20)]))
    receive(client, 10)
    with pytest.raises(BrokenPipeError):
        task.get(timeout=5)


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_a_player_that_leaves_while_we_wait_is_noticed_at_once(pair, how):
    server, client = pair
    stream = FakeStream([b"x" * 10, WAIT])
    task = run(Sender(), server, stream)
    receive(client, 10)
    if how == "rst":
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    with pytest.raises(BrokenPipeError):
        task.get(timeout=1)
    assert stream.closed


def test_a_server_that_stops_ends_every_body_that_waits(pair):
    server, client = pair
    sender, stream = Sender(), FakeStream([b"x" * 10, WAIT])
    task = run(sender, server, stream)
    receive(client, 10)
    sender.end()
    with pytest.raises(BrokenPipeError):
        task.get(timeout=1)


def test_a_frozen_player_is_told_and_goes_on_when_it_reads_again(pair, film, monkeypatch):
    # Long enough for the last bytes on their way to be acknowledged: TCP delays that by 40 ms.
    monkeypatch.setattr(sending, "LOOK_INTERVAL", 0.2)
    server, client = pair
    fd, data = film
    stream = FakeStream([(fd, 0, SIZE)])
    task = run(Sender(), server, stream)
    gevent.sleep(1)
    assert stream.frozen == [True]
    assert receive(client, SIZE) == data
    task.get(timeout=5)
    assert stream.frozen == [True, False]


def test_a_slow_player_is_neither_cut_nor_called_frozen(pair, film, monkeypatch):
    monkeypatch.setattr(sending, "LOOK_INTERVAL", 0.1)
    server, client = pair
    fd, data = film
    stream = FakeStream([(fd, 0, 400_000)])
    task = run(Sender(), server, stream)
    out = b""
    while len(out) < 400_000:
        out += client.recv(4000)
        gevent.sleep(0.005)
    assert out == data[:400_000]
    task.get(timeout=5)
    assert True not in stream.frozen


def test_a_frozen_connection_ends_after_hours(pair, film, monkeypatch):
    monkeypatch.setattr(sending, "LOOK_INTERVAL", 0.02)
    monkeypatch.setattr(sending, "FROZEN_LIMIT", 0.1)
    server, _ = pair
    fd, _ = film
    task = run(Sender(), server, FakeStream([(fd, 0, SIZE)]))
    with pytest.raises(BrokenPipeError):
        task.get(timeout=5)


def test_the_viewers_newest_request_comes_before_their_blocked_one(pair, film):
    server, client = pair
    fd, data = film
    sender = Sender()
    stream = FakeStream([(fd, 0, SIZE)])
    task = run(sender, server, stream)
    gevent.sleep(0.05)
    sender.outrank("bob")
    assert stream.frozen == []
    sender.outrank("anne")
    assert stream.frozen == [True]
    assert receive(client, SIZE) == data
    task.get(timeout=5)
    assert stream.frozen == [True, False]


def test_too_many_streams_let_go_of_the_one_that_is_frozen_longest(pair, film, monkeypatch):
    monkeypatch.setattr(sending, "MAX_STREAMS", 1)
    server, _ = pair
    fd, _ = film
    sender = Sender()
    sender.make_room()
    stream = FakeStream([(fd, 0, SIZE)])
    task = run(sender, server, stream)
    gevent.sleep(0.05)
    with pytest.raises(Problem) as caught:
        sender.make_room()
    assert caught.value.code == "busy"
    sender.outrank("anne")
    sender.make_room()
    with pytest.raises(BrokenPipeError):
        task.get(timeout=5)
    sender.make_room()


def test_where_a_router_would_cut_a_silent_body_we_cut_it_first(pair):
    server, client = pair
    stream = FakeStream([WAIT])
    task = run(Sender(silence=0.05), server, stream)
    with pytest.raises(BrokenPipeError):
        task.get(timeout=1)
    server.close()  # as gunicorn does
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    assert stream.closed


def test_a_body_that_has_begun_may_be_silent(pair):
    server, client = pair
    stream = FakeStream([b"first", WAIT])
    task = run(Sender(silence=0.05), server, stream)
    assert receive(client, 5) == b"first"
    gevent.sleep(0.15)
    assert not task.ready()
    stream.cancel()
    with pytest.raises(BrokenPipeError):
        task.get(timeout=1)


def test_at_home_a_player_may_wait_as_long_as_it_likes(pair):
    server, _ = pair
    stream = FakeStream([WAIT])
    task = run(Sender(), server, stream)
    gevent.sleep(0.1)
    assert not task.ready()
    stream.cancel()
    with pytest.raises(BrokenPipeError):
        task.get(timeout=1)
