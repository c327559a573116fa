"""Two liars and clients for them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from addon.net.addresses import AddressPolicy
from addon.net.client import Client
from tests.net.asking import FILM, HERE, SHORT, THERE, Listener
from tests.rig.liars import Liars


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    (folder / "film.mp4").write_bytes(FILM)
    (folder / "short one.mp4").write_bytes(SHORT)
    (folder / "empty.mp4").write_bytes(b"")
    return folder


@pytest.fixture(scope="module")
def pair(folder: Path) -> Iterator[tuple[Liars, Liars]]:
    with Liars(folder, HERE) as here, Liars(folder, THERE) as there:
        yield here, there


@pytest.fixture
def liars(pair: tuple[Liars, Liars]) -> Liars:
    for one in pair:
        assert one.open_after() == 0
        one.forget()
    return pair[0]


@pytest.fixture
def there(pair: tuple[Liars, Liars], liars: Liars) -> Liars:
    return pair[1]


@pytest.fixture
def make() -> Iterator[Callable[..., Client]]:
    made: list[Client] = []

    def make(policy: AddressPolicy | None = None, **options: Any) -> Client:
        made.append(Client(policy or AddressPolicy(allow_private=True), **options))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(make: Callable[..., Client]) -> Client:
    return make()


@pytest.fixture
def forbidden() -> Iterator[Listener]:
    listener = Listener("127.0.0.7")
    yield listener
    listener.close()
    assert listener.visitors == 0
