"""The very files of docs/deploy, with nothing but their names, ports and folders replaced."""

import contextlib
import http.client
import json
import os
import re
import shlex
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest

from addon.settings import describe
from tests.house.clients import require_client
from tests.net.certificates import certificate_for
from tests.rig.child import REPOSITORY
from tests.rig.http import Reply, ask_for, request
from tests.rig.lab import MIB, Lab
from tests.rig.server import Server, free_port
from tests.rig.torrents import Torrent
from tests.rig.waiting import until

DEPLOY = REPOSITORY / "docs" / "deploy"
KEY = "a-key-that-only-the-owner-knows"
BEARER = {"Authorization": f"Bearer {KEY}"}
NAME = "films.example.org"
PYTHON = "/opt/self-streme/.venv/bin/python"
BIN = str(Path(sys.executable).parent)
NGINX = """
daemon off;
master_process off;
pid {folder}/pid;
events {{ worker_connections 64; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/self-streme.conf;
}}
"""
# In the files' texts: a word for any setting, and settings of Python, gunicorn and a platform.
NOT_OURS = {
    *("NAME", "PYTHONUNBUFFERED"),
    *("WEB_CONCURRENCY", "RAILWAY_DEPLOYMENT_DRAINING_SECONDS"),
}


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    """``text`` with each of the first replaced by the second; each must be there."""
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


@dataclass
class Front:
    """A proxy by its file in docs/deploy, and the server behind it."""

    server: Server
    folder: Path
    port: int
    plain: int
    trusted: ssl.SSLContext

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def ask(
        self,
        path: str,
        headers: dict[str, str] | None = None,
        method: str = "GET",
        body: bytes = b"",
    ) -> Reply:
        """One request over TLS; the certificate is checked."""
        line = http.client.HTTPSConnection("localhost", self.port, timeout=30, context=self.trusted)
        with contextlib.closing(line):
            line.request(method, path, body or None, headers or {})
            with line.getresponse() as answer:
                told = {name.lower(): value for name, value in answer.getheaders()}
                return Reply(answer.status, told, answer.read(), 0.0)

    def path(self, link: str) -> str:
        """The path of a link that the server made for the world."""
        assert link.startswith(f"{self.url}/"), link
        return link.removeprefix(self.url)


@pytest.fixture(scope="module")
def unit() -> list[tuple[str, str]]:
    """The systemd unit's lines as (name, value)."""
    lines = (DEPLOY / "self-streme.service").read_text().splitlines()
    return [(name, value) for name, sign, value in (line.partition("=") for line in lines) if sign]


@pytest.fixture(scope="module")
def server(lab: Lab, unit: list[tuple[str, str]]) -> Iterator[Server]:
    """What systemd would start, with its environment, and stopped as it would stop it."""
    settings = dict(unit)
    environ = dict(value.split("=", 1) for name, value in unit if name == "Environment")
    state = lab.folder / "state"
    assert environ["DATA_DIR"] == f"/var/lib/{settings['StateDirectory']}"
    command = replaced(settings["ExecStart"], (PYTHON, f"{sys.executable} -W error"))
    behind = Server(
        lab.folder / "opt",
        command=tuple(shlex.split(command)),
        **environ | {"DATA_DIR": str(state), "ACCESS_KEY": KEY, "TRUST_PROXY": "on"},
    )
    with behind:
        yield behind
        assert (state / "cache").exists()
        assert behind.terminate(float(settings["TimeoutStopSec"])) == 0


def configured(kind: str, front: Front) -> list[str]:
    """Write the proxy's file as it is for ``front``; the command that runs the proxy."""
    program, folder = require_client(kind), front.folder
    authority, certificate = certificate_for("localhost", folder)
    front.trusted.load_verify_locations(authority)
    app = ("127.0.0.1:7000", f"127.0.0.1:{front.server.port}")
    if kind == "haproxy":
        text = replaced(
            (DEPLOY / "haproxy.cfg").read_text(),
            app,
            ("bind :80\n", f"bind 127.0.0.1:{front.plain}\n"),
            ("bind :443", f"bind 127.0.0.1:{front.port}"),
            ("/etc/haproxy/films.pem", str(certificate)),
        )
        (folder / "haproxy.cfg").write_text(text)
        return [program, "-db", "-f", str(folder / "haproxy.cfg")]
    live = f"/etc/letsencrypt/live/{NAME}"
    text = replaced(
        (DEPLOY / "nginx.conf").read_text(),
        app,
        (f"{live}/fullchain.pem", str(certificate)),
        (f"{live}/privkey.pem", str(certificate)),
        (NAME, "localhost"),
        ("/var/log/nginx/self-streme.log", f"{folder}/error.log"),
        # No second address in a test, and no privileged port.
        ("    listen [::]:80;\n", ""),
        ("    listen [::]:443 ssl;\n", ""),
        ("listen 80;", f"listen 127.0.0.1:{front.plain};"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{front.port} ssl;"),
    )
    (folder / "self-streme.conf").write_text(text)
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder))
    return [program, "-c", f"{folder}/nginx.conf", "-p", str(folder), "-e", f"{folder}/early.log"]


@pytest.fixture(scope="module", params=["nginx", "haproxy"])
def front(request: pytest.FixtureRequest, lab: Lab, server: Server) -> Iterator[Front]:
    folder = lab.folder / request.param
    folder.mkdir()
    front = Front(server, folder, free_port(), free_port(), ssl.create_default_context())
    command = configured(request.param, front)
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={"PATH": os.environ["PATH"]},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )

    def answers() -> bool:
        assert process.poll() is None, (folder / "output").read_text()
        try:
            return front.ask("/healthz").status == 200
        except OSError:
            return False

    try:
        until(answers, 10, f"{request.param} to answer")
        yield front
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def torrent(lab: Lab) -> Torrent:
    return lab.torrent(8 * MIB)


def add(front: Front, magnet: str) -> str:
    """The path of the main video's link."""
    kind = BEARER | {"Content-Type": "application/json"}
    told = front.ask("/api/torrents", kind, "POST", json.dumps({"magnetUri": magnet}).encode())
    assert told.status in (200, 201, 202), told
    return front.path(told.json()["playUrl"])


def test_plain_http_is_sent_to_https(front: Front) -> None:
    reply = request(f"http://127.0.0.1:{front.plain}/a/b?c=d", {"Host": "localhost"})
    assert (reply.status, reply.headers["location"]) == (308, "https://localhost/a/b?c=d")


def test_the_links_on_the_page_are_https_whatever_a_visitor_claims(front: Front) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": front.url}
    login = front.ask("/login", form, "POST", urlencode({"key": KEY}).encode())
    assert login.status == 303
    mine = {
        "Cookie": login.headers["set-cookie"].partition(";")[0],
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "http",
    }
    page = front.ask("/", mine).body.decode()
    assert "evil.example" not in page
    manifest = re.search(rf"{re.escape(front.url)}/[\w-]+/manifest\.json", page)
    assert manifest, page
    assert front.ask(front.path(manifest[0])).json()["id"] == "org.selfstreme.addon"
    assert "stremio://localhost:" in page


def test_a_film_comes_whole_and_seeks(lab: Lab, front: Front, torrent: Torrent) -> None:
    data = torrent.files[0].data()
    film = add(front, lab.share(torrent))
    whole = front.ask(film)
    assert whole.status == 200
    assert whole.body == data
    part = front.ask(film, ask_for(5 * MIB))
    assert part.status == 206
    assert part.headers["content-range"] == f"bytes {5 * MIB}-{8 * MIB - 1}/{8 * MIB}"
    assert part.body == data[5 * MIB :]
    beyond = front.ask(film, ask_for(8 * MIB))
    assert (beyond.status, beyond.headers["content-range"]) == (416, f"bytes */{8 * MIB}")


def test_a_large_torrent_file_reaches_the_server(front: Front) -> None:
    kind = BEARER | {"Content-Type": "application/x-bittorrent"}
    reply = front.ask("/api/torrents", kind, "POST", b"d" * (9 * MIB))
    assert reply.json()["code"] == "bad-torrent", "the server's own answer, not the proxy's 413"


def test_no_link_is_in_the_proxy_s_log(lab: Lab, front: Front, torrent: Torrent) -> None:
    film = add(front, lab.share(torrent))
    front.ask(film, ask_for(0, 9))
    if front.folder.name == "nginx":
        # nginx refuses it and would write an error with the request's first line.
        refused = front.ask(film, {"Content-Length": str(12 * MIB)}, "POST")
        assert refused.status == 413
    grant = film.split("/")[4]
    written = [file for file in front.folder.iterdir() if file.suffix in ("", ".log")]
    told = "".join(file.read_text() for file in written if file.is_file())
    assert grant not in told


def test_systemd_understands_the_unit(lab: Lab) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("not tried here: systemd-analyze (it is not installed)")
    # It looks whether the program and the folder are there.
    text = replaced(
        (DEPLOY / "self-streme.service").read_text(),
        (PYTHON, sys.executable),
        ("WorkingDirectory=/opt/self-streme", f"WorkingDirectory={lab.folder}"),
    )
    told = lab.folder / "self-streme.service"
    told.write_text(text)
    checked = subprocess.run(
        [program, "verify", "--man=no", str(told)], capture_output=True, text=True, timeout=30
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_what_the_containerfile_copies_is_enough(lab: Lab) -> None:
    lines = (DEPLOY / "Containerfile").read_text().splitlines()
    folder = lab.folder / "app"
    folder.mkdir()
    environ: dict[str, str | None] = {"DATA_DIR": None, "PYTHONPATH": None, "ACCESS_KEY": KEY}
    command: list[str] = []
    for word, _, rest in (line.partition(" ") for line in lines):
        if word == "COPY":
            *sources, target = rest.split()
            for source in sources:
                path = REPOSITORY / source
                if path.is_dir():
                    shutil.copytree(path, folder / target)
                else:
                    shutil.copy(path, folder / target)
        elif word == "ENV":
            environ |= dict(pair.split("=", 1) for pair in rest.split())
        elif word == "CMD":
            command = json.loads(rest)
    path = f"{BIN}:{os.environ['PATH']}"
    with Server(folder, command=tuple(command), **environ | {"PATH": path}) as server:
        # Where the volume is.
        assert (folder / "data" / "cache").exists()
        assert request(f"{server.url}/api/torrents").status == 404
        assert request(f"{server.url}/api/torrents", BEARER).status == 200


def test_every_setting_that_is_named_exists() -> None:
    known = {name for name, _, _ in describe()}
    seen: set[str] = set()
    for file in DEPLOY.iterdir():
        text = file.read_text()
        named = set(re.findall(r"(?<![\w$./-])([A-Z][A-Z0-9_]{2,})\s?=", text))
        named |= set(re.findall(r"`([A-Z][A-Z0-9]*_[A-Z0-9_]+)(?:=[^`]*)?`", text))
        assert named <= known | NOT_OURS, (file.name, named - known - NOT_OURS)
        seen |= named
    assert {"ACCESS_KEY", "DATABASE_URL", "TRUST_PROXY", "HOST", "PORT"} <= seen


def test_every_file_is_in_the_guide() -> None:
    guide = (DEPLOY / "README.md").read_text()
    names = {file.name for file in DEPLOY.iterdir()} - {"README.md"}
    assert names == set(re.findall(r"\]\(([\w.-]+)\)", guide))
