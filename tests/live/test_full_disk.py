"""A disk of its own for the server, and too small: what does not fit is refused, the rest plays."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig.http import Reply, ask_for, follow, request
from tests.rig.lab import MIB, Lab
from tests.rig.server import Server
from tests.rig.viewing import view
from tests.rig.waiting import until

# The server leaves 64 MiB to the rest of the machine, so some 32 MiB are for films.
DISK = 96 * MIB


def own_disk(folder: Path) -> tuple[str, ...]:
    """What runs a command that sees a new disk at ``folder``, and nobody else does."""
    mount = f'mount -t tmpfs -o size={DISK} none "{folder}" && exec "$@"'
    return ("unshare", "--mount", "sh", "-c", mount, "own-disk")


@pytest.fixture(scope="module")
def server(lab: Lab) -> Iterator[Server]:
    folder = lab.folder / "small-disk"
    data = folder / "data"
    data.mkdir(parents=True)
    wrapper = own_disk(data)
    tried = (
        subprocess.run([*wrapper, "true"], capture_output=True, text=True)
        if shutil.which("unshare")
        else None
    )
    if tried is None or tried.returncode:
        why = "no disk can be mounted here: " + (tried.stderr.strip() if tried else "no unshare")
        if os.environ.get("CI"):
            pytest.fail(f"CI must try it ({why})", pytrace=False)
        pytest.skip(why)
    # The disk itself is the limit here.
    with Server(folder, wrapper=wrapper, CACHE_MAX_BYTES="1GB") as server:
        yield server


def disk_full(reply: Reply) -> str:
    """What the Problem says in detail."""
    assert (reply.status, reply.json()["code"]) == (503, "disk-full"), reply
    detail: str = reply.json()["detail"]
    return detail


def inside(server: Server) -> Path:
    """The disk, as the server sees it."""
    data = server.folder / "data"
    return Path(f"/proc/{server.process.pid}/root{data}")


def free(server: Server) -> int:
    return shutil.disk_usage(inside(server)).free


def fill(path: Path) -> None:
    """Write until nothing more fits on the disk."""
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(64 * 1024))


def test_a_film_that_is_larger_than_the_disk(lab: Lab, server: Server) -> None:
    big = view(lab, server, lab.torrent(104 * MIB, 4 * MIB), rate=8 * MIB)
    for headers in ({}, ask_for(0, 99), ask_for(50 * MIB)):
        sizes = re.findall(r"(\d+) MB", disk_full(request(big.url, headers)))
        missing = big.size - big.told()["verifiedBytes"]
        assert sizes == [str(round(size / 1e6)) for size in (missing, free(server))]
    assert free(server) > DISK - 16 * MIB
    # A smaller one plays, and the large one is in nobody's way.
    small = view(lab, server, lab.torrent(8 * MIB))
    with small.open() as stream:
        assert stream.digest() == small.sha256
    disk_full(request(big.url))
    assert small.part(0, 999).headers["x-served-by"] in ("store", "swarm")


# Which pieces are on their way to the disk when it is full differs from time to time.
@pytest.mark.parametrize("run", range(3))
def test_a_disk_that_fills_up_in_mid_film(lab: Lab, server: Server, run: int) -> None:
    empty(server)
    film = view(lab, server, lab.torrent(12 * MIB, 256 * 1024), rate=6 * MIB)
    ballast = inside(server) / "ballast"
    written = len(server.log)

    def log() -> str:
        return server.log[written:]

    with film.open(0) as stream:
        got = stream.read_exactly(2 * MIB)
        with pytest.raises(OSError, match="No space left"):
            fill(ballast)
        lab.seeders()[0].limit(film.torrent, 0)
        until(lambda: "a film waits: This film still needs" in log(), 10, "the disk to be full")
        # Another viewer is told; this one waits, because an error would end the film.
        disk_full(follow(film.url, {"User-Agent": "another"} | ask_for(10 * MIB)))
        # Once there is room it goes on, and no piece that was lost is taken for one that is there.
        ballast.unlink()
        got += stream.read_all()
    assert film.wrong(got, 0) == 0
    assert len(got) == film.size


def test_a_film_that_nobody_watches_makes_room_in_mid_film(lab: Lab, server: Server) -> None:
    empty(server)
    before = view(lab, server, lab.torrent(12 * MIB, 256 * 1024))
    with before.open() as stream:
        assert stream.digest() == before.sha256
    film = view(lab, server, lab.torrent(12 * MIB, 256 * 1024), rate=4 * MIB)
    ballast = inside(server) / "ballast"
    with film.open(0) as stream:
        got = stream.read_exactly(2 * MIB)
        with pytest.raises(OSError, match="No space left"):
            fill(ballast)
        # The reserve is free again, and nothing more.
        with ballast.open("r+b") as file:
            file.truncate(ballast.stat().st_size - 64 * MIB)
        got += stream.read_all()
    ballast.unlink()
    assert film.wrong(got, 0) == 0
    assert len(got) == film.size


def empty(server: Server) -> None:
    """Remove every torrent and what it has on disk."""
    for listed in request(f"{server.url}/api/torrents").json()["torrents"]:
        key = listed["infoHash"]
        assert request(f"{server.url}/api/torrents/{key}", method="DELETE").status == 204
