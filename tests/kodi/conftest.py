"""The add-on, imported in front of the fakes, and a server that answers what a test wants."""

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import gevent
import pytest
from gevent.pywsgi import WSGIHandler, WSGIServer

from tests.kodi.fakes import ADDON, Fakes

TOKEN = "install-token"
LISTING = 1
Answer = tuple[int, Any]


class _AsSent(WSGIHandler):
    """Tells the path as it was sent."""

    def get_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environ()
        return environ | {"RAW_URI": self.path}


class Site:
    """A server: path with query -> (status, JSON) or a list of them, one after the other.

    The last of a list stays. What is not there answers 404 as a proxy would, with no JSON.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Answer | list[Answer]] = {}
        self.headers: dict[str, str] = {}
        self.asked: list[str] = []
        self.delay = 0.0
        self._server = WSGIServer(
            ("127.0.0.1", 0), self._answer, log=None, error_log=None, handler_class=_AsSent
        )
        self._server.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.manifest = f"{self.url}/{TOKEN}/manifest.json"

    def put(self, path: str, body: Any, status: int = 200) -> None:
        """Answer one of the install's resources."""
        self.answers[f"/{TOKEN}/{path}"] = (status, body)

    def close(self) -> None:
        self._server.stop()

    def _answer(self, environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        path = environ["RAW_URI"]
        gevent.sleep(self.delay)
        self.asked.append(f"{environ['REQUEST_METHOD']} {path}")
        found = self.answers.get(path, (404, None))
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        status, body = found
        raw = body if isinstance(body, bytes) else json.dumps(body).encode() if body else b""
        start(f"{status} x", [*self.headers.items(), ("Content-Length", str(len(raw)))])
        return [raw]


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fakes]:
    """Kodi's modules; the add-on is imported anew, as Kodi does for each call."""
    fakes = Fakes(tmp_path)
    for name, module in fakes.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.syspath_prepend(str(ADDON))
    # What the add-on leaves would be taken for a part of it.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield fakes
    for name in [name for name in sys.modules if name.partition(".")[0] == "resources"]:
        del sys.modules[name]


@pytest.fixture
def load(fakes: Fakes) -> Callable[[str], Any]:
    """``load("rows")``: one of the add-on's modules."""
    return lambda name: importlib.import_module(f"resources.lib.{name}")


@pytest.fixture
def call(load: Callable[[str], Any]) -> Callable[..., None]:
    """``call(action="play", id="tt1")`` as Kodi calls the add-on; ``handle=-1`` for actions."""

    def called(handle: int = LISTING, **asked: Any) -> None:
        query = f"?{urlencode(asked)}" if asked else ""
        load("routes").run(
            ["plugin://plugin.video.selfstreme/", str(handle), query, "resume:false"]
        )

    return called


@pytest.fixture
def paired(fakes: Fakes, site: Site) -> Site:
    """The server that this Kodi is connected to."""
    fakes.settings["manifest_url"] = site.manifest
    return site
