"""The computer's own address, as far as it can be had without leaving the computer."""

import pytest

from addon.net import own_address as module
from addon.net.own_address import address_towards, own_address


def test_the_routing_table_names_the_address() -> None:
    assert address_towards("127.0.0.5") == "127.0.0.1"


@pytest.mark.parametrize(
    ("found", "told"),
    [("192.168.1.5", "192.168.1.5"), ("127.0.0.1", None), (None, None)],
)
def test_an_address_that_others_cannot_use_is_none(
    found: str | None, told: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "address_towards", lambda _target: found)
    assert own_address() == told
