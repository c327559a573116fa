"""Where a link leads: the player is sent to a source, or the film comes through the store."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.faults.services import Services, hinted, services, torrent_of
from tests.faults.test_one_honest_source import noise
from tests.faults.web_seed import WebSeed
from tests.rig.http import Reply, ask_for, follow, request
from tests.rig.lab import MIB, Lab
from tests.rig.torrents import Torrent
from tests.rig.viewing import Viewing

RATE = 20_000_000  # bytes a second of each connection of the web seed
SIZE = 3 * MIB + 77
SPACED = "a film, 100 % ü #1?.mkv"


@dataclass
class House:
    """A server with sources in the liars' folder, which a web seed offers too."""

    services: Services
    seed: WebSeed
    count: int = 0

    def film(self, name: str = "") -> Torrent:
        self.count += 1
        name = name or f"film-{self.count}.mkv"
        return torrent_of(self.services.folder, name, noise(SIZE, self.count))


@dataclass
class Houses:
    """One for each FALLBACK_MODE, started when it is first asked for."""

    lab: Lab
    stack: ExitStack
    started: dict[str, House]

    def __getitem__(self, mode: str) -> House:
        if mode not in self.started:
            here = self.stack.enter_context(services(self.lab, {}, FALLBACK_MODE=mode))
            own = here.folder.with_suffix(".nginx")
            seed = self.stack.enter_context(WebSeed(here.folder, own, RATE))
            self.started[mode] = House(here, seed)
        return self.started[mode]


@pytest.fixture(scope="module")
def houses(lab: Lab) -> Iterator[Houses]:
    with ExitStack() as stack:
        yield Houses(lab, stack, {})


def sent_to(reply: Reply, url: str, name: str) -> None:
    """The player is sent to this URL, as players need it."""
    assert reply.status == 302, (reply.status, reply.body[:300])
    assert reply.headers["location"] == url
    assert reply.headers["cache-control"] == "private, max-age=30"
    assert reply.headers["x-served-by"] == name
    assert reply.headers["access-control-allow-origin"] == "*"
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert reply.body == b""


def comes_through_the_store(film: Viewing, name: str) -> None:
    """The film is sent by the server itself, from this source."""
    with film.open(0) as stream:
        assert "location" not in stream.headers
        assert stream.headers["x-served-by"] == name
        assert stream.digest() == film.sha256


def outcome(here: Services, torrent: Torrent) -> tuple[str, str]:
    newest = here.resolutions(torrent)[0]
    return newest["outcome"], newest["source"]


def test_a_web_seed_of_the_magnet_is_where_the_player_is_sent(houses: Houses) -> None:
    house = houses["auto"]
    here, seed = house.services, house.seed
    torrent = house.film(SPACED)
    film = here.named(torrent, seed.base)
    there = seed.url(SPACED)
    sent_to(follow(film.url), there, seed.name)
    assert outcome(here, torrent) == ("redirected", seed.name)
    whole = request(there)
    assert film.wrong(whole.body, 0) == 0
    assert len(whole.body) == film.size

    # Players that ask anew at each seek are sent to the same place, without another look at it.
    seed.forget()
    for first in (0, SIZE // 2, SIZE - 1):
        reply = request(film.url, ask_for(first))
        sent_to(reply, there, seed.name)
        part = request(there, ask_for(first))
        assert part.status == 206
        assert film.wrong(part.body, first) == 0
    assert len(seed.requests()) == 3, "those of the player alone"
    assert len(here.resolutions(torrent)) == 1


def test_a_probe_of_a_web_seed_costs_it_little(houses: Houses) -> None:
    house = houses["auto"]
    torrent = house.film()
    film = house.services.named(torrent, house.seed.base)
    house.seed.forget()
    assert follow(film.url).status == 302
    assert house.seed.requests() == [f"GET /{torrent.name} 206"]


def test_the_choice_between_two_is_kept(houses: Houses) -> None:
    house = houses["auto"]
    torrent = house.film()
    film = house.services.named(torrent, house.seed.base, house.services.liars.url("slow-4000000"))
    first = follow(film.url)
    assert first.status == 302
    for _ in range(4):
        again = follow(film.url, {"User-Agent": "another player"})
        assert again.headers["location"] == first.headers["location"]


def test_a_wrong_web_seed_gets_no_player(houses: Houses) -> None:
    house = houses["auto"]
    here = house.services
    torrent = house.film()
    liars = [here.liars.url(fault) for fault in ("wrong-bytes-5000", "html", "wrong-size")]
    film = here.named(torrent, *liars, house.seed.base)
    sent_to(follow(film.url), house.seed.url(torrent.name), house.seed.name)
    only = house.film()
    film = here.named(only, *liars)
    reply = follow(film.url)
    assert (reply.status, reply.json()["code"]) == (504, "no-source")
    assert "location" not in reply.headers


def test_the_same_web_seed_through_the_store(houses: Houses) -> None:
    house = houses["proxy"]
    film = house.services.named(house.film(SPACED), house.seed.base)
    comes_through_the_store(film, house.seed.name)


@pytest.mark.parametrize("mode", ["auto", "proxy", "redirect"])
def test_an_open_source(houses: Houses, mode: str) -> None:
    house = houses[mode]
    here = house.services
    here.custom(name="open", url=f"{here.liars.base}/honest/open/{{filename}}")
    torrent = torrent_of(here.folder, "open/film.mkv", noise(SIZE, 50))
    film = here.film(torrent)
    if mode == "redirect":
        there = here.liars.url("honest", "open/film.mkv")
        sent_to(follow(film.url), there, "open")
        assert film.wrong(request(there).body, 0) == 0
    else:
        comes_through_the_store(film, "open")


@pytest.mark.parametrize("mode", ["auto", "proxy"])
@pytest.mark.parametrize(
    ("fields", "redirected"),
    [
        ({"redirect": True}, True),
        ({"trust": "own"}, True),
        ({"trust": "own", "headers": {"Authorization": "Bearer of-this-test"}}, False),
        ({"trust": "own", "redirect": True, "headers": {"X-Key": "of-this-test"}}, False),
        ({"trust": "own", "supportsResume": False}, False),
    ],
)
def test_custom_sources(
    houses: Houses, mode: str, fields: dict[str, object], redirected: bool
) -> None:
    house = houses[mode]
    here = house.services
    torrent = house.film()
    folder = f"custom-{house.count}"
    file = here.folder / folder / torrent.name
    file.parent.mkdir()
    file.hardlink_to(here.folder / torrent.name)
    name = f"custom {house.count}"
    here.custom(name=name, url=f"{here.liars.base}/honest/{folder}/{{filename}}", **fields)
    film = here.film(torrent)
    if redirected and mode == "auto":
        sent_to(follow(film.url), here.liars.url("honest", f"{folder}/{torrent.name}"), name)
    else:
        comes_through_the_store(film, name)
    given = fields.get("headers", {})
    assert isinstance(given, dict)
    seen = [seen for seen in here.liars.requests() if folder in seen["path"]]
    assert seen
    for key, value in given.items():
        assert {one["headers"].get(key.lower()) for one in seen} == {value}
        assert value not in here.server.log


def test_a_source_that_goes_away_is_left(houses: Houses) -> None:
    """After the answer's time is over it is looked at again, and the next one takes its place;
    shortly after it the player is still sent there."""
    house = houses["auto"]
    here = house.services
    torrent = house.film()
    film = here.named(torrent, house.seed.base)
    assert follow(film.url).status == 302
    (here.folder / torrent.name).rename(here.folder / f"gone-{torrent.name}")
    assert follow(film.url).status == 302, "what may be kept for 30 s is not looked at sooner"


@pytest.mark.parametrize("mode", ["auto", "redirect", "proxy"])
def test_head_starts_nothing(houses: Houses, mode: str) -> None:
    house = houses[mode]
    here = house.services
    torrent = house.film()
    film = here.named(torrent, house.seed.base, here.liars.url("honest"))
    here.liars.forget()
    house.seed.forget()
    for url in (film.url, here.server.torrent(torrent.key)["playUrl"]):
        reply = request(url, method="HEAD")
        assert reply.status == 200
        assert int(reply.headers["content-length"]) == SIZE
        assert reply.headers["accept-ranges"] == "bytes"
    unknown = here.server.add(hinted(house.film(), xs=[here.liars.url("hang")]))
    here.liars.forget()
    assert request(unknown["playUrl"], method="HEAD").status == 200
    assert here.liars.counts()["total"] == 0
    assert house.seed.requests() == []
    assert here.resolutions(torrent) == []
