"""Titles and their torrents, as the library asks for them."""

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    RowMapping,
    delete,
    insert,
    select,
    update,
)

from addon.database.tables import links, samples, titles
from addon.database.transactions import reading, writing
from addon.library.titles import Link, Title, fold


class KeptLibrary:
    """Implements ``addon.library.titles.Library``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def put(self, title: Title, link: Link | None = None) -> None:
        """Keeps a title or changes the kept one, and keeps the link in place of one like it.

        The torrent of the link must be kept.
        """
        with writing(self._engine) as connection:
            _put_title(connection, title)
            if link is not None:
                _put_link(connection, link)

    def title(self, title_id: str) -> Title | None:
        query = select(titles).where(titles.c.id == title_id)
        with reading(self._engine) as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else _title(row)

    def titles(self, kind: str, search: str, skip: int, limit: int) -> list[Title]:
        """Listed titles of one type whose names hold every word of ``search``, newest first."""
        query = select(titles).where(titles.c.type == kind, titles.c.listed)
        for word in fold(search).split():
            query = query.where(titles.c.folded.contains(word, autoescape=True))
        query = query.order_by(titles.c.number.desc()).offset(skip).limit(limit)
        with reading(self._engine) as connection:
            return [_title(row) for row in connection.execute(query).mappings()]

    def links_of_title(self, title_id: str) -> list[Link]:
        """Which torrents hold the title, the newest link first."""
        return self._links(links.c.title == title_id)

    def links_of_torrent(self, key: str) -> list[Link]:
        """Which titles the torrent holds, the newest link first."""
        return self._links(links.c.torrent == key)

    def drop_torrent(self, key: str) -> None:
        """Drops the torrent's links, and the titles that no torrent holds any more."""
        with writing(self._engine) as connection:
            query = select(links.c.title).where(links.c.torrent == key)
            held = list(connection.scalars(query))
            connection.execute(delete(links).where(links.c.torrent == key))
            still = select(links.c.title)
            empty = delete(titles).where(titles.c.id.in_(held), titles.c.id.not_in(still))
            connection.execute(empty)

    def sample_given(self, key: str) -> bool:
        """Whether this sample was put into the library once, be it there still or not."""
        with reading(self._engine) as connection:
            query = select(samples.c.key).where(samples.c.key == key)
            return connection.scalar(query) is not None

    def give_sample(self, key: str) -> None:
        """Notes that the sample was put into the library; once."""
        with writing(self._engine) as connection:
            query = select(samples.c.key).where(samples.c.key == key)
            if connection.scalar(query) is None:
                connection.execute(insert(samples).values(key=key))

    def _links(self, condition: ColumnElement[bool]) -> list[Link]:
        query = select(links).where(condition).order_by(links.c.number.desc())
        with reading(self._engine) as connection:
            return [_link(row) for row in connection.execute(query).mappings()]


def _put_title(connection: Connection, title: Title) -> None:
    values = {
        "type": title.type,
        "name": title.name,
        "folded": fold(title.name),
        "year": title.year,
        "sample": title.sample,
        "listed": title.listed,
    }
    changed = update(titles).where(titles.c.id == title.id).values(values)
    if not connection.execute(changed).rowcount:
        connection.execute(insert(titles).values(id=title.id, **values))


def _put_link(connection: Connection, link: Link) -> None:
    alike = (
        links.c.title == link.title_id,
        links.c.torrent == link.key,
        # A comparison with None is written IS NULL.
        links.c.season == link.season,
        links.c.episode == link.episode,
    )
    connection.execute(delete(links).where(*alike))
    connection.execute(
        insert(links).values(
            title=link.title_id,
            torrent=link.key,
            season=link.season,
            episode=link.episode,
            file_index=link.file_index,
        )
    )


def _title(row: RowMapping) -> Title:
    return Title(row["id"], row["type"], row["name"], row["year"], row["sample"], row["listed"])


def _link(row: RowMapping) -> Link:
    return Link(row["title"], row["torrent"], row["season"], row["episode"], row["file_index"])
