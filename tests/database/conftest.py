"""A database of its own for each test, of both kinds."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from addon.database.postgres import open_postgres
from addon.database.sqlite import open_sqlite
from tests.rig.postgres import Postgres


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        engine = open_sqlite(tmp_path / "self-streme.sqlite")
    else:
        postgres: Postgres = request.getfixturevalue("postgres")
        engine = open_postgres(postgres.schema())
    yield engine
    engine.dispose()
