"""The heads of answers that pages of other sites may read: Stremio Web is one of them."""

from flask import Response


def open_to_pages(response: Response) -> Response:
    """Let pages of every site read an answer; its address holds a secret, and it is just data."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, OPTIONS"
    response.headers["Access-Control-Allow-Headers"] = "*"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
