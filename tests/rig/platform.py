"""The server as a platform runs it: the Procfile's own line, and what Heroku sets around it."""

import itertools
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from honcho.environ import parse_procfile

from tests.rig.child import REPOSITORY
from tests.rig.http import post_json, request
from tests.rig.router import Router
from tests.rig.server import Server

ACCESS_KEY = "a-key-that-only-the-owner-knows"
BEARER = {"Authorization": f"Bearer {ACCESS_KEY}"}
HEROKU = {
    "DYNO": "web.1",
    "WEB_CONCURRENCY": "2",
    "PYTHONUNBUFFERED": "1",
    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    "PYTHONWARNINGS": "error",
    "ACCESS_KEY": ACCESS_KEY,
    "RESOLVE_BUDGET": "26000",
    # What a platform has of its own.
    "HOST": None,
    "DATA_DIR": None,
    "P2P_INTERFACE": None,
}


def procfile() -> str:
    """The command of the Procfile's ``web``, read as platforms do."""
    command: str = parse_procfile((REPOSITORY / "Procfile").read_text()).processes["web"]
    return command


class Dyno(Server):
    """One process of the Procfile, with an empty disk of its own."""

    def __init__(self, folder: Path, **environ: str | None) -> None:
        # "exec", so that signals reach the server as on a platform, and not a shell.
        super().__init__(folder, command=("sh", "-c", f"exec {procfile()}"), **HEROKU | environ)


class Platform:
    """A router and the process behind it; ``restart`` replaces the process, disk and all."""

    def __init__(self, folder: Path, *, limits: dict[str, Any] | None = None, **environ: str):
        self._folder = folder
        self._environ = environ
        self._count = itertools.count(1)
        self.dyno = self._new()
        self.router = Router(self.dyno.port, **limits or {})
        self.url = self.router.url

    def _new(self) -> Dyno:
        return Dyno(self._folder / f"dyno-{next(self._count)}", **self._environ)

    def replace(self) -> Dyno:
        """Start a process on an empty disk and let the router send everything there; the old one,
        which still runs."""
        old, self.dyno = self.dyno, self._new()
        self.router.port = self.dyno.port
        return old

    def add(self, magnet: str) -> dict[str, Any]:
        """POST a magnet with the access key, through the router."""
        reply = post_json(f"{self.url}/api/torrents", {"magnetUri": magnet}, BEARER)
        assert reply.status in (201, 202), reply
        told: dict[str, Any] = reply.json()
        return told

    def readiness(self) -> dict[str, Any]:
        """What /readyz says."""
        told: dict[str, Any] = request(f"{self.url}/readyz").json()
        return told

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.dyno.__exit__(kind, error, trace)
        finally:
            self.router.close()
