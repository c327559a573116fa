"""What experience says of the sources is written behind: often, and at the end."""

import logging
from collections.abc import Callable, Mapping

import gevent

from addon.errors import Problem
from addon.sources.health import Experience

log = logging.getLogger(__name__)

INTERVAL = 30.0


class Keeping:
    """Hands what has changed to ``save``, every ``interval`` seconds and once more at the end."""

    def __init__(
        self,
        experience: Experience,
        save: Callable[[Mapping[str, str]], None],
        interval: float = INTERVAL,
    ) -> None:
        self._experience = experience
        self._save = save
        self._interval = interval
        self._unsaved: Mapping[str, str] | None = None
        self._greenlet: gevent.Greenlet | None = None

    def start(self) -> None:
        """Begin."""
        self._greenlet = gevent.spawn(self._often)

    def close(self) -> None:
        """Stop, and keep what is left."""
        if self._greenlet is not None:
            self._greenlet.kill()
        self._now()

    def _often(self) -> None:
        while True:
            gevent.sleep(self._interval)
            self._now()

    def _now(self) -> None:
        changes = self._experience.changes()
        if changes is not None:
            self._unsaved = changes
        if self._unsaved is None:
            return
        try:
            self._save(self._unsaved)
        except Problem as problem:
            # The database may be back when the next turn comes.
            log.warning("what is known of the sources is not kept: %s", problem)
        else:
            self._unsaved = None
