"""The figures of HTTP sources: liars in a process of their own, the real server, loopback."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench.measures import Figure, drain, first_byte
from tests.faults.gaps import WAYS, Pair
from tests.faults.schedules import Film, nobody_else
from tests.faults.services import NAMES, services
from tests.rig.http import request
from tests.rig.lab import MIB, Lab
from tests.rig.torrents import Torrent, make_torrent
from tests.rig.viewing import viewing

GOOD = "Bitport.io"
# Four that hang stand first, where they cost most; the good one stands last.
BAD = (
    *("hang", "hang", "hang", "hang", "html", "html-as-video", "wrong-bytes", "wrong-size"),
    *("status-404", "status-500", "rst"),
)
HALF_GB = 500 * MIB
SOURCE_RATE = 20_000_000
SEEDER_RATE = 2_500_000


def fallback(lab: Lab, runs: int) -> Iterator[Figure]:
    """(h) eleven bad sources and a good one: GET to first byte, less the good one's own time."""
    faults = dict(zip(NAMES, (*BAD, "honest"), strict=True))
    for p2p, how in (("off", "swarm off"), ("on", "swarm dead")):
        first = Figure(f"(h) first byte, 11 bad sources and 1 good, {how}", "s")
        second = Figure(f"(h) the same, second film, {how}", "s")
        own = Figure(f"(h) the good source's own time for that piece, {how}", "s")
        for _ in range(runs):
            with services(lab, faults, p2p=p2p, SOURCE_TEST_TIMEOUT="5000") as here:
                time.sleep(1.5)
                for figure in (first, second):
                    torrent = film_in(here.folder, 32 * MIB)
                    reply = here.server.upload(torrent.raw)
                    url = reply.json()["files"][0]["playUrl"]
                    path = str(torrent.files[0].path.relative_to(here.folder))
                    _, took, _ = drain(here.liars.url("honest", path), 0, MIB)
                    own.values.append(took)
                    figure.values.append(first_byte(url) - took)
        yield from (first, second, own)


def one_source(lab: Lab, runs: int) -> Iterator[Figure]:
    """(i) a full GET of 500 MB that one source feeds, beside a plain GET of the same source."""
    for fault, how in (("honest", "no limit"), (f"slow-{SOURCE_RATE}", "20 MB/s")):
        ours = Figure(f"(i) full GET of 500 MB from one source, {how}", "MB/s")
        plain = Figure(f"(i) the source itself, {how}", "MB/s")
        ratio = Figure(f"(i) ours / the source itself, {how}", "")
        cpu = Figure(f"(i) CPU of the server, {how}", "s/GiB")
        with services(lab, {GOOD: fault}) as here:
            time.sleep(1.5)
            for _ in range(runs if fault == "honest" else min(runs, 3)):
                torrent = film_in(here.folder, HALF_GB)
                path = str(torrent.files[0].path.relative_to(here.folder))
                url = here.server.upload(torrent.raw).json()["files"][0]["playUrl"]
                used = here.server.cpu()
                _, took, size = drain(url)
                cpu.values.append((here.server.cpu() - used) / (size / 1024**3))
                ours.values.append(size / took / 1e6)
                _, took, _ = drain(here.liars.url(fault, path))
                plain.values.append(size / took / 1e6)
                ratio.values.append(ours.values[-1] / plain.values[-1])
                _forget(here.server.url, torrent)
        yield from (ours, plain, ratio, cpu)


def together(lab: Lab, runs: int) -> Iterator[Figure]:
    """(k) four seeders of 2.5 MB/s beside a source of 20 MB/s."""
    ours = Figure("(k) full GET of 600 MB, 4 seeders of 2.5 MB/s and a source of 20 MB/s", "MB/s")
    share = Figure("(k) of the sum of both (30 MB/s)", "")
    waste = Figure("(k) bytes received / bytes of the file", "")
    for _ in range(min(runs, 3)):
        with services(lab, {GOOD: f"slow-{SOURCE_RATE}"}, p2p="on") as here:
            time.sleep(1.5)
            torrent = film_in(here.folder, 600 * MIB)
            magnet = lab.share(torrent, count=4, rate=SEEDER_RATE)
            here.server.add(magnet)
            url = here.server.ready(torrent.key)["files"][0]["playUrl"]
            before = here.liars.counts()["sent"]
            _, took, size = drain(url)
            ours.values.append(size / took / 1e6)
            share.values.append(ours.values[-1] / 30)
            received = here.liars.counts()["sent"] - before
            received += sum(seeder.uploaded(torrent) for seeder in lab.seeders(4))
            waste.values.append(received / size)
            _forget(here.server.url, torrent)
    yield from (ours, share, waste)


def goes_on(lab: Lab, runs: int) -> Iterator[Figure]:
    """(o) the film goes on: the longest gap when the source that delivers dies or falls silent."""
    said = {"down": "dies", "silent": "falls silent"}
    nobody_else = {"EXCLUDE_SOURCES": ",".join((*NAMES, "WebTor.io"))}
    with services(lab, {}, FALLBACK_MODE="proxy", **nobody_else) as here:
        for end, known in WAYS:
            other = "another one known" if known else "another one to be found"
            gap = Figure(f"(o) longest gap when the source {said[end]}, {other}", "s")
            for number in range(runs):
                torrent = film_in(here.folder, HALF_GB)
                told = here.server.upload(torrent.raw).json()
                film = viewing(here.server, torrent, told)
                pair = Pair(here, film, SOURCE_RATE, f"{end}-{known}-{number}")
                pair.add()
                gap.values.append(
                    pair.longest_gap(end, known=known, early=40 * MIB, rest=120 * MIB)
                )
                for name in (pair.first, pair.second):
                    request(f"{here.server.url}/api/sources/{name}", method="DELETE")
                _forget(here.server.url, torrent)
            yield gap


def schedules(lab: Lab, runs: int) -> Iterator[Figure]:
    """(r) seeded schedules of suppliers that die, stall, lie and come back, on a film of 500 MB:
    the bytes are compared, and the longest time without one is told."""
    gap = Figure("(r) longest gap under a schedule of faults, 500 MB", "s")
    with nobody_else(lab) as here:
        for seed in range(1, runs + 1):
            film = Film(lab, here, seed, 500_000_000)
            gap.values.append(film.play())
            film.forget()
    yield gap


def film_in(folder: Path, size: int) -> Torrent:
    """A new film among those that the sources serve."""
    inner = Path(tempfile.mkdtemp(dir=folder))
    path = inner / f"{inner.name}.mkv"
    with path.open("wb") as out:
        out.write(b"\x1a\x45\xdf\xa3" + os.urandom(MIB - 4))
        for _ in range(size // MIB - 1):
            out.write(os.urandom(MIB))
    path = path.rename(folder / path.name)
    return make_torrent(path, MIB, "v1")


def _forget(url: str, torrent: Torrent) -> None:
    reply = request(f"{url}/api/torrents/{torrent.key}", method="DELETE")
    assert reply.status == 204, reply.body
    torrent.files[0].path.unlink()


SOURCE_MEASURES: dict[str, Callable[[Lab, int], Iterator[Figure]]] = {
    "h": fallback,
    "i": one_source,
    "k": together,
    "o": goes_on,
    "r": schedules,
}
