"""Problem -> HTTP answer (RFC 9457); the only place where a code becomes a status."""

import logging

from flask import Flask, Response, json, request
from werkzeug.exceptions import HTTPException

from addon.errors import Problem

log = logging.getLogger(__name__)

STATUS = {
    "bad-magnet": 400,
    "bad-torrent": 400,
    "bad-request": 400,
    "bad-source": 400,
    "set-access-key": 403,
    "not-found": 404,
    "no-such-file": 404,
    "not-allowed": 405,
    "built-in": 409,
    "exists": 409,
    "changed": 412,
    "too-large": 413,
    "bad-range": 416,
    "too-many": 429,
    "busy": 503,
    "disk-full": 503,
    "needs-database": 503,
    "no-metadata": 504,
    "no-peers": 504,
    "no-source": 504,
    "edge-piece": 504,
}
TITLES = {
    "bad-magnet": "This is not a usable magnet link",
    "bad-torrent": "This is not a usable torrent",
    "bad-request": "The request cannot be understood",
    "bad-source": "This is not a usable source",
    "set-access-key": "The server needs an access key",
    "not-found": "Nothing is here",
    "no-such-file": "The torrent has no such file",
    "not-allowed": "This method does nothing here",
    "built-in": "It belongs to the server",
    "exists": "It is there already",
    "changed": "It is another file",
    "too-large": "Too large",
    "bad-range": "No byte of this range exists",
    "too-many": "Too many requests",
    "busy": "The server cannot do this now",
    "disk-full": "The disk is full",
    "needs-database": "The server has lost what it knew of this film",
    "no-metadata": "The torrent's metadata did not come",
    "no-peers": "Nobody delivers the film",
    "no-source": "Nobody delivers the film",
    "edge-piece": "A piece at the film's edge cannot be checked",
}
_FROM_STATUS = {404: "not-found", 405: "not-allowed", 413: "too-large", 429: "too-many"}


def problem_response(problem: Problem) -> Response:
    """The answer that tells a client of ``problem``."""
    body = {
        "type": f"urn:self-streme:problem:{problem.code}",
        "title": TITLES[problem.code],
        "status": STATUS[problem.code],
        "code": problem.code,
        "detail": problem.detail,
        "hint": problem.hint,
    }
    response = Response(
        json.dumps(body), STATUS[problem.code], content_type="application/problem+json"
    )
    response.headers["Cache-Control"] = "no-store"
    if problem.retry_after is not None:
        response.headers["Retry-After"] = str(max(1, round(problem.retry_after)))
    return response


def not_found() -> Problem:
    """The one answer to every unknown path, wrong key, token and grant."""
    return Problem(
        "not-found",
        "There is nothing at this address, or its link is not valid (any more).",
        "Take a fresh link from the server's front page.",
    )


def register(app: Flask) -> None:
    """Answer every error of the app with a Problem."""

    @app.errorhandler(Problem)
    def told(problem: Problem) -> Response:
        return problem_response(problem)

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        status = error.code or 500
        if status >= 500:
            response = problem_response(Problem("busy", "The server cannot do this.", "Try again."))
            response.status_code = status
            return response
        code = _FROM_STATUS.get(status, "bad-request")
        if code == "not-found":
            return problem_response(not_found())
        detail = (error.description or "The request is refused.").splitlines()[0]
        response = problem_response(Problem(code, detail, "Correct the request."))
        if status == 405 and "Allow" in error.get_response().headers:
            response.headers["Allow"] = error.get_response().headers["Allow"]
        return response

    @app.errorhandler(Exception)
    def broken(error: Exception) -> Response:
        # The border: logged whole, answered without a word of the inside.
        log.error("%s %s broke", request.method, request.path, exc_info=error)
        problem = Problem("busy", "The server made a mistake; its log says more.", "Try again.")
        response = problem_response(problem)
        response.status_code = 500
        return response
