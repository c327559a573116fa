"""A server with the lists and the tree alone, over a library that a test fills."""

from collections.abc import Callable
from typing import Any

from flask import Flask, Request, Response
from werkzeug.test import TestResponse

from addon.access.keys import Keys
from addon.access.links import Grant, Links
from addon.library.shelves import Shelves
from addon.torrents.selection import parse_wanted
from addon.web import dav, playlists, problems
from addon.web.problems import not_found
from addon.web.urls import public_base
from tests.library.shelf import Shelf

HOST = "http://127.0.0.1:7000"
TOKEN = "token"
INSTALL = "anne"
KEYS = Keys((), public=False, signing=(b"signing" * 5,))


def clock() -> Callable[[], float]:
    """Time that passes so fast that nothing is remembered."""
    now = iter(range(0, 10**9, 1000))
    return lambda: next(now)


class Site:
    """Only ``TOKEN`` may come in, and is the install ``INSTALL``; what is played is noted."""

    def __init__(self, shelf: Shelf, base_url: str | None = None) -> None:
        self.links = Links(KEYS)
        self.played: list[tuple[str, Grant]] = []
        shelves = Shelves(shelf.library, shelf.streams, shelf, clock())

        def enter(_: Request, token: str | None) -> str:
            if token != TOKEN:
                raise not_found()
            return INSTALL

        def base(asked: Request) -> str:
            return public_base(asked, base_url)

        app = Flask("test", static_folder=None)
        app.url_map.merge_slashes = False
        problems.register(app)
        app.register_blueprint(
            playlists.blueprint(playlists.Lists(enter, base, self.links, shelves))
        )
        app.register_blueprint(dav.blueprint(dav.Dav(enter, base, self.links, shelves, self._play)))
        self.client = app.test_client()

    def _play(self, asked: Request, key: str, file: str, token: str) -> Response:
        grant = self.links.open(token, key, parse_wanted(file))
        assert grant is not None
        self.played.append((asked.method, grant))
        return Response("the film", headers={"Cache-Control": "private, no-transform"})

    def ask(self, path: str, method: str = "GET", **more: Any) -> TestResponse:
        """``path`` below the install token."""
        return self.ask_at(f"/{TOKEN}{path}", method, **more)

    def ask_at(self, path: str, method: str = "GET", **more: Any) -> TestResponse:
        answer: TestResponse = self.client.open(path, method=method, base_url=HOST, **more)
        return answer

    def opened(self, url: str, base: str = HOST) -> tuple[Grant, str]:
        """What a play link allows, and the file name at its end."""
        assert url.startswith(f"{base}/play/"), url
        key, file, token, name = url.removeprefix(f"{base}/play/").split("/")
        grant = self.links.open(token, key, parse_wanted(file))
        assert grant is not None
        return grant, name
