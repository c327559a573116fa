"""The swarm and the sources together: who is asked when, and that nothing is fetched twice."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import pytest

from tests.faults.services import NAMES, Services, hinted, services, torrent_of
from tests.faults.test_one_honest_source import noise
from tests.rig.http import follow, request
from tests.rig.lab import MIB, Lab
from tests.rig.seeder import Seeder
from tests.rig.torrents import Torrent, make_torrent
from tests.rig.viewing import Viewing

SIZE = 24 * MIB + 33
HONEST = {"Instant.io": "honest"}
SLOW = 400_000  # bytes a second of the seeder: the film alone would take a minute
numbers = count(1)
# The store has what peers sent before the player came: the head, when the film was added.
BY_PEERS = ("swarm", "store")
LATE = 0.3  # seconds that a busy machine may be late


@contextmanager
def house(
    lab: Lab, faults: dict[str, str] | None = None, **environ: str | None
) -> Iterator[Services]:
    with services(lab, faults or HONEST, p2p="on", FALLBACK_MODE="proxy", **environ) as here:
        yield here


def film_of(here: Services, size: int = SIZE) -> Torrent:
    """A torrent that no other server has heard of."""
    number = next(numbers)
    return torrent_of(here.folder, f"film-{number}.mkv", noise(size, number))


def share(lab: Lab, here: Services, torrent: Torrent, rate: int = 0) -> Viewing:
    """Let a seeder offer it, add it to the server, and look at it."""
    magnet = lab.share(torrent, rate=rate)
    film = here.film(torrent)
    here.server.add(magnet)
    return film


def is_exact(film: Viewing) -> str:
    """Play it whole; who served the first byte."""
    with film.open(0) as stream:
        assert stream.digest() == film.sha256
        return stream.headers["x-served-by"]


def began(here: Services, torrent: Torrent) -> float:
    """When the sources' turn came in the newest resolution, in seconds."""
    steps = here.resolutions(torrent)[0]["steps"]
    return next(float(step["t"]) for step in steps if "download sources" in step["what"])


def test_together_they_bring_the_film_once(lab: Lab) -> None:
    with house(lab, {"Instant.io": "slow-6000000"}) as here:
        torrent = film_of(here)
        film = share(lab, here, torrent, rate=SLOW)
        is_exact(film)
        by_peers = lab.seeders(1)[0].uploaded(torrent)
        by_sources = here.liars.counts()["sent"]
        assert by_sources > 0
        assert by_peers > 0
        assert by_peers + by_sources <= 1.1 * film.size, (by_peers, by_sources)


def test_a_swarm_without_anybody_is_not_waited_for(lab: Lab) -> None:
    with house(lab) as here:
        torrent = film_of(here)
        film = here.film(torrent)
        here.server.add(torrent.magnet([lab.tracker.url]))
        since = time.monotonic()
        assert is_exact(film) == "Instant.io"
        assert time.monotonic() - since < 8
        assert 1.0 - LATE < began(here, torrent) < 3.0, "after the head start, and no later"


def test_a_quick_swarm_needs_no_source(lab: Lab) -> None:
    with house(lab) as here:
        torrent = film_of(here)
        film = share(lab, here, torrent)
        assert is_exact(film) in BY_PEERS
        assert here.asked() == []


@pytest.mark.parametrize("how", ["by name", "all", "switch"])
def test_sources_that_are_switched_off(lab: Lab, how: str) -> None:
    environ: dict[str, dict[str, str | None]] = {
        "by name": {"EXCLUDE_SOURCES": ",".join((*NAMES, "WebTor.io"))},
        # Of a file of one's own, * leaves the sources alone: here there is none.
        "all": {"EXCLUDE_SOURCES": "*", "SOURCES_FILE": None},
        "switch": {"ENABLE_HTTP_FALLBACK": "false"},
    }
    with house(lab, P2P_HEAD_START="0", RESOLVE_BUDGET="4000", **environ[how]) as here:
        torrent = film_of(here, 2 * MIB)
        film = share(lab, here, torrent, rate=2 * SLOW)
        if how == "switch":
            urls = [here.liars.url("honest")]
            here.server.add(hinted(torrent, ws=urls, xs=[here.publish(torrent)]))
        assert is_exact(film) in BY_PEERS
        assert here.liars.counts()["total"] == 0
        listed = request(f"{here.server.url}/api/sources").json()["sources"]
        assert len(listed) >= len(NAMES)
        if how != "switch":
            assert not any(source["enabled"] for source in listed)
            nobodys = film_of(here, MIB)
            reply = follow(here.film(nobodys).url)
            assert reply.status == 504
            assert here.liars.counts()["total"] == 0


def test_p2p_first_leaves_the_swarm_its_time(lab: Lab) -> None:
    with house(lab, STRATEGY="p2p-first", P2P_TIMEOUT="3000") as here:
        torrent = film_of(here)
        film = here.film(torrent)
        here.server.add(torrent.magnet([lab.tracker.url]))
        since = time.monotonic()
        with film.open(0) as stream:
            assert time.monotonic() - since > 3.0 - LATE
            assert stream.headers["x-served-by"] == "Instant.io"
            assert stream.digest() == film.sha256
        assert began(here, torrent) > 3.0 - LATE


def test_p2p_first_with_a_quick_swarm_asks_nobody(lab: Lab) -> None:
    with house(lab, STRATEGY="p2p-first", P2P_TIMEOUT="3000") as here:
        film = share(lab, here, film_of(here))
        assert is_exact(film) in BY_PEERS
        assert here.asked() == []


@pytest.mark.parametrize("fault", ["slow-8000000", "html"])
def test_sources_first_lets_the_quick_swarm_wait(lab: Lab, fault: str) -> None:
    with house(lab, {"Instant.io": fault}, STRATEGY="sources-first") as here:
        torrent = film_of(here)
        film = share(lab, here, torrent)
        # Head and tail were fetched when it was added.
        with film.open(film.size // 2) as stream:
            served_by = stream.headers["x-served-by"]
            assert film.wrong(stream.read_all(), film.size // 2) == 0
        assert served_by == ("swarm" if fault == "html" else "Instant.io")
        is_exact(film)


def test_nobody_but_one_s_own_hears_of_a_private_torrent(lab: Lab) -> None:
    with house(lab, P2P_HEAD_START="0") as here:

        def private(*trackers: str) -> Torrent:
            path = here.folder / f"private-{next(numbers)}.mkv"
            path.write_bytes(noise(4 * MIB, next(numbers)))
            return make_torrent(path, 256 * 1024, trackers=trackers, private=True)

        # By the swarm alone: its own tracker is asked, no service and no seed of a stranger is.
        torrent = private(lab.tracker.url)
        seeder: Seeder = lab.seeders(1)[0]
        seeder.seed(torrent, rate=1_000_000)
        lab.tracker.introduce(torrent.hashes, [seeder.peer])
        film = here.film(torrent)
        stranger = here.liars.url("honest")
        here.server.add(hinted(torrent, ws=[stranger]))
        assert is_exact(film) in BY_PEERS
        told = here.test(torrent, max=12)
        assert (told["working"], told["tried"]) == ([], [])
        assert here.liars.counts()["total"] == 0

        # And by a place of the user's own.
        torrent = private()
        film = here.film(torrent)
        here.server.add(hinted(torrent, ws=[stranger]))
        url = f"{here.liars.base}/honest/{{filename}}?mine"
        here.custom(name="my folder", url=url, trust="own")
        assert is_exact(film) == "my folder"
        assert here.asked()
        assert all(path.endswith("?mine") for path in here.asked())


def test_what_was_learnt_outlives_a_restart(lab: Lab) -> None:
    """A source that failed three times is left alone for a while, also by the next process."""
    faults = {"Instant.io": "rst", "TorrentDrive": "honest"}
    with services(lab, faults, FALLBACK_MODE="proxy") as here:
        for _ in range(3):
            torrent = film_of(here, MIB)
            here.film(torrent)
            tried = here.test(torrent, max=12)["tried"]
            assert {"dead", "verified"} <= {found["verdict"] for found in tried}

        def health(name: str) -> dict[str, float | str]:
            listed = request(f"{here.server.url}/api/sources").json()["sources"]
            found: dict[str, float | str] = next(s["health"] for s in listed if s["name"] == name)
            return found

        before = health("Instant.io")
        assert here.server.terminate() == 0
        here.server.start()
        lasts = {"Instant.io": "dead", "TorrentDrive": "verified"}
        for name, last in lasts.items():
            better = last == "verified"
            kept = health(name)
            assert kept["last"] == last
            assert (float(kept["score"]) > 0.5) == better
            assert (float(kept["restsFor"]) > 0) != better
        assert health("Instant.io")["failures"] == pytest.approx(before["failures"], rel=0.01)

        here.liars.forget()
        torrent = film_of(here, 3 * MIB)
        assert is_exact(here.film(torrent)) == "TorrentDrive"
        assert here.asked("/rst/") == [], "it is left alone"
        steps = here.resolutions(torrent)[0]["steps"]
        assert "Instant.io" not in next(
            step["detail"] for step in steps if "download sources" in step["what"]
        )
