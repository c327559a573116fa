"""Pieces out of one source, in order: the file's bytes, its neighbours' where a piece holds them
too, and zeros for pad bytes.

A piece of a v1 pack usually begins in one file and ends in the next. So a run of pieces is cut
into spans of files, each span is one GET, and what comes is put together again.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol, Self

from addon.net.client import HttpError, Kind
from addon.sources.base import Link, Media, NotYet, Source
from addon.sources.health import Verdict
from addon.torrents.metainfo import Metainfo, Segment

CHUNK = 256 * 1024
# What must have come for a source to have passed the screen: without a minimum, a server that
# sends two bytes a second won a race.
SCREENED = 64 * 1024
# Less than this in so many seconds is a stall. A time limit for each read alone misses drips.
STALL_BYTES = 64 * 1024
STALL_TIME = 10.0
_NO_MEDIA = ("text/", "application/json", "application/xml", "application/xhtml")


class Lost(Exception):  # noqa: N818 (a verdict, told to people; not always an error)
    """A source does not deliver: the verdict, and a reason in words."""

    def __init__(
        self,
        verdict: Verdict,
        reason: str,
        *,
        retry_after: float | None = None,
        neighbour: bool = False,
    ) -> None:
        super().__init__(reason)
        self.verdict = verdict
        self.reason = reason
        self.retry_after = retry_after
        self.neighbour = neighbour


class Headers(Protocol):
    """An answer's headers, by name in any case."""

    def get(self, name: str, /) -> str | None: ...


class Answer(Protocol):
    """What is needed of ``net.client.Answer``."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Headers: ...
    def read(self, most: int, deadline: float) -> bytes: ...
    def close(self) -> None: ...


class Client(Protocol):
    """What is needed of ``net.client.Client``."""

    def open(
        self,
        url: str,
        *,
        headers: tuple[tuple[str, str], ...] = (),
        span: tuple[int, int] | None = None,
        deadline: float,
    ) -> Answer: ...


def locate(source: Source, media: Media, deadline: float) -> Link:
    """Where the source has the file; Lost where it says that it has not."""
    try:
        link = source.locate(media, deadline)
    except NotYet as answer:
        raise Lost(
            Verdict.LIMITED, "is still preparing the file", retry_after=answer.retry_after
        ) from None
    except HttpError as error:
        raise lost(error) from error
    if link is None:
        raise Lost(Verdict.ABSENT, "has no address for this file")
    return link


def lost(error: HttpError) -> Lost:
    """What a failure of the client says of the source."""
    verdict = {
        Kind.ADDRESS: Verdict.REFUSED,
        Kind.LOCAL: Verdict.OURS,
    }.get(error.kind, Verdict.DEAD)
    return Lost(verdict, error.detail)


def check_head(answer: Answer, start: int, total: int | None) -> int | None:
    """Whether the head of an answer fits a file of ``total`` bytes, asked for from ``start`` on.

    Returns the file's length as the source tells it; Lost says what does not fit.
    """
    status = answer.status
    if status in (404, 410):
        raise Lost(Verdict.ABSENT, f"does not have the file (status {status})")
    if status == 429 or (status == 503 and answer.headers.get("Retry-After")):
        wait = _seconds(answer.headers.get("Retry-After"))
        raise Lost(Verdict.LIMITED, f"asks to come later (status {status})", retry_after=wait)
    if status == 416:
        raise Lost(Verdict.WRONG, "has a shorter file (status 416)")
    if status >= 500:
        raise Lost(Verdict.DEAD, f"is broken (status {status})")
    if status not in (200, 206):
        raise Lost(Verdict.REFUSED, f"refuses (status {status})")
    kind = (answer.headers.get("Content-Type") or "").strip().lower()
    if kind.startswith(_NO_MEDIA):
        what = "a web page" if "html" in kind else "text"
        raise Lost(Verdict.WRONG, f"sends {what} instead of the film")
    told = _length(answer, start)
    if total is not None and told is not None and told != total:
        raise Lost(
            Verdict.WRONG,
            f"has another file: {told} bytes instead of {total}",
        )
    if total is not None and told is None:
        raise Lost(Verdict.WRONG, "does not say how long its file is")
    if status == 200 and start:
        raise Lost(Verdict.REFUSED, "answers no ranges")
    return told


def _length(answer: Answer, start: int) -> int | None:
    if answer.status == 200:
        return _digits(answer.headers.get("Content-Length"))
    unit, _, rest = (answer.headers.get("Content-Range") or "").strip().partition(" ")
    span, _, total = rest.partition("/")
    if unit.lower() != "bytes" or _digits(span.partition("-")[0]) != start:
        raise Lost(Verdict.WRONG, "answers another range than the one asked for")
    return _digits(total)


def _digits(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else None


def _seconds(text: str | None) -> float | None:
    number = _digits(text)
    return None if number is None else float(min(number, 86_400))


class PieceReader:
    """The pieces of a run out of one source; a context manager.

    ``screen`` is the time (``time.monotonic``) by which the first SCREENED bytes must have come;
    after that it may take as long as it keeps delivering. ``on_head`` gets the file's first
    bytes, if the run begins with them, and may raise Lost. ``links`` are known ones by the file's
    index; those that are located are put there too.
    """

    def __init__(
        self,
        client: Client,
        source: Source,
        media: Media,
        run: range,
        screen: float,
        *,
        links: dict[int, Link] | None = None,
        on_head: Callable[[bytes], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if media.metainfo is None or media.file is None:
            raise RuntimeError("pieces are read only once the metadata is known")
        self._client = client
        self._source = source
        self._media = media
        self._metainfo: Metainfo = media.metainfo
        self._file = media.file
        self._run = run
        self._screen = screen
        self._links = {} if links is None else links
        self._on_head = on_head
        self._clock = clock
        self._spans = _spans(self._metainfo, run)
        self._answer: Answer | None = None
        self._span: Segment | None = None
        self._left = 0
        self._at_head = False
        self._screened = 0
        self._window = 0
        self._window_from = clock()
        self.began = clock()
        self.first_byte: float | None = None
        self.moved_at = self.began
        self.received = 0

    def pieces(self) -> Iterator[tuple[int, bytes]]:
        """Each piece and its bytes, unchecked; Lost where the source fails."""
        for index in self._run:
            yield index, self._take(self._metainfo.content_size(index))

    def _take(self, size: int) -> bytes:
        parts = []
        while size:
            if not self._left:
                self._next_span()
            part = self._read(min(size, self._left, CHUNK))
            self._left -= len(part)
            size -= len(part)
            parts.append(part)
        return b"".join(parts)

    def _next_span(self) -> None:
        self.close()
        span = self._span = next(self._spans)
        self._left = span.length
        self._at_head = span.file == self._file and span.start == 0
        if span.file is None:
            return
        media = replace(self._media, file=span.file, file_name=span.file.name)
        try:
            deadline = self._deadline()
            link = self._links.get(span.file.index)
            if link is None:
                link = self._links[span.file.index] = locate(self._source, media, deadline)
            self._answer = self._open(link, span, deadline)
            check_head(self._answer, span.start, span.file.length)
        except HttpError as error:
            raise self._told(lost(error)) from error
        except Lost as reason:
            raise self._told(reason) from None
        self._window, self._window_from = 0, self._clock()

    def _open(self, link: Link, span: Segment, deadline: float) -> Answer:
        asked = (span.start, span.stop) if link.resumable or span.start else None
        return self._client.open(link.url, headers=link.headers, span=asked, deadline=deadline)

    def _read(self, most: int) -> bytes:
        if self._answer is None:
            return bytes(most)
        try:
            part = self._answer.read(most, self._deadline())
        except HttpError as error:
            raise self._told(lost(error)) from error
        if not part:
            raise self._told(Lost(Verdict.DEAD, "ended before the end of its file"))
        now = self._clock()
        if self.first_byte is None:
            self.first_byte = now
        self.moved_at = now
        self.received += len(part)
        if self._at_head:
            self._at_head = False
            self._on_head(part)
        self._screened += len(part)
        self._window += len(part)
        if now - self._window_from > STALL_TIME:
            if self._window < STALL_BYTES:
                raise self._told(Lost(Verdict.DEAD, "stalls: almost nothing comes"))
            self._window, self._window_from = 0, now
        return part

    def _deadline(self) -> float:
        """When the next bytes must be there."""
        return self._screen if self._screened < SCREENED else self._clock() + STALL_TIME

    def _told(self, reason: Lost) -> Lost:
        reason.neighbour = self._span is not None and self._span.file not in (None, self._file)
        return reason

    def close(self) -> None:
        """Let go of the connection; safe to call twice."""
        if self._answer is not None:
            self._answer.close()
            self._answer = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _spans(metainfo: Metainfo, run: range) -> Iterator[Segment]:
    """The segments of all pieces of the run, joined where one goes on in the same file."""
    joined: Segment | None = None
    for index in run:
        for segment in metainfo.segments(range(index, index + 1)):
            if joined is None:
                joined = segment
            elif segment.file is not None and segment.file == joined.file:
                joined = Segment(segment.file, joined.start, segment.stop)
            else:
                yield joined
                joined = segment
    if joined is not None:
        yield joined
