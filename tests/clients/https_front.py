"""HTTPS as people have it: Debian's nginx in front of the server, with a certificate of ours."""

import os
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.house.clients import require_client
from tests.net.certificates import certificate_for
from tests.rig.server import free_port
from tests.rig.waiting import until

START_TIME = 10.0
STOP_TIME = 5.0
# One process, in the foreground, as whoever runs the tests: nothing outlives it.
CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/pid;
error_log stderr warn;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {certificate};
        location / {{
            proxy_pass {behind};
            proxy_http_version 1.1;
            proxy_buffering off;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto https;
            proxy_set_header X-Forwarded-Host $http_host;
        }}
    }}
}}
"""


class HttpsFront:
    """nginx that takes https for ``host`` and passes it on to the server ``behind``.

    It runs when the constructor returns; ``folder`` is for its own files.
    """

    def __init__(self, host: str, behind: str, folder: Path) -> None:
        program = require_client("nginx")
        self.port = free_port()
        self.url = f"https://{host}:{self.port}"
        folder.mkdir(parents=True)
        self._folder = folder
        _, certificate = certificate_for(host, folder)
        told = folder / "nginx.conf"
        told.write_text(
            CONFIGURATION.format(
                folder=folder, port=self.port, certificate=certificate, behind=behind
            )
        )
        command = [program, "-c", str(told), "-p", str(folder), "-e", "stderr"]
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

    def _answers(self) -> bool:
        said = (self._folder / "output").read_text()
        assert self._process.poll() is None, said
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def close(self) -> None:
        """End it."""
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
        self.close()
