"""SIGTERM: whatever is going on, the server ends by itself, in time and without an error.

What a later start makes of it stands in ``tests/swarm/test_restart.py``.
"""

import signal
import socket
import time

import pytest

from tests.live.pace import FROZEN_AFTER, SMALL, add_unknown
from tests.rig.http import Connection, ask_for, request
from tests.rig.lab import MIB, Lab
from tests.rig.server import Server
from tests.rig.viewing import view
from tests.rig.waiting import pause, until

UNKNOWN = "0123456789abcdef0123456789abcdef01234567"


def stop(server: Server) -> float:
    """Seconds that it took; the log is searched here, so that the right test is blamed."""
    began = time.monotonic()
    assert server.terminate() == 0
    took = time.monotonic() - began
    server.close()
    return took


def test_in_mid_stream(lab: Lab) -> None:
    server = lab.server()
    film = view(lab, server, lab.torrent(32 * MIB), rate=4 * MIB)
    with film.open(0) as stream, film.open(16 * MIB, agent="other") as other:
        assert film.wrong(stream.read_exactly(2 * MIB), 0) == 0
        # One that is idle, one that was never used, and half a request: none holds the end.
        address = ("127.0.0.1", server.port)
        with (
            Connection(server.url) as idle,
            socket.create_connection(address),
            socket.create_connection(address) as half,
        ):
            idle.ask(f"{server.url}/healthz")
            assert idle.reply().status == 200
            half.sendall(b"GET /healthz HTTP/1.1\r\nHo")
            pause(0.2)
            server.process.terminate()
            pause(0.2)
            # A platform that looks hears that nothing more should be sent here.
            idle.ask(f"{server.url}/healthz")
            reply = idle.reply()
            assert (reply.status, reply.headers["connection"]) == (503, "close")
            assert stop(server) < 5
        for cut in (stream, other):
            with pytest.raises(ConnectionError):
                cut.digest()


def test_with_a_player_that_is_paused(lab: Lab) -> None:
    server = lab.server()
    film = view(lab, server, lab.torrent(40 * MIB))
    with film.open(buffer=SMALL, agent="paused") as stream:
        got = stream.read_exactly(1)
        until(lambda: not film.still_downloading())
        pause(FROZEN_AFTER)
        took = stop(server)
        with pytest.raises(ConnectionError):
            stream.digest()
    assert got == film.data[:1]
    # A platform waits for 10 s (Docker) or 5 s (Fly.io) before it kills.
    assert took < 5, "nobody will read what the server waits for"


@pytest.mark.parametrize("known", ["nothing", "the metadata"])
def test_while_a_request_is_held(lab: Lab, known: str) -> None:
    server = lab.server(RESOLVE_BUDGET="26000")
    if known == "nothing":
        url = add_unknown(server, UNKNOWN, lab.tracker.url)
    else:
        url = server.upload(lab.torrent(MIB).raw).json()["files"][0]["playUrl"]
    with Connection(url) as held:
        held.ask(url, ask_for(0))
        until(lambda: request(f"{server.url}/api/resolutions").json()["resolutions"], 2)
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        # Neither silence nor an error, which would end the film: the player comes again.
        told = held.reply()
        assert time.monotonic() - began < 5, "nobody is held for what the next server will say"
    stop(server)
    assert told.status == 307
    assert told.headers["location"].endswith("?hop=1")
