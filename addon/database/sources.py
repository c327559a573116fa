"""Sources that were added or changed at run time."""

import json
from dataclasses import asdict
from typing import Any

from sqlalchemy import Engine, Table, delete, insert, select

from addon.database.tables import source_changes, sources
from addon.database.transactions import reading, writing
from addon.sources.base import Trust
from addon.sources.custom import CustomSource
from addon.sources.registry import Override


class KeptSources:
    """Implements ``addon.sources.registry.KeptSources``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def custom(self) -> list[CustomSource]:
        return [_source(body) for body in self._bodies(sources).values()]

    def put(self, source: CustomSource, instead_of: str) -> None:
        body = json.dumps(asdict(source) | {"trust": source.trust.value})
        with writing(self._engine) as connection:
            connection.execute(delete(sources).where(sources.c.name.in_((instead_of, source.key))))
            connection.execute(insert(sources).values(name=source.key, body=body))

    def remove(self, key: str) -> None:
        with writing(self._engine) as connection:
            connection.execute(delete(sources).where(sources.c.name == key))

    def overrides(self) -> dict[str, Override]:
        return {key: Override(**body) for key, body in self._bodies(source_changes).items()}

    def override(self, key: str, change: Override) -> None:
        with writing(self._engine) as connection:
            connection.execute(delete(source_changes).where(source_changes.c.name == key))
            body = json.dumps(asdict(change))
            connection.execute(insert(source_changes).values(name=key, body=body))

    def _bodies(self, table: Table) -> dict[str, Any]:
        query = select(table.c.name, table.c.body).order_by(table.c.name)
        with reading(self._engine) as connection:
            return {name: json.loads(body) for name, body in connection.execute(query)}


def _source(body: dict[str, Any]) -> CustomSource:
    # JSON knows neither tuples nor the kinds of trust.
    headers = tuple((name, value) for name, value in body["headers"])
    return CustomSource(**body | {"trust": Trust(body["trust"]), "headers": headers})
