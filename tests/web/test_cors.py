"""Answers that pages of other sites may read."""

from flask import Response

from addon.web.cors import open_to_pages


def test_pages_may_read_it_and_send_its_address_nowhere() -> None:
    response = Response("{}", content_type="application/json")
    assert open_to_pages(response) is response
    headers = response.headers
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    assert headers["Access-Control-Allow-Headers"] == "*"
    # With it a page of another site could use the visitor's session.
    assert "Access-Control-Allow-Credentials" not in headers
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
