"""Keys that outlive a restart."""

from sqlalchemy import Engine, delete, insert, select

from addon.database.tables import keys


class KeptKeys:
    """A name to a text: ``addon.access.keys.KeyStore``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, name: str) -> str | None:
        with self._engine.begin() as connection:
            return connection.scalar(select(keys.c.value).where(keys.c.name == name))

    def put(self, name: str, value: str) -> None:
        """Also in place of an earlier value."""
        with self._engine.begin() as connection:
            connection.execute(delete(keys).where(keys.c.name == name))
            connection.execute(insert(keys).values(name=name, value=value))
