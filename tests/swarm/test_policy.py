"""Which addresses the swarm may touch."""

import pytest

from addon.swarm.policy import (
    allowed_trackers,
    is_private,
    peers_of,
    session_settings,
    tracker_allowed,
)
from addon.torrents.magnet import parse_magnet

HASH = "dd8255ecdc7ca55fb0bbf81323d87062db1f6d1c"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.31.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::ffff:10.0.0.1",
        "fe80::1",
        "fd00::1",
        "ff02::1",
    ],
)
def test_private_addresses_are_recognised(address):
    assert is_private(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "172.32.0.1", "2001:db8::1", "100.128.0.1"])
def test_public_addresses_are_not(address):
    assert not is_private(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/announce",
        "http://localhost:80/announce",
        "udp://192.168.0.1:6969/announce",
        "http://[::1]/announce",
        "http://printer.local/announce",
        "http://intranet.internal/announce",
    ],
)
def test_trackers_in_the_home_network_are_refused_unless_allowed(url):
    assert not tracker_allowed(url, allow_private=False)
    assert tracker_allowed(url, allow_private=True)


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "gopher://a.example/", "http://", "http://a:99999/", "http://[::1"],
)
def test_what_is_no_tracker_is_refused_always(url):
    assert not tracker_allowed(url, allow_private=True)


def test_public_trackers_pass_in_their_order():
    urls = ("udp://one.example:1/announce", "https://two.example/announce")
    assert allowed_trackers((*urls, "file:///x"), allow_private=False) == urls


def test_peers_of_a_magnet_follow_the_policy_and_private_torrents_have_none():
    magnet = parse_magnet(f"magnet:?xt=urn:btih:{HASH}&x.pe=10.0.0.5:22222&x.pe=8.8.8.8:6881")
    public = (("8.8.8.8", 6881),)
    assert peers_of(magnet, private_torrent=False, allow_private=False) == public
    assert len(peers_of(magnet, private_torrent=False, allow_private=True)) == 2
    assert peers_of(magnet, private_torrent=True, allow_private=True) == ()


def settings(**more: object) -> dict[str, object]:
    quiet: dict[str, object] = {"interface": None, "port": 0, "dht": False, "lsd": False}
    quiet |= {"upnp": False, "download_rate": 0, "upload_rate": 0}
    return session_settings(**(quiet | more))  # type: ignore[arg-type]


def test_nobody_is_looked_for_where_that_is_switched_off() -> None:
    quiet = settings()
    for name in ("enable_dht", "enable_lsd", "enable_upnp", "enable_natpmp"):
        assert quiet[name] is False
    assert quiet["dht_bootstrap_nodes"] == ""
    # libtorrent 2.1 asks a STUN server of its own accord.
    assert quiet["webtorrent_stun_server"] == ""
    loud = settings(dht=True, lsd=True, upnp=True)
    for name in ("enable_dht", "enable_lsd", "enable_upnp", "enable_natpmp"):
        assert loud[name] is True
    assert "dht_bootstrap_nodes" not in loud


@pytest.mark.parametrize(
    ("interface", "port", "listens"),
    [
        (None, 0, "0.0.0.0:0,[::]:0"),
        (None, 6881, "0.0.0.0:6881,[::]:6881"),
        ("10.8.0.2", 6881, "10.8.0.2:6881"),
        ("fd00::2", 6881, "[fd00::2]:6881"),
        ("wg0", 0, "wg0:0"),
    ],
)
def test_all_traffic_goes_through_the_named_interface(
    interface: str | None, port: int, listens: str
) -> None:
    bound = settings(interface=interface, port=port)
    assert bound["listen_interfaces"] == listens
    assert bound["outgoing_interfaces"] == (interface or "")


def test_without_p2p_nothing_listens_and_nobody_is_looked_for() -> None:
    store = settings(p2p=False, dht=True, lsd=True, upnp=True, port=6881)
    assert store["listen_interfaces"] == ""
    for name in ("enable_dht", "enable_lsd", "enable_upnp", "enable_natpmp"):
        assert store[name] is False
    assert store["dht_bootstrap_nodes"] == ""


def test_rates_are_limited_as_they_are_set() -> None:
    limited = settings(download_rate=5, upload_rate=7)
    assert (limited["download_rate_limit"], limited["upload_rate_limit"]) == (5, 7)
