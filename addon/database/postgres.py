"""PostgreSQL, for a PaaS or several instances. All that is special to it is in this file.

The driver is psycopg 3. Under gevent's patched standard library its queries wait on the hub, so
that other greenlets run meanwhile; only a host's name is looked up by libpq itself.
"""

import logging
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    URL,
    Column,
    Connection,
    Engine,
    ExceptionContext,
    Integer,
    MetaData,
    Table,
    create_engine,
    event,
    insert,
    inspect,
    make_url,
    select,
    update,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from addon.database.tables import VERSION, metadata
from addon.database.transactions import is_writing, torrent_gone, writing
from addon.errors import Problem, SettingsError

log = logging.getLogger(__name__)

_CONNECTIONS = 5  # small plans allow 20, for all instances and for whoever looks inside
_WRITE_LOCK = 0x5E1F_57BE_4E  # advisory locks are numbers; nobody else is likely to have this one
# Whoever waits longer is told so. A transaction whose server has vanished ends by itself, else its
# lock would stop all others.
_SESSION = (
    "SET lock_timeout = '5s'",
    "SET statement_timeout = '10s'",
    "SET idle_in_transaction_session_timeout = '20s'",
)
# A database that has vanished without a word is noticed after 15 s instead of 15 minutes.
_PATIENCE = {"connect_timeout": "5", "keepalives_idle": "30", "tcp_user_timeout": "15000"}

_FULL = "53100"
# Read-only (a standby), no right to write (what Heroku takes away above a plan's limit), and what
# psycopg counts as an internal error: ended because it was idle in a transaction.
_REFUSED = {"25006", "42501", "25P03"}
_TORRENT_GONE = "23503"

# Beside the others: SQLite notes the version in the head of its file.
_own = MetaData()
_version = Table("self_streme", _own, Column("version", Integer, nullable=False))


def open_postgres(address: str) -> Engine:
    """Opens the database at a ``postgresql://`` URL and makes what is missing in its schema.

    ``dispose()`` closes it. SettingsError, without the password, where it cannot be reached, is no
    database of ours, or was written by a newer version.
    """
    try:
        url = make_url(address).set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError):
        raise _refusal("it is no URL such as postgresql://user:password@host:5432/name.") from None
    engine = create_engine(
        url,
        pool_size=_CONNECTIONS,
        max_overflow=0,
        pool_timeout=10,
        pool_pre_ping=True,  # after the database's restart the first request finds it already
        hide_parameters=True,  # an error's text may be logged, and keys are among the values
        # A prepared statement is unknown to the next server behind a pooler such as PgBouncer.
        connect_args={"prepare_threshold": None}
        | {name: value for name, value in _PATIENCE.items() if name not in url.query},
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    try:
        with writing(engine) as connection:
            _make_tables(connection, _named(url))
    except DBAPIError as error:
        engine.dispose()
        # Without the chain: a traceback would show what the driver was called with.
        raise _refusal(f"{_said(error, url)}. Check its host, name, user and password.") from None
    except SettingsError:
        engine.dispose()
        raise
    event.listen(engine, "handle_error", _translate)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        for setting in _SESSION:
            cursor.execute(setting)
    connection.commit()


def _begin(connection: Connection) -> None:
    # Until the transaction ends. Each statement after it sees what the one before has committed.
    if is_writing(connection):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITE_LOCK})")


def _make_tables(connection: Connection, named: str) -> None:
    names = inspect(connection).get_table_names()
    found = connection.scalar(select(_version.c.version)) if _version.name in names else None
    if found is not None and found > VERSION:
        raise _refusal(
            f"{named} was written by a newer version of Self-Streme: its tables have version "
            f"{found}, and this server knows {VERSION}. Install the newer version again, or name "
            "another database."
        )
    if found == VERSION:
        return
    if found is None and names:
        raise _refusal(f"{named} belongs to another program. Name an empty one.")
    # Every version so far has only added tables, so what is missing is all that is new.
    metadata.create_all(connection)
    _own.create_all(connection)
    if found is None:
        connection.execute(insert(_version).values(version=VERSION))
        log.info("made the tables in the %s", named)
    else:
        connection.execute(update(_version).values(version=VERSION))
        log.info("the %s has the tables of version %d now", named, VERSION)


def _named(url: URL) -> str:
    return f"database {url.database} on {url.host or url.query.get('host', 'this computer')}"


def _said(error: DBAPIError, url: URL) -> str:
    """What the driver or the server said, on one line and without the password."""
    text = " ".join(str(error.orig).split()).rstrip(".")
    for secret in (url.password, url.query.get("password")):
        for form in (str(secret), quote(str(secret), safe="")) if secret else ():
            text = text.replace(form, "***")
    return f"{_named(url)} cannot be used: {text}"


def _refusal(sentence: str) -> SettingsError:
    return SettingsError([f"DATABASE_URL: {sentence}"])


def _translate(context: ExceptionContext) -> None:
    """What an administrator can mend becomes a Problem; the rest stays a bug and is logged."""
    if context.is_pre_ping:
        return  # SQLAlchemy connects anew by itself
    error = context.original_exception
    state = getattr(error, "sqlstate", None)
    if state == _FULL:
        raise Problem(
            "disk-full",
            "The database's disk is full, so the library cannot be changed.",
            "Give the database more room, then try again.",
        ) from error
    if state == _TORRENT_GONE:
        raise torrent_gone() from error
    lost = context.is_disconnect or isinstance(context.sqlalchemy_exception, OperationalError)
    if lost or state in _REFUSED:
        log.warning("the database does not work: %s", " ".join(str(error).split()))
        raise Problem(
            "busy",
            "The database cannot be reached or refuses to work.",
            "Try again; if it stays so, look at the database that DATABASE_URL names.",
            retry_after=5,
        ) from error
