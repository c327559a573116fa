"""What a resolution ends with."""

from dataclasses import dataclass

from addon.errors import Problem
from addon.playback.store import SwarmTorrent
from addon.sources.base import Link
from addon.torrents.metainfo import File


@dataclass(frozen=True, slots=True)
class Stored:
    """The bytes are in the piece store, or on their way into it."""

    torrent: SwarmTorrent
    file: File
    served_by: str


@dataclass(frozen=True, slots=True)
class Redirect:
    """The player may fetch it itself; ``at`` (``time.monotonic``) is when that was tried."""

    link: Link
    file: File
    served_by: str
    at: float


@dataclass(frozen=True, slots=True)
class Failure:
    """Nothing can play it now, and why."""

    problem: Problem


Resolution = Stored | Redirect | Failure
