"""A source that somebody describes: in a file, over the API, or in the built-in catalogue.

``read_source`` checks what was written; nothing that it does not know is passed over in silence.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from addon.errors import Problem
from addon.sources.base import Trust
from addon.sources.template import TemplateSource, parse_template

MAX_NAME = 60
MAX_NOTE = 200
MAX_PRIORITY = 1000
MAX_HEADERS = 20

# ``*`` and ``none`` mean something in EXCLUDE_SOURCES, the others in answers to a player.
_TAKEN = frozenset({"*", "none", "swarm", "store"})
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER = re.compile(r"[ -~\t]{0,2048}")
# Each request has its own; a fixed one would break it.
_OURS = frozenset(
    {
        *("accept-encoding", "connection", "content-length", "expect", "host", "if-range"),
        *("keep-alive", "range", "te", "trailer", "transfer-encoding", "upgrade"),
    }
)


@dataclass(frozen=True, slots=True)
class CustomSource:
    """What somebody says of a source, checked. ``url`` is a template."""

    name: str
    url: str = field(repr=False)  # like the headers, it may hold a key
    priority: int = 0
    trust: Trust = Trust.OPEN
    redirect: bool = False
    needs_metadata: bool = False
    resumable: bool = True
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    note: str = ""
    enabled: bool = True

    @property
    def key(self) -> str:
        """The name as names are compared."""
        return self.name.casefold()

    def source(self) -> TemplateSource:
        """What can be asked; Problem("bad-source") where the template is wrong."""
        template = parse_template(self.url)
        return TemplateSource(
            name=self.name,
            template=template,
            priority=self.priority,
            trust=self.trust,
            note=self.note,
            needs_metadata=self.needs_metadata or bool(template.needs),
            resumable=self.resumable,
            redirect=self.redirect,
            headers=self.headers,
        )


def read_source(given: Mapping[str, object], before: CustomSource | None = None) -> CustomSource:
    """The source that these fields describe, or ``before`` with these fields changed.

    Names may be written ``needs_metadata`` or ``needsMetadata``. Problem("bad-source") names the
    first field that is wrong.
    """
    values = read_fields(given)
    if before is not None:
        return replace(before, **values)
    for name in ("name", "url"):
        if name not in values:
            raise Problem("bad-source", f"The source has no {name}.", _HINT)
    return CustomSource(**values)


def read_fields(given: Mapping[str, object]) -> dict[str, Any]:
    """The fields of a CustomSource that are given, each checked."""
    values: dict[str, Any] = {}
    for spelled, value in given.items():
        name = re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", str(spelled))
        if name not in _FIELDS:
            raise Problem(
                "bad-source",
                f"A source has no field {str(spelled)[:40]!r}.",
                _HINT,
            )
        read, allowed = _FIELDS[name]
        try:
            values["resumable" if name == "supports_resume" else name] = read(value)
        except ValueError:
            sentence = f"The source's {spelled} must be {allowed}."
            raise Problem("bad-source", sentence, _HINT) from None
    return values


def _name(value: object) -> str:
    name = _line(value, MAX_NAME)
    if not name or name.casefold() in _TAKEN:
        raise ValueError(value)
    return name


def _url(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    return parse_template(value).text


def _priority(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_PRIORITY:
        raise ValueError(value)
    return value


def _trust(value: object) -> Trust:
    trust = Trust(value)
    if trust is Trust.NAMED:
        raise ValueError(value)
    return trust


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(value)
    return value


def _headers(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, Mapping) or len(value) > MAX_HEADERS:
        raise ValueError(value)
    pairs = []
    for name, text in value.items():
        if not isinstance(name, str) or not _is_header(name):
            raise ValueError(name)
        if not isinstance(text, str) or not _HEADER.fullmatch(text):
            raise ValueError(text)
        pairs.append((name, text.strip()))
    return tuple(pairs)


def _is_header(name: str) -> bool:
    return bool(_TOKEN.fullmatch(name)) and name.lower() not in _OURS


def _note(value: object) -> str:
    return _line(value, MAX_NOTE)


def _line(value: object, most: int) -> str:
    line = value.strip() if isinstance(value, str) else "\n"
    if len(line) > most or not line.isprintable():
        raise ValueError(value)
    return line


_BOOLEAN = (_switch, "true or false")
_FIELDS: Mapping[str, tuple[Callable[[object], Any], str]] = {
    "name": (
        _name,
        f"1 to {MAX_NAME} printable characters, and none of {', '.join(sorted(_TAKEN))}",
    ),
    "url": (_url, "a URL template"),
    "priority": (_priority, f"a whole number from 0 to {MAX_PRIORITY}"),
    "trust": (_trust, '"open" or "own"'),
    "redirect": _BOOLEAN,
    "needs_metadata": _BOOLEAN,
    "supports_resume": _BOOLEAN,
    "headers": (
        _headers,
        f"at most {MAX_HEADERS} names with an ASCII text each; Range and the like are ours to send",
    ),
    "note": (_note, f"at most {MAX_NOTE} printable characters"),
    "enabled": _BOOLEAN,
}
_HINT = f"The fields of a source are {', '.join(_FIELDS)}; it needs the first two."
