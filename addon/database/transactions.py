"""How the database is asked: to read, or to write as the only one who does.

With PostgreSQL a query yields to other greenlets, and other instances write too. Whoever looks
first and writes then is safe all the same, because transactions that write come one after the
other, in all instances. They are short and few: people add films, and health is kept now and then.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import TimeoutError as PoolTimeout

from addon.errors import Problem

_WRITING = "self_streme_writing"


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that changes nothing. Problem ``busy`` where the database cannot be asked."""
    with _busy_when_full(), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction beside which no other writes; kept whole, or not at all after an error."""
    with _busy_when_full(), engine.execution_options(**{_WRITING: True}).begin() as connection:
        yield connection


def is_writing(connection: Connection) -> bool:
    """For the ``begin`` event: whether ``writing`` opened this transaction."""
    return bool(connection.get_execution_options().get(_WRITING))


def torrent_gone() -> Problem:
    """A title is to be linked to a torrent that is not kept (any more)."""
    detail = "The torrent was removed at the same moment."
    return Problem("busy", detail, "Add it again.", retry_after=1)


@contextmanager
def _busy_when_full() -> Iterator[None]:
    try:
        yield
    except PoolTimeout as error:
        raise Problem(
            "busy",
            "Too many requests wait for the database.",
            "Try again; if it stays so, look at what slows the database down.",
            retry_after=5,
        ) from error
