"""What clients send, within limits."""

import contextlib
import json
from typing import Any

import gevent
from flask import Request

from addon.errors import Problem

MAX_JSON = 64 * 1024
TOO_LARGE = 413
# A refused upload is read on for so long, and so much of it, before the connection is closed.
DRAIN_TIME = 5.0
DRAIN_STEP = 64 * 1024
MAX_DRAIN = 64 * 1024 * 1024


def read_body(asked: Request, limit: int) -> bytes:
    """The whole body; Problem("too-large") over ``limit`` bytes."""
    told = asked.content_length or 0
    # werkzeug cuts a body of unknown length at its limit and says nothing: one byte more tells.
    asked.max_content_length = limit + 1
    body = asked.get_data() if told <= limit else b""
    if max(told, len(body)) > limit:
        size = str(told) if told else f"more than {limit}"
        raise Problem(
            "too-large",
            f"The upload has {size} bytes; at most {limit} are taken.",
            "Check that it is a .torrent file and not the film itself.",
        )
    return body


def read_object(asked: Request) -> dict[str, Any] | None:
    """The JSON object in the body, None where there is none; a tower of brackets is none either."""
    try:
        value = json.loads(read_body(asked, MAX_JSON))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def drain(asked: Request) -> None:
    """Take what is still being sent, within reason: a connection that is closed over unread data
    is reset, and the client never hears why."""
    source = asked.environ["wsgi.input"]
    # Who leaves meanwhile hears nothing anyway.
    with contextlib.suppress(OSError), gevent.Timeout(DRAIN_TIME, False):  # noqa: FBT003
        for _ in range(MAX_DRAIN // DRAIN_STEP):
            if not source.read(DRAIN_STEP):
                return
