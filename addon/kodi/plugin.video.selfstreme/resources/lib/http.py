"""JSON over HTTP with deadlines. ``urllib.request`` knows one time limit for everything."""

from __future__ import annotations

import json
import time
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Dict
from urllib.parse import urljoin, urlsplit

from .errors import AddonError
from .words import Word, say

CONNECT_TIME, READ_TIME, WHOLE_TIME = 5.0, 20.0, 60.0  # seconds
MOST_BYTES = 16 * 1024 * 1024
CHUNK = 64 * 1024
REDIRECTS = 3
AGENT = "Self-Streme for Kodi"

Json = Dict[str, Any]


def ask(
    url: str, method: str = "GET", read_time: float = READ_TIME, hops: int = REDIRECTS
) -> tuple[int, Json]:
    """The status, which is below 400, and the answer, which is a JSON object.

    Raises AddonError with the server's own sentence where it gave one. No message holds the URL,
    because that is a secret.
    """
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    host = parts.hostname or ""
    try:
        connection = kind(host, parts.port, timeout=CONNECT_TIME)
    except (ValueError, HTTPException):
        raise AddonError(say(Word.NO_SELFSTREME)) from None
    try:
        connection.connect()
        connection.sock.settimeout(read_time)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(
            method, target, headers={"Accept": "application/json", "User-Agent": AGENT}
        )
        response = connection.getresponse()
        status, location = response.status, response.getheader("Location", "")
        raw = _body(response)
    except (OSError, HTTPException, ValueError):
        sentence = say(Word.NO_ANSWER, parts.netloc.rpartition("@")[2])
        raise AddonError(sentence, say(Word.LOOK_AT_SERVER), passing=True) from None
    finally:
        connection.close()
    if 300 <= status < 400 and hops:
        there = urljoin(url, location)
        # To HTTPS or another path; the address is a secret that no other host is told.
        if location and urlsplit(there).hostname == host:
            return ask(there, method, read_time, hops - 1)
    return status, _checked(status, raw, host)


def _body(response: Any) -> bytes:
    end = time.monotonic() + WHOLE_TIME
    whole = b""
    while chunk := response.read1(CHUNK):
        whole += chunk
        if len(whole) > MOST_BYTES or time.monotonic() > end:
            raise ValueError
    return whole


def _checked(status: int, raw: bytes, host: str) -> Json:
    try:
        told = json.loads(raw) if raw else {}
    except ValueError:
        told = None
    if isinstance(told, dict) and status < 400:
        return told
    if isinstance(told, dict) and isinstance(told.get("detail"), str):
        raise AddonError(told["detail"], str(told.get("hint") or ""), unknown=status == 404)
    if status >= 400:
        # Not our server's words, so perhaps a proxy's in front of it.
        sentence = say(Word.SERVER_ERROR, host, status)
        raise AddonError(sentence, passing=status >= 500, unknown=status == 404)
    raise AddonError(say(Word.NO_SELFSTREME))
