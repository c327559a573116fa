"""A library of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.library.shelf import Shelf
from tests.library.shelf import shelf as opened


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with opened(tmp_path) as shelf:
        yield shelf
