"""Bare libtorrent in a process of its own: what the server's figures are held against.

It downloads the same torrent from the same seeders with libtorrent's own defaults where they
help a download, and reads its first piece into Python. Prints one JSON object.
"""

import json
import sys
import tempfile
import time
from typing import Any, cast

import libtorrent as lt

AGE = 2.0  # seconds; a session that has just begun waits for its first tick


def leech(magnet: str, *, whole: bool) -> dict[str, float]:
    """Seconds from adding the magnet to the first piece in Python, and to the whole."""
    settings = {
        "listen_interfaces": "127.0.0.1:0",
        "outgoing_interfaces": "127.0.0.1",
        "enable_dht": False,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "dht_bootstrap_nodes": "",
        "webtorrent_stun_server": "",
        "enable_outgoing_utp": False,
        "allow_multiple_connections_per_ip": True,
        "close_redundant_connections": False,
        "alert_queue_size": 100_000,
        "alert_mask": lt.alert_category.status | lt.alert_category.piece_progress,
    }
    params = lt.session_params()
    params.settings = cast("Any", settings)
    session = lt.session(params)
    time.sleep(AGE)
    with tempfile.TemporaryDirectory() as folder:
        torrent = lt.parse_magnet_uri(magnet)
        torrent.save_path = folder
        torrent.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
        if not whole:
            torrent.flags |= lt.torrent_flags.sequential_download
        used = time.process_time()
        began = time.monotonic()
        handle = session.add_torrent(torrent)
        times: dict[str, float] = {}
        while "whole" not in times:
            session.wait_for_alert(1000)
            for alert in session.pop_alerts():
                now = time.monotonic() - began
                if isinstance(alert, lt.piece_finished_alert):
                    times.setdefault("finished", now)
                    if not whole and alert.piece_index == 0:
                        handle.read_piece(0)
                elif isinstance(alert, lt.read_piece_alert):
                    _ = alert.buffer
                    return times | {"first": now}
                elif isinstance(alert, lt.torrent_finished_alert):
                    times["whole"] = now
        times["cpu"] = time.process_time() - used
        del session
    return times


if __name__ == "__main__":
    print(json.dumps(leech(sys.argv[1], whole=sys.argv[2] == "whole")))
