"""The tables, and how the database is opened. All that is special to SQLite is in this file."""

import logging
import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    ExceptionContext,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    QueuePool,
    String,
    Table,
    Text,
    create_engine,
    event,
    inspect,
)
from sqlalchemy.exc import DBAPIError

from addon.errors import Problem, SettingsError

log = logging.getLogger(__name__)

VERSION = 2
"""Of the tables; kept in SQLite's ``user_version``. 2: sources, source_changes, health."""

_BUSY_MS = 2000
_PRAGMAS = (
    "journal_mode=WAL",  # a crash leaves the file whole, and a commit writes once
    "synchronous=NORMAL",  # with WAL a power cut may lose the last commits, never the file
    "foreign_keys=ON",
    # Only another program can hold the lock, such as a backup; the hub stands still meanwhile.
    f"busy_timeout={_BUSY_MS}",
)

metadata = MetaData()

keys = Table(
    "keys",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

installs = Table(
    "installs",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("revoked", Boolean, nullable=False),
)

# ``number`` rises with every insertion: two torrents may have come within one tick of the clock.
torrents = Table(
    "torrents",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("key", String(64), nullable=False, unique=True),
    Column("v1", String(40), unique=True),
    Column("v2", String(64), unique=True),
    Column("magnet", Text, nullable=False),
    Column("raw", LargeBinary),
    Column("added_at", BigInteger, nullable=False),  # seconds since 1970
)

titles = Table(
    "titles",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String(80), nullable=False, unique=True),
    Column("type", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("folded", Text, nullable=False),  # what a search looks in
    Column("year", Integer),
    Column("sample", Boolean, nullable=False),
    Column("listed", Boolean, nullable=False),
    Index("titles_by_type", "type", "listed", "number"),
)

# A torrent holds a title: all of it, one episode, or in one file.
links = Table(
    "links",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("title", ForeignKey(titles.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("torrent", ForeignKey(torrents.c.key, ondelete="CASCADE"), nullable=False, index=True),
    Column("season", Integer),
    Column("episode", Integer),
    Column("file_index", Integer),
)

# The samples that were put into the library once, be they there still or not.
samples = Table("samples", metadata, Column("key", String(64), primary_key=True))

# Sources that were added at run time; names as they are compared, so longer than 60 characters.
sources = Table(
    "sources",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("body", Text, nullable=False),
)

# What was changed of the others: their priority, whether they are enabled.
source_changes = Table(
    "source_changes",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("body", Text, nullable=False),
)

health = Table(
    "health",
    metadata,
    Column("name", Text, primary_key=True),  # of a web seed: whatever host a stranger wrote
    Column("body", Text, nullable=False),
    Column("updated_at", BigInteger, nullable=False),  # seconds since 1970
)


def open_database(file: Path) -> Engine:
    """Opens the database and makes what is missing; ``dispose()`` closes it.

    The folder of ``file`` is made if need be. SettingsError where it cannot be opened, is no
    database of ours, or was written by a newer version.
    """
    _make_private(file)
    url = URL.create("sqlite", database=str(file))
    # One connection for the whole process. Everything that asks the database runs on gevent's hub,
    # and SQLite's calls never yield to it: a second connection could only wait for the first one's
    # lock and stop the hub with it. The pool hands the connection to one greenlet at a time, so
    # that one which waits inside a transaction after all makes others queue (the pool's lock is
    # gevent's) instead of writing into it. It stays open: opening one costs as much as ten queries.
    # Disposing of the pool closes it, and so nothing is left behind.
    engine = create_engine(url, poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=10)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    try:
        with engine.begin() as connection:
            _make_tables(connection, file)
    except DBAPIError as error:
        engine.dispose()
        raise _refusal(
            f"The database {file} cannot be opened: {error.orig}. "
            "Check DATA_DIR and the rights of its files."
        ) from error
    except SettingsError:
        engine.dispose()
        raise
    event.listen(engine, "handle_error", _translate)
    return engine


def _make_private(file: Path) -> None:
    """The file holds keys: only its owner reads it. SQLite's other files take its mode over."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise _refusal(
            f"The database {file} cannot be written: {error.strerror}. Check DATA_DIR."
        ) from error


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    # Python's module begins no transaction before a SELECT, nor before tables are made.
    connection.exec_driver_sql("BEGIN")


def _make_tables(connection: Connection, file: Path) -> None:
    found: Any = connection.exec_driver_sql("PRAGMA user_version").scalar()
    if found > VERSION:
        raise _refusal(
            f"The database {file} was written by a newer version of Self-Streme: its tables have "
            f"version {found}, and this server knows {VERSION}. Install the newer version again, "
            "or set DATA_DIR to another folder."
        )
    if found == VERSION:
        return
    if not found and inspect(connection).get_table_names():
        raise _refusal(
            f"The database {file} belongs to another program. Set DATA_DIR to another folder, "
            "or move the file away."
        )
    # Every version so far has only added tables, so what is missing is all that is new.
    metadata.create_all(connection)
    connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")
    if found:
        log.info("the database %s has the tables of version %d now", file, VERSION)
    else:
        log.info("made a new database: %s", file)


def _refusal(sentence: str) -> SettingsError:
    return SettingsError([sentence])


def _translate(context: ExceptionContext) -> None:
    """What an administrator can mend becomes a Problem; the rest stays a bug and is logged."""
    code = getattr(context.original_exception, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        raise Problem(
            "disk-full",
            "The disk is full, so the library cannot be changed.",
            "Free some space in the folder DATA_DIR, then try again.",
        ) from context.original_exception
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        raise Problem(
            "busy",
            "Another program holds the database.",
            "Try again; if it stays so, look for a second server on the same DATA_DIR.",
            retry_after=5,
        ) from context.original_exception
