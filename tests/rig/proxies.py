"""Debian's nginx and HAProxy in front of a server, configured as their own guides have it.

Buffering is left as it is: what a film needs, the server's answers must ask for.
"""

import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.house.clients import require_client
from tests.rig.http import request
from tests.rig.server import free_port
from tests.rig.waiting import until

START_TIME = 10.0
STOP_TIME = 5.0
NGINX = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log warn;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location {prefix}/ {{
            proxy_pass http://127.0.0.1:{app}/;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto https;
        }}
    }}
}}
"""
HAPROXY = """
global
    log stderr format raw local0 notice
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend films
    bind 127.0.0.1:{port}
    option forwardfor
    http-request set-header X-Forwarded-Proto https
    default_backend app
backend app
    server app 127.0.0.1:{app}
"""


class Proxy:
    """Runs when the constructor returns. ``url`` is its address, with the prefix, as its clients
    see it behind the TLS that is left out here: they say https."""

    def __init__(
        self, kind: str, folder: Path, app: int, prefix: str = "", *, port: int = 0
    ) -> None:
        program = require_client(kind)
        self.folder = folder
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}{prefix}"
        folder.mkdir(parents=True)
        asked = folder / "configuration"
        text = NGINX if kind == "nginx" else HAPROXY
        asked.write_text(text.format(folder=folder, port=self.port, app=app, prefix=prefix))
        log = str(folder / "error.log")
        options = {
            "nginx": ["-c", str(asked), "-p", str(folder), "-e", log],
            "haproxy": ["-db", "-f", str(asked)],
        }
        with (folder / "output").open("wb") as output:
            self._process = subprocess.Popen(
                [program, *options[kind]],
                cwd=folder,
                env={"PATH": os.environ["PATH"]},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            until(self._answers, START_TIME, f"{kind} to answer")
        except BaseException:
            self.close()
            raise

    @property
    def said(self) -> str:
        """What it has written."""
        parts = [self.folder / "output", self.folder / "error.log"]
        return "\n".join(part.read_text() for part in parts if part.exists())

    def through(self, link: str) -> str:
        """A link that the server made for the world, as it is asked for here."""
        assert link.startswith(self.url.replace("http:", "https:") + "/"), link
        return link.replace("https:", "http:", 1)

    def _answers(self) -> bool:
        assert self._process.poll() is None, self.said
        try:
            return request(f"{self.url}/healthz").status == 200
        except OSError:
            return False

    def close(self) -> None:
        """End it; safe to call twice."""
        self._process.terminate()
        try:
            self._process.wait(STOP_TIME)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            print(self.said, file=sys.stderr)
        self.close()
