"""Transactions: kept whole or not at all, and one that waits too long is told so."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from addon.database.sqlite import open_sqlite
from addon.database.tables import keys
from addon.database.transactions import is_writing, reading, torrent_gone, writing
from addon.errors import Problem


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_sqlite(tmp_path / "file.sqlite")
    yield engine
    engine.dispose()


def names(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return list(connection.execute(select(keys.c.name)).scalars())


def test_what_was_written_is_kept_whole_or_not_at_all(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(keys.insert().values(name="kept", value="x"))
    # The second breaks it: the name is taken.
    rows = [{"name": "lost", "value": "x"}, {"name": "kept", "value": "x"}]
    with pytest.raises(IntegrityError), writing(engine) as connection:
        [connection.execute(keys.insert().values(row)) for row in rows]
    assert names(engine) == ["kept"]


def test_what_only_reads_keeps_nothing(engine: Engine) -> None:
    with reading(engine) as connection:
        connection.execute(keys.insert().values(name="lost", value="x"))
    assert names(engine) == []


def test_each_knows_its_kind(engine: Engine) -> None:
    with writing(engine) as connection:
        assert is_writing(connection)
    with reading(engine) as connection:
        assert not is_writing(connection)


@pytest.mark.parametrize("kind", [reading, writing])
def test_who_gets_no_connection_may_come_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, kind: object
) -> None:
    def full(*_: object) -> None:
        raise PoolTimeout

    monkeypatch.setattr(engine.pool, "connect", full)
    with pytest.raises(Problem) as caught, kind(engine):  # type: ignore[operator]
        pass
    assert (caught.value.code, caught.value.retry_after) == ("busy", 5)


def test_a_torrent_that_went_meanwhile_may_be_added_again() -> None:
    assert (torrent_gone().code, torrent_gone().retry_after) == ("busy", 1)
