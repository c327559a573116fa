"""The log: one line a step, for people or for collectors, with every secret removed.

    text   12:34:56 INFO  [swarm] message
    json   {"time": …, "level": "info", "part": "swarm", "logger": …, "message": …, "error": …}

A secret reaches the log by many roads: the path of a request, a header, the address in an
exception, a traceback. So it is removed at the last moment, from the finished text.
"""

import io
import json
import logging
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TextIO
from urllib.parse import quote, unquote, urlsplit

from addon.settings import Settings

_SHORT_LEVELS = {"WARNING": "WARN", "CRITICAL": "FATAL"}
_PARTS = {"gunicorn.error": "server", "gunicorn.access": "http"}

_HIDDEN = "***"
_LEAST_PASSWORD = 6


def _spelled(word: str) -> str:
    """A pattern for a step of a path, any letter of which may be percent-encoded."""
    return "".join(f"(?:{letter}|%{ord(letter):02x})" for letter in word)


_PATTERNS = (
    # Authorization headers, however they are quoted
    (re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"',;]+"), rf"\1 {_HIDDEN}"),
    (re.compile(r"(?i)(\bcookie['\"]?\s*[:=,]\s*['\"]?)[^\r\n'\"]+"), rf"\1{_HIDDEN}"),
    (
        re.compile(r"(?i)([?&;](?:access_?key|key|token|secret)=)[^&\s\"'#;]+"),
        rf"\1{_HIDDEN}",
    ),
    # the grant in /play/<info hash>/<file>/<grant>/…, /status/… and /subtitles-file/…
    # (any of its letters may be percent-encoded: it is the same address)
    *(
        (re.compile(rf"(?i)(/{word}/[^/\s]+/[^/\s]+/)[^/\s?\"'#]+"), rf"\1{_HIDDEN}")
        for word in map(_spelled, ("play", "status", "subtitles-file"))
    ),
    # the secret in /kodi/pair/<secret>; the .png beside it is named after a code that people see
    (
        re.compile(
            rf"(?i)(/{_spelled('kodi')}/{_spelled('pair')}/)(?![a-z0-9]{{6}}\.png\b)[^/\s?\"'#]+"
        ),
        rf"\1{_HIDDEN}",
    ),
    # the password in the address of a database
    (re.compile(r"(?i)(\bpostgres[a-z+0-9]*://[^:@/\s]*:)[^@\s]+@"), rf"\1{_HIDDEN}@"),
    # access keys that the server made (access/keys.py)
    (re.compile(r"\bstreme-[A-Za-z0-9_-]{20,}"), _HIDDEN),
    # Any other token: a long run of base64url as a step of a path. Info hashes are none.
    (
        re.compile(
            r"(/|%2[Ff])(?!(?:[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})(?![A-Za-z0-9_%-]))"
            r"[A-Za-z0-9_%-]{32,}"
        ),
        rf"\1{_HIDDEN}",
    ),
)


class Redactor:
    """Takes out of a text the given secrets and whatever looks like a token of ours."""

    def __init__(self, secrets: Iterable[str]) -> None:
        spelled = {form for text in secrets if text for form in (text, quote(text, safe=""))}
        # The longest first: one key may begin with another.
        exact = "|".join(map(re.escape, sorted(spelled, key=len, reverse=True)))
        self._exact = re.compile(exact) if exact else None

    def __call__(self, text: str) -> str:
        if self._exact:
            text = self._exact.sub(_HIDDEN, text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text


class TextLines(logging.Formatter):
    """``12:34:56 INFO  [swarm] message``, local time; a traceback follows on its own lines."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        time = self.formatTime(record, "%H:%M:%S")
        level = _SHORT_LEVELS.get(record.levelname, record.levelname)
        line = f"{time} {level:<5} [{_part(record.name)}] {_one_line(record.getMessage())}"
        return self._redact("\n".join([line, *_error(self, record)]))


class JsonLines(logging.Formatter):
    """One JSON object a line; the time is UTC, ``error`` is there when an exception is."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC)
        fields = {
            "time": time.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "part": _part(record.name),
            "logger": record.name,
            # before it is quoted, or a secret with a quotation mark would be missed
            "message": self._redact(record.getMessage()),
        }
        error = "\n".join(_error(self, record))
        if error:
            fields["error"] = self._redact(error)
        return json.dumps(fields)


class RedactedStream(io.TextIOBase):
    """A standard error that hides secrets too: gevent and Python print errors there, past logs."""

    def __init__(self, stream: TextIO, redact: Redactor) -> None:
        self._stream = stream
        self._redact = redact

    def write(self, text: str) -> int:
        self._stream.write(self._redact(text))
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()


def redactor(settings: Settings) -> Redactor:
    """Knows the secrets of these settings."""
    keys = (*settings.secret_key, *(() if settings.public else settings.access_key))
    return Redactor((*keys, *_of_database(settings.database_url or "")))


def _of_database(url: str) -> tuple[str, ...]:
    password = urlsplit(url).password or ""
    # A short one is part of ordinary words, and hiding those would tell which it is.
    return (url, password, unquote(password)) if len(password) >= _LEAST_PASSWORD else (url,)


def configuration(settings: Settings) -> dict[str, Any]:
    """The argument of ``logging.config.dictConfig``: everything goes to standard output."""
    lines = JsonLines if settings.log_format == "json" else TextLines
    level = settings.log_level.upper()
    # "debug" is about this server's own steps; what libraries tell then would bury them.
    others = "INFO" if level == "DEBUG" else level
    inherit: dict[str, Any] = {"level": "NOTSET", "handlers": [], "propagate": True}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": lines, "redact": redactor(settings)}},
        "handlers": {
            "stdout": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stdout",
                "formatter": "lines",
            }
        },
        "root": {"level": others, "handlers": ["stdout"]},
        "loggers": {
            "addon": {"level": level},
            "gunicorn.error": inherit,
            "gunicorn.access": inherit,
        },
    }


def _part(logger: str) -> str:
    """The part of the server that speaks: ``addon.swarm.session`` is "swarm"."""
    names = logger.split(".")
    return _PARTS.get(logger) or (names[1] if names[0] == "addon" and names[1:] else names[0])


def _one_line(text: str) -> str:
    """Torrent names come from strangers: nothing in them may start a line or turn the text."""
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text
    )


def _error(formatter: logging.Formatter, record: logging.LogRecord) -> list[str]:
    found = [formatter.formatException(record.exc_info)] if record.exc_info else []
    return found + ([formatter.formatStack(record.stack_info)] if record.stack_info else [])
