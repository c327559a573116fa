"""The real page over an API that a test scripts: for what only concerns the page itself."""

import threading
from types import TracebackType
from typing import Any, Self

from flask import Flask, Response, jsonify, request
from werkzeug.serving import make_server

from addon.access.gate import Gate
from addon.access.installs import Installs
from addon.access.keys import Keys
from addon.errors import Problem
from addon.web.pages import PageInstall, Surroundings, blueprint
from addon.web.problems import problem_response, register
from addon.web.sessions import Sessions


class Memory:
    """A key store and a list of revoked installs."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.revoked: set[str] = set()

    def get(self, name: str) -> str | None:
        return self.values.get(name)

    def put(self, name: str, value: str, instead_of: str | None = None) -> str:
        if self.values.get(name, instead_of) == instead_of:
            self.values[name] = value
        return self.values[name]

    def is_revoked(self, install_id: str) -> bool:
        return install_id in self.revoked


def page_app(
    access_key: str | None = None,
    base: str | None = None,
    memory: Memory | None = None,
    waited: list[float] | None = None,
    host: str = "127.0.0.1",
    surroundings: Surroundings | None = None,
) -> Flask:
    """A Flask app with nothing but the pages; ``waited`` collects what a wrong key costs."""
    memory = memory or Memory()
    keys = Keys((access_key,) if access_key else (), public=False, signing=(b"signing" * 5,))
    app = Flask("page-test", static_folder=None)
    register(app)

    def public_base(asked: Any) -> str:
        return base or f"{asked.scheme}://{asked.host}"

    sessions = Sessions(keys, public_base)
    app.extensions["sessions"] = sessions
    app.register_blueprint(
        blueprint(
            Gate(keys, host, base, False),
            sessions,
            PageInstall(Installs(keys, memory), memory),
            public_base,
            surroundings or Surroundings(),
            wait=(waited if waited is not None else []).append,
        )
    )
    return app


class FakeServer:
    """Serves the page and ``torrents`` on a free port of loopback while the context lasts."""

    def __init__(self) -> None:
        self.torrents: list[dict[str, Any]] = []
        self.resolutions: list[dict[str, Any]] = []
        self.posted: list[dict[str, Any]] = []
        self.problem: Problem | None = None
        around = Surroundings(lambda: "192.168.1.5", "Some of it is off.")
        app = page_app(surroundings=around)

        @app.get("/api/torrents")
        def listed() -> Response:
            return jsonify(torrents=self.torrents)

        @app.post("/api/torrents")
        def added() -> Response:
            self.posted.append(
                request.get_json(silent=True)
                or {**request.form.to_dict(), "file": request.files["torrent"].filename}
            )
            if self.problem is not None:
                return problem_response(self.problem)
            return jsonify(self.torrents[0])

        @app.delete("/api/torrents/<key>")
        def removed(key: str) -> tuple[str, int]:
            self.torrents = [one for one in self.torrents if one["infoHash"] != key]
            return "", 204

        @app.get("/api/resolutions")
        def resolutions() -> Response:
            return jsonify(resolutions=self.resolutions)

        @app.get("/play/<path:_rest>")
        def play(_rest: str) -> Response:
            return problem_response(
                Problem("no-peers", "Nobody who has this film answered.", "Try again later.")
            )

        self._server = make_server("127.0.0.1", 0, app, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def torrent(key: str, name: str, **more: Any) -> dict[str, Any]:
    """An entry of GET /api/torrents; ``files`` may be given as [(path, length)]."""
    files = [
        {"index": i, "path": path, "length": length, "playUrl": f"/play/{key}/{i}/g/film"}
        for i, (path, length) in enumerate(more.pop("files", [(f"{name}.mp4", 700_000_000)]))
    ]
    return {
        "infoHash": key,
        "name": name,
        "status": "ready",
        "files": files,
        "playUrl": f"/play/{key}/main/g/film",
        "progress": 0.0,
        "verifiedBytes": 0,
        "downloadRate": 0,
        "peers": 0,
        "readers": 0,
        **more,
    }
