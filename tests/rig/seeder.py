"""A libtorrent seeder in a process of its own, on an address of its own."""

import base64
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import libtorrent as lt

from tests.rig.child import Child, options, serve
from tests.rig.torrents import Torrent

LOOK = 0.02  # seconds between two looks at what has gone out


class Seeder(Child):
    """The parent's end. ``address`` is 127.0.0.N."""

    def __init__(self, address: str = "127.0.0.2") -> None:
        super().__init__("tests.rig.seeder", address=address)
        self.peer: tuple[str, int] = (address, self.started["port"])

    def seed(
        self,
        torrent: Torrent,
        *,
        rate: int = 0,
        folder: Path | None = None,
        pieces: Iterable[int] | None = None,
        stop_after: int = 0,
    ) -> None:
        """Offer a torrent from ``folder`` (default: where it was made).

        ``rate`` limits the upload (bytes a second), ``pieces`` are the only ones it has, and
        after ``stop_after`` bytes it leaves the swarm. What it has is not verified.
        """
        self.ask(
            "seed",
            key=torrent.key,
            raw=base64.b64encode(torrent.raw).decode(),
            folder=str(folder or torrent.folder),
            rate=rate,
            pieces=None if pieces is None else sorted(pieces),
            stop_after=stop_after,
        )

    def limit(self, torrent: Torrent, rate: int) -> None:
        """Limit the upload of one torrent; 0 for no limit."""
        self.ask("limit", key=torrent.key, rate=rate)

    def leave(self, torrent: Torrent) -> None:
        """Disconnect everybody and offer nothing."""
        self.ask("leave", key=torrent.key)

    def come_back(self, torrent: Torrent) -> None:
        """Offer it again."""
        self.ask("come_back", key=torrent.key)

    def uploaded(self, torrent: Torrent) -> int:
        """Payload bytes that have gone out."""
        sent: int = self.ask("status", key=torrent.key)["uploaded"]
        return sent

    def peers(self, torrent: Torrent) -> int:
        """How many peers are connected."""
        count: int = self.ask("status", key=torrent.key)["peers"]
        return count


class Session:
    """The child's end."""

    def __init__(self, address: str) -> None:
        params = lt.session_params()
        params.settings = {
            "listen_interfaces": f"{address}:0",
            "outgoing_interfaces": address,
            "enable_dht": False,
            "enable_lsd": False,
            "enable_upnp": False,
            "enable_natpmp": False,
            "dht_bootstrap_nodes": "",
            "webtorrent_stun_server": "",
            "enable_outgoing_utp": False,
            "enable_incoming_utp": False,
            "allow_multiple_connections_per_ip": True,
            "close_redundant_connections": False,
            "min_reconnect_time": 1,
            "unchoke_slots_limit": -1,
            "connections_limit": 500,
            "active_limit": -1,
            "active_seeds": -1,
            # How fine the upload limit is cut: half a second, the default, is felt in a seek.
            "tick_interval": 50,
            "suggest_mode": 0,
            "alert_mask": 0,
        }
        self._session = lt.session(params)
        self._handles: dict[str, lt.torrent_handle] = {}

    @property
    def port(self) -> int:
        return self._session.listen_port()

    def seed(
        self,
        key: str,
        raw: str,
        folder: str,
        rate: int,
        pieces: list[int] | None,
        stop_after: int,
    ) -> None:
        params = lt.load_torrent_buffer(base64.b64decode(raw))
        assert params.ti is not None
        there = set(range(params.ti.num_pieces())) if pieces is None else set(pieces)
        params.have_pieces = [index in there for index in range(params.ti.num_pieces())]
        # Believed, so that a file with wrong bytes can be offered too.
        params.flags |= lt.torrent_flags.no_verify_files
        params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
        if pieces is not None:
            params.piece_priorities = [0] * params.ti.num_pieces()
        params.trackers = []
        params.save_path = folder
        params.upload_limit = rate
        handle = self._session.add_torrent(params)
        self._handles[key] = handle
        end = time.monotonic() + 10
        while handle.status().state < lt.torrent_status.downloading:
            assert time.monotonic() < end, "the seeder does not get ready"
            time.sleep(0.005)
        if stop_after:
            threading.Thread(target=self._stop, args=(handle, stop_after), daemon=True).start()

    @staticmethod
    def _stop(handle: lt.torrent_handle, after: int) -> None:
        while handle.status().total_payload_upload < after:
            time.sleep(LOOK)
        handle.pause()

    def limit(self, key: str, rate: int) -> None:
        self._handles[key].set_upload_limit(rate)

    def leave(self, key: str) -> None:
        self._handles[key].pause()

    def come_back(self, key: str) -> None:
        self._handles[key].resume()

    def status(self, key: str) -> dict[str, Any]:
        status = self._handles[key].status()
        return {"uploaded": status.total_payload_upload, "peers": status.num_peers}


def main() -> None:
    """Run until the parent goes."""
    session = Session(options()["address"])
    serve(
        {"port": session.port},
        {
            "seed": session.seed,
            "limit": session.limit,
            "leave": session.leave,
            "come_back": session.come_back,
            "status": session.status,
        },
    )


if __name__ == "__main__":
    main()
