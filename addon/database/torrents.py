"""Magnets and .torrent files that outlive a restart."""

import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, delete, insert, or_, select, update

from addon.database.tables import torrents
from addon.database.transactions import reading, writing
from addon.torrents.magnet import InfoHash, Magnet, parse_magnet

T = TypeVar("T")


class KeptTorrents:
    """Torrents by the key under which they came first: ``addon.playback.torrents.Kept``.

    A hybrid torrent is known by either of its hashes, once somebody has named both. ``clock`` is
    in seconds since 1970.
    """

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock

    def keep(self, magnet: Magnet, raw: bytes | None) -> None:
        """Keeps a torrent, or adds to what is kept of it: hashes, hints, the .torrent file."""
        with writing(self._engine) as connection:
            key = _find(connection, magnet.info_hash)
            if key is None:
                self._insert(connection, magnet, raw)
            else:
                _update(connection, key, magnet, raw)

    def magnet(self, key: str) -> Magnet | None:
        with reading(self._engine) as connection:
            uri = connection.scalar(select(torrents.c.magnet).where(torrents.c.key == key))
        return None if uri is None else parse_magnet(uri)

    def magnet_of(self, info_hash: InfoHash) -> Magnet | None:
        """The same, by either of its hashes."""
        query = select(torrents.c.magnet).where(_has(info_hash)).order_by(torrents.c.number)
        with reading(self._engine) as connection:
            uri = connection.scalar(query.limit(1))
        return None if uri is None else parse_magnet(uri)

    def raw(self, key: str) -> bytes | None:
        """The .torrent file; None while it is not known."""
        with reading(self._engine) as connection:
            return connection.scalar(select(torrents.c.raw).where(torrents.c.key == key))

    def newest(self) -> list[str]:
        """All keys, the newest first."""
        with reading(self._engine) as connection:
            query = select(torrents.c.key).order_by(torrents.c.number.desc())
            return list(connection.scalars(query))

    def forget(self, key: str) -> None:
        """Drops a torrent and its links; nothing happens where there is none."""
        with writing(self._engine) as connection:
            connection.execute(delete(torrents).where(torrents.c.key == key))

    def find(self, info_hash: InfoHash) -> str | None:
        """The key under which this torrent is kept."""
        with reading(self._engine) as connection:
            return _find(connection, info_hash)

    def _insert(self, connection: Connection, magnet: Magnet, raw: bytes | None) -> None:
        connection.execute(
            insert(torrents).values(
                key=magnet.info_hash.key,
                v1=magnet.info_hash.v1,
                v2=magnet.info_hash.v2,
                magnet=magnet.uri(),
                raw=raw,
                added_at=int(self._clock()),
            )
        )


def _find(connection: Connection, info_hash: InfoHash) -> str | None:
    """The key of the row that has one of the hashes; the oldest, should there be two."""
    query = select(torrents.c.key).where(_has(info_hash)).order_by(torrents.c.number).limit(1)
    return connection.scalar(query)


def _has(info_hash: InfoHash) -> ColumnElement[bool]:
    given = [(torrents.c.v1, info_hash.v1), (torrents.c.v2, info_hash.v2)]
    return or_(*(column == value for column, value in given if value is not None))


def _update(connection: Connection, key: str, magnet: Magnet, raw: bytes | None) -> None:
    row = connection.execute(
        select(torrents.c.v1, torrents.c.v2, torrents.c.magnet).where(torrents.c.key == key)
    ).one()
    both = InfoHash(row.v1 or magnet.info_hash.v1, row.v2 or magnet.info_hash.v2)
    other = select(torrents.c.key).where(_has(both), torrents.c.key != key)
    if connection.scalar(other) is not None:
        # Each half was added by itself before anybody said that they are one: they stay two.
        both = InfoHash(row.v1, row.v2)
    merged = _merged(magnet, parse_magnet(row.magnet), both)
    values: dict[str, str | bytes | None] = {
        "v1": both.v1,
        "v2": both.v2,
        "magnet": merged.uri(),
    }
    if raw is not None:
        values["raw"] = raw
    connection.execute(update(torrents).where(torrents.c.key == key).values(values))


def _merged(new: Magnet, old: Magnet, info_hash: InfoHash) -> Magnet:
    """What both say. The newer comes first: where a list is cut, it is more likely to work."""
    return Magnet(
        info_hash=info_hash,
        name=new.name or old.name,
        trackers=_union(new.trackers, old.trackers),
        web_seeds=_union(new.web_seeds, old.web_seeds),
        exact_sources=_union(new.exact_sources, old.exact_sources),
        peers=_union(new.peers, old.peers),
        only=new.only or old.only,
        length=new.length or old.length,
    )


def _union(new: tuple[T, ...], old: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(dict.fromkeys((*new, *old)))
