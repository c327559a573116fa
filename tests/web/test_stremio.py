"""What Stremio is told. Its core drops in silence what does not fit, so the shapes are exact."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from addon.access.gate import Gate
from addon.access.installs import Install, Installs
from addon.access.keys import Keys
from addon.access.links import Links
from addon.library.sidecars import Sidecars
from addon.library.titles import OWN_PREFIX
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.selection import FileIndex, parse_wanted
from addon.web import problems
from addon.web.stremio import MANIFEST_FILE, Stremio, blueprint
from addon.web.subtitles import SubtitleLinks
from tests.access.stores import Revoked
from tests.library.shelf import KEY, Shelf, torrent
from tests.library.shelf import shelf as opened

HOST = "http://127.0.0.1:7000"
OWN = OWN_PREFIX + KEY
SERIES = torrent("Show.S01.1080p.WEB-DL-GRP", "Show.S01E01.mkv", "Show.S01E02.mkv")
CLOSED = Keys(("correct horse battery",), public=False, signing=(b"signing" * 5,))
OPEN = Keys((), public=False, signing=(b"signing" * 5,))


class Player:
    """A server with the routes under test, and what asks it."""

    def __init__(self, shelf: Shelf, keys: Keys = OPEN, base_url: str | None = None) -> None:
        self.shelf = shelf
        self.revoked = Revoked()
        self.installs = Installs(keys, self.revoked)
        self.links = Links(keys)
        gate = Gate(keys, "127.0.0.1", base_url, trust_proxy=False)
        app = Flask("test", static_folder=None)
        app.url_map.merge_slashes = False
        problems.register(app)
        self.peers: dict[InfoHash, int] = {}
        self.fingerprints: dict[tuple[str, int], str] = {}
        stremio = Stremio(
            gate,
            self.installs,
            self.links,
            shelf.catalogs,
            shelf.streams,
            base_url,
            SubtitleLinks(
                self.links,
                Sidecars(shelf),
                lambda info_hash, file: self.fingerprints.get((info_hash.key, file.index)),
            ),
            peers=self.peers.get,
        )
        app.register_blueprint(blueprint(stremio))
        self.client = app.test_client()

    def ask(self, path: str, method: str = "GET", **more: Any) -> TestResponse:
        answer: TestResponse = self.client.open(path, method=method, base_url=HOST, **more)
        return answer

    def get(self, path: str) -> Any:
        answer = self.ask(path)
        assert answer.status_code == 200, answer.text
        assert answer.content_type == "application/json; charset=utf-8"
        return json.loads(answer.text)

    def streams(self, kind: str, video_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(f"/stream/{kind}/{quote(video_id, '')}.json")[
            "streams"
        ]
        return found


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with opened(tmp_path) as shelf:
        yield shelf


@pytest.fixture
def player(shelf: Shelf) -> Player:
    return Player(shelf)


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    else:
        yield value


# The manifest


def test_the_manifest_is_the_template(player: Player) -> None:
    told = player.get("/manifest.json")
    assert told == json.loads(MANIFEST_FILE.read_text())
    assert told["id"] == "org.selfstreme.addon"
    assert len(player.ask("/manifest.json").data) < 8192
    assert None not in leaves(told)


def test_what_the_manifest_promises_is_answered(player: Player) -> None:
    told = player.get("/manifest.json")
    assert {resource if isinstance(resource, str) else resource["name"] for resource in
            told["resources"]} == {"catalog", "meta", "stream", "subtitles"}  # fmt: skip
    for catalog in told["catalogs"]:
        assert player.get(f"/catalog/{catalog['type']}/{catalog['id']}.json") == {"metas": []}
        assert {extra["name"] for extra in catalog["extra"]} == {"search", "skip"}


def test_the_manifest_is_asked_for_again_each_time(player: Player) -> None:
    assert player.ask("/manifest.json").headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", ["/configure", "/token/configure"])
def test_configuring_is_done_on_the_front_page(player: Player, path: str) -> None:
    answer = player.ask(path)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{HOST}/")


# The catalog


def test_the_library_is_the_catalog(player: Player) -> None:
    player.shelf.titles.samples()
    player.shelf.add(torrent("Some.Film.2019.mkv"), "tt1")
    player.shelf.add(torrent("A film", "one.mkv", "two.avi", key="cd" * 20))
    metas = player.get("/catalog/movie/library.json")["metas"]
    assert metas[0] == {"id": OWN_PREFIX + "cd" * 20, "type": "movie", "name": "A film"}
    assert metas[1] == {
        "id": "tt1",
        "type": "movie",
        "name": "Some Film",
        "releaseInfo": "2019",
    }
    assert metas[2]["name"] == "Big Buck Bunny (sample)"
    assert "sample" in metas[2]["description"]
    assert player.get("/catalog/series/library.json") == {"metas": []}


@pytest.mark.parametrize(
    "path",
    [
        "/catalog/movie/other.json",
        "/catalog/channel/library.json",
        "/catalog/movie/library/skip=1000.json",
        "/catalog/movie/library/search=nothing.json",
    ],
)
def test_what_is_not_there_is_an_empty_list(player: Player, path: str) -> None:
    player.shelf.add(torrent("Some.Film.2019.mkv"))
    assert player.get(path) == {"metas": []}
    assert player.ask(path).headers["Cache-Control"] == "private, max-age=5"


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("what%20is%20100%25%20a%2Fb%20%C3%A9", True),
        ("WHAT", True),
        ("a%2Fb", True),
        ("a%2F%2Fb", False),
        ("b%3Fc%23d%3De%26f%20%2B%20it's%20(x)!*~", True),
        ("c%23x", False),
        ("", True),
    ],
)
def test_a_search_is_read_as_it_was_sent(player: Player, search: str, *, found: bool) -> None:
    name = "What is 100% a/b?c#d=e&f + it's (x)!*~ é"
    player.shelf.add(Magnet(InfoHash(v1=KEY), name=name))
    for extra in (f"search={search}", f"search={search}&skip=0", f"skip=0&search={search}"):
        metas = player.get(f"/catalog/movie/library/{extra}.json")["metas"]
        assert len(metas) == found


@pytest.mark.parametrize(
    ("skip", "count"), [("0", 2), ("1", 1), ("2", 0), ("-1", 2), ("x", 2), ("9" * 30, 2), ("٢", 2)]
)
def test_any_skip_is_honoured(player: Player, skip: str, count: int) -> None:
    player.shelf.add(torrent("One.2001.mkv"))
    player.shelf.add(torrent("Two.2002.mkv", key="cd" * 20))
    metas = player.get(f"/catalog/movie/library/skip={quote(skip)}.json")["metas"]
    assert len(metas) == count


# Meta


def test_the_details_of_a_film(player: Player) -> None:
    player.shelf.add(torrent("Some.Film.2019.mkv"))
    assert player.get(f"/meta/movie/{quote(OWN, '')}.json") == {
        "meta": {
            "id": OWN,
            "type": "movie",
            "name": "Some Film",
            "releaseInfo": "2019",
            "description": "Some.Film.2019.mkv",
        }
    }


def test_the_details_of_a_series(player: Player) -> None:
    player.shelf.add(SERIES)
    meta = player.get(f"/meta/series/{OWN}.json")["meta"]
    assert (meta["id"], meta["type"], meta["name"]) == (OWN, "series", "Show")
    assert meta["videos"] == [
        {
            "id": f"{OWN}:1:{episode}",
            "title": f"Episode {episode}",
            "season": 1,
            "episode": episode,
            "overview": f"Show.S01E0{episode}.mkv",
        }
        for episode in (1, 2)
    ]


def test_details_are_kept_until_more_is_known(player: Player) -> None:
    player.shelf.add(SERIES.magnet())
    before = player.ask(f"/meta/movie/{OWN}.json")
    assert before.headers["Cache-Control"] == "private, max-age=5"
    assert "not known yet" in json.loads(before.text)["meta"]["description"]
    player.shelf.describe(SERIES)
    # The player still thinks it is a film.
    after = player.ask(f"/meta/movie/{OWN}.json")
    assert after.headers["Cache-Control"] == "private, max-age=60"
    assert len(json.loads(after.text)["meta"]["videos"]) == 2


def test_kodi_is_told_of_titles_that_stremio_does_not_ask_for(player: Player) -> None:
    player.shelf.add(SERIES, "tt1")
    meta = player.get("/meta/series/tt1.json")["meta"]
    assert (meta["id"], meta["name"]) == ("tt1", "Show")
    assert [video["id"] for video in meta["videos"]] == ["tt1:1:1", "tt1:1:2"]
    (resource,) = [one for one in player.get("/manifest.json")["resources"] if "meta" in str(one)]
    assert resource["idPrefixes"] == [OWN_PREFIX], "Stremio asks nobody else for those"


@pytest.mark.parametrize("title_id", ["tt2", OWN_PREFIX + "cd" * 20, "streme:", "a/b"])
def test_what_only_others_know_is_an_error_that_pages_can_read(
    player: Player, title_id: str
) -> None:
    player.shelf.add(SERIES, "tt1")
    answer = player.ask(f"/meta/series/{quote(title_id, '')}.json")
    assert answer.status_code == 404
    assert json.loads(answer.text)["code"] == "not-found"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "no-store"


# Streams


def test_a_stream_is_exactly_this(player: Player) -> None:
    player.shelf.add(
        torrent("Film.2019.2160p.HDR", ("Film.2019.2160p.HDR.BluRay.x265-GRP.mkv", 4321)), "tt1"
    )
    (stream,) = player.streams("movie", "tt1")
    url = stream.pop("url")
    assert stream == {
        "name": "Self-Streme\n2160p HDR",
        "description": (
            "Film.2019.2160p.HDR\n"
            "Film.2019.2160p.HDR.BluRay.x265-GRP.mkv\n"
            "4.3 GB · BluRay · H.265 · P2P"
        ),
        "behaviorHints": {
            "bingeGroup": "self-streme|2160p|HDR|GRP",
            "filename": "Film.2019.2160p.HDR.BluRay.x265-GRP.mkv",
            "videoSize": 4_321_000_000,
            "notWebReady": True,
        },
    }
    assert url.startswith(f"{HOST}/play/{KEY}/0/")
    assert url.endswith("/Film.2019.2160p.HDR.BluRay.x265-GRP.mkv")


def test_the_link_plays_that_file_and_nothing_else(player: Player) -> None:
    player.shelf.add(SERIES, "tt1")
    (stream,) = player.streams("series", "tt1:1:2")
    _, key, file, token, _ = stream["url"].removeprefix(HOST).split("/")[1:]
    grant = player.links.open(token, key, parse_wanted(file))
    assert grant is not None
    assert (grant.info_hash, grant.wanted, grant.install) == (
        InfoHash(v1=KEY),
        FileIndex(1),
        "",
    )
    assert player.links.open(token, key, FileIndex(0)) is None


def test_links_stay_the_same(player: Player) -> None:
    player.shelf.add(SERIES, "tt1")
    assert player.streams("series", "tt1:1:2") == player.streams("series", "tt1:1:2")


@pytest.mark.parametrize(("count", "told"), [(0, "0 peers"), (1, "1 peer"), (12, "12 peers")])
def test_how_many_peers_an_active_torrent_has(player: Player, count: int, told: str) -> None:
    player.shelf.add(torrent("Film.2019.mkv"), "tt1")
    (stream,) = player.streams("movie", "tt1")
    assert stream["description"].endswith(" · P2P"), "nobody has it open"
    player.peers[InfoHash(KEY)] = count
    (stream,) = player.streams("movie", "tt1")
    assert stream["description"].endswith(f" · P2P · {told}")


def test_a_stream_before_its_metadata(player: Player) -> None:
    player.shelf.add(Magnet(InfoHash(v1=KEY)), "tt1")
    (stream,) = player.streams("series", "tt1:1:2")
    assert f"/play/{KEY}/s01e02/" in stream.pop("url")
    assert stream == {
        "name": "Self-Streme",
        "description": "size not known yet · P2P",
        "behaviorHints": {"bingeGroup": f"self-streme|{KEY}", "notWebReady": True},
    }
    answer = player.ask("/stream/series/tt1:1:2.json")
    assert answer.headers["Cache-Control"] == "private, max-age=5"
    player.shelf.describe(SERIES)
    answer = player.ask("/stream/series/tt1:1:2.json")
    assert answer.headers["Cache-Control"] == "private, max-age=30"


def test_the_next_episode_is_taken_from_the_same_pack(player: Player) -> None:
    player.shelf.add(SERIES, "tt1")
    groups = {
        player.streams("series", f"tt1:1:{episode}")[0]["behaviorHints"]["bingeGroup"]
        for episode in (1, 2)
    }
    assert groups == {f"self-streme|{KEY}"}


@pytest.mark.parametrize(
    ("base_url", "name", "ready"),
    [
        ("https://films.example", "Film.mp4", True),
        ("https://films.example", "Film.WEBM", True),
        ("https://films.example", "Film.mkv", False),
        (None, "Film.mp4", False),
    ],
)
def test_browsers_play_mp4_and_webm_over_https(
    shelf: Shelf, base_url: str | None, name: str, *, ready: bool
) -> None:
    player = Player(shelf, CLOSED, base_url)
    shelf.add(torrent(name), "tt1")
    token = player.installs.seal(Install("one"))
    (stream,) = player.get(f"/{token}/stream/movie/tt1.json")["streams"]
    assert stream["behaviorHints"].get("notWebReady") is (None if ready else True)
    assert stream["url"].startswith((base_url or HOST) + "/play/")


def test_a_hostile_name_stays_text(player: Player) -> None:
    name = "Film \u202e<b>%2F..?#\n.mp4"
    player.shelf.add(torrent("Pack", (name, 700)), "tt1")
    (stream,) = player.streams("movie", "tt1")
    assert "\u202e" not in stream["description"]
    assert stream["behaviorHints"]["filename"] == "Film <b>%2F..?# .mp4"
    assert stream["url"].endswith("/Film%20%E2%80%AE%3Cb%3E%252F..%3F%23%0A.mp4")


@pytest.mark.parametrize(
    "path",
    [
        "/stream/movie/tt2.json",
        "/stream/series/tt1%3A9%3A9.json",
        "/stream/movie/a%2Fb%3Fc.json",
        "/stream/movie/a%2F%2Fb.json",
        "/stream/movie/plain.json.json",
        "/stream/movie/%FF%FE.json",
        "/stream/channel/tt1.json",
    ],
)
def test_no_stream_is_an_empty_list(player: Player, path: str) -> None:
    player.shelf.add(SERIES, "tt1")
    assert player.get(path) == {"streams": []}
    assert player.ask(path).headers["Cache-Control"] == "private, max-age=5"


def test_the_id_is_read_as_it_was_sent(player: Player) -> None:
    player.shelf.add(SERIES, "tt1")
    for spelling in ("tt1%3A1%3A2", "tt1%3a1%3a2", "tt1:1:2", "tt1:1%3A2"):
        for tail in ("", "/filename=x.mkv&videoSize=1", "?a=1"):
            path = f"/stream/series/{spelling}{tail if tail[:1] == '/' else ''}.json"
            assert len(player.get(path + (tail if tail[:1] == "?" else ""))["streams"]) == 1


def test_subtitles_are_none_where_none_lie_beside_the_film(player: Player) -> None:
    path = f"/subtitles/movie/{quote(OWN, '')}/filename=a.mkv&videoSize=1.json"
    assert player.get(path) == {"subtitles": []}
    player.shelf.add(SERIES, "tt1")
    assert player.get("/subtitles/series/tt1%3A1%3A1.json") == {"subtitles": []}
    assert "subtitles" not in player.streams("series", "tt1:1:1")[0]


def test_a_stream_has_the_subtitles_of_its_file(player: Player) -> None:
    texts = [("Show.S01E01.en.srt", 0.05), ("Subs/Show.S01E02/2_German.srt", 0.05)]
    files = ["Show.S01E01.mkv", "Show.S01E02.mkv", *texts]
    player.shelf.add(torrent("Show.S01", *files), "tt1")
    first, second = (player.streams("series", f"tt1:1:{n}")[0]["subtitles"] for n in (1, 2))
    assert [(s["id"], s["lang"]) for s in first + second] == [
        (f"{KEY}-2", "eng"),
        (f"{KEY}-3", "ger"),
    ]
    assert player.get("/subtitles/series/tt1%3A1%3A2.json") == {"subtitles": second}
    url = first[0]["url"]
    assert url.startswith(f"{HOST}/subtitles-file/{KEY}/2/")
    assert url.endswith("/Show.S01E01.en.srt")
    grant = player.links.open(url.split("/")[6], KEY, FileIndex(2))
    assert grant is not None
    assert None not in leaves(first + second)


def test_the_subtitles_of_the_file_that_plays_stand_first(player: Player) -> None:
    for number, key in enumerate(("ab" * 20, "cd" * 20)):
        name = f"Film.{number}.2019"
        player.shelf.add(
            torrent(name, (f"{name}.mkv", 500 + number), (f"{name}.en.srt", 0.05), key=key), "tt1"
        )

    def first(extra: str) -> str:
        told = player.get(f"/subtitles/movie/tt1/{extra}.json")["subtitles"]
        assert len(told) == 2
        return str(told[0]["id"])[:2]

    assert first("filename=Film.0.2019.mkv&videoSize=500000000") == "ab"
    assert first("filename=Film.1.2019.mkv") == "cd"
    # Another film of that name is not ours.
    usual = first("filename=Nothing.mkv")
    other = {"ab": "Film.1.2019.mkv", "cd": "Film.0.2019.mkv"}[usual]
    assert first(f"filename={other}&videoSize=1") == usual
    key = {"ab": "cd" * 20, "cd": "ab" * 20}[usual]
    player.fingerprints[key, 0] = "0123456789abcdef"
    assert first("videoHash=0123456789abcdef&videoSize=1&filename=x") == key[:2]


def test_the_hash_of_a_video_is_told_once_it_is_known(player: Player) -> None:
    player.shelf.add(SERIES, "tt1")
    assert "videoHash" not in player.streams("series", "tt1:1:1")[0]["behaviorHints"]
    player.fingerprints[KEY, 0] = "0123456789abcdef"
    assert (
        player.streams("series", "tt1:1:1")[0]["behaviorHints"]["videoHash"] == "0123456789abcdef"
    )


def test_a_mistake_of_ours_hides_nothing_else_that_a_player_lists(
    player: Player, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    player.shelf.add(SERIES, "tt1")
    monkeypatch.setattr(player.shelf, "metainfo", lambda _hash: 1 / 0)
    answer = player.ask("/stream/series/tt1:1:1.json")
    assert (answer.status_code, json.loads(answer.text)) == (200, {"streams": []})
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ZeroDivisionError" in caplog.text


# Who may ask


PATHS = [
    "/manifest.json",
    "/catalog/movie/library.json",
    f"/meta/movie/{OWN}.json",
    "/stream/movie/tt1.json",
    "/subtitles/movie/tt1.json",
]


@pytest.mark.parametrize("path", PATHS)
def test_a_closed_server_answers_its_installs_only(shelf: Shelf, path: str) -> None:
    player = Player(shelf, CLOSED)
    shelf.add(torrent("Some.Film.2019.mkv"))
    token = player.installs.seal(Install("one"))
    stranger = Installs(Keys((), public=False, signing=(b"other" * 9,)), Revoked())
    assert player.ask(f"/{token}{path}").status_code == 200
    wrong = ["", "/x", f"/{token[:-1]}", f"/{token}/{token}", f"/{stranger.seal(Install('one'))}"]
    for prefix in wrong:
        answer = player.ask(prefix + path)
        assert answer.status_code == 404, prefix
        assert json.loads(answer.text)["code"] == "not-found"
    player.revoked.add("one")
    assert player.ask(f"/{token}{path}").status_code == 404


def test_links_belong_to_the_install_that_asked(shelf: Shelf) -> None:
    player = Player(shelf, CLOSED)
    shelf.add(SERIES, "tt1")
    urls = set()
    for name in ("one", "two"):
        token = player.installs.seal(Install(name))
        (stream,) = player.get(f"/{token}/stream/series/tt1:1:1.json")["streams"]
        assert token not in stream["url"]
        _, key, file, grant, _ = stream["url"].removeprefix(HOST).split("/")[1:]
        opened = player.links.open(grant, key, parse_wanted(file))
        assert opened is not None
        assert opened.install == name
        urls.add(stream["url"])
    assert len(urls) == 2


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "strange", [{"Host": "rebound.example:7000"}, {"X-Forwarded-For": "203.0.113.5"}]
)
def test_an_open_server_answers_this_machine_only(
    player: Player, path: str, strange: dict[str, str]
) -> None:
    answer = player.ask(path, headers=strange)
    assert answer.status_code == 403
    assert json.loads(answer.text)["code"] == "set-access-key"


@pytest.mark.parametrize("path", [*PATHS[:2], "/stream/movie/tt1.json", "/meta/movie/tt9.json"])
def test_pages_elsewhere_may_read_every_answer(player: Player, path: str) -> None:
    for method in ("GET", "HEAD", "OPTIONS"):
        answer = player.ask(path, method)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.status_code == (
            204 if method == "OPTIONS" else 404 if path.startswith("/meta") else 200
        )
        if method != "GET":
            assert answer.data == b""
    refused = player.ask(path, headers={"Host": "rebound.example"})
    assert refused.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    "path",
    [
        "/stream/movie/tt1",
        "/stream/movie.json",
        "/stream/movie/tt1/a=1/b=2.json",
        "/stream%2Fmovie/x/tt1.json",
        "/addon_catalog/movie/x.json",
        "/Stream/movie/tt1.json",
        "//stream/movie/tt1.json",
        "/a/b/stream/movie/tt1.json",
    ],
)
def test_what_is_no_resource_is_not_found(player: Player, path: str) -> None:
    player.shelf.add(torrent("Film.mkv"), "tt1")
    assert player.ask(path).status_code == 404


def test_a_slash_that_was_escaped_does_not_make_a_token(shelf: Shelf) -> None:
    player = Player(shelf, CLOSED)
    token = player.installs.seal(Install("one"))
    assert player.ask(f"/{token}%2Fstream/movie/tt1.json").status_code == 404
    assert player.ask(f"/{token}/stream%2Fmovie/tt1.json").status_code == 404


def test_the_whole_address_in_the_request_line(player: Player) -> None:
    player.shelf.add(SERIES, "tt1")
    answer = player.ask(
        "/stream/series/tt1:1:2.json",
        environ_overrides={"RAW_URI": f"{HOST}/stream/series/tt1%3A1%3A2.json?x=1"},
    )
    assert len(json.loads(answer.text)["streams"]) == 1


def test_a_server_that_hands_over_only_the_decoded_path(player: Player) -> None:
    player.shelf.add(SERIES, "tt1")
    answer = player.ask(
        "/stream/series/tt1%3A1%3A2.json", environ_overrides={"RAW_URI": "", "REQUEST_URI": ""}
    )
    assert len(json.loads(answer.text)["streams"]) == 1


def test_other_routes_are_left_alone(shelf: Shelf) -> None:
    player = Player(shelf)
    app = player.client.application
    for rule in ("/api/torrents/<key>", "/play/<key>/<file>/<token>/<path:name>", "/healthz"):
        app.add_url_rule(rule, rule, lambda **_: "other")
    app.add_url_rule("/assets/<path:filename>", "assets", lambda filename: "other")
    for path in (
        "/api/torrents/stream",
        f"/play/{KEY}/main/grant/stream/movie/x.json",
        "/play/catalog/movie/grant/library.json",
        "/healthz",
        "/assets/catalog/movie/library.json",
    ):
        assert player.ask(path).text == "other", path
