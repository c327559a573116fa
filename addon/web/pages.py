"""The page for people: ``/``, and the form that asks for the access key of a closed server."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import gevent
import segno
from flask import Blueprint, Request, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from addon.access.gate import Gate
from addon.access.installs import Install, Installs
from addon.access.keys import KeyStore
from addon.errors import Problem
from addon.web.places import install_links
from addon.web.problems import STATUS
from addon.web.sessions import DAYS, Sessions

WRONG_KEY_WAIT = 1.0
"""Seconds that a wrong access key costs whoever tries it."""

_MAX_FORM = 4096
_INSTALL_NAME = "page-install"
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the page tells of the place that the server runs in.

    ``own_address()`` is the computer's address in its network, None when it has none; without
    this function nobody but the computer itself can connect. ``notice`` says what does not work.
    """

    own_address: Callable[[], str | None] | None = None
    notice: str | None = None

    @property
    def only_here(self) -> bool:
        return self.own_address is None

    def network_address(self) -> str | None:
        return self.own_address() if self.own_address else None


class PageInstall:
    """The one install that the page hands out: the same after a reload and a restart."""

    def __init__(self, installs: Installs, store: KeyStore) -> None:
        self._installs = installs
        self._store = store

    def install(self) -> Install:
        """The kept install; a new one when there is none yet or it was revoked."""
        kept = self._store.get(_INSTALL_NAME)
        if kept and self._installs.open(self._installs.seal(Install(kept))) is not None:
            return Install(kept)
        # Whoever opens the page at the same moment gets the same one.
        return Install(self._store.put(_INSTALL_NAME, Install.new().id, instead_of=kept))

    def token(self) -> str:
        return self._installs.seal(self.install())


def blueprint(
    gate: Gate,
    sessions: Sessions,
    page_install: PageInstall,
    public_base: Callable[[Request], str],
    surroundings: Surroundings,
    wait: Callable[[float], None] = gevent.sleep,
) -> Blueprint:
    """The routes ``/``, ``/login``, ``/logout`` and ``/assets/…``.

    ``public_base(request)`` is the public address of this server, without a slash at its end.
    All links in the pages are relative, so that a proxy may put the server under a path.
    """
    pages = Blueprint(
        "pages",
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/assets",
    )

    @pages.get("/")
    def home() -> Response:
        try:
            gate.check_open_request(request.host, request.headers.keys())
        except Problem as problem:
            return make_response(
                render_template("problem.html", problem=problem), STATUS[problem.code]
            )
        if not gate.is_open and not sessions.valid(request):
            return _login_form()
        token = None if gate.is_open else page_install.token()
        links = install_links(public_base(request), token, surroundings.network_address())
        page = render_template(
            "home.html",
            links=links,
            code=_qr_code(links.others) if links.others else None,
            surroundings=surroundings,
            closed=not gate.is_open,
        )
        return make_response(page)

    @pages.get("/login")
    def back() -> BaseResponse:
        return redirect("./", 303)

    @pages.post("/login")
    def login() -> Response:
        request.max_content_length = _MAX_FORM
        key = request.form.get("key", "")
        if not gate.key_ok(key.strip()):
            wait(WRONG_KEY_WAIT)
            return _login_form(wrong=True)
        response = make_response(redirect("./", 303))
        sessions.begin(request, response, key.strip())
        return response

    @pages.post("/logout")
    def logout() -> Response:
        response = make_response(redirect("./", 303))
        if sessions.valid(request):  # a foreign site's form arrives without the cookie
            sessions.end(request, response)
        return response

    @pages.after_request
    def guard(response: Response) -> Response:
        """Nothing but our own files runs on our pages, and nobody else frames or keeps them."""
        films = public_base(request)
        origin = _ORIGIN.match(films)
        ours = f"'self' {origin[0]}" if origin else "'self'"
        response.headers["Content-Security-Policy"] = (
            # A film may be anywhere: its player is sent to the web seeds that its magnet names.
            f"default-src 'self'; connect-src {ours}; media-src http: https:; object-src 'none'; "
            "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        )
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        if request.endpoint != "pages.static":
            response.headers["Cache-Control"] = "no-store"
        return response

    return pages


def _login_form(*, wrong: bool = False) -> Response:
    page = render_template("login.html", wrong=wrong, days=DAYS)
    return make_response(page, 403 if wrong else 200)


def _qr_code(url: str) -> str | None:
    """An ``<svg>``, black on white in a dark page too; None for more than a code can hold."""
    try:
        code = segno.make(url, error="m", micro=False)
    except segno.DataOverflowError:
        return None
    # Its size is in the style sheet: the page's policy forbids styles in attributes.
    drawn: str = code.svg_inline(
        border=4, light="#fff", dark="#000", omitsize=True, svgclass=None, lineclass=None
    )
    return drawn
