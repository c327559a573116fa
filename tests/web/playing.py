"""The play endpoint over a resolver and a stream that a test scripts."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from flask import Flask
from gevent.event import Event
from werkzeug.test import EnvironBuilder, TestResponse

from addon.access.gate import Gate
from addon.access.keys import Keys
from addon.access.links import Grant, Links
from addon.errors import Problem
from addon.playback.attempt import Attempt
from addon.playback.journal import Journal
from addon.playback.resolution import Resolution, Stored
from addon.playback.viewers import Viewers
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.metainfo import File, Metainfo
from addon.torrents.selection import MainVideo, Wanted
from addon.web import problems
from addon.web.clips import Clips
from addon.web.player import Player, blueprint
from addon.web.sending import Sender
from tests.access.stores import Revoked
from tests.torrents.build import pack

HASH = InfoHash("ab" * 20)
DATA = bytes(range(250)) * 20
FILM = File(2, "Film/A Film (2019).mkv", 0, len(DATA))
EXTRA = File(3, "Film/A Film (2019)-trailer.mkv", len(DATA), 100)
ETAG = f'"{HASH.key}-2"'
METAINFO = replace(
    pack("Film"), info_hash=HASH, files=(FILM, EXTRA), piece_length=1000, total_size=len(DATA) + 100
)
HOST = "http://127.0.0.1:7000"
KEYS = Keys((), public=False, signing=(b"signing" * 5,))


def told(answer: TestResponse) -> dict[str, Any]:
    """The Problem in an answer."""
    assert answer.content_type == "application/problem+json"
    return dict(json.loads(answer.text))


class FakeStream:
    """Bytes of ``DATA``, once the torrent is ready."""

    def __init__(self, torrent: "FakeTorrent", start: int, stop: int) -> None:
        self.torrent, self.start, self.stop = torrent, start, stop
        self.waited = 0.0
        self.closed = False
        self._cancelled = False

    def wait_first(self, timeout: float) -> bool:
        self.waited = timeout
        ready = self.torrent.ready.wait(timeout)
        if self._cancelled:
            raise ConnectionAbortedError("cancelled")
        if self.torrent.breaks is not None:
            raise self.torrent.breaks
        return ready

    def chunks(self) -> Iterator[bytes]:
        self.torrent.ready.wait()
        middle = (self.start + self.stop) // 2
        yield from filter(None, (DATA[self.start : middle], DATA[middle : self.stop]))

    def stall(self, *, frozen: bool) -> None: ...

    def cancel(self) -> None:
        self._cancelled = True
        self.torrent.ready.set()

    def close(self) -> None:
        self.closed = True


class FakeTorrent:
    """``ready`` once its bytes are there; ``refuses`` to be opened, ``breaks`` later."""

    def __init__(self) -> None:
        self.ready = Event()
        self.ready.set()
        self.refuses: Problem | None = None
        self.breaks: Exception | None = None
        self.streams: list[FakeStream] = []

    def open(self, file: File, start: int, stop: int) -> FakeStream:
        if self.refuses is not None:
            raise self.refuses
        self.streams.append(FakeStream(self, start, stop))
        return self.streams[-1]


class FakeResolver:
    """One attempt, which ends as the test says; ``asked`` is what it was asked for."""

    def __init__(self, resolution: Resolution) -> None:
        self.journal = Journal()
        self.asked: list[tuple[str, InfoHash, Wanted, int]] = []
        self.secure: list[bool] = []
        self.stored_anyway = False
        self.store: Any = resolution
        self.current = Attempt(self.journal.open(HASH.key, "main", ""))
        self.current.finish(resolution)

    def attempt(
        self, install: str, info_hash: InfoHash, wanted: Wanted, start: int, *, secure: bool
    ) -> Attempt:
        self.asked.append((install, info_hash, wanted, start))
        self.secure.append(secure)
        return self.current

    def through_store(self, attempt: Attempt) -> Stored:
        assert attempt.resolution is not None
        self.stored_anyway = True
        return self.store

    def restart(self) -> Attempt:
        """From now on the resolution runs; the caller ends it."""
        self.current = Attempt(self.journal.open(HASH.key, "main", ""))
        return self.current


class FakeKept:
    def __init__(self) -> None:
        self.there = True
        self.known: Metainfo | None = METAINFO
        self.put: list[Magnet] = []

    def magnet(self, info_hash: InfoHash) -> Magnet | None:
        return Magnet(info_hash) if self.there else None

    def metainfo(self, info_hash: InfoHash) -> Metainfo | None:
        return self.known if self.there else None

    def put_back(self, magnet: Magnet) -> None:
        self.there = True
        self.put.append(magnet)

    def was_lost(self, info_hash: InfoHash) -> bool:
        return False


class Cinema:
    """A server with the play routes alone, and what asks it; its film is stored and ready."""

    def __init__(self, *, clips: bool = False) -> None:
        self.torrent = FakeTorrent()
        self.stored = Stored(self.torrent, FILM, "swarm")  # type: ignore[arg-type]
        self.resolver: Any = FakeResolver(self.stored)
        self.kept = FakeKept()
        self.links = Links(KEYS)
        self.revoked = Revoked()
        self.viewers = Viewers()
        self.sender = Sender()
        self.app = Flask("test", static_folder=None)
        problems.register(self.app)
        gate = Gate(KEYS, "127.0.0.1", None, trust_proxy=False)
        self.player = Player(
            gate,
            self.links,
            self.revoked,
            self.kept,
            self.resolver,
            self.viewers,
            self.sender,
            lambda asked: asked.scheme == "https",
            clips=Clips(self.viewers) if clips else None,
        )
        self.app.register_blueprint(blueprint(self.player))
        self.client = self.app.test_client()

    def path(
        self, wanted: Wanted | None = None, install: str = "anne", name: str = "film.mkv"
    ) -> str:
        """The path of a play link."""
        wanted = wanted or MainVideo()
        token = self.links.seal(Grant(HASH, wanted, install))
        return f"/play/{HASH.key}/{wanted}/{token}/{name}"

    def ask(self, path: str = "", method: str = "GET", **headers: str) -> TestResponse:
        """One request; a header ``If-Range`` is given as ``If_Range``."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer: TestResponse = self.client.open(
            path or self.path(), method=method, headers=named, base_url=HOST
        )
        return answer

    def begin(self, path: str = "", **environ: Any) -> tuple[int, dict[str, str], Any]:
        """Status and headers as they went out, and the body, of which nothing was taken yet."""
        builder = EnvironBuilder(path=path or self.path(), base_url=HOST)
        sent: list[Any] = []
        body = self.app.wsgi_app(
            builder.get_environ() | {"REMOTE_ADDR": "127.0.0.1"} | environ,
            lambda status, headers, _=None: sent.extend((status, headers)),  # type: ignore[arg-type]
        )
        builder.close()
        return int(sent[0].split()[0]), dict(sent[1]), body
