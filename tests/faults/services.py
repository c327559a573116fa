"""Stand-ins for the built-in services: each name with the fault of its own."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

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

    def publish(self, torrent: Torrent, fault: str = "honest") -> str:
        """Put the .torrent where the liars find it; its URL, for ``xs=``."""
        name = f"{torrent.key.upper()}.torrent"
        (self.folder / name).write_bytes(torrent.raw)
        return self.liars.url(fault, name)

    def named(self, torrent: Torrent, *seeds: str, file: TorrentFile | None = None) -> Viewing:
        """Add a magnet that names web seeds and where its .torrent is; look at one file."""
        told = self.server.add(hinted(torrent, xs=[self.publish(torrent)], ws=seeds))
        if not told["files"]:
            told = self.server.ready(torrent.key)
        return viewing(self.server, torrent, told, file)

    def custom(self, **fields: Any) -> None:
        """Add a source over the API."""
        reply = post_json(f"{self.server.url}/api/sources", fields)
        assert reply.status == 201, reply.body

    def change(self, name: str, **fields: Any) -> None:
        """Change a source over the API."""
        url = f"{self.server.url}/api/sources/{quote(name)}"
        kind = {"Content-Type": "application/json"}
        reply = request(url, kind, "PATCH", json.dumps(fields).encode())
        assert reply.status == 200, reply.body

    def resolutions(self, torrent: Torrent) -> list[dict[str, Any]]:
        """How each attempt to play it went, the newest first."""
        url = f"{self.server.url}/api/resolutions?infoHash={torrent.key}"
        listed: list[dict[str, Any]] = request(url).json()["resolutions"]
        return listed

    def steps(self, torrent: Torrent) -> dict[str, tuple[str, str]]:
        """Each source's last verdict and reason in the torrent's newest resolution."""
        return {
            step["source"]: (step["verdict"], step.get("detail", ""))
            for step in self.resolutions(torrent)[0]["steps"]
            if step.get("source") and step.get("verdict")
        }

    def asked(self, word: str = "") -> list[str]:
        """The paths that the liars were asked for, those with ``word`` in them."""
        return [seen["path"] for seen in self.liars.requests() if word in seen["path"]]

    def test(self, torrent: Torrent, **more: Any) -> dict[str, Any]:
        """POST /api/sources/test."""
        asked = {"infoHash": torrent.key, **more}
        reply = post_json(f"{self.server.url}/api/sources/test", asked, timeout=60)
        assert reply.status == 200, reply.body
        told: dict[str, Any] = reply.json()
        return told


def hinted(torrent: Torrent, magnet: str = "", **hints: Iterable[str]) -> str:
    """Its magnet (or this one) with URLs in it: ``hinted(torrent, ws=[…], xs=[…])``."""
    pairs = [(name, url) for name, urls in hints.items() for url in urls]
    more = [f"&{name}={quote(url, safe='')}" for name, url in pairs]
    return (magnet or torrent.magnet()) + "".join(more)


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
    lab: Lab,
    faults: Mapping[str, str],
    *,
    p2p: str = "off",
    places: Iterable[str] = (),
    **environ: str | None,
) -> Iterator[Services]:
    """A server whose sources lie as told. Its films are made in ``folder``.

    ``places`` are the faults of the METADATA_SOURCES, each with a folder if it has one.
    """
    with ExitStack() as stack:
        folder = lab.folder / f"films-{len(list(lab.folder.iterdir()))}"
        folder.mkdir()
        liars = stack.enter_context(Liars(folder, "127.0.0.1"))
        path = sources_file(folder.with_suffix(".toml"), liars.base, faults)
        kept = [f"{liars.base}/{place}/{{INFOHASH}}.torrent" for place in places]
        settings = {
            "P2P": p2p,
            "SOURCES_FILE": str(path),
            "METADATA_SOURCES": ",".join(kept) or "none",
            "SOURCE_TEST_TIMEOUT": str(SCREEN),
            **environ,
        }
        server = lab.server(**settings)
        yield Services(server, liars, folder)
        # Told now and waited for by the lab, so that the next one starts meanwhile.
        server.process.terminate()


def torrent_of(folder: Path, name: str, data: bytes, piece: int = 256 * 1024) -> Torrent:
    """A torrent of one file in the liars' folder."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return make_torrent(path, piece)
