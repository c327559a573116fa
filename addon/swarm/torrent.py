"""One torrent of the session: its metadata, its readers, what is asked for.

All state is touched on the gevent hub only; libtorrent's blocking calls go through the session's
thread pool. This is the one place that writes piece priorities, and it uses piece priorities
only: every file priority ends, milliseconds later, in an overwrite of the piece priorities.
"""

import logging
import time
from dataclasses import dataclass, field
from pathlib import Path

import gevent
import libtorrent as lt
from gevent.event import AsyncResult, Event
from gevent.threadpool import ThreadPool

from addon.errors import Problem
from addon.swarm.claims import Claims
from addon.swarm.picking import URGENT, Need, Want, priorities
from addon.swarm.pieces import Pieces
from addon.swarm.reader import Reader
from addon.swarm.storage import Storage
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.metainfo import File, Metainfo

log = logging.getLogger(__name__)

# What the disk did to a torrent, and what may be over when somebody asks for it again.
PASSING = frozenset({"disk-full", "busy"})
READ_TIMEOUT = 20.0
# A player that seeks closes one request and opens the next within milliseconds: dropping every
# request in between would start each seek from an empty queue.
RELEASE_DELAY = 0.5
LONELY_TIME = 8.0
UTP_TRIAL = 30.0
# How long libtorrent may take over a piece that is handed in (5 to 56 ms seen), before it is told
# again, and in all.
FEED_PATIENCE = 0.5
FEED_TIMEOUT = 5.0
# Players read the end of a film before they play it: the index of an MKV (131 KB seen), the moov
# atom of an MP4 (386 KB seen).
TAIL_BYTES = 512 * 1024


@dataclass
class Progress:
    """What the swarm says of a torrent; rates in bytes a second."""

    peers: int = 0
    seeds: int = 0
    download_rate: int = 0
    upload_rate: int = 0
    received: int = 0


@dataclass
class Torrent:
    """One torrent; made by ``Swarm.add`` only. ``key`` names its folder and never changes, while
    ``info_hash`` learns a hybrid's other hash from the metadata. ``leaving`` is there while it is
    being taken out of the session, and set when that is done.
    """

    key: str
    info_hash: InfoHash
    magnet: Magnet
    handle: lt.torrent_handle
    storage: Storage
    pool: ThreadPool
    progress: Progress = field(default_factory=Progress)
    trackers: dict[str, str] = field(default_factory=dict)
    metainfo: Metainfo | None = None
    piece_length: int = 0
    failure: Problem | None = None
    leaving: Event | None = None
    idle_since: float = field(default_factory=time.monotonic)
    lonely_since: float | None = None

    def __post_init__(self) -> None:
        self.metadata_ready = Event()
        self._pieces: Pieces | None = None
        self._readers: list[Reader] = []
        self._claims = Claims(self.handle, self.pool)
        self._tails: list[range] = []
        self._reads: dict[int, AsyncResult] = {}
        self._finished = Event()
        self.given: Metainfo | None = None
        self._asking = False
        self._about_to_read = 0
        self._release: gevent.Greenlet | None = None

    @property
    def readers(self) -> int:
        """How many players read; what is fetched ahead of any player does not count."""
        return sum(reader.ahead for reader in self._readers)

    def lonely(self, now: float) -> bool:
        """Whether somebody reads, and for a while no peer was found over TCP; not for ever, since
        where uTP finds nobody either it only costs the others. To be asked every second."""
        if not self.readers or self.progress.peers:
            self.lonely_since = None
            return False
        if self.lonely_since is None:
            self.lonely_since = now
        return LONELY_TIME < now - self.lonely_since < LONELY_TIME + UTP_TRIAL

    # Metadata

    def described(self, metainfo: Metainfo) -> None:
        """The metadata is known; ``settle`` follows when everybody who cares has heard."""
        self.metainfo = metainfo
        self.info_hash = metainfo.info_hash
        self.piece_length = metainfo.piece_length
        self._pieces = Pieces(self.key, metainfo, self.storage, self.handle, self._wake_all)
        self.metadata_ready.set()

    def give_metadata(self, metainfo: Metainfo) -> None:
        """Metadata that was found elsewhere and has this torrent's hash; ``described`` follows."""
        if self.metainfo is None and self.given is None:
            self.given = metainfo
            info = self.pool.apply(_info_section, (metainfo.raw,))
            self.handle.set_metadata(info)

    def settle(self) -> None:
        """Nothing is downloaded until somebody reads.

        Not at once when somebody is about to: a peer that hears "not interested" and "interested"
        within a moment has lost its slow start, and is asked for two blocks at a time until the
        next tick, a second later.
        """
        if self._about_to_read and self._release is None:
            self._release = gevent.spawn_later(RELEASE_DELAY, self._after_release)
        elif not self._readers:
            self._write_priorities()

    def wait_metadata(self, timeout: float, *, to_read: bool = False) -> Metainfo | None:
        """The metadata, or None when it has not come after ``timeout`` seconds.

        ``to_read`` says that a reader follows at once (see ``settle``).
        """
        self._about_to_read += to_read
        try:
            self.metadata_ready.wait(timeout)
        finally:
            self._about_to_read -= to_read
        self.require_alive()
        return self.metainfo

    # Pieces

    @property
    def pieces(self) -> Pieces:
        """The torrent's pieces; there are none before its metadata."""
        if self._pieces is None:
            raise RuntimeError("a torrent has no pieces before its metadata is known")
        return self._pieces

    def has_piece(self, index: int) -> bool:
        """Whether the piece has passed its hash check."""
        return self.pieces.has(index)

    def on_file(self, index: int) -> bool:
        """Whether the piece is behind the flush fence."""
        return self.pieces.on_file(index)

    def verified_bytes(self, file: File | None = None) -> int:
        """Bytes of the file (or of everything) that have passed their hash check."""
        return self._pieces.verified_bytes(file) if self._pieces is not None else 0

    def has_byte(self, file: File, position: int) -> bool:
        """Whether the piece that holds this byte of the file has passed its hash check."""
        return self.has_piece(self._piece_at(file, position))

    def peers_seen(self) -> tuple[int, int]:
        """How many peers are connected, and how many of them have everything."""
        return self.progress.peers, self.progress.seeds

    def path_of(self, file: File) -> Path:
        """Where the file's bytes lie."""
        return self.storage.path(self.key, file)

    def read_piece(self, index: int) -> bytes:
        """A finished piece, read back through libtorrent; one read of a piece at a time."""
        result = self._reads.get(index)
        if result is None:
            result = self._reads[index] = AsyncResult()
            self.handle.read_piece(index)
        # Not get(timeout=…): gevent.Timeout is no Exception, and would pass every border.
        if not result.ready():
            result.wait(READ_TIMEOUT)
        if not result.ready():
            raise OSError(f"piece {index} was not read back in {READ_TIMEOUT:.0f} s")
        data: bytes = result.get()
        return data

    # Pieces from elsewhere

    def needs(self) -> list[Need]:
        """What the readers of players wait for or will need, the newest reader first."""
        return [
            Need(reader.piece, reader.last_piece, not self.has_piece(reader.piece))
            for reader in reversed(self._readers)
            if reader.ahead and not reader.idle
        ]

    def claim(self, span: range, most: int) -> range:
        """The first run in ``span`` of at most ``most`` pieces that nobody has or has begun;
        peers leave it alone until it is there or given back. Empty where there is none."""
        run = self._claims.take(span, most, self.has_piece)
        if self._asking or run:
            self._write_priorities()
        return run

    def give_back(self, run: range) -> None:
        """Peers may fetch again what has not come of a claim."""
        for index in run:
            self._claims.drop(index)
        if self.failure is None and self.leaving is None:
            self._write_priorities()

    def feed(self, index: int, data: bytes) -> bool:
        """Hand in a piece whose hash is known to be right; False when libtorrent does not take it.

        It ignores a piece in silence while it still looks at the files of a torrent that was just
        added, so it is told again.
        """
        deadline = time.monotonic() + FEED_TIMEOUT
        while not self.has_piece(index):
            self.require_alive()
            self.pool.apply(self.handle.add_piece, (index, data, 0))
            patience = time.monotonic() + FEED_PATIENCE
            while not self.has_piece(index) and time.monotonic() < patience:
                self._finished.wait(patience - time.monotonic())
            if time.monotonic() > deadline:
                return self.has_piece(index)
        return True

    # Readers

    def open(self, file: File, start: int, stop: int, *, ahead: bool = True) -> Reader:
        """Start to read ``[start, stop)`` of a file; the torrent begins to download it now.

        Without ``ahead`` only these bytes are fetched, before any player asks for them.
        """
        self.require_alive()
        if self.metainfo is None:
            raise RuntimeError("a torrent is read only after its metadata is known")
        reader = Reader(self, file, start, stop, ahead=ahead)
        self._readers.append(reader)
        self.storage.touch(self.key)
        if not self.pieces.complete(self.metainfo.pieces_of(file)):
            self._write_priorities(None if self.has_piece(reader.piece) else reader.piece)
        return reader

    def files_read(self) -> list[File]:
        """The files that somebody reads; what the cache keeps room for."""
        return [reader.file for reader in self._readers]

    def reader_moved(self, reader: Reader) -> None:
        """A reader needs another piece: among several, each has its next two pieces first."""
        if reader.wants_more():
            self._write_priorities()
        if len(self._readers) > 1 and not reader.idle and not self.has_piece(reader.piece):
            for index in {reader.piece, min(reader.piece + 1, reader.last_piece)}:
                if index not in self._claims:
                    self.handle.piece_priority(index, URGENT)

    def readers_changed(self) -> None:
        """Write the priorities anew after a reader has become idle or active."""
        self._write_priorities()

    def release(self, reader: Reader) -> None:
        """Forget a closed reader; a moment later nothing is asked for on its behalf."""
        if reader not in self._readers:
            return
        self._readers.remove(reader)
        if not self._readers:
            self.idle_since = time.monotonic()
            self.storage.touch(self.key)
        if self._asking and self._release is None and self.failure is None:
            self._release = gevent.spawn_later(RELEASE_DELAY, self._after_release)

    def _after_release(self) -> None:
        self._release = None
        if self.failure is None and self.metainfo is not None:
            if not self._readers:
                self._tails.clear()
            self._write_priorities()

    def cancel_readers(self) -> None:
        """End every reader."""
        for reader in list(self._readers):
            reader.cancel()

    def _write_priorities(self, seek_to: int | None = None) -> None:
        wants = [Want(r.piece, r.last_piece, r.idle, r.extend()) for r in self._readers]
        if seek_to is not None:
            # The player has read the tail or does without it: nothing competes with its piece.
            self._tails.clear()
        if seek_to is not None and len(wants) == 1:
            # With one reader the deadlines of an earlier seek only compete; with several they
            # may be what another viewer is waiting for.
            self.handle.clear_piece_deadlines()
        wanted = priorities(len(self.pieces), wants, self._claims.held(), self._tails)
        self._asking = any(wanted)
        self.handle.prioritize_pieces(wanted)
        # libtorrent 2.1 does not widen its sequential cursor when pieces become wanted again:
        # without the toggle it goes on at the old place, or at random.
        self.handle.set_flags(lt.torrent_flags.sequential_download)
        self.handle.unset_flags(lt.torrent_flags.sequential_download)
        self.handle.set_flags(lt.torrent_flags.sequential_download)
        if seek_to is not None and seek_to not in self._claims:
            self.handle.set_piece_deadline(seek_to, 0)

    def _ask_for_tail(self, reader: Reader) -> None:
        """After the head of a film its tail: players read both before they play."""
        first = max(reader.piece, self._piece_at(reader.file, reader.file.length - TAIL_BYTES))
        tail = range(first, reader.last_piece + 1)
        if tail in self._tails:
            return
        self._tails.append(tail)
        for index in tail:
            if not self.has_piece(index) and index not in self._claims:
                self.handle.piece_priority(index, URGENT)

    def _piece_at(self, file: File, position: int) -> int:
        return (file.offset + max(position, 0)) // self.piece_length

    # What the session's alerts say

    def piece_finished(self, index: int) -> None:
        """A piece has passed its hash check."""
        # Before the metadata is decoded pieces cannot be told apart; they are asked for later.
        if self._pieces is None or not self._pieces.finish(index):
            return
        self._claims.drop(index)
        finished, self._finished = self._finished, Event()
        finished.set()
        for reader in list(self._readers):
            if reader.piece == index:
                reader.wake()
                if reader.ahead and self._piece_at(reader.file, 0) == index:
                    self._ask_for_tail(reader)

    def piece_read(self, index: int, data: bytes | None, error: str) -> None:
        """The answer to ``read_piece``."""
        result = self._reads.pop(index, None)
        if result is None:
            return
        if data is None:
            result.set_exception(OSError(f"piece {index} cannot be read back: {error}"))
        else:
            result.set(data)

    def cache_flushed(self) -> None:
        """The answer to ``flush_cache``."""
        if self._pieces is not None:
            self._pieces.flushed()

    def finished_pieces(self, pieces: list[bool]) -> None:
        """What libtorrent has checked, all at once (after a check, or after lost alerts)."""
        for index, there in enumerate(pieces[: len(self.pieces)]):
            if there:
                self.piece_finished(index)

    def fail(self, problem: Problem) -> None:
        """Nothing more will come: tell everybody who waits."""
        self.failure = problem
        if self._pieces is not None and problem.code in PASSING:
            self._pieces.distrust()
        self.metadata_ready.set()
        self._wake_all()
        for result in list(self._reads.values()):
            result.set_exception(problem)
        self._reads.clear()

    def require_alive(self) -> None:
        """Raise the Problem that stopped the torrent, if one did."""
        if self.failure is not None:
            raise self.failure

    def _wake_all(self) -> None:
        for reader in list(self._readers):
            reader.wake()

    def stop(self) -> None:
        """Leave the session: nobody reads any more, and what is on file is remembered."""
        if self._release is not None:
            self._release.kill()
            self._release = None
        if self._pieces is not None:
            self._pieces.close(keep=self.failure is None)


def _info_section(raw: bytes) -> bytes:
    info = lt.load_torrent_buffer(raw).ti
    if info is None:
        raise RuntimeError("a decoded .torrent holds an info dictionary")
    return bytes(info.info_section())
