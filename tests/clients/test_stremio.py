"""Stremio's own linter, client and core against the real server: nothing it is told is dropped.

The core leaves out in silence what does not fit its schema, and the other two do not notice. So
what it kept is compared with what the server sent.
"""

import json
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from addon.access.installs import Install, Installs
from addon.access.keys import Keys
from addon.library.titles import OWN_PREFIX
from addon.web.stremio import MANIFEST_FILE
from tests.access.stores import Revoked
from tests.house.clients import require_packages
from tests.rig.http import post_json, request
from tests.rig.server import Server
from tests.torrents.build import info, torrent

SCRIPTS = Path(__file__).parent / "stremio"
ACCESS, SECRET = "correct-horse-battery", "a secret of at least sixteen signs"
ALLOWED = {"Authorization": f"Bearer {ACCESS}"}
NAMELESS = "ab" * 20
FILM, SERIES, UNKNOWN = "tt7654321", "tt7654322", "tt7654323"
MORE_THAN_A_PAGE = 103


@dataclass(frozen=True)
class Library:
    """A server with something of everything; ``pack`` and ``films`` are ids of ours."""

    manifest: str
    pack: str
    films: str

    def sent(self, *path: str) -> Any:
        """What the server says, as it stands on the wire."""
        rest = "/".join(quote(part, "=&") for part in path)
        reply = request(self.manifest.replace("manifest.json", f"{rest}.json"))
        assert reply.status == 200, reply
        return reply.json()


@pytest.fixture(scope="module")
def node() -> str:
    return require_packages(SCRIPTS)


@pytest.fixture(scope="module", params=["open", "closed"])
def library(
    node: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Library]:
    """On a server for this machine alone, and on one that asks for an install token."""
    closed = request.param == "closed"
    keys = {"ACCESS_KEY": ACCESS, "SECRET_KEY": SECRET} if closed else {}
    with Server(tmp_path_factory.mktemp(request.param), **keys) as server:
        token = ""
        if closed:
            installs = Installs(Keys((), public=False, signing=(SECRET.encode(),)), Revoked())
            token = "/" + installs.seal(Install("one", {"language": "größe"}))
        pack = ("Show.S01.1080p.WEB-DL.H.264-GRP", [f"Show.S01E0{n}.mkv" for n in range(1, 5)])
        pack[1].extend(["Show.S01E02.pt-BR.forced.srt", "Subs/Show.S01E02/2_English.ass"])
        films = ('Fïlms "quoted" <b>& \u202egpj', ["One film? 2001#1.mp4", "Other/Two.2002.webm"])
        yield Library(
            f"{server.url}{token}/manifest.json",
            pack=OWN_PREFIX + upload(server, *pack),
            films=OWN_PREFIX + upload(server, *films),
        )


@pytest.fixture(scope="module")
def imdb(library: Library) -> Library:
    """The same, with titles under IMDb ids too."""
    server = library.manifest[: library.manifest.index("/", 8)]
    film = ("Film.2019.2160p.HDR.BluRay.x265-GRP.mkv", [])
    for number in range(MORE_THAN_A_PAGE):
        upload(server, *film, imdbId=f"tt{1000 + number}")
    upload(server, *film, imdbId=FILM)
    upload(server, "Show.S02E03.720p.mkv", [], imdbId=SERIES, season=2, episode=3)
    told = {"magnetUri": f"magnet:?xt=urn:btih:{NAMELESS}", "imdbId": UNKNOWN}
    assert post_json(f"{server}/api/torrents", told, ALLOWED).status == 202
    return library


def upload(server: Server | str, name: str, files: list[str], **about: object) -> str:
    """Uploads a torrent of these files, or of one called ``name``; its info hash."""
    listed: list[tuple[list[Any], int]] = [
        (path.split("/"), 1_000_000 - number) for number, path in enumerate(files)
    ]
    told = info(listed, name)
    if not files:
        del told["files"]
        told |= {"length": 700_000, "pieces": b"x" * 20 * 43}
    url = server if isinstance(server, str) else server.url
    reply = request(
        f"{url}/api/torrents?{urlencode(about)}",
        ALLOWED | {"Content-Type": "application/x-bittorrent"},
        "POST",
        torrent(told),
    )
    assert reply.status == 201, reply
    key: str = reply.json()["infoHash"]
    return key


def run(node: str, script: str, *arguments: str) -> Any:
    ran = subprocess.run(
        [node, script, *arguments], cwd=SCRIPTS, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def lost(sent: Any, kept: Any, place: str = "") -> list[str]:
    """What of ``sent`` is not in ``kept``; the core may add to objects, not to lists."""
    if isinstance(sent, dict) and isinstance(kept, dict):
        return [x for key in sent for x in lost(sent[key], kept.get(key), f"{place}.{key}")]
    if isinstance(sent, list) and isinstance(kept, list) and len(sent) == len(kept):
        pairs = enumerate(zip(sent, kept, strict=True))
        return [x for number, (s, k) in pairs for x in lost(s, k, f"{place}[{number}]")]
    return [] if sent == kept else [f"{place}: sent {sent!r}, kept {kept!r}"]


def test_the_linter_and_the_client_find_nothing_wrong(node: str, library: Library) -> None:
    asked: list[list[Any]] = [
        ["catalog", "movie", "library"],
        ["catalog", "series", "library", {"search": "it's 100% é + a/b?c#d=e&f"}],
        ["meta", "series", library.pack],
        ["stream", "series", f"{library.pack}:1:2"],
        ["stream", "movie", library.films],
        ["subtitles", "series", f"{library.pack}:1:2"],
    ]
    told = run(node, "protocol.mjs", library.manifest, json.dumps(asked))
    assert told["lint"] == {"valid": True, "errors": [], "warnings": []}
    assert told["answers"][0] == library.sent("catalog", "movie", "library")
    assert told["answers"][1] == {"metas": []}
    assert told["answers"][2:] == [library.sent(*path) for path in asked[2:]]
    assert len(told["answers"][4]["streams"]) == 2
    assert len(told["answers"][5]["subtitles"]) == 2


def test_the_core_installs_it_and_keeps_the_whole_manifest(node: str, library: Library) -> None:
    told = run(node, "core.mjs", library.manifest, "catalog", "movie", "library", "1")
    assert lost(json.loads(MANIFEST_FILE.read_text()), told["addon"]) == []


def test_the_core_keeps_the_whole_catalog(node: str, library: Library) -> None:
    for kind in ("movie", "series"):
        told = run(node, "core.mjs", library.manifest, "catalog", kind, "library", "1")
        metas = library.sent("catalog", kind, "library")["metas"]
        assert len(metas) == (5 if kind == "movie" else 1)
        assert lost([metas], told["lists"]) == []


def test_the_core_turns_the_page(node: str, imdb: Library) -> None:
    told = run(node, "core.mjs", imdb.manifest, "catalog", "movie", "library", "2")
    first = imdb.sent("catalog", "movie", "library")["metas"]
    second = imdb.sent("catalog", "movie", "library", "skip=100")["metas"]
    assert (len(first), len(second)) == (100, MORE_THAN_A_PAGE + 7 - 100)
    assert lost([first + second], told["lists"]) == []


def test_the_core_finds_what_it_searches_for(node: str, library: Library) -> None:
    told = run(node, "core.mjs", library.manifest, "search", 'films "QUOTED" <b>&')
    assert [[item["id"] for item in items] for items in told["lists"]] == [[library.films], []]


def test_the_core_keeps_every_episode_and_its_stream(node: str, library: Library) -> None:
    video = f"{library.pack}:1:2"
    told = run(node, "core.mjs", library.manifest, "details", "series", library.pack, video)
    meta = library.sent("meta", "series", library.pack)
    streams = library.sent("stream", "series", video)["streams"]
    assert len(meta["meta"]["videos"]) == 4
    assert lost(meta["meta"], told["meta"]["content"]) == []
    assert [stream["behaviorHints"]["filename"] for stream in streams] == ["Show.S01E02.mkv"]
    assert [subtitle["lang"] for subtitle in streams[0]["subtitles"]] == ["eng", "pob"]
    assert lost([streams], told["lists"]) == []


def test_the_core_asks_for_subtitles_and_keeps_all(node: str, library: Library) -> None:
    video = f"{library.pack}:1:2"
    told = run(node, "core.mjs", library.manifest, "subtitles", "series", library.pack, video)
    (stream,) = library.sent("stream", "series", video)["streams"]
    asked = [url for url in told["requests"] if "/subtitles/" in url]
    assert len(asked) == 1
    assert "filename=Show.S01E02.mkv" in asked[0]
    assert f"videoSize={stream['behaviorHints']['videoSize']}" in asked[0]
    subtitles = library.sent("subtitles", "series", video)["subtitles"]
    assert [subtitle["lang"] for subtitle in subtitles] == ["eng", "pob"]
    # The core numbers them itself.
    sent = [{key: s[key] for key in s if key != "id"} for s in subtitles]
    assert lost([sent], told["lists"]) == []


@pytest.mark.parametrize(
    ("kind", "title", "video", "count"),
    [
        ("movie", FILM, FILM, 1),
        ("series", SERIES, f"{SERIES}:2:3", 1),
        ("series", SERIES, f"{SERIES}:2:4", 0),
        ("movie", UNKNOWN, UNKNOWN, 1),
        ("movie", "tt1254207", "tt1254207", 1),
        ("movie", "tt9999999", "tt9999999", 0),
    ],
)
def test_the_core_keeps_every_stream_of_an_imdb_id(
    node: str, imdb: Library, kind: str, title: str, video: str, count: int
) -> None:
    told = run(node, "core.mjs", imdb.manifest, "details", kind, title, video)
    streams = imdb.sent("stream", kind, video)["streams"]
    assert len(streams) == count
    assert lost([streams], told["lists"]) == []
    # Its details are another add-on's matter: we are not even asked.
    assert not any("/meta/" in url for url in told["requests"])


def test_the_core_keeps_films_with_awkward_names(node: str, library: Library) -> None:
    films = library.films
    told = run(node, "core.mjs", library.manifest, "details", "movie", films, films)
    streams = library.sent("stream", "movie", films)["streams"]
    assert len(streams) == 2
    assert lost([streams], told["lists"]) == []
    assert lost(library.sent("meta", "movie", films)["meta"], told["meta"]["content"]) == []


def test_what_the_core_drops_would_be_seen(node: str) -> None:
    """The gate itself: a stream with both texts and a catalog item with a relative poster."""
    bad = {
        "/manifest.json": json.loads(MANIFEST_FILE.read_text()),
        "/catalog/movie/library.json": {
            "metas": [
                {"id": "tt1", "type": "movie", "name": "Good"},
                {"id": "tt2", "type": "movie", "name": "Bad", "poster": "/poster.png"},
            ]
        },
        "/stream/movie/tt1.json": {
            "streams": [
                {"url": "http://127.0.0.1/good"},
                {"url": "http://127.0.0.1/bad", "title": "x", "description": "x"},
            ]
        },
    }

    @Request.application
    def app(asked: Request) -> Response:
        return Response(json.dumps(bad[asked.path]), content_type="application/json")

    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        manifest = f"http://127.0.0.1:{server.server_port}/manifest.json"
        catalog = run(node, "core.mjs", manifest, "catalog", "movie", "library", "1")
        details = run(node, "core.mjs", manifest, "details", "movie", "tt1", "tt1")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert len(lost([bad["/catalog/movie/library.json"]["metas"]], catalog["lists"])) == 1
    assert len(lost([bad["/stream/movie/tt1.json"]["streams"]], details["lists"])) == 1
