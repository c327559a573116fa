"""The faults of the liars, by name. Numbers in a name are its arguments: ``stall-after-65536``.

honest                  ranges, ETag, If-Range, keep-alive; 404 for what is not there
no-range                200 with the whole file, whatever range was asked for
html                    200 with a landing page
html-as-video           the same, called video/mp4
placeholder             a valid answer with the bytes of another, short file
wrong-size              Content-Range and Content-Length speak of one byte more in the file
wrong-bytes[-<at>]      the right size; the byte at an offset, or every byte, is flipped
corrupt-piece-<i>-<n>   every byte of piece i, of n bytes each, is flipped
corrupt-about-<k>-<n>-<seed>   the same for one in k pieces of n bytes each
status-<code>           no file but this status (429 and 503 with Retry-After: 7)
not-found-for-<end>     404 for files whose name ends so, honest for all others
expire-<k>              honest for the first k requests of the path, then 403
etag-changes            another ETag for each request
length-changes          the file is one byte shorter for each request
late-<n>                honest; the first request of the path waits n milliseconds
hang                    never answers
hang-body               headers, then nothing
stall-after-<n>         n bytes of the body, then nothing
slow-<n>                n bytes a second
drip, drip-headers      2 bytes a second, of the body, of the head
keeps-open              honest, but never closes, whatever the client asks
raw/<answer>            these bytes (percent-encoded, one segment), then a clean end
rst[-<n>], die-after-<n>  n bytes of the body (rst: before any header), then RST
die-once-after-<n>      the same for the first request of the path, honest afterwards
die-about-<n>-<seed>, stall-about-<n>-<seed>   the same for every request, after n bytes on average
down, silent            RST, or nothing any more: at once also in answers that are under way
told-<name>             what ``Liars.tell`` says of this name (or ``<name>/<file>``) now
<fault>@<n>             any of them, at no more than n bytes a second
close-early[-<n>]       half of the promised body (or n bytes), then a clean end
close-at-once           a clean end instead of an answer
chunked                 honest, in chunks
absurd-chunk, bad-chunk   a chunk of 2^68 bytes; a chunk whose size is no number
endless-headers, long-header, endless-trailers, hundred-continue   as fast as the client takes them
gzip-bomb               2 MB that say they are gzip and would become 2 GiB
redirect-loop           302 to itself
redirect-on             302 to itself with a counter, without end
redirect-to/<url>       302 to the URL (percent-encoded, one segment; what follows is appended)
redirect-nowhere        302 without a Location
big-redirect-body       302 to the honest file, with a body of 200 MB
"""

import gzip
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from urllib.parse import quote, unquote, unquote_to_bytes

from tests.rig.liars_line import BLOCK, Change, Exchange, GoneError, Line, Request

BIG = 200_000_000
TICK = 0.1  # seconds
OTHER_BYTES = bytes(range(255, -1, -1))
PAGE = b"<!DOCTYPE html><title>Sorry</title><p>This file has moved.</p>" * 4096

Fault = Callable[[Exchange], None]


def flipped(start: int, stop: int) -> Change:
    """A change of the file's bytes from ``start`` up to ``stop``."""

    def change(at: int, data: bytes) -> bytes:
        first, last = max(start - at, 0), max(min(stop - at, len(data)), 0)
        if first >= last:
            return data
        return data[:first] + data[first:last].translate(OTHER_BYTES) + data[last:]

    return change


def wrong_bytes(it: Exchange) -> None:
    it.change = flipped(it.number(), it.number() + 1) if it.numbers else flipped(0, it.total)
    it.serve()


def corrupt_piece(it: Exchange) -> None:
    index, length = it.numbers
    it.change = flipped(index * length, (index + 1) * length)
    it.serve()


def corrupt_about(it: Exchange) -> None:
    one_in, length, seed = it.numbers

    def change(at: int, data: bytes) -> bytes:
        for index in range(at // length, (at + len(data) - 1) // length + 1):
            if Random(f"{seed} {index}").randrange(one_in) == 0:
                data = flipped(index * length, (index + 1) * length)(at, data)
        return data

    it.change = change
    it.serve()


def no_range(it: Exchange) -> None:
    it.ranges = False
    it.serve()


def placeholder(it: Exchange) -> None:
    # Of the same beginning, so that its container looks right.
    it.total = min(it.total, 100_000)
    it.change = flipped(4096, it.total)
    it.serve()


def status(it: Exchange) -> None:
    code = it.number()
    it.short(code, *[("Retry-After", 7)] * (code in (429, 503)), body=b"No.")


def expire(it: Exchange) -> None:
    if it.request.number > it.number():
        it.short(403)
    else:
        it.serve()


def etag_changes(it: Exchange) -> None:
    it.etag = f'"{it.request.number}"'
    it.serve()


def length_changes(it: Exchange) -> None:
    it.total = max(it.total - it.request.number + 1, 0)
    it.serve()


def late(it: Exchange) -> None:
    if it.request.number == 1:
        time.sleep(it.number() / 1000)
    it.serve()


def after(end: str, *, once: bool = False) -> Fault:
    """So many bytes of the body, then ``Line.<end>``."""

    def fault(it: Exchange) -> None:
        if once and it.request.number > 1:
            it.serve()
            return
        it.serve(most=it.number())
        it.line.pause(TICK)  # RST overtakes what the client has not read yet
        getattr(it.line, end)()

    return fault


def about(end: str) -> Fault:
    """As ``after``, another number of bytes for each request."""

    def fault(it: Exchange) -> None:
        mean, seed = it.numbers
        random = Random(f"{seed} {it.request.number}")
        it.serve(most=1 + int(random.expovariate(1 / mean)))
        it.line.pause(TICK)
        getattr(it.line, end)()

    return fault


def in_bits(size: int, seconds: float) -> Fault:
    def fault(it: Exchange) -> None:
        step = size or max(int(it.number() * seconds), 1)
        # By the clock, so that the time that sending takes does not slow it down further.
        due = time.monotonic()
        for data in it.file():
            for at in range(0, len(data), step):
                part = data[at : at + step]
                it.line.send(part)
                due = max(due + seconds * len(part) / step, time.monotonic() - seconds)
                it.line.pause(max(0.0005, due - time.monotonic()))

    return fault


def flood(first: bytes, more: bytes) -> Fault:
    """One thing, then another for ever."""

    def fault(it: Exchange) -> None:
        it.line.send(first)
        while True:
            it.line.send(more)

    return fault


def then_silence(first: bytes) -> Fault:
    def fault(it: Exchange) -> None:
        it.line.send(first)
        it.line.hang()

    return fault


def drip_headers(it: Exchange) -> None:
    for at in range(1 << 30):
        it.line.send(b"HTTP/1.1 200 OK\r\nX-Long: "[at : at + 1] or b"a")
        it.line.pause(0.5)


def rst(it: Exchange) -> None:
    if it.numbers:
        after("reset")(it)
    it.line.reset()


def close_early(it: Exchange) -> None:
    it.serve(most=it.number(it.total // 2))
    raise GoneError


def close_at_once(it: Exchange) -> None:
    raise GoneError


def chunked(it: Exchange) -> None:
    end = b"0\r\n\r\n" if it.found and it.total == 0 else b""
    for data in it.file(chunked=True):
        it.line.send(b"%x;a=b\r\n%b\r\n" % (len(data), data))
        end = b"0\r\nX-Trailer: yes\r\n\r\n"
    it.line.send(end)


def gzip_bomb(it: Exchange) -> None:
    member = gzip.compress(bytes(1 << 24))
    body = member * 128
    it.short(200, ("Content-Encoding", "gzip"), ("Content-Type", it.type), body=body)


def keeps_open(it: Exchange) -> None:
    it.keep = True
    it.serve()


def raw(it: Exchange) -> None:
    given = it.request.path.partition("/raw/")[2].partition("?")[0]
    it.line.send(unquote_to_bytes(given))
    raise GoneError


def redirect_on(it: Exchange) -> None:
    it.short(302, ("Location", f"/redirect-on/{int(it.request.rest or 0) + 1}"))


def redirect_to(it: Exchange) -> None:
    target, _, rest = it.request.path.partition("/redirect-to/")[2].partition("/")
    given = unquote(target) + (f"/{rest}" if rest else "")
    it.short(302, ("Location", given.encode().decode("latin-1")))


def big_redirect_body(it: Exchange) -> None:
    it.head(302, ("Location", f"/honest/{quote(it.request.rest)}"), ("Content-Length", BIG))
    for _ in range(BIG // BLOCK + 1):
        it.line.send(bytes(BLOCK))


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
FAULTS: dict[str, Fault] = {
    "honest": Exchange.serve,
    "no-range": no_range,
    "html": lambda it: it.short(200, ("Content-Type", "text/html"), body=PAGE),
    "html-as-video": lambda it: it.short(200, ("Content-Type", "video/mp4"), body=PAGE),
    "placeholder": placeholder,
    "wrong-size": lambda it: it.serve(promise=1),
    "wrong-bytes": wrong_bytes,
    "corrupt-piece": corrupt_piece,
    "corrupt-about": corrupt_about,
    "status": status,
    "expire": expire,
    "etag-changes": etag_changes,
    "length-changes": length_changes,
    "keeps-open": keeps_open,
    "raw": raw,
    "late": late,
    "hang": lambda it: it.line.hang(),
    "hang-body": after("hang"),
    "stall-after": after("hang"),
    "slow": in_bits(0, TICK),
    "drip": in_bits(2, 1.0),
    "drip-headers": drip_headers,
    "rst": rst,
    "die-after": after("reset"),
    "die-once-after": after("reset", once=True),
    "die-about": about("reset"),
    "stall-about": about("hang"),
    "down": lambda it: it.line.reset(),
    "silent": lambda it: it.line.hang(),
    "close-early": close_early,
    "close-at-once": close_at_once,
    "chunked": chunked,
    "absurd-chunk": then_silence(CHUNKED + b"FFFFFFFFFFFFFFFFF\r\nbytes"),
    "bad-chunk": then_silence(CHUNKED + b"-5\r\nbytes\r\n0\r\n\r\n"),
    "endless-headers": flood(b"HTTP/1.1 200 OK\r\n", b"X-More: more\r\n" * 1024),
    "long-header": flood(b"HTTP/1.1 200 OK\r\nX: ", b"a" * BLOCK),
    "endless-trailers": flood(CHUNKED + b"1\r\na\r\n0\r\n", b"X-More: more\r\n" * 1024),
    "hundred-continue": flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1024),
    "gzip-bomb": gzip_bomb,
    "redirect-loop": lambda it: it.short(302, ("Location", it.request.path)),
    "redirect-on": redirect_on,
    "redirect-to": redirect_to,
    "redirect-nowhere": lambda it: it.short(302),
    "big-redirect-body": big_redirect_body,
}


def answer(line: Line, request: Request, folder: Path, told: Mapping[str, str]) -> bool:
    """Answer as the fault has it; whether the connection goes on. ``told`` are the faults of
    names that are told while the server runs."""
    asked = request.fault
    names = (f"{asked}/{request.rest}", asked)
    line.told = (
        (lambda: next((told[name] for name in names if name in told), "honest"))
        if asked.startswith("told-")
        else None
    )
    if line.told is not None:
        request.fault = line.told()
    request.fault, _, rate = request.fault.partition("@")
    line.rate = int(rate or 0)
    if request.fault.startswith("not-found-for-"):
        missing = request.rest.endswith(request.fault.removeprefix("not-found-for-"))
        name, numbers = ("status", [404]) if missing else ("honest", [])
    else:
        name, *_ = re.split(r"-\d", request.fault)
        numbers = [int(part) for part in re.findall(r"-(\d+)", request.fault)]
    it = Exchange(line, request, folder, numbers)
    fault = FAULTS.get(name)
    if fault is None:
        it.short(501, body=b"No such fault.")
    else:
        fault(it)
    return it.keep
