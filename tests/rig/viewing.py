"""A film on a server, seen from outside: what a player asks for, compared with the original."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.rig.http import Connection, Reply, ask_for, follow, open_stream
from tests.rig.lab import Lab
from tests.rig.server import Server
from tests.rig.torrents import Torrent, TorrentFile


@dataclass(frozen=True)
class Viewing:
    """``data`` is the original, ``url`` the play link of the file that is compared with it."""

    server: Server
    torrent: Torrent
    url: str
    data: bytes

    @property
    def size(self) -> int:
        """The film's length in bytes."""
        return len(self.data)

    @property
    def sha256(self) -> str:
        """Of the original."""
        return hashlib.sha256(self.data).hexdigest()

    def told(self) -> dict[str, Any]:
        """What the API says of the torrent."""
        return self.server.torrent(self.torrent.key)

    def still_downloading(self) -> bool:
        """Whether some of the torrent has not come yet."""
        progress: float = self.told()["progress"]
        return progress < 1

    def open(
        self, first: int | None = None, *, buffer: int | None = None, agent: str = "rig"
    ) -> Connection:
        """A stream from byte ``first`` on; its head is read and must be right."""
        asked = {"User-Agent": agent} | (ask_for(first) if first is not None else {})
        stream = open_stream(self.url, asked, buffer=buffer)
        assert stream.status == (200 if first is None else 206), (stream.status, stream.headers)
        assert int(stream.headers["content-length"]) == self.size - (first or 0)
        return stream

    def part(self, first: int, last: int) -> Reply:
        """Bytes ``first`` to ``last``, both included, which must be the right ones."""
        reply = follow(self.url, ask_for(first, last))
        assert reply.status == 206, (reply.status, reply.headers, reply.body[:300])
        assert reply.headers["content-range"] == f"bytes {first}-{last}/{self.size}"
        assert self.wrong(reply.body, first) == 0, f"wrong bytes in {first}-{last}"
        assert len(reply.body) == last - first + 1
        return reply

    def wrong(self, got: bytes, first: int) -> int:
        """How many of these bytes differ from the original at ``first``."""
        expected = self.data[first : first + len(got)]
        if got == expected:
            return 0
        return sum(a != b for a, b in zip(got, expected, strict=False)) or 1

    def parts(self, count: int, most: int, random: Random, *, at_once: int = 8) -> int:
        """Compare ``count`` random ranges, ``at_once`` at a time; how many came while the torrent
        was still downloading."""
        spans = []
        for _ in range(count):
            first = random.randrange(self.size)
            spans.append((first, min(self.size, first + random.randint(1, most)) - 1))

        def one(span: tuple[int, int]) -> bool:
            self.part(*span)
            return self.still_downloading()

        with ThreadPoolExecutor(at_once) as pool:
            return sum(pool.map(one, spans))


def view(
    lab: Lab,
    server: Server,
    torrent: Torrent,
    file: TorrentFile | None = None,
    *,
    rate: int = 0,
    count: int = 1,
) -> Viewing:
    """Share a torrent, add its magnet, and look at one of its files (its first)."""
    server.add(lab.share(torrent, rate=rate, count=count))
    return viewing(server, torrent, server.ready(torrent.key), file)


def viewing(
    server: Server, torrent: Torrent, told: dict[str, Any], file: TorrentFile | None = None
) -> Viewing:
    """Look at one file of a torrent that has been added, as the API told of it."""
    file = file or torrent.files[0]
    urls = {listed["index"]: listed["playUrl"] for listed in told["files"]}
    return Viewing(server, torrent, urls[file.index], file.data())
