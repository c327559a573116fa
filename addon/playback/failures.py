"""Why nothing plays, in words: each names the cause, what was tried, and what to do."""

from collections.abc import Sequence

from addon.errors import Problem
from addon.playback.store import SwarmTorrent
from addon.sources.metadata import Answer
from addon.sources.probe import Found

TOLD = 3
RETRY = 30.0


def gone() -> Problem:
    """The link is older than the torrent's removal."""
    return Problem(
        "not-found",
        "This torrent is not in the library any more.",
        "Add it again, then take a fresh link.",
    )


def needs_database(tried: Problem) -> Problem:
    """The link was all that was left of the torrent, and it was not enough; ``tried`` says what
    else was."""
    return Problem(
        "needs-database",
        "The server's disk was wiped at a restart, and with it went what this torrent holds. "
        f"{tried.detail}",
        "Set DATABASE_URL on the server, so that the library outlives a restart; add the torrent "
        "again to play it now.",
        retry_after=tried.retry_after,
    )


def no_metadata(
    torrent: SwarmTorrent | None, answers: Sequence[Answer], silent: Sequence[str], budget: float
) -> Problem:
    """Nobody told us what the torrent holds; ``silent`` are the places that have not answered."""
    tried = [_swarm(torrent)] if torrent is not None else []
    reasons = [_told(answer.place.name, answer.reason) for answer in answers]
    reasons += [f"{name} has not answered" for name in silent]
    if reasons:
        tried.append(_listed(reasons))
    if not tried:
        tried = ["P2P is off, and no place is known that has its .torrent file"]
    when = f"within {budget:.0f} s" if torrent is not None else "over HTTP"
    return Problem(
        "no-metadata",
        f"Nobody sent the torrent's metadata {when}: {'; '.join(tried)}.",
        "Add the .torrent file instead of the magnet, or try again later.",
        retry_after=RETRY,
    )


def no_peers(torrent: SwarmTorrent, budget: float) -> Problem:
    """The film is known, but nobody delivers it, and nobody but the swarm was asked."""
    return Problem(
        "no-peers",
        f"The film did not begin within {budget:.0f} s. {_delivery(torrent)}.",
        "Try again later, or choose another torrent of the film.",
        retry_after=RETRY,
    )


def no_source(torrent: SwarmTorrent | None, tried: Sequence[Found]) -> Problem:
    """Neither a source nor, where it was asked (``torrent``), the swarm delivers the film."""
    reasons = [_told(found.name, found.reason) for found in tried]
    if reasons:
        told = f"{len(reasons)} sources were asked and none delivers it: {_listed(reasons)}"
    else:
        told = "No source may be asked for it"
    if torrent is not None:
        told += f". {_delivery(torrent)}"
    hint = "Try again later, choose another torrent of the film, or add a source that has it."
    return Problem("no-source", f"{told}.", hint, retry_after=RETRY)


def edge_piece(found: Found) -> Problem:
    """The one source that works cannot prove the film's first or last piece."""
    return Problem(
        "edge-piece",
        f"{found.name} has the film, but a piece at its edge holds bytes of a neighbouring file "
        "that it does not have, so that piece cannot be checked.",
        "Turn P2P on, or set FALLBACK_MODE=redirect to be sent to the source itself.",
    )


def _swarm(torrent: SwarmTorrent) -> str:
    told = "; ".join(f"tracker {host}: {reply}" for host, reply in torrent.trackers.items())
    return f"{told or 'no tracker has answered'}; {torrent.peers_seen()[0]} peers connected"


def _delivery(torrent: SwarmTorrent) -> str:
    peers, seeds = torrent.peers_seen()
    if not peers:
        return f"No peer is connected: {_swarm(torrent)}"
    return f"{peers} peers are connected ({seeds} with the whole film), but none sent the piece"


def _told(name: str, reason: str) -> str:
    reason = reason.rstrip(".")
    return reason if reason.startswith(name) else f"{name}: {reason}"


def _listed(reasons: Sequence[str]) -> str:
    more = [f"and {len(reasons) - TOLD} more"] if len(reasons) > TOLD else []
    return "; ".join([*reasons[:TOLD], *more])
