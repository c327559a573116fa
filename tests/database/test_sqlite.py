"""SQLite's file is private, survives, and is refused when it is not ours to write."""

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import gevent
import pytest
from sqlalchemy import Connection, Engine, func, insert, select

from addon.database.health import KeptHealth
from addon.database.keys import KeptKeys
from addon.database.sources import KeptSources
from addon.database.sqlite import open_sqlite
from addon.database.tables import VERSION, keys, metadata
from addon.database.torrents import KeptTorrents
from addon.errors import Problem, SettingsError
from addon.sources.custom import CustomSource
from addon.torrents.magnet import InfoHash, Magnet


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_sqlite(tmp_path / "self-streme.sqlite")
    yield engine
    engine.dispose()


def test_what_was_kept_is_there_after_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "new" / "folder" / "self-streme.sqlite"
    engine = open_sqlite(file)
    KeptKeys(engine).put("signing-key", "secret")
    engine.dispose()
    engine = open_sqlite(file)
    assert KeptKeys(engine).get("signing-key") == "secret"
    engine.dispose()


def test_nobody_else_may_read_the_keys(engine: Engine, tmp_path: Path) -> None:
    KeptKeys(engine).put("signing-key", "secret")
    files = list(tmp_path.glob("self-streme.sqlite*"))
    assert len(files) == 3, "the file itself, its log and the log's index"
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 1), ("foreign_keys", 1), ("busy_timeout", 2000)],
)
def test_sqlite_is_told_how_to_work(engine: Engine, pragma: str, value: object) -> None:
    with engine.connect() as connection:
        assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value


def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "self-streme.sqlite"
    open_sqlite(file).dispose()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(SettingsError, match="newer version"):
        open_sqlite(file)
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION + 1,)


# The tables as version 1 made them; a file of that version is met for ever.
VERSION_1 = """
CREATE TABLE installs (id VARCHAR(64) NOT NULL, revoked BOOLEAN NOT NULL, PRIMARY KEY (id));
CREATE TABLE keys (name VARCHAR(64) NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name));
CREATE TABLE torrents (
    number INTEGER NOT NULL, "key" VARCHAR(64) NOT NULL, v1 VARCHAR(40), v2 VARCHAR(64),
    magnet TEXT NOT NULL, raw BLOB, added_at BIGINT NOT NULL,
    PRIMARY KEY (number), UNIQUE ("key"), UNIQUE (v1), UNIQUE (v2)
);
CREATE TABLE titles (
    number INTEGER NOT NULL, id VARCHAR(80) NOT NULL, type VARCHAR(16) NOT NULL,
    name TEXT NOT NULL, folded TEXT NOT NULL, year INTEGER, sample BOOLEAN NOT NULL,
    listed BOOLEAN NOT NULL, PRIMARY KEY (number), UNIQUE (id)
);
CREATE INDEX titles_by_type ON titles (type, listed, number);
CREATE TABLE links (
    number INTEGER NOT NULL, title VARCHAR(80) NOT NULL, torrent VARCHAR(64) NOT NULL,
    season INTEGER, episode INTEGER, file_index INTEGER, PRIMARY KEY (number),
    FOREIGN KEY(title) REFERENCES titles (id) ON DELETE CASCADE,
    FOREIGN KEY(torrent) REFERENCES torrents ("key") ON DELETE CASCADE
);
CREATE INDEX ix_links_title ON links (title);
CREATE INDEX ix_links_torrent ON links (torrent);
CREATE TABLE samples ("key" VARCHAR(64) NOT NULL, PRIMARY KEY ("key"));
PRAGMA user_version = 1;
INSERT INTO keys VALUES ('signing-key', 'secret');
"""


def shape(file: Path) -> dict[str, list[tuple[object, ...]]]:
    """Each table's columns, whatever white space they were made with."""
    with closing(sqlite3.connect(file)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_schema ORDER BY name").fetchall()
        return {
            name: connection.execute(f"PRAGMA table_info('{name}')").fetchall()
            for (name,) in tables
        }


def test_a_database_of_version_1_is_brought_up_in_place(tmp_path: Path) -> None:
    file = tmp_path / "self-streme.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(VERSION_1)
    assert "sources" not in shape(file)
    for _ in range(2):
        engine = open_sqlite(file)
        assert KeptKeys(engine).get("signing-key") == "secret"
        KeptSources(engine).put(CustomSource("Mine", "https://host/{infohash}"), "mine")
        KeptHealth(engine).save({"Mine": "{}"})
        engine.dispose()
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
    new = tmp_path / "new.sqlite"
    open_sqlite(new).dispose()
    assert shape(file) == shape(new)


def test_an_upgrade_is_done_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(connection: Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE sources (name)")
        connection.exec_driver_sql("CREATE TABLE keys (name)")

    file = tmp_path / "self-streme.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(VERSION_1)
    before = shape(file)
    with monkeypatch.context() as patch:
        patch.setattr(metadata, "create_all", half)
        with pytest.raises(SettingsError, match="already exists"):
            open_sqlite(file)
    assert shape(file) == before
    open_sqlite(file).dispose()


def test_tables_are_made_all_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(connection: Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE keys (name)")
        connection.exec_driver_sql("CREATE TABLE keys (name)")

    with monkeypatch.context() as patch:
        patch.setattr(metadata, "create_all", half)
        with pytest.raises(SettingsError, match="already exists"):
            open_sqlite(tmp_path / "self-streme.sqlite")
    open_sqlite(tmp_path / "self-streme.sqlite").dispose()


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "self-streme.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE recipes (name)")
    with pytest.raises(SettingsError, match="another program"):
        open_sqlite(file)
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("recipes",)]


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "self-streme.sqlite"
    file.write_bytes(b"this is a shopping list\n" * 100)
    with pytest.raises(SettingsError, match="not a database"):
        open_sqlite(file)
    assert file.read_bytes().startswith(b"this is a shopping list")


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="DATA_DIR"):
        open_sqlite(tmp_path / "file" / "self-streme.sqlite")
    with pytest.raises(SettingsError, match="DATA_DIR"):
        open_sqlite(tmp_path)


def write_half(engine: Engine, wait: float = 0) -> None:
    with engine.begin() as connection:
        connection.execute(insert(keys).values(name="half", value="done"))
        gevent.sleep(wait)
        raise ZeroDivisionError


def test_a_failed_transaction_leaves_nothing(engine: Engine) -> None:
    with pytest.raises(ZeroDivisionError):
        write_half(engine)
    assert KeptKeys(engine).get("half") is None


def test_a_greenlet_that_waits_in_a_transaction_lets_no_other_into_it(engine: Engine) -> None:
    seen: list[int | None] = []

    def write() -> None:
        with pytest.raises(ZeroDivisionError):
            write_half(engine, wait=0.05)

    def read() -> None:
        with engine.connect() as connection:
            seen.append(connection.scalar(select(func.count()).select_from(keys)))

    gevent.joinall([gevent.spawn(write), gevent.spawn(read)], raise_error=True)
    assert seen == [0]


def test_a_full_disk_is_said_as_such_and_loses_nothing(engine: Engine) -> None:
    kept = KeptTorrents(engine)
    kept.keep(Magnet(InfoHash(v1="a" * 40), name="Film"), None)
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(Problem) as caught:
        kept.keep(Magnet(InfoHash(v1="b" * 40), name="Other"), b"x" * 100_000)
    assert caught.value.code == "disk-full"
    assert kept.newest() == ["a" * 40]


def test_a_second_program_on_the_database_is_named(engine: Engine, tmp_path: Path) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 1")
    with closing(sqlite3.connect(tmp_path / "self-streme.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Problem) as caught:
            KeptKeys(engine).put("name", "value")
        assert caught.value.code == "busy"
        assert KeptKeys(engine).get("name") is None, "reading goes on"
        other.execute("ROLLBACK")
    KeptKeys(engine).put("name", "value")
