"""One resolution on its way, shared by all requests that wait for it."""

import time

import gevent
from gevent.event import Event

from addon.playback.journal import Entry
from addon.playback.resolution import Resolution
from addon.playback.store import Stream
from addon.sources.base import Media


class Attempt:
    """One resolution on its way; ``entry`` is its page in the journal. ``abandoned``: it ended
    without any, and whoever waited should ask again."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.resolution: Resolution | None = None
        self.abandoned = False
        self.waiting = 0
        self.left_at = time.monotonic()
        self.stream: Stream | None = None
        self.media: Media | None = None
        self._done = Event()

    def wait(self, timeout: float | None, gone: Event | None = None) -> Resolution | None:
        """How it ended, or None when it still runs after ``timeout`` seconds, was abandoned, or
        when ``gone`` is set: nobody waits any more."""
        self.waiting += 1
        try:
            if self.stream is not None:
                self.stream.stall(frozen=False)
            events = [self._done] if gone is None else [self._done, gone]
            gevent.wait(events, timeout, count=1)
        finally:
            self.waiting -= 1
            self.left_at = time.monotonic()
        return self.resolution

    def finish(self, resolution: Resolution) -> None:
        """End it and let everybody know."""
        if not self.abandoned:
            self.resolution = resolution
            self._done.set()

    def abandon(self) -> None:
        """End it without a resolution, unless it has one."""
        if self.resolution is None:
            self.abandoned = True
            self._done.set()

    def absent_for(self) -> float:
        """Seconds since the last request that waited for it has gone."""
        return 0.0 if self.waiting else time.monotonic() - self.left_at
