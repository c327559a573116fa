"""An honest web seed: Debian's nginx on a port of loopback, with a configuration of its own."""

import os
import secrets
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from tests.house.clients import require_client
from tests.rig.http import request
from tests.rig.server import free_port
from tests.rig.waiting import until

START_TIME = 10.0
STOP_TIME = 5.0
# One process, in the foreground, as whoever runs the tests: nothing outlives it.
CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log warn;
events {{ worker_connections 256; }}
http {{
    log_format whole '$request_method $request_uri $status';
    access_log {folder}/access.log whole;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    types {{ video/mp4 mp4; video/x-matroska mkv; }}
    default_type application/octet-stream;
    server {{
        listen 127.0.0.1:{port};
        root {root};
        limit_rate {rate};
    }}
}}
"""


class WebSeed:
    """nginx that offers ``root``, at ``rate`` bytes a second for each connection (0: no limit).

    It runs when the constructor returns; ``folder`` is for its own files.
    """

    def __init__(self, root: Path, folder: Path, rate: int = 0) -> None:
        program = require_client("nginx")
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}/"
        self.name = f"web seed 127.0.0.1:{self.port}"
        self._folder = folder
        folder.mkdir(parents=True)
        asked = folder / "nginx.conf"
        asked.write_text(CONFIGURATION.format(folder=folder, port=self.port, root=root, rate=rate))
        command = [program, "-c", str(asked), "-p", str(folder), "-e", str(folder / "error.log")]
        with (folder / "output").open("wb") as output:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env={"PATH": os.environ["PATH"]},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            until(self._answers, START_TIME, "nginx to answer")
        except BaseException:
            self.close()
            raise
        self.forget()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def url(self, path: str) -> str:
        """Where a file below ``root`` is to be had."""
        return self.base + quote(path)

    def requests(self) -> list[str]:
        """Method, target and status of each request since the last ``forget``."""
        # nginx writes a request down after its last byte has gone out, so a client may look too
        # early. It has one process: once a later request stands there, all earlier ones do.
        mark = f"/{secrets.token_hex(8)}"
        request(self.base + mark[1:])
        until(lambda: f"GET {mark} 404" in self._written(), START_TIME, "nginx to write its log")
        return [line for line in self._written() if mark not in line]

    def _written(self) -> list[str]:
        return (self._folder / "access.log").read_text().splitlines()

    def forget(self) -> None:
        """Begin to count anew."""
        (self._folder / "access.log").write_text("")

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self._folder / "output").read_text()
        try:
            return request(self.base).status > 0
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
            print(f"nginx wrote:\n{(self._folder / 'error.log').read_text()}", file=sys.stderr)
        self.close()
