"""What platforms are told."""

import json
from typing import Any

import pytest
from flask import Flask

from addon.web.health import blueprint


class FakeTorrent:
    def __init__(self, readers: int) -> None:
        self.readers = readers


class FakeSwarm:
    p2p = True

    def __init__(self, *readers: int, listening: bool = True) -> None:
        self.listening = listening
        self.asked = 0
        self._torrents = [FakeTorrent(count) for count in readers]

    def torrents(self) -> list[FakeTorrent]:
        self.asked += 1
        return self._torrents


def get(path: str, swarm: FakeSwarm, *, stopping: bool = False) -> tuple[int, dict[str, Any]]:
    app = Flask("test", static_folder=None)
    app.register_blueprint(blueprint(swarm, lambda: stopping))
    answer = app.test_client().get(path)
    return answer.status_code, json.loads(answer.text)


@pytest.mark.parametrize("listening", [True, False])
def test_healthz_touches_nothing(*, listening: bool) -> None:
    swarm = FakeSwarm(1, listening=listening)
    assert get("/healthz", swarm) == (200, {"status": "ok"})
    assert swarm.asked == 0


def test_a_server_that_is_told_to_end_says_so() -> None:
    assert get("/healthz", FakeSwarm(), stopping=True) == (503, {"status": "stopping"})


def test_readyz_says_what_works() -> None:
    assert get("/readyz", FakeSwarm(2, 0, 1)) == (
        200,
        {
            "status": "ready",
            "p2p": {"on": True, "listening": True},
            "torrents": 3,
            "readers": 3,
        },
    )


def test_a_swarm_that_cannot_listen_is_not_ready() -> None:
    status, told = get("/readyz", FakeSwarm(listening=False))
    assert status == 503
    assert (told["status"], told["p2p"]) == ("not-listening", {"on": True, "listening": False})


def test_without_p2p_nobody_needs_to_listen() -> None:
    swarm = FakeSwarm(listening=False)
    swarm.p2p = False
    status, told = get("/readyz", swarm)
    assert (status, told["status"]) == (200, "ready")
    assert told["p2p"] == {"on": False, "listening": False}


def test_what_keeps_peers_away_is_named() -> None:
    app = Flask("test", static_folder=None)
    swarm = FakeSwarm()
    swarm.p2p = False
    app.register_blueprint(blueprint(swarm, lambda: False, "P2P=auto is off on Heroku"))
    told = json.loads(app.test_client().get("/readyz").text)
    assert told["p2p"]["why"] == "P2P=auto is off on Heroku"
