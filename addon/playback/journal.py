"""What happened in each resolution, step by step, for people.

Each step is one log line and one entry that ``GET /api/resolutions`` shows. Only the newest
resolutions are kept, in memory.
"""

import logging
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from addon.errors import Problem

log = logging.getLogger(__name__)

KEPT = 200
MAX_STEPS = 200


@dataclass(frozen=True, slots=True)
class Step:
    """One step; ``t`` is in seconds since the resolution began."""

    t: float
    what: str
    source: str | None = None
    verdict: str | None = None
    detail: str | None = None


@dataclass
class Entry:
    """One resolution: what was asked for, what happened, how it ended."""

    id: str
    info_hash: str
    file: str
    install: str
    started_at: float
    began: float
    steps: list[Step] = field(default_factory=list)
    file_index: int | None = None
    outcome: str = "running"
    source: str | None = None
    duration: float | None = None
    problem: Problem | None = None

    def step(
        self,
        what: str,
        *,
        source: str | None = None,
        verdict: str | None = None,
        detail: str | None = None,
    ) -> None:
        """Note a step and log it."""
        at = round(time.monotonic() - self.began, 3)
        if len(self.steps) < MAX_STEPS:
            self.steps.append(Step(at, what, source, verdict, detail))
        named = f"[{source}] " if source else ""
        told = f": {detail}" if detail else ""
        mark = {"verified": "✓ ", None: ""}.get(verdict, "✗ ")
        log.info("[%s] %s%s%s%s", self.info_hash[:8], named, mark, what, told)

    def end(self, outcome: str, source: str | None = None, problem: Problem | None = None) -> None:
        """Note how it ended: ``stored``, ``redirected`` or ``failed``, and then why."""
        self.outcome = outcome
        self.problem = problem
        self.source = source
        self.duration = round(time.monotonic() - self.began, 3)


class Journal:
    """The newest resolutions, oldest first."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, Entry] = OrderedDict()

    def open(self, info_hash: str, file: str, install: str) -> Entry:
        """Begin a resolution's entry."""
        entry = Entry(secrets.token_hex(6), info_hash, file, install, time.time(), time.monotonic())
        self._entries[entry.id] = entry
        while len(self._entries) > KEPT:
            self._entries.popitem(last=False)
        return entry

    def get(self, entry_id: str) -> Entry | None:
        """One entry, while it is kept."""
        return self._entries.get(entry_id)

    def newest(self, info_hash: str | None = None) -> list[Entry]:
        """The kept entries, newest first (of one torrent, if named)."""
        entries = reversed(self._entries.values())
        return [entry for entry in entries if info_hash in (None, entry.info_hash)]
