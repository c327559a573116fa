"""``/healthz`` and ``/readyz``: for platforms and people who watch over the server."""

from collections.abc import Callable, Sequence
from typing import Protocol

from flask import Blueprint, Response, jsonify


class Torrent(Protocol):
    """One torrent of the session."""

    @property
    def readers(self) -> int: ...


class Swarm(Protocol):
    """The session."""

    listening: bool
    p2p: bool

    def torrents(self) -> Sequence[Torrent]: ...


def blueprint(
    swarm: Swarm, stopping: Callable[[], bool], why_no_p2p: str | None = None
) -> Blueprint:
    """Two routes without secrets, open to everybody; ``why_no_p2p`` is told where P2P is off."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    def healthz() -> tuple[Response, int]:
        """200 without touching anything outside; 503 once the server is told to end."""
        ending = stopping()
        return jsonify({"status": "stopping" if ending else "ok"}), 503 if ending else 200

    @routes.get("/readyz")
    def readyz() -> tuple[Response, int]:
        """What works: 200 when films can be played. Without P2P they come from sources only."""
        torrents = swarm.torrents()
        ready = swarm.listening or not swarm.p2p
        p2p: dict[str, bool | str] = {"on": swarm.p2p, "listening": swarm.listening}
        if why_no_p2p is not None:
            p2p["why"] = why_no_p2p
        body = {
            "status": "ready" if ready else "not-listening",
            "p2p": p2p,
            "torrents": len(torrents),
            "readers": sum(torrent.readers for torrent in torrents),
        }
        return jsonify(body), 200 if ready else 503

    return routes
