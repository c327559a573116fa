import os
from pathlib import Path

import pytest

from addon.errors import SettingsError
from addon.settings import Settings, describe, load_settings

KEY = "correct-horse-battery"
OTHER_KEY = "staple-staple-staple"


def problems_of(environ: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)
    return caught.value.problems


def test_nothing_set_is_a_server_for_this_machine_alone() -> None:
    settings = load_settings({})
    assert (settings.host, settings.port, settings.base_url) == ("127.0.0.1", 7000, None)
    assert (settings.access_key, settings.secret_key, settings.public) == ((), (), False)
    assert settings.data_dir == Path("data")
    assert (settings.p2p_interface, settings.p2p_port) == (None, None)
    assert (settings.dht, settings.lsd, settings.upnp) == (True, False, True)
    assert (settings.p2p, settings.p2p_on, settings.strategy) == ("auto", True, "race")
    assert (settings.p2p_timeout, settings.p2p_head_start) == (20000, 1500)
    assert (settings.source_test_timeout, settings.resolve_budget) == (5000, 26000)
    assert (settings.enable_http_fallback, settings.fallback_mode) == (True, "auto")
    assert settings.exclude_sources == ("WebTor.io",)
    assert settings.sources_file is None
    assert settings.metadata_sources == ("https://itorrents.org/torrent/{INFOHASH}.torrent",)
    assert (settings.download_rate, settings.upload_rate) == (None, None)
    assert settings.max_active_torrents == 20
    assert not settings.allow_private_addresses
    assert not settings.trust_proxy
    assert (settings.log_format, settings.log_level) == ("text", "info")
    assert settings.platform is None
    assert settings.on_loopback
    assert not settings.wiped_disk


def test_every_setting_takes_effect() -> None:
    settings = load_settings(
        {
            "HOST": "::",
            "PORT": " 8080 ",
            "BASE_URL": "https://films.example.org/tv/",
            "ACCESS_KEY": f"{KEY}, {OTHER_KEY},",
            "SECRET_KEY": OTHER_KEY,
            "DATA_DIR": "/srv/films",
            "DATABASE_URL": "postgres://me:secret@db.example:5433/films?sslmode=require",
            "P2P": "Off",
            "P2P_TIMEOUT": "9000",
            "P2P_HEAD_START": "0",
            "STRATEGY": "Sources-First",
            "ENABLE_HTTP_FALLBACK": "TRUE",
            "SOURCE_TEST_TIMEOUT": "700",
            "RESOLVE_BUDGET": "15000",
            "FALLBACK_MODE": "proxy",
            "EXCLUDE_SOURCES": "Instant.io, BTDigg Proxy",
            "SOURCES_FILE": __file__,
            "METADATA_SOURCES": "http://127.0.0.1:1/{infohash}, https://cache.example.org/{INFOHASH}",
            "P2P_INTERFACE": "wg0",
            "P2P_PORT": "6881",
            "DHT": "off",
            "LSD": "on",
            "UPNP": "false",
            "DOWNLOAD_RATE": "10MB",
            "UPLOAD_RATE": "512 KiB/s",
            "MAX_ACTIVE_TORRENTS": "3",
            "ALLOW_PRIVATE_ADDRESSES": "1",
            "TRUST_PROXY": "YES",
            "LOG_FORMAT": "JSON",
            "LOG_LEVEL": "Debug",
        }
    )
    assert (settings.host, settings.port) == ("::", 8080)
    assert settings.base_url == "https://films.example.org/tv"
    assert settings.access_key == (KEY, OTHER_KEY)
    assert settings.secret_key == (OTHER_KEY,)
    assert settings.data_dir == Path("/srv/films")
    assert settings.database_url == ("postgresql://me:secret@db.example:5433/films?sslmode=require")
    assert (settings.p2p_interface, settings.p2p_port) == ("wg0", 6881)
    assert (settings.dht, settings.lsd, settings.upnp) == (False, True, False)
    assert (settings.p2p, settings.p2p_on, settings.strategy) == ("off", False, "sources-first")
    assert (settings.p2p_timeout, settings.p2p_head_start) == (9000, 0)
    assert (settings.source_test_timeout, settings.resolve_budget) == (700, 15000)
    assert (settings.enable_http_fallback, settings.fallback_mode) == (True, "proxy")
    assert settings.exclude_sources == ("Instant.io", "BTDigg Proxy")
    assert settings.sources_file == Path(__file__)
    assert settings.metadata_sources == (
        "http://127.0.0.1:1/{infohash}",
        "https://cache.example.org/{INFOHASH}",
    )
    assert (settings.download_rate, settings.upload_rate) == (10_000_000, 524_288)
    assert settings.max_active_torrents == 3
    assert settings.allow_private_addresses
    assert settings.trust_proxy
    assert (settings.log_format, settings.log_level) == ("json", "debug")


def test_an_empty_variable_is_unset() -> None:
    everything = {name: "" for name, _, _ in describe()}
    assert load_settings(everything) == load_settings({})
    assert load_settings({"PORT": "  "}).port == 7000


@pytest.mark.parametrize(
    ("text", "rate"),
    [("2000", 2000), ("1kb", 1000), ("1.5MB", 1_500_000), ("1GiB", 2**30), ("20 GB", 20 * 10**9)],
)
def test_rates(text: str, rate: int) -> None:
    assert load_settings({"DOWNLOAD_RATE": text}).download_rate == rate


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOST", "http://127.0.0.1"),
        ("HOST", "300.1.1.1"),
        ("HOST", "a b"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "seven"),
        ("BASE_URL", "films.example.org"),
        ("BASE_URL", "ftp://films.example.org"),
        ("BASE_URL", "https://"),
        ("BASE_URL", "https://films.example.org/?a=b"),
        ("BASE_URL", "https://films.example.org/?"),
        ("BASE_URL", "https://films.example.org/#top"),
        ("BASE_URL", "https://films.example.org:99999"),
        ("BASE_URL", "https://[::1"),
        ("BASE_URL", "https://films.example.org/a b"),
        ("P2P", "maybe"),
        ("P2P_TIMEOUT", "20s"),
        ("P2P_HEAD_START", "-1"),
        ("STRATEGY", "p2p"),
        ("ENABLE_HTTP_FALLBACK", "auto"),
        ("SOURCE_TEST_TIMEOUT", "5"),
        ("FALLBACK_MODE", "on"),
        ("EXCLUDE_SOURCES", ","),
        ("EXCLUDE_SOURCES", "none, WebTor.io"),
        ("SOURCES_FILE", "/no/such/file.toml"),
        ("SOURCES_FILE", "/"),
        ("METADATA_SOURCES", "itorrents.org"),
        ("METADATA_SOURCES", "https://a.example/{INFOHASH}, ftp://b.example/{INFOHASH}"),
        ("METADATA_SOURCES", "https://a b.example/{INFOHASH}"),
        ("P2P_INTERFACE", "tun0;rm"),
        ("P2P_PORT", "-1"),
        ("DHT", "perhaps"),
        ("RESOLVE_BUDGET", "26s"),
        ("RESOLVE_BUDGET", "10"),
        ("DOWNLOAD_RATE", "10MB banana"),
        ("DOWNLOAD_RATE", "-5MB"),
        ("UPLOAD_RATE", "0"),
        ("UPLOAD_RATE", "10XB"),
        ("MAX_ACTIVE_TORRENTS", "0"),
        ("LOG_FORMAT", "xml"),
        ("LOG_LEVEL", "loud"),
        ("DATA_DIR", __file__),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_it(name: str, value: str) -> None:
    (problem,) = problems_of({name: value})
    assert problem.startswith(f"{name} is ")
    assert f'"{value[:50]}' in problem
    assert "must be" in problem
    assert problem.endswith(".")
    assert "\n" not in problem


@pytest.mark.parametrize("name", ["EXCLUDE_SOURCES", "METADATA_SOURCES"])
@pytest.mark.parametrize("value", ["none", "None", " NONE ,"])
def test_the_word_none_empties_a_list(name: str, value: str) -> None:
    assert getattr(load_settings({name: value}), name.lower()) == ()


@pytest.mark.parametrize(
    ("value", "on", "on_a_platform"),
    [("auto", True, False), ("on", True, True), ("1", True, True), ("off", False, False)],
)
def test_where_p2p_is_on(value: str, on: bool, on_a_platform: bool) -> None:
    platform = {"DYNO": "web.1", "ACCESS_KEY": KEY}
    assert load_settings({"P2P": value}).p2p_on is on
    assert load_settings({"P2P": value} | platform).p2p_on is on_a_platform


def test_neither_peers_nor_sources_is_refused() -> None:
    alone = {"ENABLE_HTTP_FALLBACK": "off"}
    (problem,) = problems_of(alone | {"P2P": "no"})
    assert "ENABLE_HTTP_FALLBACK" in problem
    assert "P2P" in problem
    assert "\n" not in problem
    (problem,) = problems_of(alone | {"DYNO": "web.1", "ACCESS_KEY": KEY})
    assert "P2P is off on Heroku" in problem
    assert load_settings(alone).p2p_on
    assert not load_settings({"P2P": "off"}).p2p_on
    # One mistake is not told twice.
    (problem,) = problems_of({"P2P": "off", "ENABLE_HTTP_FALLBACK": "never"})
    assert problem.startswith("ENABLE_HTTP_FALLBACK is")


def test_all_problems_are_told_at_once() -> None:
    problems = problems_of(
        {"PORT": "x", "LOG_LEVEL": "loud", "ACCESS_KEY": "short", "DYNO": "web.1", "DHT": "?"}
    )
    assert [text.split()[0] for text in problems] == ["PORT", "ACCESS_KEY", "DHT", "LOG_LEVEL"]


def test_contradictions_are_told_together_with_wrong_values() -> None:
    problems = problems_of({"PORT": "x", "TRUST_PROXY": "on", "BASE_URL": "https://example.org"})
    assert [text.split()[0] for text in problems] == ["PORT", "BASE_URL", "TRUST_PROXY"]


@pytest.mark.parametrize("name", ["ACCESS_KEY", "SECRET_KEY"])
def test_a_bad_key_is_never_shown(name: str) -> None:
    (problem,) = problems_of({name: "hunter2"})
    assert name in problem
    assert "16 characters" in problem
    assert "hunter2" not in problem


@pytest.mark.parametrize(
    "value",
    ["a" * 15, f"{KEY},short", f"public,{KEY}", "Public", "sixteen spaces in", "ü" * 16, ","],
)
def test_access_keys_that_are_refused(value: str) -> None:
    (problem,) = problems_of({"ACCESS_KEY": value})
    assert problem.startswith("ACCESS_KEY cannot be used")


@pytest.mark.parametrize(
    "value",
    [
        *("films", "sqlite:///films.sqlite", "mysql://me:hunter2@db.example/films"),
        *("postgres://me:hunter2@db.example", "postgres://me:hunter2@db.example/"),
        *("postgres://me:hunter2@db.example:x/films", "postgres://me:hunter2@[::1/films"),
        *("postgres://me:hunter2@db.example:0/films", "postgres://me:hunter 2@db.example/films"),
        "postgres://me:#hunter2@db.example/films",
    ],
)
def test_a_database_that_cannot_be_named_so(value: str) -> None:
    (problem,) = problems_of({"DATABASE_URL": value})
    assert problem.startswith("DATABASE_URL cannot be used: it must be an address such as post")
    assert "hunter" not in problem


def test_a_database_on_a_unix_socket() -> None:
    url = "postgresql:///films?host=/run/postgresql"
    assert load_settings({"DATABASE_URL": url}).database_url == url


def test_the_password_of_the_database_is_not_shown() -> None:
    settings = load_settings({"DATABASE_URL": "postgres://me:hunter2@db.example/films"})
    assert "hunter2" not in repr(settings)
    assert "database_url='***'" in repr(settings)


def test_a_database_is_not_wiped_with_the_disk() -> None:
    environ = {"DYNO": "web.1", "ACCESS_KEY": "public", "DATABASE_URL": "postgres://db/films"}
    assert not load_settings(environ).wiped_disk


def test_a_password_in_an_address_is_never_shown() -> None:
    (problem,) = problems_of({"BASE_URL": "https://me:hunter2@films.example.org"})
    assert "hunter2" not in problem


def test_repr_and_errors_hide_the_keys() -> None:
    settings = load_settings({"ACCESS_KEY": KEY, "SECRET_KEY": OTHER_KEY})
    for shown in (repr(settings), str(settings), f"{settings}"):
        assert KEY not in shown
        assert OTHER_KEY not in shown
        assert "access_key='***'" in shown


def test_settings_cannot_be_changed() -> None:
    settings = load_settings({})
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1  # type: ignore[misc]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "::1"])
def test_loopback(host: str) -> None:
    assert load_settings({"HOST": host}).on_loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "films.lan"])
def test_not_loopback(host: str) -> None:
    assert not load_settings({"HOST": host}).on_loopback


def test_a_public_address_without_a_key_is_refused_on_loopback() -> None:
    (problem,) = problems_of({"BASE_URL": "https://films.example.org"})
    assert "ACCESS_KEY" in problem
    assert load_settings({"BASE_URL": "https://films.example.org", "ACCESS_KEY": KEY})
    assert load_settings({"BASE_URL": "https://films.example.org", "HOST": "0.0.0.0"})
    assert load_settings({"BASE_URL": "http://localhost:7000"})
    assert load_settings({"BASE_URL": "http://[::1]:7000"})


def test_a_trusted_proxy_without_a_key_is_refused_on_loopback() -> None:
    (problem,) = problems_of({"TRUST_PROXY": "on"})
    assert problem.startswith("TRUST_PROXY")
    assert load_settings({"TRUST_PROXY": "on", "ACCESS_KEY": "public"}).public


PLATFORMS = {
    "Heroku": {"DYNO": "web.1"},
    "Render": {"RENDER": "true"},
    "Railway": {"RAILWAY_ENVIRONMENT": "production"},
    "Fly.io": {"FLY_APP_NAME": "films"},
    "Koyeb": {"KOYEB_APP_NAME": "films"},
    "Dokku": {"DOKKU_APP_TYPE": "herokuish", "DYNO": "web.1"},
}


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_platform_is_recognised(name: str) -> None:
    settings = load_settings(PLATFORMS[name] | {"ACCESS_KEY": KEY, "PORT": "5000"})
    assert settings.platform == name
    assert (settings.host, settings.port, settings.trust_proxy) == ("0.0.0.0", 5000, True)
    assert settings.wiped_disk


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_platform_needs_an_access_key_and_says_how(name: str) -> None:
    (problem,) = problems_of(PLATFORMS[name])
    assert name in problem
    assert "ACCESS_KEY=<key>" in problem


def test_a_platform_needs_a_key_even_on_loopback() -> None:
    (problem,) = problems_of({"DYNO": "web.1", "HOST": "127.0.0.1"})
    assert "ACCESS_KEY" in problem


def test_what_is_set_beats_a_platforms_defaults() -> None:
    settings = load_settings(
        {"DYNO": "web.1", "ACCESS_KEY": KEY, "HOST": "::", "TRUST_PROXY": "off"}
    )
    assert (settings.host, settings.trust_proxy) == ("::", False)


def test_an_empty_platform_variable_is_no_platform() -> None:
    assert load_settings({"DYNO": ""}).platform is None


def test_a_mounted_folder_is_not_wiped() -> None:
    settings = load_settings({"FLY_APP_NAME": "x", "ACCESS_KEY": KEY, "DATA_DIR": "/data"})
    assert not settings.wiped_disk


def test_public_on_a_wiped_disk_needs_a_secret_key() -> None:
    environ = {"DYNO": "web.1", "ACCESS_KEY": "public"}
    (problem,) = problems_of(environ)
    assert "SECRET_KEY" in problem
    assert load_settings(environ | {"SECRET_KEY": KEY}).public
    assert load_settings(environ | {"DATA_DIR": "/data"}).public
    assert load_settings({"ACCESS_KEY": "public"}).public


def test_a_variable_called_platform_is_none_of_ours() -> None:
    assert load_settings({"PLATFORM": "linux/amd64"}).platform is None


@pytest.fixture
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in os.environ:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_environment_beats_the_file(
    own_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own_environment / ".env").write_text(
        "# mine\nPORT=7100\nLOG_LEVEL='debug'\nUNKNOWN=1\nUPLOAD_RATE=\nDYNO=web.1\n"
    )
    monkeypatch.setenv("PORT", "7200")
    settings = load_settings()
    assert (settings.port, settings.log_level, settings.upload_rate) == (7200, "debug", None)
    monkeypatch.setenv("PORT", "")
    assert load_settings().port == 7100
    # A platform sets its variable itself; a copied file does not move the server there.
    assert settings.platform is None


def test_wrong_values_in_the_file_are_told(own_environment: Path) -> None:
    (own_environment / ".env").write_text("PORT=x\n")
    with pytest.raises(SettingsError, match='PORT is "x"'):
        load_settings()


def test_a_file_that_is_no_text(own_environment: Path) -> None:
    (own_environment / ".env").write_bytes(b"PORT=7\xff\n")
    with pytest.raises(SettingsError, match=r"\.env cannot be read"):
        load_settings()


def test_a_given_environment_is_all_there_is(
    own_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own_environment / ".env").write_text("PORT=7100\n")
    monkeypatch.setenv("LOG_LEVEL", "debug")
    monkeypatch.setenv("DYNO", "web.1")
    assert load_settings({}) == Settings()


def test_settings_built_by_hand_read_nothing(
    own_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "7100")
    assert Settings(upload_rate=5000).port == 7000


def test_the_next_episode_and_the_clips_may_be_switched() -> None:
    settings = load_settings({})
    assert (settings.prepare_next, settings.on_error) == (True, "status")
    settings = load_settings({"PREPARE_NEXT": "false", "ON_ERROR": "Video"})
    assert (settings.prepare_next, settings.on_error) == (False, "video")
    assert problems_of({"ON_ERROR": "film"}) == [
        'ON_ERROR is "film": it must be status or video.',
    ]


def test_every_setting_is_described() -> None:
    rows = describe()
    assert [name for name, _, _ in rows] == [
        *(
            "HOST",
            "PORT",
            "BASE_URL",
            "ACCESS_KEY",
            "SECRET_KEY",
            "DATA_DIR",
            "DATABASE_URL",
            "P2P",
        ),
        *("P2P_TIMEOUT", "P2P_HEAD_START", "STRATEGY", "ENABLE_HTTP_FALLBACK"),
        *("SOURCE_TEST_TIMEOUT", "RESOLVE_BUDGET", "FALLBACK_MODE", "HTTP_ASSIST"),
        *("PREPARE_NEXT", "EXCLUDE_SOURCES"),
        *("SOURCES_FILE", "METADATA_SOURCES", "DHT", "LSD", "UPNP", "P2P_PORT", "P2P_INTERFACE"),
        *("DOWNLOAD_RATE", "UPLOAD_RATE", "CACHE_MAX_BYTES", "MAX_ACTIVE_TORRENTS"),
        *("ALLOW_PRIVATE_ADDRESSES", "TRUST_PROXY", "ON_ERROR"),
        *("LOG_FORMAT", "LOG_LEVEL"),
    ]
    for name, default, meaning in rows:
        assert default, name
        assert meaning.endswith("."), name
        assert "|" not in default + meaning
