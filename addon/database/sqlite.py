"""SQLite: a file in DATA_DIR, for one server. All that is special to it is in this file."""

import logging
import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    ExceptionContext,
    QueuePool,
    create_engine,
    event,
    inspect,
)
from sqlalchemy.exc import DBAPIError

from addon.database.tables import VERSION, metadata
from addon.database.transactions import is_writing, torrent_gone, writing
from addon.errors import Problem, SettingsError

log = logging.getLogger(__name__)

_BUSY_MS = 2000
_PRAGMAS = (
    "journal_mode=WAL",  # a crash leaves the file whole, and a commit writes once
    "synchronous=NORMAL",  # with WAL a power cut may lose the last commits, never the file
    "foreign_keys=ON",
    # Only another program can hold the lock, such as a backup; the hub stands still meanwhile.
    f"busy_timeout={_BUSY_MS}",
)


def open_sqlite(file: Path) -> Engine:
    """Opens the file and makes what is missing; ``dispose()`` closes it.

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
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=10,
        hide_parameters=True,  # an error's text may be logged, and keys are among the values
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    try:
        with writing(engine) as connection:
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
    # Python's module begins no transaction before a SELECT, nor before tables are made. One that
    # reads first and writes then must hold the lock from its start: it could not get it later.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing(connection) else "BEGIN")


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
    reason = getattr(context.original_exception, "sqlite_errorcode", 0)
    if reason == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
        raise torrent_gone() from context.original_exception
    code = reason & 0xFF
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
