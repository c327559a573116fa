"""Who may import whom, read from the source itself.

The tables are the design: a module may import what they name, its own package, and the standard
library, wherever the import stands (in a function and under ``TYPE_CHECKING`` too).
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]

# Importer -> what it may import. An entry holds for the module and all below it; a module's rights
# are those of all entries that hold for it. Names are relative to ``addon``.
ALLOWED = {
    "app": {
        "access", "configured", "database", "errors", "library", "net", "playback", "settings",
        "sources", "swarm", "torrents", "web",
    },
    "configured": {"errors", "net", "playback", "settings", "sources", "swarm"},
    "server": {"errors", "logs", "settings"},
    "logs": {"settings"},
    "settings": {"errors", "options"},
    "options": set(),
    "errors": set(),
    "web": {
        "access", "errors", "library", "playback", "settings", "sources.base", "sources.finder",
        "sources.registry", "torrents",
    },
    "playback": {"errors", "net", "sources", "swarm", "torrents"},
    "library": {"errors", "torrents"},
    "library.torznab": {"net"},
    "library.upstream": {"net"},
    "database": {"access", "errors", "library", "playback.journal", "sources", "torrents"},
    "sources": {"errors", "net", "torrents"},
    "swarm": {"errors", "torrents"},
    "access": {"errors", "torrents"},
    "net": {"errors"},
    "torrents": {"errors"},
}  # fmt: skip
ROOT = {"wsgi": {"addon.app", "addon.settings"}}

# Package -> the only modules that may import it. A package that is not here has no owner yet.
OWNERS = {
    "cachetools": {"playback", "sources", "library", "net"},
    "_typeshed": {"app", "web"},  # the WSGI types of the standard library
    "charset_normalizer": {"library"},
    "cryptography": {"access"},
    "flask": {"app", "web"},
    "gevent": {"app", "library", "net", "playback", "server", "sources", "swarm", "web", "wsgi"},
    "gunicorn": {"server"},
    "jinja2": {"web"},
    "libtorrent": {"swarm", "torrents.metainfo"},
    "psycopg": {"database"},
    "pydantic": {"settings"},
    "pydantic_settings": {"settings"},
    "pysubs2": {"library"},
    "requests": {"net"},
    "segno": {"web"},
    "sqlalchemy": {"database"},
    "urllib3": {"net"},
    "werkzeug": {"app", "web"},
    # Of the standard library: one way to the database and one way out.
    "sqlite3": {"database"},
    "http.client": {"net"},
    "urllib.request": {"net"},
    "ftplib": set(),
    "smtplib": set(),
    # Imports that cannot be read here.
    "importlib": set(),
    "runpy": set(),
}
# Never, whatever is allowed to the package around it: what is pure does not wait.
NEVER = {
    "sources.health": {"gevent", "addon.net"},
    "playback.ranges": {"gevent", "addon.swarm", "addon.net"},
    "swarm.picking": {"gevent", "libtorrent"},
    "swarm.policy": {"gevent", "libtorrent"},
}
# The database keeps values: what it takes from its users are their value types and protocols.
VALUES_ONLY = {"database": {"addon.access", "addon.library", "addon.playback", "addon.sources"}}
AS_VALUES = {"addon.library.titles.fold": "text is kept as a search compares it"}


def covers(entry: str, name: str) -> bool:
    """Whether ``name`` is ``entry`` or below it."""
    return name == entry or name.startswith(f"{entry}.")


def imported(source: str, module: str, *, is_package: bool = False) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of everything imported; ``from a import b`` is ``a.b``."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = module.split(".")
            if node.level:
                start = parents[: len(parents) - node.level + is_package]
                base = ".".join([*start, *([node.module] if node.module else [])])
            else:
                base = node.module or ""
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "__import__":
            yield node.lineno, "importlib"


def refused(module: str, target: str) -> str:
    """Why ``module`` (``addon.web.api``, ``wsgi``) may not import ``target``; "" if it may."""
    short = module.removeprefix("addon.")
    for entry, never in NEVER.items():
        if covers(entry, short) and any(covers(name, target) for name in never):
            return "must stay pure"
    if covers("addon", target):
        own = ".".join(module.split(".")[:2])
        names = {f"addon.{name}" for key in ALLOWED if covers(key, short) for name in ALLOWED[key]}
        names |= ROOT.get(module, set()) | ({own} if own != "addon" else set())
        return "" if any(covers(name, target) for name in names) else "is not below it"
    owned = [name for name in OWNERS if covers(name, target)]
    if owned:
        owners = OWNERS[max(owned, key=len)]
        return "" if any(covers(name, short) for name in owners) else "belongs to another part"
    if target.partition(".")[0] in sys.stdlib_module_names:
        return ""
    return "has no owner: name one in tests/test_layers.py"


def is_value(tree: ast.Module, name: str) -> bool:
    """Whether ``name`` is a data class, protocol, enum, alias or constant of the module."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            told = [ast.unparse(part) for part in (*node.bases, *node.decorator_list)]
            kinds = ("Protocol", "Enum", "NamedTuple", "dataclass", "TypedDict")
            return any(kind in text for kind in kinds for text in told)
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return False
    return True


def modules() -> Iterator[tuple[str, Path]]:
    """Dotted name and path of every module of the server."""
    yield "wsgi", REPOSITORY / "wsgi.py"
    for path in sorted((REPOSITORY / "addon").rglob("*.py")):
        parts = path.relative_to(REPOSITORY).with_suffix("").parts
        if parts[1] != "kodi":  # runs in Kodi, not here
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def test_every_import_is_allowed() -> None:
    wrong = [
        f"{path.relative_to(REPOSITORY)}:{line}: {target} {why}"
        for module, path in modules()
        for line, target in imported(
            path.read_text(), module, is_package=path.name == "__init__.py"
        )
        if (why := refused(module, target))
    ]
    assert wrong == []


def test_the_database_takes_only_values_from_its_users() -> None:
    trees = {module: ast.parse(path.read_text()) for module, path in modules()}
    wrong = [
        f"{path.relative_to(REPOSITORY)}:{line}: {target} is no value type"
        for module, path in modules()
        for part, users in VALUES_ONLY.items()
        if covers(f"addon.{part}", module)
        for line, target in imported(path.read_text(), module)
        if any(covers(user, target) for user in users) and target not in AS_VALUES
        if (home := target.rpartition(".")[0]) not in trees
        or not is_value(trees[home], target.rpartition(".")[2])
    ]
    assert wrong == []


def test_every_part_is_in_the_table() -> None:
    parts = {module.split(".")[1] for module, _ in modules() if "." in module}
    assert parts - ALLOWED.keys() == set()
    assert "kodi" not in parts


@pytest.mark.parametrize(
    ("module", "source", "target"),
    [
        ("addon.torrents.magnet", "from addon.playback import resolver", "addon.playback.resolver"),
        ("addon.torrents.magnet", "from ..web.api import blueprint", "addon.web.api.blueprint"),
        ("addon.torrents", "from ..web import api", "addon.web.api"),
        ("addon.torrents.magnet", "from .. import web", "addon.web"),
        ("addon.torrents.magnet", "import addon.swarm.session as s", "addon.swarm.session"),
        ("addon.torrents.magnet", "import gevent.event", "gevent.event"),
        ("addon.torrents.magnet", "import libtorrent", "libtorrent"),
        ("addon.web.api", "from addon.swarm.session import Swarm", "addon.swarm.session.Swarm"),
        ("addon.web.api", "from addon.database import tables", "addon.database.tables"),
        ("addon.web.api", "from addon.sources.race import race", "addon.sources.race.race"),
        ("addon.web.api", "from addon import app", "addon.app"),
        ("addon.web.api", "from addon import *", "addon.*"),
        ("addon.web.api", "import addon", "addon"),
        ("addon.web.api", "def f():\n    import requests", "requests"),
        ("addon.web.api", "import urllib.request", "urllib.request"),
        ("addon.web.api", "from urllib import request", "urllib.request"),
        ("addon.web.api", "from http import client", "http.client"),
        ("addon.web.api", "if TYPE_CHECKING:\n    import sqlalchemy.orm", "sqlalchemy.orm"),
        ("addon.web.api", "import unheard_of", "unheard_of"),
        ("addon.web.api", "from tests.rig import lab", "tests.rig.lab"),
        ("addon.web.api", "__import__('addon.swarm')", "importlib"),
        ("addon.web.api", "from importlib import import_module", "importlib.import_module"),
        ("addon.library.titles", "from addon.net.client import Client", "addon.net.client.Client"),
        ("addon.playback.ranges", "from gevent import sleep", "gevent.sleep"),
        ("addon.sources.health", "import gevent", "gevent"),
        ("addon.database.keys", "from addon.playback import viewers", "addon.playback.viewers"),
        ("addon.access.keys", "import addon.settings", "addon.settings"),
        ("addon.settings", "import flask", "flask"),
        ("addon.errors", "from addon import settings", "addon.settings"),
        ("addon.server", "from addon.app import create_app", "addon.app.create_app"),
        ("wsgi", "from addon.swarm import session", "addon.swarm.session"),
    ],
)  # fmt: skip
def test_a_violation_is_found(module: str, source: str, target: str) -> None:
    is_package = module == "addon.torrents"
    ((_, found),) = imported(source, module, is_package=is_package)
    assert found == target
    assert refused(module, found)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("addon.web.api", "from addon.playback.resolver import Resolver"),
        ("addon.web.api", "from . import problems"),
        ("addon.web.api", "from .problems import not_found"),
        ("addon.web.api", "from ..errors import Problem"),
        ("addon.web.api", "import urllib.parse, http, os.path"),
        ("addon.web.api", "from addon.sources.registry import Registry"),
        ("addon.library.torznab", "from addon.net.client import Client"),
        ("addon.torrents.metainfo", "import libtorrent as lt"),
        ("addon.database.journal", "from addon.playback.journal import Entry"),
        ("addon.app", "from addon.swarm.session import Swarm"),
        ("wsgi", "from addon.app import create_app"),
    ],
)
def test_what_the_design_allows_passes(module: str, source: str) -> None:
    assert [refused(module, target) for _, target in imported(source, module)] == [""] * (
        source.count(",") + 1
    )


def test_value_types_are_told_from_services() -> None:
    tree = ast.parse(
        "@dataclass(frozen=True)\nclass Value: ...\n"
        "class Way(Enum): ...\nclass Seam(Protocol): ...\n"
        "LIMIT = 3\nclass Service: ...\ndef act(): ...\n"
    )
    assert [is_value(tree, name) for name in ("Value", "Way", "Seam", "LIMIT")] == [True] * 4
    assert [is_value(tree, name) for name in ("Service", "act")] == [False] * 2
