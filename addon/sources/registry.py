"""All sources by name: the built-in ones, those of SOURCES_FILE, and those added at run time.

What is changed at run time is kept, except sources that a Python program adds by a function.
Names are compared without regard to case. EXCLUDE_SOURCES comes before all that is done here.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Protocol, cast

from addon.errors import Problem
from addon.sources.base import Media, Source, Trust
from addon.sources.custom import CustomSource, read_fields, read_source
from addon.sources.webseed import web_seeds

log = logging.getLogger(__name__)

EVERY_BUILT_IN = "*"


class Origin(Enum):
    """Who put a source here."""

    BUILT_IN = "the server"
    FILE = "SOURCES_FILE"
    CUSTOM = "the API"
    PROGRAM = "a Python program"


@dataclass(frozen=True, slots=True)
class Entry:
    """A source, and whether it may be asked."""

    source: Source
    origin: Origin
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Override:
    """What was changed at run time of a source that cannot be changed otherwise; None: nothing."""

    priority: int | None = None
    enabled: bool | None = None


class KeptSources(Protocol):
    """Where changes outlive a restart. ``key`` is ``CustomSource.key``."""

    def custom(self) -> list[CustomSource]: ...
    def put(self, source: CustomSource, instead_of: str) -> None:
        """In place of the source that was kept under the key ``instead_of``, if there is one."""

    def remove(self, key: str) -> None: ...
    def overrides(self) -> dict[str, Override]: ...
    def override(self, key: str, change: Override) -> None: ...


class Registry:
    """Every source there is. All of them are data classes.

    ``configured`` replace built-in ones of their name. Without ``kept`` nothing outlives a
    restart.
    """

    def __init__(
        self,
        builtin: Iterable[Source],
        configured: Iterable[Source] = (),
        kept: KeptSources | None = None,
        excluded: Iterable[str] = (),
    ) -> None:
        self._kept = kept
        self._excluded = {name.casefold() for name in excluded}
        self._overrides = {} if kept is None else kept.overrides()
        self._custom: dict[str, CustomSource] = {}
        self._entries: dict[str, Entry] = {}
        for source in builtin:
            self._enter_fixed(source, Origin.BUILT_IN)
        for source in configured:
            self._enter_fixed(source, Origin.FILE)
        for custom in [] if kept is None else kept.custom():
            self._enter_kept(custom)
        unknown = self._excluded - self._entries.keys() - {EVERY_BUILT_IN}
        if unknown:
            names = ", ".join(sorted(unknown))
            log.warning("EXCLUDE_SOURCES names what is no source: %s", names)

    def all(self) -> list[Entry]:
        """Every source, those that are switched off too, by priority and name."""
        return sorted(self._entries.values(), key=lambda entry: _order(entry.source))

    @property
    def total(self) -> int:
        """How many may be asked about any torrent."""
        return sum(entry.enabled for entry in self._entries.values())

    def enabled(self, media: Media) -> list[Source]:
        """Who may be asked for this file, its web seeds among them, by priority and name.

        Nobody is told of a private torrent but the user's own places.
        """
        sources: list[Source] = [
            entry.source
            for entry in self._entries.values()
            if entry.enabled and (not media.private or entry.source.trust is Trust.OWN)
        ]
        sources += web_seeds(media)
        return sorted(sources, key=_order)

    def add(self, fields: Mapping[str, object]) -> Entry:
        """A source more, as ``read_source`` reads it; Problem("exists") where the name is taken."""
        custom = read_source(fields)
        self._refuse_taken(custom.name)
        return self._keep(custom, custom.key)

    def join(self, source: Source) -> None:
        """A source more, for as long as the program runs."""
        read_fields({"name": source.name, "priority": source.priority, "note": source.note})
        self._refuse_taken(source.name)
        self._enter(source, Origin.PROGRAM)

    def change(self, name: str, fields: Mapping[str, object]) -> Entry:
        """What the fields say, changed; Problem("built-in") where it is not for us to change."""
        entry = self._found(name)
        key = name.casefold()
        values = read_fields(fields)
        if values.get("enabled") and self._is_excluded(key, entry.origin):
            raise Problem(
                "bad-request",
                f"{entry.source.name} is switched off by EXCLUDE_SOURCES, which cannot be changed "
                "while the server runs.",
                "Take it out of EXCLUDE_SOURCES, or write none there, and start the server again.",
            )
        if entry.origin is Origin.CUSTOM:
            custom = read_source(fields, self._custom[key])
            if custom.key != key:
                self._refuse_taken(custom.name)
            return self._keep(custom, key)
        if values.keys() - {"priority", "enabled"}:
            raise _fixed(entry, "only its priority and whether it is enabled can be changed")
        override = replace(self._overrides.get(key, Override()), **values)
        if self._kept is not None and entry.origin is not Origin.PROGRAM:
            self._kept.override(key, override)
        self._overrides[key] = override
        return self._enter_fixed(entry.source, entry.origin)

    def remove(self, name: str) -> None:
        """Problem("built-in") where it was not added at run time."""
        entry = self._found(name)
        key = name.casefold()
        if entry.origin in (Origin.BUILT_IN, Origin.FILE):
            raise _fixed(entry, "it cannot be removed, only switched off")
        if entry.origin is Origin.CUSTOM:
            if self._kept is not None:
                self._kept.remove(key)
            # Somebody else may have removed it while the database was asked.
            self._custom.pop(key, None)
        else:
            self._overrides.pop(key, None)
        self._entries.pop(key, None)

    def _enter(self, source: Source, origin: Origin, *, enabled: bool = True) -> Entry:
        key = source.name.casefold()
        entry = Entry(source, origin, enabled and not self._is_excluded(key, origin))
        self._entries[key] = entry
        return entry

    def _enter_fixed(self, source: Source, origin: Origin) -> Entry:
        change = self._overrides.get(source.name.casefold(), Override())
        if change.priority is not None:
            source = replace(cast("Any", source), priority=change.priority)
        return self._enter(source, origin, enabled=change.enabled is not False)

    def _enter_kept(self, custom: CustomSource) -> None:
        """A newer version may be stricter, or know a source of this name: no reason to end."""
        if custom.key in self._entries:
            log.warning("the custom source %s has a name that is taken: not used", custom.name)
            return
        try:
            self._enter_custom(custom)
        except Problem as problem:
            log.warning("the custom source %s is not used: %s", custom.name, problem.detail)

    def _enter_custom(self, custom: CustomSource) -> Entry:
        entry = self._enter(custom.source(), Origin.CUSTOM, enabled=custom.enabled)
        self._custom[custom.key] = custom
        return entry

    def _keep(self, custom: CustomSource, before: str) -> Entry:
        if self._kept is not None:
            self._kept.put(custom, before)
        self._custom.pop(before, None)
        self._entries.pop(before, None)
        return self._enter_custom(custom)

    def _found(self, name: str) -> Entry:
        entry = self._entries.get(name.casefold())
        if entry is None:
            raise Problem(
                "not-found", "There is no source of this name.", "GET /api/sources lists them all."
            )
        return entry

    def _refuse_taken(self, name: str) -> None:
        if name.casefold() in self._entries:
            raise Problem(
                "exists",
                f"There is a source called {name} already.",
                "Choose another name, or change the source that is there.",
            )

    def _is_excluded(self, key: str, origin: Origin) -> bool:
        every = EVERY_BUILT_IN in self._excluded and origin is Origin.BUILT_IN
        return every or key in self._excluded


def _order(source: Source) -> tuple[int, str, str]:
    return source.priority, source.name.casefold(), source.name


def _fixed(entry: Entry, but: str) -> Problem:
    where = {
        Origin.BUILT_IN: "EXCLUDE_SOURCES switches it off for good.",
        Origin.FILE: "Change the file that SOURCES_FILE names, and start the server again.",
    }
    return Problem(
        "built-in",
        f"{entry.source.name} comes from {entry.origin.value}: {but}.",
        where.get(entry.origin, "The program that added it can remove it."),
    )
