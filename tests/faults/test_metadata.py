"""The .torrent over HTTP, for a magnet with the swarm off: one right place among wrong ones is
enough, whatever they send; and where there is none, the reasons are told soon."""

import re
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.faults.services import Services, hinted, services, torrent_of
from tests.faults.test_one_honest_source import noise
from tests.rig.http import Reply, follow
from tests.rig.lab import MIB, Lab
from tests.rig.torrents import Torrent, make_torrent
from tests.rig.viewing import Viewing, viewing

SOURCES = {"Instant.io": "honest"}
# Places that answer, and what is to be said of each. The part behind the fault is a folder.
ANSWERS = {
    "html": "sends something that is no .torrent",
    "honest/wrong": "sends another torrent: its info hash is a different one",
    "honest/cut": "cannot be read",
    "honest/garbage": "cannot be read",
    "honest/deep": "cannot be read",
    "honest/big": "sends more than",
    "chunked/big": "sends more than",
    "gzip-bomb": "compresses what was asked for",
    "redirect-loop": "redirects without end",
    "redirect-nowhere": "redirects to nowhere",
    "status-404": "status 404",
    "status-500": "status 500",
    "rst": "ended the connection",
    "close-at-once": "ended the connection",
    "close-early": "ended the connection",
    "endless-headers": "does not answer as HTTP asks it to",
    "absurd-chunk": "does not answer as HTTP asks it to",
    "status-429": "status 429",
}
SILENT = ("hang", "hang-body", "drip", "drip-headers")
LOGGED = re.compile(r"✗ no metadata from 127\.0\.0\.1: (.*)")
SOON = 4.0  # seconds; all have answered long before
BUDGET = 8.0


def spoil(here: Services, torrent: Torrent) -> None:
    """Put what is no good at all under the torrent's name, each kind into its folder."""
    other = torrent_of(here.folder, "other/film.mkv", noise(MIB, 99))
    half = len(torrent.raw) // 2
    files = {
        "wrong": other.raw,
        "cut": torrent.raw[:half],
        "garbage": b"d" + noise(5000, 3),
        "deep": b"d1:a" + b"l" * 200_000,
        "big": b"d" + bytes(20 * MIB),
    }
    for folder, raw in files.items():
        path = here.folder / folder / f"{torrent.key.upper()}.torrent"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(raw)


def film(here: Services, seed: int) -> Torrent:
    return torrent_of(here.folder, f"film-{seed}.mkv", noise(2 * MIB + seed, seed))


def play(here: Services, magnet: str) -> tuple[Reply, float]:
    """Add a magnet whose files are not known and play it; the answer, and after how long."""
    began = time.monotonic()
    reply = follow(here.server.add(magnet)["playUrl"])
    return reply, time.monotonic() - began


def plays(here: Services, torrent: Torrent, magnet: str) -> None:
    """Add the magnet; the film must come, exactly."""
    here.server.add(magnet)
    seen: Viewing = viewing(here.server, torrent, here.server.ready(torrent.key))
    with seen.open(0) as stream:
        assert stream.digest() == seen.sha256


@pytest.fixture(scope="module")
def nobody(lab: Lab) -> Iterator[Services]:
    """A server without any place of its own: only magnets name some."""
    with services(lab, SOURCES, RESOLVE_BUDGET="2000") as here:
        yield here


def test_one_right_place_among_wrong_and_silent_ones(lab: Lab) -> None:
    places = [*ANSWERS, *SILENT, "honest"]
    with services(lab, SOURCES, places=places) as here:
        torrent = film(here, 1)
        spoil(here, torrent)
        here.publish(torrent)
        began = time.monotonic()
        plays(here, torrent, torrent.magnet())
        assert time.monotonic() - began < BUDGET
        assert "✓ valid torrent from 127.0.0.1" in here.server.log
        assert len({path.split("/")[1] for path in here.asked(".torrent")}) > len(SILENT)
        assert here.liars.open_after() == 0, "the others are not waited for"


def test_nobody_right_is_told_soon_and_each_reason_is_in_the_log(lab: Lab) -> None:
    with services(lab, SOURCES, places=ANSWERS) as here:
        torrent = film(here, 2)
        spoil(here, torrent)
        here.publish(torrent)  # for those that begin as honest ones do
        reply, took = play(here, torrent.magnet())
        assert (reply.status, reply.json()["code"]) == (504, "no-metadata")
        assert took < SOON
        assert "retry-after" in reply.headers
        detail = reply.json()["detail"]
        assert "127.0.0.1" in detail
        assert f"and {len(ANSWERS) - 3} more" in detail
        assert ".;" not in detail
        assert ".." not in detail
        # The same places are asked again by the next try, and say the same.
        first = LOGGED.findall(here.server.log)[: len(ANSWERS)]
        told = Counter(next(w for w in ANSWERS.values() if w in line) for line in first)
        assert told == Counter(ANSWERS.values())
        assert not here.asked("film-2.mkv"), "no source is asked for what cannot be checked"
        assert here.liars.open_after() == 0


def test_silent_places_are_told_of_at_the_end_of_the_budget(nobody: Services) -> None:
    torrent = film(nobody, 8)
    silent = [nobody.publish(torrent, fault) for fault in SILENT]
    reply, took = play(nobody, hinted(torrent, xs=silent))
    assert (reply.status, reply.json()["code"]) == (504, "no-metadata")
    assert took < BUDGET
    assert "127.0.0.1 has not answered; " in reply.json()["detail"]


def test_the_magnet_s_own_places_count(nobody: Services) -> None:
    torrent = film(nobody, 3)
    right = nobody.publish(torrent)
    spoil(nobody, torrent)
    name = f"{torrent.key.upper()}.torrent"
    wrong = [nobody.liars.url("honest", f"{folder}/{name}") for folder in ("wrong", "cut")]
    silent = nobody.liars.url("hang", name)
    plays(nobody, torrent, hinted(torrent, xs=[*wrong, silent, right]))


def test_so_does_an_acceptable_source_that_is_a_torrent(nobody: Services) -> None:
    torrent = film(nobody, 4)
    url = nobody.publish(torrent)
    plays(nobody, torrent, hinted(torrent, **{"as": [url]}))


@pytest.mark.parametrize("version", ["v2", "hybrid"])
def test_other_kinds_of_torrent(nobody: Services, version: str) -> None:
    path = nobody.folder / version / "film.mkv"
    path.parent.mkdir()
    path.write_bytes(noise(2 * MIB, 5))
    torrent = make_torrent(path, 256 * 1024, version)
    nobody.custom(
        name=f"by path, {version}", url=nobody.liars.base + f"/honest/{version}/{{file_path}}"
    )
    plays(nobody, torrent, hinted(torrent, xs=[nobody.publish(torrent)]))


def test_without_any_place_it_says_so(nobody: Services) -> None:
    reply, took = play(nobody, film(nobody, 6).magnet())
    assert (reply.status, reply.json()["code"]) == (504, "no-metadata")
    assert took < SOON
    assert "no place is known" in reply.json()["detail"]


def test_a_second_try_finds_what_the_first_did_not(nobody: Services) -> None:
    torrent = film(nobody, 7)
    url = nobody.liars.url("honest", f"{torrent.key.upper()}.torrent")
    magnet = hinted(torrent, xs=[url])
    reply, _ = play(nobody, magnet)
    assert reply.json()["code"] == "no-metadata"
    assert "status 404" in reply.json()["detail"]
    nobody.publish(torrent)
    plays(nobody, torrent, magnet)
