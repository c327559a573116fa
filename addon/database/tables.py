"""The tables; how a database is opened stands in ``sqlite.py`` and ``postgres.py``.

PostgreSQL holds every column to its length and to 32 bits, SQLite does neither.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

VERSION = 2
"""Of the tables; every database notes which it has. 2: sources, source_changes, health."""

metadata = MetaData()

keys = Table(
    "keys",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

installs = Table(
    "installs",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("revoked", Boolean, nullable=False),
)

# ``number`` rises with every insertion: two torrents may have come within one tick of the clock.
torrents = Table(
    "torrents",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("key", String(64), nullable=False, unique=True),
    Column("v1", String(40), unique=True),
    Column("v2", String(64), unique=True),
    Column("magnet", Text, nullable=False),
    Column("raw", LargeBinary),
    Column("added_at", BigInteger, nullable=False),  # seconds since 1970
)

titles = Table(
    "titles",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String(80), nullable=False, unique=True),
    Column("type", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("folded", Text, nullable=False),  # what a search looks in
    Column("year", Integer),
    Column("sample", Boolean, nullable=False),
    Column("listed", Boolean, nullable=False),
    Index("titles_by_type", "type", "listed", "number"),
)

# A torrent holds a title: all of it, one episode, or in one file.
links = Table(
    "links",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("title", ForeignKey(titles.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("torrent", ForeignKey(torrents.c.key, ondelete="CASCADE"), nullable=False, index=True),
    Column("season", Integer),
    Column("episode", Integer),
    Column("file_index", Integer),
)

# The samples that were put into the library once, be they there still or not.
samples = Table("samples", metadata, Column("key", String(64), primary_key=True))

# Sources that were added at run time; names as they are compared, so longer than 60 characters.
sources = Table(
    "sources",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("body", Text, nullable=False),
)

# What was changed of the others: their priority, whether they are enabled.
source_changes = Table(
    "source_changes",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("body", Text, nullable=False),
)

health = Table(
    "health",
    metadata,
    Column("name", Text, primary_key=True),  # of a web seed: whatever host a stranger wrote
    Column("body", Text, nullable=False),
    Column("updated_at", BigInteger, nullable=False),  # seconds since 1970
)
