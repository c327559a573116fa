"""What experience says of each source, written behind."""

import time
from collections.abc import Callable, Mapping

from sqlalchemy import Engine, delete, insert, select

from addon.database.tables import health
from addon.database.transactions import reading, writing


class KeptHealth:
    """A source's name to a text. ``clock`` is in seconds since 1970."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock

    def load(self) -> dict[str, str]:
        with reading(self._engine) as connection:
            rows = connection.execute(select(health.c.name, health.c.body))
            return {row.name: row.body for row in rows}

    def save(self, bodies: Mapping[str, str]) -> None:
        """These and no others, all or none of them."""
        now = int(self._clock())
        rows = [{"name": name, "body": body, "updated_at": now} for name, body in bodies.items()]
        with writing(self._engine) as connection:
            connection.execute(delete(health))
            if rows:
                connection.execute(insert(health), rows)
