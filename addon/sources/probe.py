"""One source -> a verdict. The probe *is* the first piece.

A source is asked for the very piece that the player waits for. Its first bytes are the screen
(status, Content-Range, type, container, enough of them in time); the piece's hash is the proof,
and a piece that passes goes straight into the store, so that probing costs nothing. A landing
page with status 200, a placeholder clip or a wrong file can never win.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from addon.net.client import HttpError
from addon.sources.base import Link, Media, Source
from addon.sources.fetch import (
    SCREENED,
    Client,
    Lost,
    PieceReader,
    check_head,
    locate,
    lost,
)
from addon.sources.health import Verdict
from addon.torrents.metainfo import File, Metainfo
from addon.torrents.names import extension

_EBML = b"\x1a\x45\xdf\xa3"
_ASF = bytes.fromhex("3026b2758e66cf11")
_MP4_ATOMS = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")
_CONTAINERS: dict[str, Callable[[bytes], bool]] = {
    **dict.fromkeys(("mkv", "webm"), lambda data: data.startswith(_EBML)),
    **dict.fromkeys(("mp4", "m4v", "mov"), lambda data: data[4:8] in _MP4_ATOMS),
    "avi": lambda data: data[:4] == b"RIFF",
    "wmv": lambda data: data.startswith(_ASF),
    "ts": lambda data: data[:1] == b"G" and data[188:189] in (b"G", b""),
    "flv": lambda data: data[:3] == b"FLV",
    "ogv": lambda data: data[:4] == b"OggS",
}


class Pool(Protocol):
    """Threads for what would hold up the hub (``gevent.threadpool.ThreadPool``)."""

    def apply(self, function: Callable[..., bool], arguments: tuple[object, ...]) -> bool: ...


@dataclass(frozen=True, slots=True)
class Found:
    """How one source fared. ``ttfb`` is in seconds, ``size`` in bytes.

    ``piece`` and ``data`` are the proof, where there was something to prove it by. ``edge`` says
    that the source is proved, but on another piece than the one asked for, because that one holds
    bytes of a neighbouring file that the source does not have.
    """

    source: Source
    verdict: Verdict
    reason: str
    link: Link | None = None
    ttfb: float | None = None
    size: int | None = None
    retry_after: float | None = None
    piece: int | None = None
    data: bytes | None = None
    edge: bool = False

    @property
    def name(self) -> str:
        """The source's name."""
        return self.source.name

    @property
    def url(self) -> str | None:
        """Where it has the file."""
        return self.link.url if self.link is not None else None

    @property
    def verified(self) -> bool:
        """Its bytes have the right hash."""
        return self.verdict is Verdict.VERIFIED

    @property
    def works(self) -> bool:
        """It delivers the file, as far as anybody can tell."""
        return self.verdict in (Verdict.VERIFIED, Verdict.PLAUSIBLE)


class Prober:
    """Probes sources; ``screen`` is in seconds (SOURCE_TEST_TIMEOUT)."""

    def __init__(
        self,
        client: Client,
        pool: Pool,
        screen: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._pool = pool
        self._screen = screen
        self._clock = clock

    def probe(self, source: Source, media: Media, piece: int | None) -> Found:
        """Ask the source for ``piece``, or for the file's head where nothing can be checked."""
        began = self._clock()
        link: Link | None = None
        try:
            link = locate(source, media, began + self._screen)
            if piece is None or not _checkable(media, piece):
                return self._look(source, media, link, began)
            try:
                return self._prove(source, media, link, piece, began)
            except Lost as reason:
                inner = _whole_piece(media, piece) if reason.neighbour else None
                if inner is None:
                    raise
                return self._prove(source, media, link, inner, began, edge=True)
        except Lost as reason:
            return Found(
                source, reason.verdict, reason.reason, link, retry_after=reason.retry_after
            )

    def _prove(
        self,
        source: Source,
        media: Media,
        link: Link,
        piece: int,
        began: float,
        *,
        edge: bool = False,
    ) -> Found:
        metainfo, file = _known(media)
        run = range(piece, piece + 1)
        screen = self._clock() + self._screen
        with PieceReader(
            self._client,
            source,
            media,
            run,
            screen,
            links={file.index: link},
            on_head=lambda data: check_container(file.name, data),
            clock=self._clock,
        ) as reader:
            _, data = next(reader.pieces())
            ttfb = (reader.first_byte or self._clock()) - began
        if not self._pool.apply(metainfo.check_piece, (piece, data)):
            raise Lost(Verdict.WRONG, f"sends wrong bytes: piece {piece} has another hash")
        told = f"piece {piece} has the right hash"
        if edge:
            told += ", the piece asked for holds bytes of a neighbour that it does not have"
        return Found(
            source,
            Verdict.VERIFIED,
            told,
            link,
            ttfb=ttfb,
            size=file.length,
            piece=piece,
            data=data,
            edge=edge,
        )

    def _look(self, source: Source, media: Media, link: Link, began: float) -> Found:
        """The screen alone, where there is no hash to go by."""
        deadline = began + self._screen
        total = media.length
        stop = min(SCREENED, total) if total else SCREENED
        data = bytearray()
        answer = None
        try:
            answer = self._client.open(
                link.url, headers=link.headers, span=(0, stop), deadline=deadline
            )
            size = check_head(answer, 0, total)
            first: float | None = None
            while len(data) < min(stop, size if size is not None else stop):
                part = answer.read(stop - len(data), deadline)
                if not part:
                    raise Lost(Verdict.DEAD, "ended before the end of its file")
                first = first or self._clock()
                data += part
        except HttpError as error:
            raise lost(error) from error
        finally:
            if answer is not None:
                answer.close()
        name = media.file.name if media.file is not None else media.file_name
        check_container(name, bytes(data))
        return Found(
            source,
            Verdict.PLAUSIBLE,
            "looks like the film; nothing is known to check it by",
            link,
            ttfb=(first or self._clock()) - began,
            size=size,
        )


def check_container(name: str, data: bytes) -> None:
    """Whether a file's first bytes fit its name; Lost where they do not."""
    start = data[:512].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<script")):
        raise Lost(Verdict.WRONG, "sends a web page instead of the film")
    looks = _CONTAINERS.get(extension(name))
    if looks is not None and len(data) >= 12 and not looks(data):
        raise Lost(Verdict.WRONG, f"sends something that is no {extension(name)} file")


def _known(media: Media) -> tuple[Metainfo, File]:
    if media.metainfo is None or media.file is None:
        raise RuntimeError("nothing can be proved before the metadata is known")
    return media.metainfo, media.file


def _checkable(media: Media, piece: int) -> bool:
    return (
        media.metainfo is not None and media.file is not None and media.metainfo.hashes.known(piece)
    )


def _whole_piece(media: Media, piece: int) -> int | None:
    """The piece nearest to ``piece`` that lies in the file alone."""
    metainfo, file = _known(media)
    inside = [
        index
        for index in metainfo.pieces_of(file)
        if all(s.file in (None, file) for s in metainfo.segments(range(index, index + 1)))
    ]
    return min(inside, key=lambda index: abs(index - piece), default=None)
