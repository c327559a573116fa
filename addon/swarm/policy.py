"""Which addresses the swarm may touch, and the settings it runs with (pure rules).

A magnet is hostile input: its trackers, peers and web seeds may point into the home network.
libtorrent's own ``ssrf_mitigation`` still fetches ``http://10.0.0.5/anything`` and connects to
``x.pe=127.0.0.1:22``. The IP filter below covers peers, DHT nodes and trackers *after* DNS;
``allowed_trackers`` refuses what can be seen before it.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from addon.torrents.magnet import Magnet

PRIVATE_RANGES = (
    ("0.0.0.0", "0.255.255.255"),  # noqa: S104 (a range to block, not to listen on)
    ("10.0.0.0", "10.255.255.255"),
    ("100.64.0.0", "100.127.255.255"),
    ("127.0.0.0", "127.255.255.255"),
    ("169.254.0.0", "169.254.255.255"),
    ("172.16.0.0", "172.31.255.255"),
    ("192.0.0.0", "192.0.0.255"),
    ("192.168.0.0", "192.168.255.255"),
    ("198.18.0.0", "198.19.255.255"),
    ("224.0.0.0", "255.255.255.255"),
    ("::", "::ffff:ffff:ffff"),  # unspecified, loopback, v4-compatible and v4-mapped
    ("64:ff9b::", "64:ff9b::ffff:ffff"),
    ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fe80::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
)
TRACKER_SCHEMES = frozenset({"http", "https", "udp"})


def allowed_trackers(trackers: tuple[str, ...], *, allow_private: bool) -> tuple[str, ...]:
    """The trackers that may be asked; the rest name a scheme or an address that is refused."""
    return tuple(url for url in trackers if tracker_allowed(url, allow_private=allow_private))


def tracker_allowed(url: str, *, allow_private: bool) -> bool:
    """Whether a tracker URL has a known scheme and does not spell out a private address."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return False
    if parts.scheme.lower() not in TRACKER_SCHEMES or not host:
        return False
    if allow_private:
        return True
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal", ".lan")):
        return False
    return not is_private(host)


def is_private(host: str) -> bool:
    """Whether ``host`` is an address literal inside ``PRIVATE_RANGES`` (names are not resolved)."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return any(_inside(address, first, last) for first, last in PRIVATE_RANGES)


def _inside(address: IPv4Address | IPv6Address, first: str, last: str) -> bool:
    low, high = ip_address(first), ip_address(last)
    return address.version == low.version and int(low) <= int(address) <= int(high)


def peers_of(
    magnet: Magnet, *, private_torrent: bool, allow_private: bool
) -> tuple[tuple[str, int], ...]:
    """The magnet's own peers that may be connected to; none for a private torrent."""
    if private_torrent:
        return ()
    return tuple(peer for peer in magnet.peers if allow_private or not is_private(peer[0]))


def session_settings(
    *,
    p2p: bool = True,
    interface: str | None,
    port: int,
    dht: bool,
    lsd: bool,
    upnp: bool,
    download_rate: int,
    upload_rate: int,
) -> dict[str, object]:
    """libtorrent's settings pack for streaming; the figures behind each are measured.

    ``interface`` is an address or device that everything is bound to, ``port`` 0 for any,
    rates in bytes a second (0: no limit). Without ``p2p`` nothing listens and nobody is looked for.
    """
    dht, lsd, upnp = dht and p2p, lsd and p2p, upnp and p2p
    listen = f"{_bracketed(interface)}:{port}" if interface else f"0.0.0.0:{port},[::]:{port}"
    settings: dict[str, object] = {
        "listen_interfaces": listen if p2p else "",
        "outgoing_interfaces": interface or "",
        "enable_dht": dht,
        "enable_lsd": lsd,
        "enable_upnp": upnp,
        "enable_natpmp": upnp,
        # 2.1 asks a STUN server of its own accord; nobody asked for that.
        "webtorrent_stun_server": "",
        "download_rate_limit": download_rate,
        "upload_rate_limit": upload_rate,
        # A magnet that is "upload only" for an instant must not lose every seed for a minute,
        # and a peer that was not there yet is asked again soon.
        "close_redundant_connections": False,
        "min_reconnect_time": 2,
        "allow_multiple_connections_per_ip": True,
        "no_connect_privileged_ports": True,
        "connection_speed": 200,
        "smooth_connects": False,
        "torrent_connect_boost": 100,
        "peer_connect_timeout": 4,
        "handshake_timeout": 6,
        "peer_timeout": 60,
        "request_timeout": 10,
        "piece_timeout": 8,
        "inactivity_timeout": 600,
        # uTP first costs four seconds with a TCP-only peer, and eight times the CPU.
        "enable_outgoing_utp": False,
        "mixed_mode_algorithm": 0,
        # Consecutive pieces per peer and three seconds of queued requests fight a seek.
        "whole_pieces_threshold": 0,
        "request_queue_time": 1,
        "piece_extent_affinity": False,
        "strict_end_game_mode": False,
        "announce_to_all_trackers": True,
        "announce_to_all_tiers": True,
        "use_dht_as_fallback": False,
        "active_downloads": -1,
        "active_seeds": -1,
        "active_limit": -1,
        "alert_queue_size": 20_000,
        "stop_tracker_timeout": 1,
        # 60 MB instead of 360 with four fast peers, at 0.8-1.0 of the rate.
        "recv_socket_buffer_size": 524_288,
        "max_peer_recv_buffer_size": 524_288,
        "max_queued_disk_bytes": 16 * 1024 * 1024,
    }
    if not dht:
        settings["dht_bootstrap_nodes"] = ""
    return settings


def _bracketed(interface: str) -> str:
    return f"[{interface}]" if ":" in interface else interface
