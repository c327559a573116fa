"""The composition root: two servers in one process share nothing, and closing undoes starting."""

import contextlib
import io
import json
import logging
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from werkzeug.test import Client, TestResponse

from addon.app import Application, create_app
from addon.settings import load_settings
from tests.torrents.build import real

HOST = "http://127.0.0.1:7000"
KEY = "correct-horse-battery"
QUIET = {"DHT": "off", "UPNP": "off", "P2P_INTERFACE": "127.0.0.1", "ALLOW_PRIVATE_ADDRESSES": "on"}


class House:
    """One application, asked without a server in between."""

    def __init__(self, folder: Path, **environ: str) -> None:
        settings = load_settings({"DATA_DIR": str(folder), **QUIET, **environ})
        self.app: Application = create_app(settings)
        self.client = Client(self.app)

    def ask(self, path: str, method: str = "GET", **more: Any) -> TestResponse:
        return self.client.open(path, method=method, base_url=HOST, **more)

    def json(self, path: str, **more: Any) -> Any:
        return json.loads(self.ask(path, **more).text)

    def upload(self, raw: bytes) -> Any:
        kind = "application/x-bittorrent"
        return json.loads(self.ask("/api/torrents", "POST", data=raw, content_type=kind).text)

    def listed(self) -> set[str]:
        return {one["infoHash"] for one in self.json("/api/torrents")["torrents"]}


Build = Callable[..., House]


def open_below(folder: Path) -> list[str]:
    """The files below a folder that this process has open."""
    found = []
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found.append(os.readlink(f"/proc/self/fd/{number}"))
    return [name for name in found if name.startswith(f"{folder}/")]


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Build]:
    houses = []

    def make(name: str = "data", **environ: str) -> House:
        houses.append(House(tmp_path / name, **environ))
        return houses[-1]

    yield make
    while houses:
        houses.pop().app.close()


@pytest.fixture
def raw(tmp_path: Path) -> bytes:
    return real(tmp_path / "film", {"A.Film.2019.mkv": bytes(20_000)}, "v1")


def test_building_starts_nothing(build: Build) -> None:
    before = len(os.listdir("/proc/self/task"))
    house = build()
    assert len(os.listdir("/proc/self/task")) == before
    house.app.close()


def test_the_first_request_starts_it_and_the_library_has_its_samples(build: Build) -> None:
    house = build()
    assert house.ask("/healthz").status_code == 200
    assert len(house.listed()) == 4
    with gevent.Timeout(5):
        while house.ask("/readyz").status_code != 200:
            gevent.sleep(0.01)
    assert house.json("/readyz")["torrents"] == 0, "a sample is listed, not downloaded"


def test_starting_twice_is_starting_once(build: Build, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    house = build()
    house.app.start()
    house.app.start()
    house.ask("/healthz")
    assert caplog.text.count("Self-Streme is ready") == 1
    assert len(house.listed()) == 4


def test_metrics_are_for_those_who_may_use_the_api(build: Build, raw: bytes) -> None:
    house = build()
    house.upload(raw)
    answer = house.ask("/metrics")
    assert "\nselfstreme_torrents 1\n" in answer.text
    assert "\nselfstreme_streams 0\n" in answer.text
    assert "A.Film" not in answer.text
    closed = build("closed", ACCESS_KEY=KEY)
    assert closed.ask("/metrics").status_code == 404
    bearer = {"Authorization": f"Bearer {KEY}"}
    assert "\nselfstreme_feeders 0\n" in closed.ask("/metrics", headers=bearer).text


def test_two_apps_share_nothing(build: Build, raw: bytes) -> None:
    one, other = build("one"), build("other")
    added = one.upload(raw)
    assert added["status"] == "ready"
    assert added["infoHash"] in one.listed() - other.listed()
    assert one.json("/readyz")["torrents"] == 1
    assert other.json("/readyz")["torrents"] == 0
    path = added["playUrl"].removeprefix(HOST)
    assert one.ask(path, "HEAD").status_code == 200
    # Not even once the other has the film itself: its links are sealed with its own key.
    other.upload(raw)
    assert other.ask(path, "HEAD").status_code == 404
    one.app.close()
    assert other.json("/healthz") == {"status": "ok"}
    assert added["infoHash"] in other.listed()


def test_what_was_added_and_given_out_outlives_a_restart(build: Build, raw: bytes) -> None:
    first = build()
    added = first.upload(raw)
    first.ask(f"/api/torrents/{next(iter(first.listed() - {added['infoHash']}))}", "DELETE")
    first.app.close()
    second = build()
    assert added["infoHash"] in second.listed()
    assert len(second.listed()) == 4, "a sample that was removed does not come back"
    again = second.json(f"/api/torrents/{added['infoHash']}")
    assert again["playUrl"] == added["playUrl"]
    assert second.ask(added["playUrl"].removeprefix(HOST), "HEAD").status_code == 200


def test_every_face_is_there(build: Build) -> None:
    house = build()
    for path in ("/", "/healthz", "/readyz", "/manifest.json", "/catalog/movie/library.json",
                 "/api/torrents", "/api/resolutions"):  # fmt: skip
        assert house.ask(path).status_code in (200, 503), path
    assert json.loads(house.ask("/nothing").text)["code"] == "not-found"
    # A path is taken as it is: two slashes are not one.
    assert house.ask("/api//torrents").status_code == 404


def test_closing_without_starting_and_closing_twice(build: Build) -> None:
    house = build()
    house.app.close()
    house.app.close()
    started = build("other")
    started.app.start()
    started.app.close()
    started.app.close()


def test_closing_leaves_no_thread_and_no_port(build: Build) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = free.getsockname()
    before = len(os.listdir("/proc/self/task"))
    house = build(P2P_PORT=str(address[1]))
    house.app.start()
    with gevent.Timeout(5):
        while house.ask("/readyz").status_code != 200:
            gevent.sleep(0.01)
    house.app.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address).close()
    assert len(os.listdir("/proc/self/task")) <= before


def test_closing_closes_every_file(build: Build, raw: bytes, tmp_path: Path) -> None:
    house = build()
    house.upload(raw)
    assert open_below(tmp_path)
    house.app.close()
    assert open_below(tmp_path) == []


def test_a_server_that_is_told_to_end_says_so_and_ends_its_streams(
    build: Build, raw: bytes
) -> None:
    ending: list[bool] = []
    house = build()
    house.app.start(lambda: bool(ending))
    url = house.upload(raw)["playUrl"].removeprefix(HOST)
    waiting = gevent.spawn(house.ask, url)
    gevent.sleep(0.1)
    assert not waiting.ready(), "nobody has the film"
    ending.append(True)
    answer = waiting.get(timeout=2)
    assert answer.status_code == 307, "the next server will know"
    assert house.ask("/healthz").status_code == 503
    answer.close()


def test_a_made_key_is_shown_once_and_kept_out_of_the_log(
    build: Build, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    house = build(HOST="0.0.0.0")
    house.app.start()
    shown = capsys.readouterr().out
    key = shown.split("shown once): ")[1].split()[0]
    assert house.ask("/api/torrents").status_code == 404
    bearer = {"Authorization": f"Bearer {key}"}
    assert house.ask("/api/torrents", headers=bearer).status_code == 200
    manifest = next(word for word in shown.split() if word.endswith("/manifest.json"))
    assert house.ask(manifest.removeprefix(HOST)).status_code == 200
    assert key not in caplog.text
    house.app.close()
    again = build(HOST="0.0.0.0")
    again.app.start()
    assert key not in capsys.readouterr().out
    assert again.ask("/api/torrents", headers=bearer).status_code == 200


def test_a_key_that_was_set_is_shown_to_nobody(
    build: Build, capsys: pytest.CaptureFixture[str]
) -> None:
    house = build(ACCESS_KEY=KEY)
    house.app.start()
    assert "key" not in capsys.readouterr().out.lower()


@pytest.mark.parametrize(("trusted", "base"), [("on", "https://films.example"), ("off", HOST)])
def test_a_proxy_is_believed_only_if_it_is_trusted(
    build: Build, raw: bytes, trusted: str, base: str
) -> None:
    house = build(TRUST_PROXY=trusted, ACCESS_KEY=KEY)
    house.app.start()
    headers = {
        "Authorization": f"Bearer {KEY}",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "films.example",
        "Content-Type": "application/x-bittorrent",
    }
    answer = house.ask("/api/torrents", "POST", headers=headers, input_stream=io.BytesIO(raw))
    assert json.loads(answer.text)["playUrl"].startswith(f"{base}/play/")
