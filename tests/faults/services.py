"""Stand-ins for the built-in services: each name with the fault of its own."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.rig.http import post_json, request
from tests.rig.lab import Lab
from tests.rig.liars import Liars
from tests.rig.server import Server
from tests.rig.torrents import Torrent, TorrentFile, make_torrent
from tests.rig.viewing import Viewing, viewing

NAMES = (
    *("Instant.io", "TorrentDrive", "BTCache", "BTDigg Proxy", "TorrentSafe", "MediaBox"),
    *("TorrentStream", "CloudTorrent", "StreamMagnet", "TorrentAPI", "Seedr.cc", "Bitport.io"),
)
SCREEN = 2000  # milliseconds; a hanging source is given up after so long


@dataclass
class Services:
    """A folder of films behind liars, and a server that takes them for the services it knows."""

    server: Server
    liars: Liars
    folder: Path

    def film(self, torrent: Torrent, file: TorrentFile | None = None) -> Viewing:
        """Upload a torrent's metadata and look at one of its files."""
        reply = self.server.upload(torrent.raw)
        assert reply.status == 201, reply.body
        return viewing(self.server, torrent, reply.json(), file)

    def steps(self, torrent: Torrent) -> dict[str, tuple[str, str]]:
        """Each source's last verdict and reason in the torrent's newest resolution."""
        url = f"{self.server.url}/api/resolutions?infoHash={torrent.key}"
        newest = request(url).json()["resolutions"][0]
        return {
            step["source"]: (step["verdict"], step.get("detail", ""))
            for step in newest["steps"]
            if step.get("source") and step.get("verdict")
        }

    def test(self, torrent: Torrent, **more: Any) -> dict[str, Any]:
        """POST /api/sources/test."""
        asked = {"infoHash": torrent.key, **more}
        reply = post_json(f"{self.server.url}/api/sources/test", asked, timeout=60)
        assert reply.status == 200, reply.body
        told: dict[str, Any] = reply.json()
        return told


def sources_file(
    path: Path, base: str, faults: Mapping[str, str], *, tail: str = "{file_path}", **more: Any
) -> Path:
    """A SOURCES_FILE in which each name answers with its fault, asked in the order given; all
    built-in names that are not given answer that they have nothing."""
    tables = []
    for priority, name in enumerate([*faults, *(n for n in NAMES if n not in faults)], 1):
        fault = faults.get(name, "status-404")
        fields = {
            "name": name,
            "url": f"{base}/{fault}/{tail}?h={{infohash}}",
            "priority": priority,
            **more,
        }
        lines = [f"{key} = {json.dumps(value)}" for key, value in fields.items()]
        tables.append("\n".join(["[[source]]", *lines]))
    path.write_text("\n\n".join(tables) + "\n")
    return path


@contextmanager
def services(
    lab: Lab, faults: Mapping[str, str], *, p2p: str = "off", **environ: str | None
) -> Iterator[Services]:
    """A server whose sources lie as told. Its films are made in ``folder``."""
    with ExitStack() as stack:
        folder = lab.folder / f"films-{len(list(lab.folder.iterdir()))}"
        folder.mkdir()
        liars = stack.enter_context(Liars(folder, "127.0.0.1"))
        path = sources_file(folder.with_suffix(".toml"), liars.base, faults)
        settings = {
            "P2P": p2p,
            "SOURCES_FILE": str(path),
            "METADATA_SOURCES": "none",
            "SOURCE_TEST_TIMEOUT": str(SCREEN),
            **environ,
        }
        server = lab.server(**settings)
        yield Services(server, liars, folder)


def torrent_of(folder: Path, name: str, data: bytes, piece: int = 256 * 1024) -> Torrent:
    """A torrent of one file in the liars' folder."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return make_torrent(path, piece)
