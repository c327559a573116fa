"""A server that lies as its URLs say, and a client for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from gevent.threadpool import ThreadPool

from addon.net.addresses import AddressPolicy
from addon.net.client import Client
from tests.rig.liars import Liars


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is served."""
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def liar_server(folder: Path) -> Iterator[Liars]:
    with Liars(folder, "127.0.0.9") as liars:
        yield liars


@pytest.fixture
def liars(liar_server: Liars) -> Iterator[Liars]:
    """The server; whoever asks it leaves no connection behind."""
    liar_server.forget()
    yield liar_server
    assert liar_server.open_after() == 0


@pytest.fixture
def client() -> Iterator[Client]:
    client = Client(AddressPolicy(allow_private=True))
    yield client
    client.close()


@pytest.fixture
def pool() -> Iterator[ThreadPool]:
    pool = ThreadPool(1)
    yield pool
    pool.kill()
