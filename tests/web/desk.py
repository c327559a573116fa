"""The API over torrents that a test scripts."""

import io
from typing import Any

from flask import Flask, Response, request
from werkzeug.test import TestResponse

from addon.access.gate import Gate
from addon.access.keys import Keys
from addon.access.links import Links
from addon.errors import Problem
from addon.library.sidecars import Sidecars
from addon.library.titles import Title
from addon.playback.journal import Journal
from addon.playback.torrents import About, Listed
from addon.swarm.torrent import Progress
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.metainfo import Metainfo
from addon.torrents.selection import Wanted, parse_wanted
from addon.web import problems
from addon.web.api import Api, blueprint
from addon.web.sessions import Sessions
from addon.web.subtitles import SubtitleLinks
from addon.web.urls import public_base
from tests.torrents.build import pack

HOST = "http://127.0.0.1:7000"
METAINFO = pack("Show", "Show.S01E01.mkv", ("Show.S01E02.mkv", 700))
HASH = METAINFO.info_hash
MAGNET = Magnet(HASH)


def listed(
    metainfo: Metainfo | None = METAINFO,
    problem: Problem | None = None,
    progress: Progress | None = None,
    verified: int = 0,
    readers: int = 0,
    sources: tuple[str, ...] = (),
) -> Listed:
    """One torrent as the use case tells of it."""
    progress = progress or Progress()
    return Listed(MAGNET, metainfo, problem, progress, verified, readers, sources, active=True)


class FakeTorrents:
    """What is added and removed is noted; every question gets ``answer`` or ``problem``."""

    def __init__(self) -> None:
        self.answer = listed()
        self.problem: Problem | None = None
        self.added: list[tuple[Magnet | bytes, About]] = []
        self.asked: list[InfoHash] = []
        self.removed: list[InfoHash] = []

    def _answer(self) -> Listed:
        if self.problem is not None:
            raise self.problem
        return self.answer

    def add_magnet(self, magnet: Magnet, about: About) -> Listed:
        self.added.append((magnet, about))
        return self._answer()

    def add_torrent(self, raw: bytes, about: About) -> Listed:
        self.added.append((raw, about))
        return self._answer()

    def get(self, info_hash: InfoHash) -> Listed:
        self.asked.append(info_hash)
        return self._answer()

    def list(self) -> list[Listed]:
        return [self._answer()]

    def remove(self, info_hash: InfoHash) -> None:
        self._answer()
        self.removed.append(info_hash)


class Desk:
    """A server with the API alone, and what asks it; without a key it is open."""

    def __init__(
        self, key: str | None = None, base_url: str | None = None, *, public: bool = False
    ) -> None:
        keys = Keys((key,) if key else (), public, signing=(b"signing" * 5,))
        self.key = key
        self.torrents: Any = FakeTorrents()
        self.journal = Journal()
        self.links = Links(keys)
        sessions = Sessions(keys, lambda asked: public_base(asked, base_url))
        gate = Gate(keys, "127.0.0.1", base_url, trust_proxy=False)
        app = Flask("test", static_folder=None)
        problems.register(app)
        self.title: Title | None = None
        made = Api(
            gate,
            sessions,
            self.links,
            self.torrents,
            self.journal,
            base_url,
            SubtitleLinks(self.links, Sidecars(self.torrents)),
            lambda _: self.title,
        )
        app.register_blueprint(blueprint(made))

        @app.post("/log-in")
        def log_in() -> Response:
            response = Response()
            sessions.begin(request, response, key or "")
            return response

        self.client = app.test_client()

    def ask(self, path: str, method: str = "GET", **more: Any) -> TestResponse:
        answer: TestResponse = self.client.open(path, method=method, base_url=HOST, **more)
        return answer

    def log_in(self) -> None:
        """As the page does for whoever knows the key."""
        self.ask("/log-in", "POST")

    def post(self, fields: dict[str, Any], **headers: str) -> TestResponse:
        return self.ask("/api/torrents", "POST", json=fields, headers=headers)

    def upload(self, form: dict[str, str], raw: bytes = b"x") -> TestResponse:
        """A form with a .torrent, as a browser sends it."""
        about = [("name=" + name, value.encode()) for name, value in form.items()]
        parts = [*about, ('name="torrent"; filename="x.torrent"', raw)]
        body = b"".join(
            b"--x\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % (head.encode(), value)
            for head, value in parts
        )
        return self.send(body + b"--x--\r\n", "multipart/form-data; boundary=x")[0]

    def send(self, body: bytes, kind: str, *, chunked: bool = False) -> tuple[TestResponse, int]:
        """One body, with its length or without, and how much of it was left unread."""
        stream = io.BytesIO(body)
        # gunicorn ends every input by itself.
        environ: dict[str, Any] = {
            "wsgi.input": stream,
            "wsgi.input_terminated": True,
            "CONTENT_TYPE": kind,
        }
        if chunked:
            environ["HTTP_TRANSFER_ENCODING"] = "chunked"
        else:
            environ["CONTENT_LENGTH"] = str(len(body))
        answer = self.ask("/api/torrents", "POST", environ_overrides=environ)
        return answer, len(stream.read())

    def opened(self, url: str) -> tuple[InfoHash, Wanted] | None:
        """What a play link allows."""
        assert url.startswith(HOST)
        _, play, key, file, token, _ = url.removeprefix(HOST).split("/")
        grant = self.links.open(token, key, parse_wanted(file))
        return (grant.info_hash, grant.wanted) if grant and play == "play" else None
