"""``ON_ERROR=video``: a first open that fails is answered by a short film that says why.

Televisions show "playback error" for every status. The clips are shipped, one for each reason;
``tests/rig/clips.py`` makes them.
"""

from pathlib import Path

from flask import Request, Response

from addon.errors import Problem
from addon.playback.ranges import UnsatisfiableError, first_offset, parse_range
from addon.playback.viewers import Viewer, Viewers
from addon.web.problems import problem_response

FOLDER = Path(__file__).with_name("clips")
CODES = frozenset(
    {
        *("no-metadata", "no-peers", "no-source", "edge-piece"),
        *("disk-full", "busy", "needs-database"),
    }
)


class Clips:
    """Answers for films that do not play."""

    def __init__(self, viewers: Viewers) -> None:
        self._viewers = viewers

    def refuse(self, asked: Request, viewer: Viewer, problem: Problem) -> Response:
        """What is answered instead of the film. Who is watching it already, or takes it for a file
        (WebDAV), must not take a clip for a part of it: they are told the Problem."""
        opens = asked.blueprint == "player" and not self._viewers.is_watching(viewer)
        if not opens or problem.code not in CODES:
            return problem_response(problem)
        self._viewers.shown(viewer, problem.code)
        return _clip(asked, problem.code)

    def again(self, asked: Request, viewer: Viewer) -> Response | None:
        """A further part of the clip that a viewer is shown; from its start on they have asked for
        the film itself once more."""
        code = self._viewers.is_shown(viewer)
        return _clip(asked, code) if code and first_offset(asked.headers.get("Range")) else None


def _clip(asked: Request, code: str) -> Response:
    data = (FOLDER / f"{code}.mp4").read_bytes()
    response = Response(content_type="video/mp4")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Accept-Ranges"] = "bytes"
    # No ETag: VLC would name it when it opens the film again, and seem to be in the middle of it.
    try:
        part = parse_range(asked.headers.get("Range"), len(data))
    except UnsatisfiableError:
        response.status_code = 416
        response.headers["Content-Range"] = f"bytes */{len(data)}"
        return response
    if part is not None:
        response.status_code = 206
        response.headers["Content-Range"] = part.content_range
        data = data[part.start : part.stop]
    response.set_data(data)
    return response
