"""Files of sources, in TOML: the built-in catalogue, and the user's own (``SOURCES_FILE``).

[[source]]
name = "My gateway"
url = "https://gateway.example.org/{infohash}/{file_path}"
trust = "own"  # optional, like all below: open (default) or own
priority = 1
redirect = false
needs_metadata = false
supports_resume = true
headers = { Authorization = "Bearer …" }
note = "in the cellar"
"""

import tomllib
from pathlib import Path

from addon.errors import Problem, SettingsError
from addon.sources.custom import read_source
from addon.sources.template import TemplateSource

BUILT_IN = Path(__file__).with_name("catalogue.toml")


def load_catalogue(path: Path) -> list[TemplateSource]:
    """The file's sources as they stand there; SettingsError with everything wrong in it."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SettingsError([f"The file of sources {path} cannot be read: {reason}."]) from error
    problems = [
        f"{path} has a key {name!r}: a file of sources has only [[source]] tables."
        for name in found
        if name != "source"
    ]
    listed = found.get("source", [])
    if not isinstance(listed, list):
        problems.append(f"{path}: write [[source]] with two brackets on each side.")
        listed = []
    sources: dict[str, TemplateSource] = {}
    for number, entry in enumerate(listed, 1):
        try:
            source = _read(entry)
        except Problem as problem:
            problems.append(f"{path}, {_called(number, entry)}: {problem.detail}")
            continue
        if source.name.casefold() in sources:
            problems.append(f"{path}, {_called(number, entry)}: The name is given twice.")
        sources[source.name.casefold()] = source
    if problems:
        raise SettingsError(problems)
    return list(sources.values())


def _read(entry: object) -> TemplateSource:
    if not isinstance(entry, dict):
        raise Problem("bad-source", "It is no table.")
    if "enabled" in entry:
        raise Problem("bad-source", "A file has no field 'enabled': leave the source out of it.")
    return read_source(entry).source()


def _called(number: int, entry: object) -> str:
    name = entry.get("name") if isinstance(entry, dict) else None
    return f"source {number}" + (f" ({name[:60]!r})" if isinstance(name, str) else "")
