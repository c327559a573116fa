"""Players that take their time, and seeders that have nothing more to do."""

import json
import time
from collections.abc import Callable
from typing import Any

from tests.rig.http import Connection, request
from tests.rig.seeder import Seeder
from tests.rig.server import Server
from tests.rig.torrents import Torrent
from tests.rig.waiting import pause, until

# Of a socket that soon stops the server too; the rest of what is on its way, at most 4 MiB, stands
# in the server's own send buffer.
SMALL = 64 * 1024
IN_BUFFERS = 5 * 1024 * 1024
# The server looks every two seconds and knows a frozen reader at the second look.
FROZEN_AFTER = 5.0


def slowly(
    stream: Connection, rate: int, seconds: float, enough: Callable[[], bool] = lambda: False
) -> bytes:
    """What comes when ``rate`` bytes a second are taken for so many seconds, or until it is
    enough."""
    parts = []
    began = time.monotonic()
    taken = 0
    while (now := time.monotonic() - began) < seconds and not enough():
        if taken <= now * rate:
            parts.append(stream.read_exactly(rate // 20))
            taken += len(parts[-1])
        pause(0.02)
    return b"".join(parts)


def leave(stream: Connection, how: str) -> None:
    """Close a connection with ``fin`` or ``rst``."""
    if how == "rst":
        stream.reset()
    else:
        stream.close()


def at_rest(seeder: Seeder, torrent: Torrent, seconds: float = 6) -> int:
    """How many bytes have gone out, once no more did for a moment."""

    def look() -> int:
        before = seeder.uploaded(torrent)
        pause(0.7)
        return before if before == seeder.uploaded(torrent) else 0

    return until(look, seconds, "the seeder to have nothing more to send")


def add_unknown(server: Server, key: str, tracker: str) -> str:
    """Add a magnet that nobody has, without the three seconds that a POST waits for its metadata;
    its play link."""
    url = f"{server.url}/api/torrents"
    magnet = {"magnetUri": f"magnet:?xt=urn:btih:{key}&tr={tracker}"}
    with Connection(url) as connection:
        connection.ask(
            url, {"Content-Type": "application/json"}, "POST", json.dumps(magnet).encode()
        )
        listed = until(lambda: [one for one in listed_by(server) if one["infoHash"] == key], 3)
    link: str = listed[0]["playUrl"]
    return link


def listed_by(server: Server) -> list[dict[str, Any]]:
    """All torrents that a server knows."""
    told: list[dict[str, Any]] = request(f"{server.url}/api/torrents").json()["torrents"]
    return told
