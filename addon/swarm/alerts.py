"""libtorrent's alerts on the gevent hub.

libtorrent's own thread writes one byte into a socket pair when its alert queue stops being empty;
a greenlet reads it and handles everything that is there. ``wait_for_alert`` would freeze the hub,
and ``set_alert_notify`` calls Python from libtorrent's thread, with a history of deadlocks.
"""

import logging
from collections.abc import Callable

import gevent
import gevent.socket
import libtorrent as lt

log = logging.getLogger(__name__)


class AlertPump:
    """Hands each alert to ``handle``, which must copy what it needs before anything can yield:
    alert objects die at the next ``pop_alerts``."""

    def __init__(self, session: lt.session, handle: Callable[[lt.alert], None]) -> None:
        self._session = session
        self._handle = handle
        # Our end stays cooperative; the end that libtorrent writes to must never block it.
        self._reading, self._writing = gevent.socket.socketpair()
        self._writing.setblocking(False)  # noqa: FBT003 (the socket's own signature)
        session.set_alert_fd(self._writing.fileno())
        self._greenlet = gevent.spawn(self._run)

    def close(self) -> None:
        """Stop; only after the session has been paused or is about to go."""
        self._session.set_alert_fd(-1)
        self._greenlet.kill()
        # Whoever still knows the session keeps its threads and its port.
        del self._session
        self._reading.close()
        self._writing.close()

    def _run(self) -> None:
        self._drain()
        while self._reading.recv(4096):
            self._drain()

    def _drain(self) -> None:
        for alert in self._session.pop_alerts():
            try:
                self._handle(alert)
            except Exception:
                # One alert that is handled badly must not deafen the server to all others.
                log.exception("libtorrent's %s could not be handled", type(alert).__name__)
