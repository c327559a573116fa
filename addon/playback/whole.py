"""A small file of a torrent as a whole: subtitles.

It is resolved as a film is, and read from the store: verified bytes only, also where a player
would have been sent elsewhere.
"""

import os
import time

import gevent
from gevent.event import Event

from addon.errors import Problem
from addon.playback.resolution import Failure, Redirect, Stored
from addon.playback.resolver import Resolver
from addon.playback.store import SwarmTorrent
from addon.swarm.reader import Chunk
from addon.torrents.magnet import InfoHash
from addon.torrents.metainfo import File
from addon.torrents.names import human_size
from addon.torrents.selection import FileIndex


class WholeFiles:
    """Gets files through the resolver."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def read(
        self,
        install: str,
        info_hash: InfoHash,
        index: int,
        *,
        most: int,
        timeout: float,
        gone: Event,
    ) -> tuple[str, bytes]:
        """The file's name and all its bytes.

        Problem("too-large") beyond ``most`` bytes, ("busy") when they have not come after
        ``timeout`` seconds, though they are still being looked for; else whatever keeps a film
        from playing. ConnectionAbortedError once ``gone`` is set: nobody waits any more.
        """
        until = time.monotonic() + timeout
        attempt = self._resolver.attempt(install, info_hash, FileIndex(index), 0)
        match attempt.wait(timeout, gone):
            case Failure(problem):
                raise problem
            case Stored() as stored:
                pass
            case Redirect():
                stored = self._resolver.through_store(attempt)
            case None:
                if gone.is_set():
                    raise ConnectionAbortedError
                raise _late()
        if stored.file.length > most:
            raise Problem(
                "too-large",
                f"{stored.file.name} has {human_size(stored.file.length)}, too much to be read "
                "as a whole.",
                "Play it with its play link.",
            )
        try:
            with gevent.Timeout(max(0.1, until - time.monotonic())):
                length = stored.file.length
                return stored.file.name, read_part(stored.torrent, stored.file, 0, length, gone)
        except gevent.Timeout:
            raise _late() from None


def read_part(
    torrent: SwarmTorrent, file: File, start: int, stop: int, gone: Event | None = None
) -> bytes:
    """``[start, stop)`` of a file, once it is there; ends when ``gone`` is set."""
    stream = torrent.open(file, start, stop, ahead=False)
    if gone is not None:
        gone.rawlink(lambda _: stream.cancel())
    try:
        return b"".join(map(_bytes, stream.chunks()))
    finally:
        stream.close()


def _bytes(chunk: Chunk) -> bytes:
    if isinstance(chunk, bytes):
        return chunk
    descriptor, offset, length = chunk
    part = os.pread(descriptor, length, offset)
    if len(part) != length:
        raise OSError(f"the file ends {length - len(part)} bytes too early")
    return part


def _late() -> Problem:
    return Problem(
        "busy",
        "The file is still being looked for.",
        "Try again in a moment.",
        retry_after=5,
    )
