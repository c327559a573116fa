"""Keys that outlive a restart."""

from sqlalchemy import Engine, delete, insert, select

from addon.database.tables import keys
from addon.database.transactions import reading, writing


class KeptKeys:
    """A name to a text: ``addon.access.keys.KeyStore``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, name: str) -> str | None:
        with reading(self._engine) as connection:
            return connection.scalar(select(keys.c.value).where(keys.c.name == name))

    def put(self, name: str, value: str, instead_of: str | None = None) -> str:
        """Keeps a value where there is none or ``instead_of``; what is kept now.

        Of several who make the same key at once the first wins, and all get its value.
        """
        with writing(self._engine) as connection:
            kept: str | None = connection.scalar(select(keys.c.value).where(keys.c.name == name))
            if kept is not None and kept != instead_of:
                return kept
            connection.execute(delete(keys).where(keys.c.name == name))
            connection.execute(insert(keys).values(name=name, value=value))
            return value
