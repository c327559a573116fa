"""The rig for pytest."""

from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from tests.house.clients import require_client
from tests.rig.lab import Lab
from tests.rig.media import film
from tests.rig.postgres import Postgres
from tests.rig.server import Server

LOG_SHOWN = 12_000  # characters


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab for all tests of a file."""
    with Lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture(scope="module")
def server(lab: Lab) -> Server:
    """One server for all tests of a file; each takes a torrent of its own."""
    return lab.server()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL for all tests; each takes a schema of its own, and leaves it running."""
    with Postgres() as postgres:
        yield postgres


@pytest.fixture(scope="session")
def film_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """``film_of("first.mp4")``: a film made by ffmpeg, once for all tests."""
    folder = tmp_path_factory.mktemp("films")

    def made(kind: str) -> Path:
        require_client("ffmpeg")
        return film(folder, kind)

    return made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the servers' logs beside a failure."""
    report = yield
    lab = getattr(item, "funcargs", {}).get("lab")
    if report.failed and isinstance(lab, Lab):
        report.sections.append(("the servers' logs", lab.logs[-LOG_SHOWN:]))
    return report
