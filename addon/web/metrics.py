"""``/metrics``: how the process does, in Prometheus' text format (0.0.4). No titles, no secrets.

Written by hand: ten numbers need no client library with a registry that is global.
"""

import gc
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from flask import Blueprint, Request, Response, request
from gevent import Greenlet

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
STATM, DESCRIPTORS = Path("/proc/self/statm"), Path("/proc/self/fd")

Sample = tuple[str, str, float, str]


class Progress(Protocol):
    """What the swarm says of a torrent."""

    peers: int


class Torrent(Protocol):
    """One torrent of the session."""

    @property
    def progress(self) -> Progress: ...
    @property
    def readers(self) -> int: ...
    def verified_bytes(self) -> int: ...


class Swarm(Protocol):
    """The session."""

    def torrents(self) -> Sequence[Torrent]: ...


def blueprint(
    require_access: Callable[[Request], None],
    swarm: Swarm,
    feeders: Callable[[], int],
    streams: Callable[[], int],
) -> Blueprint:
    """The route, for those who may use the API; ``feeders`` and ``streams`` count what runs."""
    routes = Blueprint("metrics", __name__)

    @routes.get("/metrics")
    def metrics() -> Response:
        require_access(request)
        samples = (*_process(), *_playing(swarm, feeders(), streams()))
        response = Response("".join(map(_lines, samples)), content_type=CONTENT_TYPE)
        response.cache_control.no_store = True
        return response

    return routes


def _playing(swarm: Swarm, feeders: int, streams: int) -> Iterator[Sample]:
    torrents = swarm.torrents()
    readers = sum(torrent.readers for torrent in torrents)
    peers = sum(torrent.progress.peers for torrent in torrents)
    verified = sum(torrent.verified_bytes() for torrent in torrents)
    yield "selfstreme_torrents", "gauge", len(torrents), "Torrents in the session."
    yield "selfstreme_readers", "gauge", readers, "Byte ranges that players read."
    yield "selfstreme_peers", "gauge", peers, "Peers connected, of all torrents."
    yield "selfstreme_feeders", "gauge", feeders, "Files that HTTP sources feed, or may again."
    yield "selfstreme_streams", "gauge", streams, "Bodies being sent."
    yield "selfstreme_verified_bytes", "gauge", verified, "Bytes that passed their hash check."


def _process() -> Iterator[Sample]:
    """Of this process; what only Linux tells is left out elsewhere."""
    cpu = time.process_time()
    yield "process_cpu_seconds_total", "counter", cpu, "Processor time, user and system."
    if DESCRIPTORS.is_dir():
        # The listing holds a descriptor of its own.
        count = len(os.listdir(DESCRIPTORS)) - 1
        yield "process_open_fds", "gauge", count, "Open file descriptors."
    if STATM.is_file():
        resident = int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        yield "process_resident_memory_bytes", "gauge", resident, "Memory in use, resident."
    yield "selfstreme_greenlets", "gauge", _greenlets(), "Greenlets alive."


def _greenlets() -> int:
    """Looked for only when asked: 20 ms for 90,000 objects, and no cost at any spawn.

    ``isinstance`` would ask werkzeug's proxies for their class, and they raise.
    """
    return sum(
        1 for thing in gc.get_objects() if issubclass(type(thing), Greenlet) and not thing.dead
    )


def _lines(sample: Sample) -> str:
    name, kind, value, text = sample
    shown = value if isinstance(value, int) else repr(value)
    return f"# HELP {name} {text}\n# TYPE {name} {kind}\n{name} {shown}\n"
