"""The head and the tail of a file: what players read before they play it."""

from contextlib import closing

import gevent

from addon.playback.store import Stream, SwarmTorrent
from addon.torrents.metainfo import File, Metainfo

# Kodi asks for up to 1.6 MB at the head and 0.4 MB at the tail.
HEAD_BYTES = 1024 * 1024
TAIL_BYTES = 512 * 1024


class Ends:
    """Asks for both ends of a file until it is closed; ``head`` and ``tail`` are their pieces.

    ``as_player``: the tail is asked for as a player does, because sources over HTTP fetch only
    what somebody reads. The first piece of the head comes with the resolution. Raises the Problem
    of a torrent that cannot be read.
    """

    def __init__(
        self, torrent: SwarmTorrent, metainfo: Metainfo, file: File, *, as_player: bool
    ) -> None:
        head, tail = min(HEAD_BYTES, file.length), max(0, file.length - TAIL_BYTES)
        self.head = _pieces(metainfo, file, 0, head)
        self.tail = _pieces(metainfo, file, tail, file.length)
        self._torrent = torrent
        self._streams: list[tuple[range, Stream]] = [
            (self.head, torrent.open(file, 0, head, ahead=False))
        ]
        try:
            last = torrent.open(file, tail, file.length, ahead=as_player)
        except BaseException:
            self.close()
            raise
        self._streams.append((self.tail, last))

    def look(self) -> set[int]:
        """The pieces that are there; an end that is complete is asked for no longer."""
        there = {index for index in {*self.head, *self.tail} if self._torrent.has_piece(index)}
        for pieces, stream in self._streams:
            if there.issuperset(pieces):
                # One reader less for the player to share the peers with.
                stream.close()
        return there

    def missing(self) -> set[int]:
        """The pieces that have not come; see ``look``."""
        return {*self.head, *self.tail} - self.look()

    def fetch(self, seconds: float) -> None:
        """Hold on until all of it is in the file, or for so long, and close. Raises what a stream
        raises: a Problem, or ConnectionAbortedError."""
        with closing(self), gevent.Timeout(seconds, False):  # noqa: FBT003 (just the end)
            for _, stream in self._streams:
                for _ in stream.chunks():
                    pass

    def close(self) -> None:
        """Ask for nothing any more; safe to call twice."""
        for _, stream in self._streams:
            stream.close()


def needed(file: File) -> int:
    """How many bytes both ends have together, as ``Swarm.reserve`` is told."""
    return min(file.length, HEAD_BYTES + TAIL_BYTES)


def _pieces(metainfo: Metainfo, file: File, start: int, stop: int) -> range:
    first = (file.offset + start) // metainfo.piece_length
    return range(first, (file.offset + stop - 1) // metainfo.piece_length + 1)
