"""The README's table of settings says what the code does."""

import re
from pathlib import Path

from addon.settings import describe

README = Path(__file__).parents[1] / "README.md"


def settings_table(text: str) -> list[tuple[str, ...]]:
    """The rows below the header ``Name | Default | Meaning``, without back-ticks."""
    header = re.search(
        r"^\| *Name *\| *Default *\| *Meaning *\|\n\|[-:| ]+\|\n", text, re.MULTILINE
    )
    assert header, "README.md has no table with the columns Name | Default | Meaning"
    rows = []
    for line in text[header.end() :].splitlines():
        if not line.startswith("|"):
            break
        rows.append(tuple(cell.strip().replace("`", "") for cell in line.strip("| ").split("|")))
    return rows


def test_the_table_of_settings_is_complete_and_true() -> None:
    assert settings_table(README.read_text()) == describe()
