"""A real PostgreSQL on loopback, with a folder and a port of its own."""

import itertools
import os
import shutil
import signal
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import psycopg

from tests.house.clients import require_client
from tests.house.isolated import NOBODY
from tests.rig.server import free_port
from tests.rig.waiting import until

USER = "streme"
PASSWORD = "battery/staple:@horse"
START_TIME = 30.0
STOP_TIME = 15.0
INITDB = (
    *("--no-sync", "--no-instructions", "--no-locale", "--encoding=UTF8"),
    *("--auth-local=trust", "--auth-host=scram-sha-256", f"--username={USER}"),
)
# What it costs to survive a power cut is not asked for here.
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=16MB")


class Postgres:
    """Runs when the constructor returns. It refuses to run as root, so root makes it nobody."""

    def __init__(self) -> None:
        self._programs = Path(require_client("postgres")).resolve().parent
        # In /tmp: the path of a socket has at most 107 characters, and another user gets there.
        self._holder = TemporaryDirectory(prefix="postgres-", dir="/tmp")
        self.folder = Path(self._holder.name)
        self.port = free_port()
        self._count = itertools.count(1)
        self._user: tuple[str, ...] = ()
        if os.geteuid() == 0:
            self._user = (f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
            os.chown(self.folder, NOBODY, NOBODY)
        password = self.folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        with (self.folder / "log").open("ab") as log:
            subprocess.run(
                self._command("initdb", *INITDB, f"--pwfile={password}", f"-D{self.folder}/data"),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=True,
                timeout=START_TIME,
            )
        self.start()

    def _command(self, program: str, *arguments: str) -> list[str]:
        # Should this process be killed, the database must not stay.
        setpriv = shutil.which("setpriv")
        with_me = (setpriv, "--pdeathsig", "KILL", *self._user) if setpriv else ()
        return [*with_me, str(self._programs / program), *arguments]

    def start(self) -> None:
        """Start it (again), and wait until it takes connections."""
        options = (f"port={self.port}", f"unix_socket_directories={self.folder}", *QUICK)
        listen = ("-c", "listen_addresses=127.0.0.1")
        settings = itertools.chain.from_iterable(("-c", option) for option in options)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self._command("postgres", f"-D{self.folder}/data", *listen, *settings),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until(self._is_ready, START_TIME, "PostgreSQL to start", every=0.05)

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, self.log
        try:
            # Its last line says so.
            return (self.folder / "data/postmaster.pid").read_text().rstrip().endswith("\nready")
        except OSError:
            return False

    def stop(self) -> None:
        """End it and every connection to it, as for a restart; what was committed stays."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.process.wait(STOP_TIME)

    def schema(self) -> str:
        """A DATABASE_URL in which nobody has made a table yet."""
        name = f"test_{next(self._count)}"
        self.run(f"CREATE SCHEMA {name}")
        return self.url(f"?options=-csearch_path%3D{name}")

    def url(self, query: str = "", password: str = PASSWORD, name: str = "postgres") -> str:
        """A DATABASE_URL as Heroku writes it."""
        secret = quote(password, safe="")
        return f"postgres://{USER}:{secret}@127.0.0.1:{self.port}/{name}{query}"

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """What one statement finds, asked past the program under test."""
        where = f"host={self.folder} port={self.port} user={USER} dbname=postgres"
        with psycopg.connect(where, autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    @property
    def log(self) -> str:
        """All it has written."""
        return (self.folder / "log").read_text(errors="replace")

    def close(self) -> None:
        """End it and delete its files."""
        try:
            self.stop()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._holder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
