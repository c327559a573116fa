"""Which database keeps what must outlive a restart."""

from pathlib import Path

from sqlalchemy import Engine

from addon.database.postgres import open_postgres
from addon.database.sqlite import open_sqlite


def open_database(url: str | None, folder: Path) -> Engine:
    """The PostgreSQL that ``url`` names; without one, SQLite in ``folder``.

    ``dispose()`` closes it. SettingsError where it cannot be opened.
    """
    return open_postgres(url) if url else open_sqlite(folder / "self-streme.sqlite")
