"""Players over HTTP sources, the swarm off: sent to a web seed by 302, or through the store."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clients.chromium import drive
from tests.clients.players import Mpv, Player, Vlc, frames, likeness
from tests.faults.services import Services, hinted, services
from tests.faults.web_seed import WebSeed
from tests.rig.http import request
from tests.rig.lab import Lab
from tests.rig.torrents import Torrent, make_torrent
from tests.rig.viewing import Viewing
from tests.rig.waiting import until

FilmOf = Callable[[str], Path]

RATE = 1_000_000  # bytes a second of a connection; the films play at 400 kB/s
KINDS = ("first.mp4", "film.mkv")
ROADS = ("302", "store")
DURATION = 60.0
SEEK = 42.0
DECODED = 1.0
PATIENCE = 40.0
ALIKE = 35.0  # dB, see ``likeness``


@dataclass
class House:
    """One server; what is below ``seeded`` is at a web seed, below ``open`` at an open source."""

    services: Services
    seed: WebSeed
    film_of: FilmOf

    def torrent(self, road: str, kind: str, whose: str) -> tuple[Torrent, str]:
        """A film of the rig under a name of its own, on one of the roads; its magnet."""
        here = self.services
        path = here.folder / {"302": "seeded", "store": "open"}[road] / f"{whose}-{road}-{kind}"
        path.hardlink_to(self.film_of(kind))
        torrent = make_torrent(path, 256 * 1024)
        seeds = [self.seed.base] if road == "302" else []
        return torrent, hinted(torrent, xs=[here.publish(torrent)], ws=seeds)

    def film(self, road: str, kind: str, whose: str) -> Viewing:
        torrent, magnet = self.torrent(road, kind, whose)
        self.services.server.add(magnet)
        told = self.services.server.ready(torrent.key)
        return Viewing(
            self.services.server, torrent, told["files"][0]["playUrl"], torrent.files[0].data()
        )

    def check(self, road: str, torrent: Torrent) -> None:
        """It came by this road and no other."""
        here = self.services
        outcomes = {entry["outcome"] for entry in here.resolutions(torrent)}
        by_seed = [line for line in self.seed.requests() if torrent.name in line]
        if road == "302":
            assert outcomes == {"redirected"}
            assert len(by_seed) > 1, "the player itself was there"
            assert all(line.split()[-1] in ("206", "200", "416") for line in by_seed), by_seed
            assert here.server.torrent(torrent.key)["verifiedBytes"] == 0
        else:
            assert outcomes == {"stored"}
            assert by_seed == []
            assert here.asked(torrent.name)


@pytest.fixture(scope="module")
def house(lab: Lab, film_of: FilmOf) -> Iterator[House]:
    with ExitStack() as stack:
        here = stack.enter_context(services(lab, {}))
        for name in ("seeded", "open"):
            (here.folder / name).mkdir()
        url = f"{here.liars.base}/slow-{RATE}/open/{{filename}}"
        here.custom(name="open source", url=url)
        own = lab.folder / "nginx"
        seed = stack.enter_context(WebSeed(here.folder / "seeded", own, RATE))
        yield House(here, seed, film_of)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("road", ROADS)
def test_ffmpeg_sees_the_original(house: House, road: str, kind: str) -> None:
    film = house.film(road, kind, "ffmpeg")
    start = frames(film.url, 0, DECODED)
    later = frames(film.url, SEEK, DECODED)
    original = str(house.film_of(kind))
    assert start == frames(original, 0, DECODED)
    assert later == frames(original, SEEK, DECODED)
    house.check(road, film.torrent)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("player", [Mpv, Vlc])
def test_it_plays_and_seeks(house: House, player: type[Player], road: str, kind: str) -> None:
    film = house.film(road, kind, player.name)
    with player(film.url) as playing:
        for place in (0.0, SEEK):
            if place:
                playing.seek(place)
            # A second later, because VLC names the place before it has anything of it.
            until(
                lambda place=place: playing.position() >= place + 1,  # type: ignore[misc]
                PATIENCE,
                f"a picture after {place} s",
            )
            at = playing.position()
            assert likeness(playing.picture(), house.film_of(kind), at) > ALIKE
        assert playing.complaints() == ""
    house.check(road, film.torrent)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("road", ROADS)
def test_chromium_plays_and_seeks(house: House, road: str, kind: str) -> None:
    torrent, magnet = house.torrent(road, kind, "chromium")
    here = house.services
    here.server.add(magnet)
    shown = here.server.ready(torrent.key).get("title") or {}
    name = shown.get("name") or torrent.name
    asked = {"magnet": magnet, "name": name, "seek": 0.7, "looks": 0, "elsewhere": road == "302"}
    seen = drive("film", here.server.url, **asked)
    later = seen["later"]
    for looks in (seen["start"], later):
        assert looks["after"]["time"] > looks["before"]["time"] + 1
        assert looks["after"]["frames"] > looks["before"]["frames"]
        assert looks["after"]["error"] is None
    assert later["before"]["time"] >= 0.69 * later["before"]["duration"]
    assert seen["source"] is None, "closed"
    house.check(road, torrent)
    assert request(f"{here.server.url}/readyz").status == 200
