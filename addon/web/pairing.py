"""Connecting a Kodi without typing an address: what Kodi asks, and the page that approves it."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

import gevent
import segno
from flask import Blueprint, Request, Response, make_response, redirect, render_template, request

from addon.access.gate import Gate
from addon.access.installs import Install, Installs
from addon.access.pairing import LIFETIME, Pairings, normal
from addon.errors import Problem
from addon.web.pages import WRONG_KEY_WAIT
from addon.web.problems import STATUS, not_found
from addon.web.sessions import Sessions

WRONG_CODE_WAIT = 1.0
"""Seconds that a wrong code costs whoever tries it."""

_MAX_FORM = 4096
MOST_TYPED = 20
_POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Desk:
    """What pairing is made of; ``public_base(request)`` is the server's public address."""

    gate: Gate
    sessions: Sessions
    installs: Installs
    pairings: Pairings
    public_base: Callable[[Request], str]
    wait: Callable[[float], None] = gevent.sleep

    def enter(self, asked: Request) -> None:
        """Raises Problem for who may not even ask."""
        self.gate.check_open_request(asked.host, asked.headers.keys())

    def page_of(self, asked: Request, code: str) -> str:
        """Where a code is approved."""
        return f"{self.public_base(asked)}/pair?code={quote(code, safe='')}"

    def logged_in(self, asked: Request) -> bool:
        """Enough to be shown the page."""
        return self.gate.is_open or self.sessions.valid(asked)

    def approve(self, asked: Request, code: str) -> Response:
        """Connect the device, for a form of our own page."""
        if not self.logged_in(asked):
            return _page("login", code, Problem("set-access-key", "Log in first."))
        if not self.sessions.same_origin(asked):
            raise not_found()
        try:
            # An install of its own, so that this device alone can be shut out later.
            if self.pairings.approve(code, lambda: self.installs.seal(Install.new())):
                return _page("done", code)
            self.wait(WRONG_CODE_WAIT)
            problem = Problem(
                "not-found",
                "No device that waits shows this code.",
                "Type the code that is on the screen now; it holds for five minutes.",
            )
        except Problem as locked:
            problem = locked
        return _page("code", code, problem)

    def log_in(self, asked: Request, code: str, key: str) -> Response:
        """A session for whoever knows the access key, then the page again."""
        if not self.gate.key_ok(key):
            self.wait(WRONG_KEY_WAIT)
            problem = Problem("set-access-key", "This is not the access key of this server.")
            return _page("login", code, problem)
        response = make_response(redirect(f"pair?code={quote(code, safe='')}", 303))
        self.sessions.begin(asked, response, key)
        return response


def blueprint(desk: Desk) -> Blueprint:
    """``/kodi/pair…`` for Kodi, ``/pair`` for people."""
    routes = Blueprint("pairing", __name__, template_folder="templates")

    @routes.post("/kodi/pair")
    def begin() -> tuple[dict[str, str | int], int]:
        desk.enter(request)
        if "Origin" in request.headers:
            # A web page: it could take all places, and no device would get one.
            raise not_found()
        pairing = desk.pairings.begin()
        return {
            "code": pairing.code,
            "secret": pairing.secret,
            "page": desk.page_of(request, pairing.code),
            "qr": f"{desk.public_base(request)}/kodi/pair/{pairing.code}.png",
            "expiresIn": round(LIFETIME),
        }, 201

    @routes.get("/kodi/pair/<secret>")
    def collect(secret: str) -> tuple[dict[str, str], int] | Response:
        desk.enter(request)
        if secret.endswith(".png"):
            # What people add to a code is no part of the picture, or it could hold too much.
            return _qr(desk, normal(secret.removesuffix(".png")))
        pairing = desk.pairings.collect(secret)
        if pairing is None:
            raise not_found()
        if pairing.token is None:
            return {}, 202
        return {"manifest": f"{desk.public_base(request)}/{pairing.token}/manifest.json"}, 200

    @routes.get("/pair")
    def show() -> Response:
        try:
            desk.enter(request)
        except Problem as problem:
            page = render_template("problem.html", problem=problem)
            return make_response(page, STATUS[problem.code])
        return _page(
            "code" if desk.logged_in(request) else "login", _shown(request.args.get("code", ""))
        )

    @routes.post("/pair")
    def approve() -> Response:
        desk.enter(request)
        request.max_content_length = _MAX_FORM
        key = request.form.get("key", "").strip()
        code = _shown(request.form.get("code", ""))
        if key and not desk.logged_in(request):
            return desk.log_in(request, code, key)
        return desk.approve(request, code)

    @routes.after_request
    def guard(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
        return response

    return routes


def _shown(typed: str) -> str:
    """What may be a code, as it is put into the page again."""
    return normal(typed)[:MOST_TYPED]


def _qr(desk: Desk, code: str) -> Response:
    if not desk.pairings.waits(code):
        raise not_found()
    image = io.BytesIO()
    segno.make(desk.page_of(request, code), error="m").save(image, kind="png", scale=8, border=4)
    return Response(image.getvalue(), content_type="image/png")


def _page(stage: str, code: str, problem: Problem | None = None) -> Response:
    """``stage``: ``login``, ``code`` or ``done``."""
    page = render_template("pair.html", stage=stage, code=code, problem=problem)
    return make_response(page, STATUS[problem.code] if problem is not None else 200)
