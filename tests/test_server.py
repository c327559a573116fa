"""The real gunicorn with the real configuration, serving a small application."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
KEY = "correct-horse-battery"
TOKEN = "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdEfGhIjKlMnOp"
SMALL_APP = """
from gevent import monkey
monkey.patch_all()

import os, gevent

class App:
    def start(self, stopping):
        self.stopping = stopping
        print("started", os.getpid(), stopping(), flush=True)

    def close(self):
        print("closed", os.getpid(), self.stopping(), flush=True)

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        if path == "/scheme":
            return self.answer(start_response, environ["wsgi.url_scheme"].encode())
        if path == "/slow":
            gevent.sleep(1)
        if path == "/endless":
            start_response("200 OK", [("Content-Length", "1000000")])
            return self.endless()
        if path.endswith("/raise"):
            raise RuntimeError(environ["RAW_URI"])
        if path.endswith("/greenlet"):
            gevent.spawn(self.fail, environ["RAW_URI"])
            gevent.sleep(0.05)
        return self.answer(start_response, b"fine")

    def answer(self, start_response, body):
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    def endless(self):
        while not self.stopping():
            yield b"x"
            gevent.sleep(0.05)
        raise RuntimeError("stopped in the middle")

    def fail(self, uri):
        raise RuntimeError(uri)

app = App()
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Gunicorn:
    def __init__(self, folder: Path, *options: str, app: str = SMALL_APP, **environ: str) -> None:
        self.port = free_port()
        self.home = folder
        self._log = folder / "log"
        (folder / "small.py").write_text(app)
        given = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": f"{folder}:{REPOSITORY}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PORT": str(self.port),
        }
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "gunicorn", "-c", "python:addon.server"),
                    *(*options, "small:app"),
                ],
                cwd=folder,
                env=given | environ,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def ready(self) -> "Gunicorn":
        self.wait_for(lambda: "started" in self.log)
        return self

    def wait_for(self, true: Callable[[], bool], seconds: float = 10) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, self.log
            assert self.process.poll() is None, self.log
            time.sleep(0.02)

    def connect(self) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client

    def ask(self, path: str, *headers: str, client: socket.socket | None = None) -> str:
        """The answer with its body, if that is short; a connection that is given stays open."""
        asking = client or self.connect()
        try:
            lines = [f"GET {path} HTTP/1.1", "Host: localhost", *headers, "", ""]
            asking.sendall("\r\n".join(lines).encode())
            with asking.makefile("rb") as answer:
                head = b"".join(iter(answer.readline, b"\r\n")).decode()
                length = int(head.lower().partition("content-length: ")[2].split()[0])
                return head + (answer.read(length).decode() if length < 1000 else "")
        finally:
            if client is None:
                asking.close()

    def stop(self, how: signal.Signals = signal.SIGTERM, *, whole_terminal: bool = False) -> float:
        """The seconds that it took to end."""
        begin = time.monotonic()
        (os.killpg if whole_terminal else os.kill)(self.process.pid, how)
        self.process.wait(20)
        return time.monotonic() - begin

    def end(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@pytest.fixture
def gunicorn(tmp_path: Path) -> Iterator[Callable[..., Gunicorn]]:
    running: list[Gunicorn] = []

    def start(*options: str, app: str = SMALL_APP, **environ: str) -> Gunicorn:
        folder = tmp_path / str(len(running))
        folder.mkdir()
        running.append(Gunicorn(folder, *options, app=app, **environ))
        return running[-1]

    yield start
    for server in running:
        server.end()


Start = Callable[..., Gunicorn]


def test_one_worker_is_started_and_closed_once(gunicorn: Start) -> None:
    server = gunicorn(WEB_CONCURRENCY="2").ready()
    assert server.ask("/").endswith("fine")
    assert server.stop() < 3
    assert server.process.returncode == 0
    words = [line.split() for line in server.log.splitlines()]
    (started,) = [line for line in words if line[0] == "started"]
    (closed,) = [line for line in words if line[0] == "closed"]
    assert started == ["started", started[1], "False"]
    assert closed == ["closed", started[1], "True"]
    assert not (server.home / ".gunicorn").exists()  # its control socket
    assert "Warning" not in server.log
    assert "Traceback" not in server.log


def test_open_connections_do_not_hold_the_end(gunicorn: Start) -> None:
    server = gunicorn().ready()
    with server.connect() as used, server.connect(), server.connect() as half:
        assert server.ask("/", client=used).endswith("fine")
        half.sendall(b"GET / HT")
        time.sleep(0.3)
        assert server.stop() < 3
        assert used.recv(1) == b""
    assert "closed" in server.log
    assert "Traceback" not in server.log


def test_requests_under_way_are_answered(gunicorn: Start) -> None:
    server = gunicorn().ready()
    with server.connect() as client:
        client.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(0.2)
        assert server.stop() < 4
        with client.makefile("rb") as answer:
            assert answer.read().endswith(b"fine")
    assert server.log.index("GET /slow") < server.log.index("closed")


def test_streams_learn_that_the_server_stops(gunicorn: Start) -> None:
    server = gunicorn().ready()
    with server.connect() as client:
        assert "200 OK" in server.ask("/endless", client=client)
        assert server.stop() < 3
    assert "closed" in server.log


def test_a_stubborn_answer_is_cut_before_the_server_is_killed(gunicorn: Start) -> None:
    app = "import addon.server\naddon.server.DRAIN = 0.5\n" + SMALL_APP
    server = gunicorn(app=app.replace("while not self.stopping()", "while True")).ready()
    with server.connect() as client:
        assert "200 OK" in server.ask("/endless", client=client)
        assert server.stop() < 4
    assert "closed" in server.log
    assert "Traceback" not in server.log


@pytest.mark.parametrize("again", [False, True])
def test_control_c_ends_quietly(gunicorn: Start, again: bool) -> None:
    server = gunicorn().ready()
    with server.connect() as idle:
        server.ask("/", client=idle)
        if again:
            os.killpg(server.process.pid, signal.SIGINT)
        assert server.stop(signal.SIGINT, whole_terminal=True) < 3
    assert server.process.returncode == 0
    assert server.log.count("closed") == 1
    assert "Traceback" not in server.log
    assert "Exit" not in server.log


def test_another_worker_cannot_be_asked_for(gunicorn: Start) -> None:
    server = gunicorn().ready()
    os.kill(server.process.pid, signal.SIGTTIN)
    server.wait_for(lambda: "exactly one worker" in server.log)
    assert server.ask("/").endswith("fine")
    server.stop()
    assert server.log.count("started") == 1


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--workers", "2"), "--workers"),
        (("--preload",), "--preload"),
        (("--worker-class", "sync"), "--worker-class"),
        (("--bind", "0.0.0.0:7000"), "--bind"),
    ],
)
def test_options_that_would_break_it_are_refused(
    gunicorn: Start, options: tuple[str, ...], named: str
) -> None:
    for server in (gunicorn(*options), gunicorn(GUNICORN_CMD_ARGS=" ".join(options))):
        assert server.process.wait(10) == 1
        assert f"{named} must be" in server.log
        assert "started" not in server.log
        assert "Traceback" not in server.log


def test_wrong_settings_are_told_in_plain_lines(gunicorn: Start) -> None:
    server = gunicorn(PORT="x", LOG_LEVEL="loud", ACCESS_KEY="hunter2")
    assert server.process.wait(10) == 1
    lines = server.log.splitlines()
    assert lines[0] == "Self-Streme cannot start as it is configured:"
    assert [line.split()[1] for line in lines[1:]] == ["PORT", "ACCESS_KEY", "LOG_LEVEL"]
    assert "hunter2" not in server.log


def test_what_only_the_application_finds_wrong_is_told_like_a_setting(gunicorn: Start) -> None:
    wrong = 'from addon.errors import SettingsError\nraise SettingsError(["SOURCES_FILE: no."])\n'
    server = gunicorn(app=wrong + SMALL_APP)
    assert server.process.wait(10) != 0
    assert "cannot start as it is configured:\n  - SOURCES_FILE: no." in server.log
    assert "Traceback" not in server.log


def test_an_application_that_fails_to_start(gunicorn: Start) -> None:
    app = SMALL_APP.replace('print("started"', f'raise RuntimeError("/{TOKEN}")\n        print("x"')
    server = gunicorn(app=app)
    assert server.process.wait(10) != 0
    assert "RuntimeError: /***" in server.log
    assert TOKEN not in server.log


def test_no_secret_reaches_the_output(gunicorn: Start) -> None:
    server = gunicorn(ACCESS_KEY=KEY, LOG_LEVEL="debug").ready()
    grant = TOKEN[::-1]
    secret = (
        f"Authorization: Bearer {KEY}",
        f"Cookie: session={KEY}",
        f"Referer: http://a/{TOKEN}",
    )
    for path in (
        *(f"/{TOKEN}/manifest.json", f"/{TOKEN}/raise", f"/{TOKEN}/greenlet", f"/{KEY}/raise"),
        f"/play/{'a' * 40}/main/{grant}/raise?key=hunter2",
    ):
        server.ask(path, *secret)
    server.ask(f"/{TOKEN}/a b", *secret)  # not HTTP
    server.wait_for(lambda: server.log.count("GET /") >= 6)
    server.stop()
    for leak in (TOKEN, grant, KEY, "hunter2"):
        assert leak not in server.log
    assert '"GET /***/manifest.json HTTP/1.1" 200 in' in server.log
    assert server.log.count("RuntimeError: /***/raise") == 2
    assert "RuntimeError: /***/greenlet" in server.log
    assert f"/play/{'a' * 40}/main/***/raise?key=***" in server.log


def test_the_configuration_may_be_printed(gunicorn: Start) -> None:
    server = gunicorn("--print-config", ACCESS_KEY=KEY, SECRET_KEY=KEY[::-1])
    assert server.process.wait(10) == 0
    assert "workers" in server.log
    assert KEY not in server.log
    assert KEY[::-1] not in server.log


def test_json_lines(gunicorn: Start) -> None:
    server = gunicorn(LOG_FORMAT="json").ready()
    server.ask("/")
    server.stop()
    lines = [line for line in server.log.splitlines() if not line.startswith(("started", "closed"))]
    assert all(line.startswith('{"time": ') for line in lines)
    assert any('"part": "http"' in line for line in lines)


def test_limits(gunicorn: Start) -> None:
    server = gunicorn().ready()
    longest = 8190 - len("GET  HTTP/1.1\r\n")
    assert " 200 " in server.ask("/" + "a" * (longest - 1))
    assert " 414 " in server.ask("/" + "a" * 8190)


def test_a_head_that_drips_in_is_cut_off(gunicorn: Start) -> None:
    server = gunicorn().ready()
    with server.connect() as client:
        begin = time.monotonic()
        client.sendall(b"GET / HTTP/1.1\r\n")
        client.settimeout(0.5)
        try:
            while True:
                client.sendall(b"A: b\r\n")
                try:
                    if client.recv(1) == b"":
                        break
                except TimeoutError:
                    assert time.monotonic() - begin < 8
        except ConnectionError:
            pass
    assert 4 < time.monotonic() - begin < 8


@pytest.mark.parametrize("forwarded_allow_ips", ["", "*"])
def test_forwarded_headers_are_not_believed_here(gunicorn: Start, forwarded_allow_ips: str) -> None:
    server = gunicorn(FORWARDED_ALLOW_IPS=forwarded_allow_ips).ready()
    assert server.ask("/scheme", "X-Forwarded-Proto: https").endswith("http")


def test_ipv6(gunicorn: Start) -> None:
    server = gunicorn(HOST="::1").ready()
    with socket.create_connection(("::1", server.port), timeout=5) as client:
        assert server.ask("/", client=client).endswith("fine")
