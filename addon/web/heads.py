"""The heads of a film's answers: what RFC 9110 makes of a file, a range and conditions."""

from flask import Request, Response

from addon.errors import Problem
from addon.playback.ranges import (
    ByteRange,
    UnsatisfiableError,
    etag_listed,
    if_range_holds,
    matches,
    parse_range,
)
from addon.torrents.metainfo import File
from addon.torrents.names import content_disposition, content_type
from addon.web.problems import problem_response


def film_head(asked: Request, key: str, file: File) -> tuple[Response, ByteRange | None]:
    """The head that answers a GET, and the bytes that follow it; None where the answer is complete
    (304, 416). ``key`` is the torrent's. Raises Problem ``changed``."""
    etag = file_etag(key, file)
    if not matches(asked.headers.get("If-Match"), etag):
        raise _changed(file)
    if etag_listed(asked.headers.get("If-None-Match"), etag):
        return _not_modified(etag), None
    wanted = None
    if if_range_holds(asked.headers.get("If-Range"), etag):
        try:
            wanted = parse_range(asked.headers.get("Range"), file.length)
        except UnsatisfiableError:
            return _bad_range(file), None
    part = wanted or ByteRange(0, file.length, file.length)
    response = Response(status=200 if wanted is None else 206)
    describe(response, key, file)
    if wanted is not None:
        response.headers["Content-Range"] = wanted.content_range
    response.content_length = part.length
    return response, part


def describe(response: Response, key: str, file: File) -> None:
    """What every answer tells of a file."""
    response.content_type = content_type(file.name)
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["ETag"] = file_etag(key, file)
    response.headers["Cache-Control"] = "private, no-transform"
    response.headers["Content-Disposition"] = content_disposition(file.name)


def file_etag(key: str, file: File) -> str:
    """A strong one, the same wherever and whenever the file is told of."""
    return f'"{key}-{file.index}"'


def _not_modified(etag: str) -> Response:
    response = Response(status=304)
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "private, no-transform"
    response.automatically_set_content_length = False
    return response


def _changed(file: File) -> Problem:
    return Problem(
        "changed",
        f"What the player has begun is not {file.name} of this torrent (If-Match).",
        "Open the film anew.",
    )


def _bad_range(file: File) -> Response:
    problem = Problem(
        "bad-range",
        f"The file {file.name} has {file.length} bytes; none of those asked for exists.",
        "Ask for a range inside the file.",
    )
    response = problem_response(problem)
    response.headers["Content-Range"] = f"bytes */{file.length}"
    response.headers["Accept-Ranges"] = "bytes"
    return response
