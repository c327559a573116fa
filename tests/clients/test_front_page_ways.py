"""The front page in real Chromium, for each way of coming in: a link that works is on it."""

from pathlib import Path
from typing import Any

import pytest
import segno

from tests.clients.chromium import drive
from tests.clients.https_front import HttpsFront
from tests.rig.lab import Lab
from tests.rig.server import Server

KEY = "the-access-key-of-this-test"
HOME = "box.home"


@pytest.fixture(scope="module")
def closed(lab: Lab) -> Server:
    return lab.server(HOST="0.0.0.0", ACCESS_KEY=KEY, TRUST_PROXY="on")


@pytest.fixture(scope="module")
def seen(
    server: Server, closed: Server, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What Chromium saw of each way, all in one start of it."""
    folder: Path = tmp_path_factory.mktemp("front")
    with HttpsFront(HOME, closed.url, folder / "nginx") as front:
        ways = {
            "here": {"url": server.url},
            "here, shared": {"url": closed.url, "key": KEY},
            "network": {"url": f"http://{HOME}:{closed.port}", "key": KEY},
            "https": {"url": front.url, "key": KEY},
            "no script": {"url": front.url, "key": KEY, "script": False},
        }
        told = drive("ways", server.url, ways=list(ways.values()), names=[HOME])
        return dict(zip(ways, told, strict=True)) | {"front": front.url}


def modules(address: str) -> list[str]:
    """A QR code of ``address``, row by row."""
    return [bytes(row).hex()[1::2] for row in segno.make(address, error="m").matrix]


WAYS = ["here", "here, shared", "network", "https", "no script"]


@pytest.mark.parametrize("way", WAYS)
def test_every_address_that_is_shown_answers(seen: dict[str, Any], way: str) -> None:
    told = seen[way]
    assert told["answers"][0][0] == told["manifest"]
    assert [status for _, status in told["answers"]] == [200] * 6, told["answers"]
    assert told["body"]["id"] == "org.selfstreme.addon"
    assert told["others"], "one way at a time is open"


def test_this_computer_gets_its_own_address(seen: dict[str, Any], server: Server) -> None:
    told = seen["here"]
    assert told["manifest"] == f"{server.url}/manifest.json"
    assert not any(link.startswith("stremio:") for link in told["links"])
    assert sum(link.startswith("https://web.stremio.com/") for link in told["links"]) == 1
    assert told["code"] is None
    assert "HOST=0.0.0.0" in told["text"]


def test_where_the_server_has_no_network_no_address_is_made_up(seen: dict[str, Any]) -> None:
    told = seen["here, shared"]
    assert told["code"] is None
    assert "name or address of this computer" in told["text"]


def test_the_home_network_gets_the_address_that_works_there(
    seen: dict[str, Any], closed: Server
) -> None:
    told, base = seen["network"], f"http://{HOME}:{closed.port}"
    assert told["manifest"].startswith(f"{base}/")
    assert not any(link.startswith(("stremio:", "https:")) for link in told["links"])
    assert "mixed content" in told["text"]
    assert told["code"] == modules(f"{base}/")


@pytest.mark.parametrize("way", ["https", "no script"])
def test_https_gets_everything(seen: dict[str, Any], way: str) -> None:
    told, base = seen[way], seen["front"]
    assert told["manifest"].startswith(f"{base}/")
    bare = told["manifest"].removeprefix("https://")
    assert f"stremio://{bare}" in told["links"]
    assert sum(link.startswith("https://web.stremio.com/") for link in told["links"]) == 1
    assert "one-click" not in told["text"]
    assert told["code"] == modules(f"{base}/")


def test_without_script_no_button_pretends_to_work(seen: dict[str, Any]) -> None:
    assert seen["no script"]["buttons"] == 0
    assert seen["https"]["buttons"] == 4
