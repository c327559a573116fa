"""The real server in a subprocess: gunicorn with its gevent worker and the real application."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.rig.child import REPOSITORY
from tests.rig.http import Reply, post_json, request
from tests.rig.waiting import until

START_TIME = 30.0
STOP_TIME = 15.0
SETTINGS = {
    "HOST": "127.0.0.1",
    "DHT": "off",
    "LSD": "off",
    "UPNP": "off",
    "ALLOW_PRIVATE_ADDRESSES": "on",
    "P2P_INTERFACE": "127.0.0.1",
    # Nobody outside is asked, not even for an address.
    "METADATA_SOURCES": "none",
    "EXCLUDE_SOURCES": "*",
    "RESOLVE_BUDGET": "8000",
    "LOG_LEVEL": "debug",
}
COMMAND = (
    *(sys.executable, "-W", "error", "-m", "gunicorn"),
    *("-c", "python:addon.server", "wsgi:app"),
)
BROKEN = re.compile(r"Traceback|Warning: |Fatal|Segmentation|never awaited")


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """Starts at once and is ready when the constructor returns; ``folder`` is its own.

    ``environ`` are the server's settings, over those that keep it on loopback; None takes one
    away. ``command`` starts it. On leaving, the log is searched for what must never be in it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        wrapper: tuple[str, ...] = (),
        command: tuple[str, ...] = COMMAND,
        **environ: str | None,
    ):
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.allowed_in_log = ""
        self._command = (*wrapper, *command)
        given = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(REPOSITORY),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PORT": str(self.port),
            "DATA_DIR": str(folder / "data"),
        }
        changed: dict[str, str | None] = {**SETTINGS, **given, **environ}
        self._environ = {name: value for name, value in changed.items() if value is not None}
        self._log = folder / "server.log"
        folder.mkdir(parents=True, exist_ok=True)
        self.start()

    # Its life

    def start(self) -> None:
        """Start it (again) on the same port and folder, and wait until it answers."""
        # Should this process be killed, the server must not stay.
        with_me = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [*with_me, *self._command],
                cwd=self.folder,
                env=self._environ,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            until(self._answers, START_TIME, "the server to answer", every=0.05)
        except BaseException:
            self.kill()
            raise

    def _answers(self) -> bool:
        assert self.process.poll() is None, f"it ended with {self.process.returncode}:\n{self.log}"
        try:
            return request(f"{self.url}/healthz").status == 200
        except OSError:
            return False

    def terminate(self, seconds: float = STOP_TIME) -> int:
        """SIGTERM, as a platform sends it; the exit status. Kills it after ``seconds``."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the server did not end in {seconds} s:\n{self.log}") from None

    def kill(self) -> None:
        """SIGKILL it and its worker."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def close(self) -> None:
        """End it, and look at what it wrote."""
        self.terminate()
        found = [
            line
            for line in self.log.splitlines()
            if BROKEN.search(line)
            and not (self.allowed_in_log and re.search(self.allowed_in_log, line))
        ]
        assert not found, f"{found}\n{self.log}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
        else:
            print(self.log[-20_000:], file=sys.stderr)
            self.kill()

    # What is known of it

    @property
    def log(self) -> str:
        """All it has written."""
        return self._log.read_text(errors="replace")

    @property
    def pids(self) -> list[int]:
        """The process that was started and all below it."""
        found, look = [], [self.process.pid]
        while look:
            pid = look.pop()
            found.append(pid)
            children = Path(f"/proc/{pid}/task/{pid}/children")
            if children.exists():
                look += [int(child) for child in children.read_text().split()]
        return found

    def rss(self, *, peak: bool = False) -> int:
        """Bytes in memory, of all its processes; with ``peak`` the most of each so far."""
        name = "VmHWM" if peak else "VmRSS"
        total = 0
        for pid in self.pids:
            status = Path(f"/proc/{pid}/status").read_text()
            total += int(status.partition(f"{name}:")[2].split()[0]) * 1024
        return total

    def cpu(self) -> float:
        """Seconds of processor time that its processes have taken."""
        ticks = 0
        for pid in self.pids:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    # Its API

    def add(self, magnet: str, **about: Any) -> dict[str, Any]:
        """POST a magnet; the torrent as the API shows it."""
        reply = post_json(f"{self.url}/api/torrents", {"magnetUri": magnet, **about})
        assert reply.status in (201, 202), reply
        told: dict[str, Any] = reply.json()
        return told

    def ready(self, key: str, seconds: float = 10) -> dict[str, Any]:
        """The torrent as the API shows it, once its files are known."""

        def look() -> dict[str, Any] | None:
            told = self.torrent(key)
            return told if told["files"] else None

        told: dict[str, Any] = until(look, seconds, "the metadata")
        return told

    def upload(self, raw: bytes) -> Reply:
        """POST a .torrent."""
        kind = {"Content-Type": "application/x-bittorrent"}
        return request(f"{self.url}/api/torrents", kind, "POST", raw)

    def torrent(self, key: str) -> dict[str, Any]:
        """One torrent as the API shows it."""
        reply = request(f"{self.url}/api/torrents/{key}")
        assert reply.status == 200, reply
        told: dict[str, Any] = reply.json()
        return told
