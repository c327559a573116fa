"""What Prometheus is told, and whom the server tells it."""

import gc
import os
import re
import time
from dataclasses import dataclass, field

import gevent
from flask import Flask, Request
from werkzeug.local import LocalProxy
from werkzeug.test import TestResponse

from addon.swarm.torrent import Progress
from addon.web.metrics import blueprint
from addon.web.problems import not_found, register

LINE = re.compile(r"[a-z_]+ [0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?")


@dataclass
class FakeTorrent:
    readers: int = 0
    verified: int = 0
    progress: Progress = field(default_factory=Progress)

    def verified_bytes(self) -> int:
        return self.verified


@dataclass
class FakeSwarm:
    found: list[FakeTorrent] = field(default_factory=list)

    def torrents(self) -> list[FakeTorrent]:
        return self.found


def ask(*torrents: FakeTorrent, feeders: int = 0, streams: int = 0, key: str = "") -> TestResponse:
    def require_access(asked: Request) -> None:
        if key and asked.headers.get("Authorization") != f"Bearer {key}":
            raise not_found()

    app = Flask("test", static_folder=None)
    register(app)
    swarm = FakeSwarm(list(torrents))
    app.register_blueprint(blueprint(require_access, swarm, lambda: feeders, lambda: streams))
    return app.test_client().get("/metrics")


def values(answer: TestResponse) -> dict[str, float]:
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.partition(" ") for line in lines)}


def test_every_sample_has_its_help_and_type_and_a_number() -> None:
    answer = ask(FakeTorrent())
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.text.endswith("\n")
    lines = answer.text.splitlines()
    triples = [lines[at : at + 3] for at in range(0, len(lines), 3)]
    for told, kind, sample in triples:
        name = sample.partition(" ")[0]
        assert LINE.fullmatch(sample)
        assert told.startswith(f"# HELP {name} ")
        assert kind == f"# TYPE {name} {'counter' if name.endswith('_total') else 'gauge'}"
    assert len({sample for _, _, sample in triples}) == 10


def test_what_plays_is_added_up() -> None:
    first = FakeTorrent(readers=2, verified=5_000_000_000, progress=Progress(peers=3))
    second = FakeTorrent(readers=1, verified=1, progress=Progress(peers=4))
    told = values(ask(first, second, feeders=2, streams=5))
    assert {name: value for name, value in told.items() if name.startswith("selfstreme")} == {
        "selfstreme_torrents": 2,
        "selfstreme_readers": 3,
        "selfstreme_peers": 7,
        "selfstreme_feeders": 2,
        "selfstreme_streams": 5,
        "selfstreme_verified_bytes": 5_000_000_001,
        "selfstreme_greenlets": told["selfstreme_greenlets"],
    }


def test_a_large_number_is_told_to_the_last_byte() -> None:
    assert (
        "selfstreme_verified_bytes 123456789012345\n"
        in ask(FakeTorrent(verified=123_456_789_012_345)).text
    )


def test_what_the_process_holds_is_counted() -> None:
    before = values(ask())
    pipes = [os.pipe() for _ in range(4)]
    held = bytearray(os.urandom(1)) * 64_000_000
    waiting = [gevent.spawn(gevent.sleep, 60) for _ in range(7)]
    try:
        gevent.sleep(0)
        during = values(ask())
    finally:
        gevent.killall(waiting)
        for end in (end for pair in pipes for end in pair):
            os.close(end)
        gevent.sleep(0.01)  # gevent closes in the loop's next turn
    after = values(ask())
    assert len(held) == 64_000_000
    assert during["process_open_fds"] - before["process_open_fds"] == 8
    assert after["process_open_fds"] == before["process_open_fds"]
    assert during["selfstreme_greenlets"] - before["selfstreme_greenlets"] == 7
    assert after["selfstreme_greenlets"] == before["selfstreme_greenlets"], "the dead do not count"
    grown = during["process_resident_memory_bytes"] - before["process_resident_memory_bytes"]
    assert grown > 50_000_000


def test_processor_time_is_what_the_system_says() -> None:
    before = time.process_time()
    told = values(ask())["process_cpu_seconds_total"]
    assert before <= told <= time.process_time()


def test_a_proxy_that_raises_when_asked_for_its_class_is_passed_over() -> None:
    def unbound() -> object:
        raise RuntimeError("outside")

    proxy: LocalProxy[object] = LocalProxy(unbound)
    assert any(thing is proxy for thing in gc.get_objects())
    assert ask().status_code == 200


def test_who_may_not_use_the_api_learns_nothing() -> None:
    answer = ask(FakeTorrent(), key="secret")
    assert answer.status_code == 404
    assert "selfstreme" not in answer.text
