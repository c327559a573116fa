"""Each figure of the README's table: how it is taken, ours and bare libtorrent's in turn."""

import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.rig.child import REPOSITORY
from tests.rig.http import Connection, post_json, request
from tests.rig.lab import MIB, Lab
from tests.rig.server import Server
from tests.rig.torrents import Torrent, make_torrent

GIB = 1024 * MIB


@dataclass
class Figure:
    """A named series of measurements."""

    name: str
    unit: str
    values: list[float] = field(default_factory=list)


def film(lab: Lab, size: int) -> Torrent:
    """A new torrent of one film of random bytes, 1 MiB pieces."""
    folder = Path(tempfile.mkdtemp(dir=lab.folder))
    with folder.joinpath("film.mkv").open("wb") as out:
        for _ in range(size // MIB):
            out.write(os.urandom(MIB))
    return make_torrent(folder / "film.mkv", MIB, "v1")


def bare(magnet: str, until: str) -> dict[str, float]:
    """Run bare libtorrent on a magnet until its "first" piece or the "whole" file."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.bare", magnet, until],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        text=True,
    )
    times: dict[str, float] = json.loads(done.stdout)
    return times


def add(server: Server, magnet: str) -> str:
    """Add a magnet; the play link of its file."""
    reply = post_json(f"{server.url}/api/torrents", {"magnetUri": magnet})
    assert reply.status == 201, reply.body
    url: str = reply.json()["playUrl"]
    return url


def remove(server: Server, torrent: Torrent) -> None:
    """Forget a torrent and its files, so that it is downloaded anew."""
    reply = request(f"{server.url}/api/torrents/{torrent.key}", method="DELETE")
    assert reply.status == 204, reply.body


def first_byte(url: str, start: int = 0, read: int = 1) -> float:
    """Seconds to the first body byte of a range that goes to the end; reads ``read`` bytes."""
    connection = Connection(url)
    try:
        connection.ask(url, {"Range": f"bytes={start}-"})
        assert connection.head() == 206, connection.status
        connection.read_exactly(1)
        took = time.monotonic() - connection.asked_at
        if read > 1:
            connection.read_exactly(read - 1)
        return took
    finally:
        connection.close()


def drain(url: str, start: int = 0, stop: int | None = None) -> tuple[float, float, int]:
    """(seconds to the first byte, seconds in all, bytes) of a GET that throws its body away."""
    connection = Connection(url, timeout=120)
    try:
        last = "" if stop is None else str(stop - 1)
        connection.ask(url, {"Range": f"bytes={start}-{last}"})
        assert connection.head() == 206, connection.status
        size = len(connection.read(MIB))
        first = time.monotonic() - connection.asked_at
        while part := connection.read(MIB):
            size += len(part)
        return first, time.monotonic() - connection.asked_at, size
    finally:
        connection.close()


def start_up(lab: Lab, runs: int) -> Iterator[Figure]:
    """(a) magnet to first byte: adding it to the first byte of the film."""
    for count in (1, 4):
        ours = Figure(f"(a) magnet to first byte, {count} seeder(s)", "s")
        theirs = Figure(f"(a) bare libtorrent's first piece, {count} seeder(s)", "s")
        with lab.server(RESOLVE_BUDGET="26000") as server:
            time.sleep(2)
            for _ in range(runs):
                torrent = film(lab, 128 * MIB)
                magnet = lab.share(torrent, count=count)
                began = time.monotonic()
                url = add(server, magnet)
                first_byte(url)
                ours.values.append(time.monotonic() - began)
                remove(server, torrent)
                torrent = film(lab, 128 * MIB)
                theirs.values.append(bare(lab.share(torrent, count=count), "first")["first"])
        yield ours
        yield theirs


def whole_file(lab: Lab, runs: int) -> Iterator[Figure]:
    """(b) a full GET of 1 GiB beside bare libtorrent, seeders limited and not."""
    for count, rate in ((4, 25_000_000), (1, 0)):
        how = f"{count} seeders of 25 MB/s" if rate else "1 seeder, no limit"
        torrent = film(lab, GIB)
        magnet = lab.share(torrent, count=count, rate=rate)
        ours = Figure(f"(b) full GET of 1 GiB, {how}", "MB/s")
        theirs = Figure(f"(b) bare libtorrent, {how}", "MB/s")
        ratio = Figure(f"(b) ours / bare, {how}", "")
        cpu = Figure(f"(b) CPU of the server, {how}", "s/GiB")
        bare_cpu = Figure(f"(b) CPU of bare libtorrent, {how}", "s/GiB")
        with lab.server(RESOLVE_BUDGET="26000") as server:
            time.sleep(2)
            for _ in range(runs):
                url = add(server, magnet)
                used = server.cpu()
                first, took, size = drain(url)
                assert size == GIB
                ours.values.append(size / (took - first) / 1e6)
                cpu.values.append(server.cpu() - used)
                remove(server, torrent)
                times = bare(magnet, "whole")
                theirs.values.append(size / (times["whole"] - times["finished"]) / 1e6)
                bare_cpu.values.append(times["cpu"])
                ratio.values.append(ours.values[-1] / theirs.values[-1])
        yield from (ours, theirs, ratio, cpu, bare_cpu)
        torrent.folder.joinpath("film.mkv").unlink()


def seeks(lab: Lab, runs: int) -> Iterator[Figure]:
    """(c) first byte after a seek: open, read 256 KiB, drop, seek to 50 %, then to 90 %."""
    for rate, how in ((0, "4 fast seeders"), (2_500_000, "4 seeders of 2.5 MB/s")):
        half = Figure(f"(c) seek to 50 %, {how}", "s")
        late = Figure(f"(c) seek to 90 %, {how}", "s")
        with lab.server(RESOLVE_BUDGET="26000") as server:
            time.sleep(2)
            for _ in range(runs):
                torrent = film(lab, 256 * MIB)
                url = add(server, lab.share(torrent, count=4, rate=rate))
                first_byte(url, 0, 256 * 1024)
                half.values.append(first_byte(url, 128 * MIB, MIB))
                late.values.append(first_byte(url, 230 * MIB, MIB))
                remove(server, torrent)
        yield half
        yield late


def readers(lab: Lab, runs: int) -> Iterator[Figure]:
    """(d) readers spread over one torrent: the worst first byte of 8; 9 and 17 finish."""
    worst = Figure("(d) 8 readers, worst first byte", "s")
    memory = Figure("(f) peak memory, 8 readers", "MiB")
    finish = {count: Figure(f"(d) {count} readers, last one done", "s") for count in (9, 17)}
    with lab.server(RESOLVE_BUDGET="26000") as server:
        time.sleep(2)
        for _ in range(runs):
            torrent = film(lab, 256 * MIB)
            url = add(server, lab.share(torrent, count=4))
            firsts, _ = _spread(url, 256 * MIB, 8)
            worst.values.append(max(firsts))
            memory.values.append(server.rss(peak=True) / MIB)
            remove(server, torrent)
            for count, figure in finish.items():
                torrent = film(lab, 128 * MIB)
                url = add(server, lab.share(torrent, count=4))
                _, ends = _spread(url, 128 * MIB, count)
                assert len(ends) == count
                figure.values.append(max(ends))
                remove(server, torrent)
    yield worst
    yield from finish.values()
    yield memory


def _spread(url: str, size: int, count: int) -> tuple[list[float], list[float]]:
    part = size // count
    start = threading.Barrier(count)

    def one(number: int) -> tuple[float, float, int]:
        start.wait()
        return drain(url, number * part, (number + 1) * part)

    with ThreadPoolExecutor(count) as pool:
        done = list(pool.map(one, range(count)))
    return [first for first, _, _ in done], [took for _, took, _ in done]


def finished(lab: Lab, runs: int) -> Iterator[Figure]:
    """(e) a finished file: a full GET, and random 64 KiB ranges on one connection."""
    rate = Figure("(e) finished file, full GET", "MB/s")
    small = Figure("(e) finished file, a 64 KiB range", "ms")
    size = 512 * MIB
    with lab.server() as server:
        torrent = film(lab, size)
        url = add(server, lab.share(torrent))
        drain(url)
        time.sleep(1)
        for _ in range(runs):
            _, took, read = drain(url)
            assert read == size
            rate.values.append(size / took / 1e6)
        connection = Connection(url)
        rng = random.Random(1)
        for _ in range(runs * 50):
            start = rng.randrange(size - 65536)
            connection.ask(url, {"Range": f"bytes={start}-{start + 65535}"})
            connection.head()
            connection.read_exactly(65536)
            small.values.append((time.monotonic() - connection.asked_at) * 1000)
        connection.close()
    yield rate
    yield small


def memory(lab: Lab, runs: int) -> Iterator[Figure]:
    """(f) peak memory of all processes: idle, and after streaming 1 GiB."""
    idle = Figure("(f) peak memory, idle", "MiB")
    streaming = Figure("(f) peak memory, streaming 1 GiB", "MiB")
    torrent = film(lab, GIB)
    magnet = lab.share(torrent, count=4)
    for _ in range(runs):
        with lab.server() as server:
            time.sleep(3)
            idle.values.append(server.rss(peak=True) / MIB)
            drain(add(server, magnet))
            streaming.values.append(server.rss(peak=True) / MIB)
            remove(server, torrent)
    yield idle
    yield streaming
    torrent.folder.joinpath("film.mkv").unlink()


def listing(lab: Lab, runs: int) -> Iterator[Figure]:
    """(g) stream lists, 8 clients at once, each on its own connection."""
    rate = Figure("(g) stream lists, 8 clients", "1/s")
    slow = Figure("(g) stream lists, p99", "ms")
    with lab.server() as server:
        torrent = film(lab, 16 * MIB)
        about = {"magnetUri": lab.share(torrent), "imdbId": "tt0000001"}
        assert post_json(f"{server.url}/api/torrents", about).status == 201
        url = f"{server.url}/stream/movie/tt0000001.json"
        for _ in range(runs):
            took: list[float] = []
            began = time.monotonic()
            threads = [threading.Thread(target=_ask_often, args=(url, 150, took)) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            rate.values.append(len(took) / (time.monotonic() - began))
            slow.values.append(sorted(took)[int(len(took) * 0.99)] * 1000)
    yield rate
    yield slow


def _ask_often(url: str, times: int, took: list[float]) -> None:
    connection = Connection(url)
    for _ in range(times):
        connection.ask(url)
        assert connection.head() == 200
        connection.read_all()
        took.append(time.monotonic() - connection.asked_at)
    connection.close()


def exactness(lab: Lab, runs: int) -> Iterator[Figure]:
    """Wrong bytes in a full GET at full speed: the one figure that must be 0."""
    wrong = Figure("wrong full GETs of 256 MiB at full speed", "")
    with lab.server() as server:
        for _ in range(runs):
            torrent = film(lab, 256 * MIB)
            url = add(server, lab.share(torrent, count=4))
            connection = Connection(url, timeout=60)
            connection.ask(url)
            connection.head()
            digest = hashlib.sha256()
            while part := connection.read(MIB):
                digest.update(part)
            connection.close()
            content = torrent.folder.joinpath("film.mkv").read_bytes()
            wrong.values.append(float(digest.digest() != hashlib.sha256(content).digest()))
            remove(server, torrent)
    yield wrong


MEASURES: dict[str, Callable[[Lab, int], Iterator[Figure]]] = {
    "a": start_up,
    "b": whole_file,
    "c": seeks,
    "d": readers,
    "e": finished,
    "f": memory,
    "g": listing,
    "x": exactness,
}
