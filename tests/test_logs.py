import json
import logging
import logging.config
import os
import time
from collections.abc import Iterator
from urllib.parse import unquote

import pytest

from addon.access.installs import Install, Installs
from addon.access.keys import load_keys
from addon.access.links import Grant, Links
from addon.access.pairing import Pairings
from addon.logs import RedactedStream, Redactor, configuration, redactor
from addon.settings import Settings, load_settings
from addon.torrents.magnet import InfoHash
from addon.torrents.selection import MainVideo
from tests.access.stores import Revoked, Store

KEY, SECRET = "correct/horse+battery", 'stap"le-staple-\\staple'
V1, V2 = "0123456789abcdef0123456789abcdef01234567", "0123456789abcdef" * 4
SETTINGS = load_settings({"ACCESS_KEY": KEY, "SECRET_KEY": SECRET})
KEYS = load_keys(SETTINGS, Store())
TOKEN = Installs(KEYS, Revoked()).seal(Install("0123456789abcdef"))
GRANT = Links(KEYS).seal(Grant(InfoHash(V1), MainVideo(), "0123456789abcdef"))
PAIRING = Pairings(time.monotonic).begin().secret
MADE_KEY = load_keys(load_settings({"HOST": "0.0.0.0"}), Store()).access_keys[0]


class Log:
    """The configured log, written to a string."""

    def __init__(self, settings: Settings) -> None:
        self._lines: list[str] = []
        logging.config.dictConfig(configuration(settings))
        (handler,) = logging.getLogger().handlers
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(self)

    def write(self, text: str) -> None:
        self._lines.append(text)

    def flush(self) -> None: ...

    @property
    def text(self) -> str:
        return "".join(self._lines)


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("addon").setLevel(logging.NOTSET)


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def record(name: str, level: int, message: str, *args: object) -> logging.LogRecord:
    made = logging.LogRecord(name, level, __file__, 1, message, args, None)
    made.created = 1767265496.789  # 2026-01-01 11:04:56.789 UTC
    return made


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(
    ("name", "level", "line"),
    [
        ("addon.swarm.session", logging.INFO, "12:04:56 INFO  [swarm] 7 peers\n"),
        ("addon.app", logging.WARNING, "12:04:56 WARN  [app] 7 peers\n"),
        ("gunicorn.error", logging.ERROR, "12:04:56 ERROR [server] 7 peers\n"),
        ("gunicorn.access", logging.CRITICAL, "12:04:56 FATAL [http] 7 peers\n"),
        ("urllib3.pool", logging.INFO, "12:04:56 INFO  [urllib3] 7 peers\n"),
        ("addon", logging.INFO, "12:04:56 INFO  [addon] 7 peers\n"),
    ],
)
def test_a_line_of_text(name: str, level: int, line: str) -> None:
    log = Log(load_settings({}))
    logging.getLogger(name).handle(record(name, level, "%d peers", 7))
    assert log.text == line


def test_a_line_of_json() -> None:
    log = Log(load_settings({"LOG_FORMAT": "json"}))
    logging.getLogger().handle(record("addon.swarm.session", logging.WARNING, "%d\npeers", 7))
    assert json.loads(log.text) == {
        "time": "2026-01-01T11:04:56.789+00:00",
        "level": "warning",
        "part": "swarm",
        "logger": "addon.swarm.session",
        "message": "7\npeers",
    }
    assert log.text.count("\n") == 1


def test_a_strange_name_cannot_forge_a_line() -> None:
    log = Log(load_settings({}))
    logging.getLogger("addon.swarm").info(
        "found %s", "a\n12:00:00 INFO [app] b\x1b[2J\u202egpj\ud800"
    )
    assert log.text.count("\n") == 1
    assert r"found a\n12:00:00 INFO [app] b\x1b[2J\u202egpj\ud800" in log.text


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("debug", {"addon debug", "addon info", "addon error", "other info", "other error"}),
        ("info", {"addon info", "addon error", "other info", "other error"}),
        ("warning", {"addon error", "other error"}),
    ],
)
def test_levels(level: str, shown: set[str]) -> None:
    log = Log(load_settings({"LOG_LEVEL": level}))
    for name, logger in (("addon", "addon.swarm"), ("other", "gunicorn.error")):
        logging.getLogger(logger).debug("%s debug", name)
        logging.getLogger(logger).info("%s info", name)
        logging.getLogger(logger).error("%s error", name)
    assert {line.split("] ")[1] for line in log.text.splitlines()} == shown


LEAKS = [
    (f"key {KEY}", KEY),
    ("key correct%2Fhorse%2Bbattery", "horse"),
    (f"sealed with {SECRET}", SECRET),
    (f"made {MADE_KEY}", MADE_KEY),
    ("Authorization: Bearer abc.def", "abc"),
    ("{'Authorization': 'Bearer abc.def'}", "abc"),
    ("authorization: basic YWJjOmRlZg==", "YWJj"),
    ("Cookie: streme_session=abcdef; theme=dark", "abcdef"),
    ("{'Cookie': 'streme_session=abcdef'}", "abcdef"),
    ("[('Set-Cookie', 'streme_session=abcdef; HttpOnly')]", "abcdef"),
    ("GET /login?key=abcdef&a=b HTTP/1.1", "abcdef"),
    ("https://host/x?a=b&access_key=abcdef", "abcdef"),
    (f'"GET /play/{V1}/main/{GRANT}/Film.2020.mkv HTTP/1.1" 206', GRANT),
    (f"/play/{V1}/s01e02/{GRANT}?hop=1", GRANT),
    (f"/play/{V2}/3/short/Film.mkv", "short"),
    (f"https://host/tv/play/{V1}/0/{GRANT}", GRANT),
    (f'"GET /status/{V1}/main/short HTTP/1.1" 200', "short"),
    (f"/subtitles-file/{V1}/2/short/Film.en.srt", "short"),
    (f"/%73tatus/{V1}/s01e02/{GRANT}?again=1", GRANT),
    ('"GET /kodi/pair/short HTTP/1.1" 202', "short"),
    (f'"GET /kodi/pair/{PAIRING} HTTP/1.1" 202', PAIRING),
    (f"/{TOKEN}/kodi/repository.selfstreme-1.0.0.zip", TOKEN),
    *(
        (f"https://host:7000/tv/{TOKEN}{rest}", TOKEN)
        for rest in (
            *("/manifest.json", "/configure", "/catalog/movie/all.json", "/meta/movie/tt1.json"),
            *("/stream/movie/tt1.json", "/subtitles/movie/tt1.json", "/playlist.m3u", "/unknown"),
            *("", "/", ".json", "?a=b", '"', "'", " HTTP/1.1"),
        )
    ),
    (f"stremio://host/{TOKEN}/manifest.json", TOKEN),
    (f"?addon=https%3A%2F%2Fhost%2F{TOKEN}%2Fmanifest.json", TOKEN),
    (f"/{TOKEN[:20]}%2D{TOKEN[20:]}/manifest.json", TOKEN[20:]),
]


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(("text", "leak"), LEAKS)
def test_no_secret_reaches_the_log(text: str, leak: str, form: str) -> None:
    log = Log(SETTINGS.model_copy(update={"log_format": form}))
    logger = logging.getLogger("addon.web.player")
    try:
        raise RuntimeError(text)
    except RuntimeError:
        logger.exception("while %s was served", text, stack_info=True)
    shown = log.text if form == "text" else "\n".join(json.loads(log.text).values())
    assert leak not in shown
    assert "***" in shown
    assert shown.count("Traceback") == 1


@pytest.mark.parametrize(
    "text",
    [
        f'127.0.0.1 "GET /api/torrents/{V1} HTTP/1.1" 200',
        f"GET /api/torrents/{V2.upper()}",
        "GET /catalog/movie/all/search=the%20bear.json HTTP/1.1",
        "GET /api/sources/stats?limit=10",
        "GET /kodi/pair/AB12CD.png",
        "GET /kodi/addons.xml.sha256",
        "POST /kodi/pair HTTP/1.1",
        "A torrent of 12 files, The.Bear.S01.1080p.WEB-DL.DDP5.1.H.264-GROUP, is ready.",
        "/srv/films/data/cache/The Bear/The.Bear.S01E01.mkv",
        "the token was refused, its key is unknown",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redactor(SETTINGS)(text) == text


def test_the_word_public_is_no_secret() -> None:
    hide = redactor(load_settings({"ACCESS_KEY": "public"}))
    assert hide("the public address") == "the public address"


@pytest.mark.parametrize("password", ["hunter2", "hunter%202%40", "h2"])
def test_the_password_of_the_database_is_hidden(password: str) -> None:
    url = f"postgres://me:{password}@db.example/films"
    hide = redactor(load_settings({"DATABASE_URL": url}))
    driver = url.replace("postgres:", "postgresql+psycopg:")
    for form in (url, driver, f"connecting to {driver} failed"):
        assert password not in hide(form)
    if len(password) > 2:
        assert "2" not in hide(f"{password} and {unquote(password)} alone")
    assert hide("a word with h2 in it") == "a word with h2 in it"


def test_a_key_that_begins_with_another() -> None:
    assert Redactor(["a" * 16, "a" * 16 + "tail"])("a" * 16 + "tail") == "***"


def test_standard_error_is_clean_too(capfd: pytest.CaptureFixture[str]) -> None:
    with open(os.dup(2), "w") as stderr:
        stream = RedactedStream(stderr, redactor(SETTINGS))
        print(f"RuntimeError: {KEY}", file=stream)
        stream.flush()
        assert stream.fileno() == stderr.fileno()
    assert capfd.readouterr().err == "RuntimeError: ***\n"


def test_the_configuration_itself_shows_no_key() -> None:
    # gunicorn prints all its settings with --print-config and at its debug level.
    assert KEY not in repr(configuration(SETTINGS))
