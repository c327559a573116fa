"""gunicorn's settings: ``gunicorn -c python:addon.server wsgi:app``.

gunicorn reads the module-level names; each is one of its settings. This module is loaded in the
process that only watches the worker, before gevent patches anything, so it imports little.
"""

import logging
import os
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import gevent
from gevent.monkey import get_original
from gunicorn.errors import AppImportError  # type: ignore[import-untyped]
from gunicorn.workers.ggevent import GeventWorker  # type: ignore[import-untyped]

from addon.errors import SettingsError
from addon.logs import RedactedStream, configuration, redactor
from addon.settings import load_settings

log = logging.getLogger(__name__)

LAST_CALL = 0.5
"""Seconds in which a request may still arrive on an open connection once the server stops."""
DRAIN = 12.0
"""Seconds in which running answers may end; ``graceful_timeout`` leaves the rest for closing."""


def _refusal(problems: Sequence[str]) -> str:
    lines = ["Self-Streme cannot start as it is configured:", *(f"  - {text}" for text in problems)]
    return "\n".join(lines)


def _refuse(problems: Sequence[str]) -> None:
    print(_refusal(problems), file=sys.stderr, flush=True)  # noqa: T201 - no log exists yet
    sys.exit(1)


class Worker(GeventWorker):  # type: ignore[misc]
    """gunicorn's gevent worker, but a stop does not wait for connections that are merely open."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._clients: dict[gevent.Greenlet, Any] = {}
        self._waiting: set[gevent.Greenlet] = set()
        self._quitting = False

    def load_wsgi(self) -> None:
        """What only the application can find wrong (a file that a setting names, the database) is
        told like any other setting; gunicorn prints this error's text and ends."""
        try:
            super().load_wsgi()
        except SettingsError as error:
            raise AppImportError(_refusal(error.problems)) from None

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        me = gevent.getcurrent()
        self._clients[me] = client
        try:
            super().handle(listener, client, addr)
        finally:
            del self._clients[me]

    @contextmanager
    def timeout_ctx(self) -> Iterator[None]:
        """The time that a connection may wait for a whole request head; then it is closed."""
        me = gevent.getcurrent()
        with gevent.Timeout(self.cfg.keepalive if self.alive else LAST_CALL, False):  # noqa: FBT003
            self._waiting.add(me)
            try:
                yield
            finally:
                self._waiting.discard(me)

    def handle_exit(self, sig: int, frame: Any) -> None:
        if self.alive:
            gevent.spawn(self._wind_up)
        super().handle_exit(sig, frame)

    def _wind_up(self) -> None:
        gevent.sleep(LAST_CALL)
        for me in list(self._waiting):
            _stop_reading(self._clients[me])
        gevent.sleep(DRAIN)
        for me in list(self._clients):
            me.kill(block=False)

    def handle_quit(self, sig: int, frame: Any) -> None:
        # Ctrl-C reaches the worker twice: from the terminal and from the process above it.
        if not self._quitting:
            self._quitting = True
            super().handle_quit(sig, frame)


def _stop_reading(client: Any) -> None:
    """The next read finds the end of the stream; what has arrived before is still read.

    gevent's own ``shutdown`` raises an error in the greenlet that reads, the system's does not.
    """
    with get_original("socket", "socket")(fileno=os.dup(client.fileno())) as same:
        try:
            same.shutdown(socket.SHUT_RD)
        except OSError:
            log.debug("The client had closed its connection before.")


try:
    _settings = load_settings()
except SettingsError as error:
    _refuse(error.problems)

_redact = redactor(_settings)

bind = (
    f"[{_settings.host}]:{_settings.port}"
    if ":" in _settings.host
    else f"{_settings.host}:{_settings.port}"
)
# The swarm's session lives in the one worker. Heroku sets WEB_CONCURRENCY=2 by itself.
workers = 1
preload_app = False
worker_class = Worker
worker_connections = 2000
# Also the deadline for a request's head, so never 0 (no limit) and never long.
keepalive = 5
# Without a sign of life from the event loop for so long, the worker is replaced.
timeout = 60
# Platforms kill after 30 s at the earliest, Fly.io after 5 s unless told otherwise.
graceful_timeout = 20
limit_request_line = 8190
# It would listen in the user's home folder.
control_socket_disable = True
# X-Forwarded headers are believed by TRUST_PROXY alone, and in one place, not here as well.
forwarded_allow_ips = ""
logconfig_dict = configuration(_settings)
# Without the number of bytes: gunicorn does not count those of a film, which go out past it.
access_log_format = '%(h)s "%(r)s" %(s)s in %(L)s s'


def nworkers_changed(arbiter: Any, new: int, old: int | None) -> None:
    """Called before anything is loaded, and when a signal (TTIN) asks for one worker more."""
    if old is not None:
        if new != 1:
            log.warning("This server has exactly one worker; the number stays 1.")
            arbiter.num_workers = 1
        return
    wrong = {
        "workers": (new != 1, "must be 1: torrents and sources live in one process"),
        "preload": (arbiter.cfg.preload_app, "must be off: the swarm cannot live through a fork"),
        "worker-class": (arbiter.cfg.worker_class is not Worker, "must be the server's own"),
        # Whether a key is asked for depends on HOST, so nothing else may choose the address.
        "bind": (arbiter.cfg.bind != [bind], "must be left alone: set HOST and PORT"),
    }
    problems = [f"gunicorn's option --{name} {text}." for name, (bad, text) in wrong.items() if bad]
    if problems:
        _refuse(problems)


def post_fork(arbiter: Any, worker: Any) -> None:  # noqa: ARG001 - gunicorn counts them
    """gevent prints what goes wrong in a greenlet to standard error, past the log."""
    sys.stderr = RedactedStream(sys.stderr, _redact)


def post_worker_init(worker: Any) -> None:
    """The application is loaded: start it."""
    worker.wsgi.start(stopping=lambda: not worker.alive)


def worker_exit(arbiter: Any, worker: Any) -> None:  # noqa: ARG001
    """The worker ends, or never got as far as an application: close what there is."""
    close: Callable[[], None] | None = getattr(getattr(worker, "wsgi", None), "close", None)
    if close:
        close()
