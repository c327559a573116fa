"""Which addresses work from where the visitor is."""

import pytest

from addon.web.places import install_links


def test_https_works_everywhere() -> None:
    links = install_links("https://films.example/x", "tok", "192.168.1.5")
    assert links.place == "https"
    assert links.base == "https://films.example/x/tok"
    assert links.manifest == "https://films.example/x/tok/manifest.json"
    assert links.stremio == "stremio://films.example/x/tok/manifest.json"
    assert links.web == (
        "https://web.stremio.com/#/addons?addon="
        "https%3A%2F%2Ffilms.example%2Fx%2Ftok%2Fmanifest.json"
    )
    assert links.others == "https://films.example/x/"


@pytest.mark.parametrize("host", ["127.0.0.1:7000", "localhost:7000", "[::1]:7000"])
def test_plain_http_on_this_computer_has_no_stremio_link(host: str) -> None:
    links = install_links(f"http://{host}", None)
    assert (links.place, links.stremio, links.others) == ("here", None, None)
    assert links.manifest == f"http://{host}/manifest.json"
    assert links.web is not None


@pytest.mark.parametrize("host", ["192.168.1.5:7000", "nas.local", "[fd00::5]:7000"])
def test_plain_http_in_a_network_has_the_address_alone(host: str) -> None:
    links = install_links(f"http://{host}", "tok", "192.168.1.9")
    assert (links.place, links.stremio, links.web) == ("network", None, None)
    assert links.manifest == f"http://{host}/tok/manifest.json"
    assert links.others == f"http://{host}/", "what the visitor came by works, a guess may not"


@pytest.mark.parametrize(
    ("base", "others"),
    [
        ("http://localhost:7000", "http://192.168.1.5:7000/"),
        ("http://127.0.0.1", "http://192.168.1.5/"),
        ("http://[::1]:7000/films", "http://192.168.1.5:7000/films/"),
        ("https://localhost", None),
    ],
)
def test_others_get_the_address_in_the_network(base: str, others: str | None) -> None:
    links = install_links(base, "tok", "192.168.1.5")
    assert links.others == others
    assert links.manifest == f"{base}/tok/manifest.json", "the visitor stays where he is"
