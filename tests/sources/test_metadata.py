"""Where a .torrent may be had over HTTP: all at once, and only the right one counts."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from addon.errors import outcome
from addon.net.client import Client
from addon.sources import metadata
from addon.sources.metadata import Answer, MetadataSources, Place
from addon.sources.template import parse_template
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.metainfo import MAX_TORRENT, load_torrent
from tests.rig.liars import Liars
from tests.rig.torrents import Torrent
from tests.sources.served import one_film, soon

Make = Callable[..., MetadataSources]


@pytest.fixture
def make(client: Client) -> Iterator[Make]:
    made = []

    def make(*caches: tuple[str, str]) -> MetadataSources:
        templates = [(name, parse_template(text)) for name, text in caches]
        made.append(MetadataSources(client, templates))
        return made[-1]

    yield make
    for sources in made:
        sources.close()


@pytest.fixture
def film(folder: Path) -> Torrent:
    """A film whose .torrent is served too, by its hash in capitals as caches have it."""
    made = one_film(folder)
    (folder / f"{str(made.v1).upper()}.torrent").write_bytes(made.raw)
    return made


def cache(liars: Liars, fault: str = "honest") -> str:
    return f"{liars.base}/{fault}/{{INFOHASH}}.torrent"


def magnet(made: Torrent, *sources: str) -> Magnet:
    return Magnet(InfoHash(made.v1, made.v2), exact_sources=sources)


def found_by(sources: MetadataSources, asked: Magnet, seconds: float = 5.0) -> list[Answer]:
    """What every place said, until one was right."""
    told: list[Answer] = []
    began = time.monotonic()
    found = sources.find(asked, soon(seconds), told.append)
    assert time.monotonic() - began < seconds + 0.5
    assert (found is not None) == any(answer.metainfo for answer in told)
    return told


def test_the_magnets_own_places_come_first(make: Make) -> None:
    sources = make(("one", "https://one.example/{infohash}"), ("two", "https://two/{INFOHASH}"))
    asked = Magnet(InfoHash("ab" * 20), exact_sources=("http://xs.example/x.torrent",))
    assert sources.places(asked) == [
        Place("xs.example", "http://xs.example/x.torrent"),
        Place("one", f"https://one.example/{'ab' * 20}"),
        Place("two", f"https://two/{'AB' * 20}"),
    ]


def test_a_cache_that_cannot_be_asked_by_v2_is_left_out(make: Make) -> None:
    sources = make(("one", "https://one.example/{infohash}"))
    assert sources.places(Magnet(InfoHash(None, "cd" * 32))) == []
    assert sources.find(Magnet(InfoHash(None, "cd" * 32)), soon()) is None


def test_a_right_one_is_found(make: Make, liars: Liars, film: Torrent) -> None:
    (answer,) = found_by(make(("cache", cache(liars))), magnet(film))
    assert answer.metainfo is not None
    assert answer.metainfo.raw == film.raw
    assert answer.place.name == "cache"


@pytest.mark.parametrize("version", ["v2", "hybrid"])
def test_either_hash_of_a_torrent_will_do(
    make: Make, liars: Liars, folder: Path, version: str
) -> None:
    made = one_film(folder, version=version)
    (folder / "x.torrent").write_bytes(made.raw)
    for hashes in {InfoHash(made.v1, made.v2), InfoHash(None, made.v2)}:
        (answer,) = found_by(
            make(), Magnet(hashes, exact_sources=(liars.url("honest", "x.torrent"),))
        )
        assert answer.metainfo is not None


FAULTS = {
    "status-404": "status 404",
    "status-503": "status 503",
    "html": "no .torrent",
    "hang": "too long",
    "drip": "too long",
    "rst": "ended the connection",
    "close-early": "ended the connection",
    "redirect-loop": "redirects without end",
    "gzip-bomb": "compresses",
    "endless-headers": "does not answer as HTTP",
    "wrong-bytes": "no .torrent",
    "wrong-bytes-100": "",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_told_in_words(
    make: Make, liars: Liars, film: Torrent, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(metadata, "PATIENCE", 0.4)
    (answer,) = found_by(make(("cache", cache(liars, fault))), magnet(film))
    assert answer.metainfo is None
    assert answer.reason
    assert FAULTS[fault] in answer.reason
    assert "/" not in answer.reason


def test_another_torrent_is_refused(make: Make, liars: Liars, folder: Path, film: Torrent) -> None:
    other = one_film(folder, 5000)
    (folder / "other.torrent").write_bytes(other.raw)
    asked = magnet(film, liars.url("honest", "other.torrent"))
    (answer,) = found_by(make(), asked)
    assert (answer.metainfo, "different" in answer.reason) == (None, True)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "no .torrent"),
        (b"d-4:", "cannot be read"),
        (b"d" + b"l" * 5000, "cannot be read"),
        (b"x" * 100, "no .torrent"),
        (b"d" + b"x" * MAX_TORRENT, "more than"),
    ],
)
def test_garbage_is_refused(
    make: Make, liars: Liars, folder: Path, film: Torrent, raw: bytes, words: str
) -> None:
    (folder / "garbage.torrent").write_bytes(raw)
    (answer,) = found_by(make(), magnet(film, liars.url("honest", "garbage.torrent")))
    assert answer.metainfo is None
    assert words in answer.reason


def test_all_are_asked_at_once_and_the_first_right_one_ends_the_rest(
    make: Make, liars: Liars, film: Torrent
) -> None:
    faults = ["hang", "drip", "html", "status-404"]
    caches = [(fault, cache(liars, fault)) for fault in faults]
    asked = magnet(film, liars.url("slow-600", f"{str(film.v1).upper()}.torrent"))
    began = time.monotonic()
    told = found_by(make(*caches), asked)
    assert time.monotonic() - began < 1.5
    assert {answer.place.name for answer in told} == {"html", "status-404", liars.host}
    assert told[-1].metainfo is not None
    assert liars.counts()["total"] == 5
    assert liars.open_after() == 0, "the others are left at once"


def test_nobody_has_it(make: Make, liars: Liars, film: Torrent) -> None:
    told = found_by(make(("a", cache(liars, "html")), ("b", cache(liars, "rst"))), magnet(film))
    assert {answer.place.name for answer in told} == {"a", "b"}


def test_the_deadline_ends_it_with_every_connection(
    make: Make, liars: Liars, film: Torrent
) -> None:
    sources = make(("a", cache(liars, "hang")), ("b", cache(liars, "drip")))
    found_by(sources, magnet(film), 0.3)
    assert liars.counts()["total"] == 2
    assert liars.open_after() == 0


def test_who_stops_looking_leaves_no_connection(make: Make, liars: Liars, film: Torrent) -> None:
    looking = gevent.spawn(make(("a", cache(liars, "hang"))).find, magnet(film), soon())
    gevent.sleep(0.1)
    assert liars.counts()["open"] == 1
    looking.kill()
    assert liars.open_after() == 0


def test_decoding_is_a_matter_for_a_thread(make: Make, liars: Liars, film: Torrent) -> None:
    used: list[Any] = []

    class Noted:
        def __init__(self, pool: Any) -> None:
            self.pool = pool

        def apply(self, *given: Any) -> Any:
            used.append(given)
            return self.pool.apply(*given)

        def kill(self) -> None:
            self.pool.kill()

    sources: Any = make(("cache", cache(liars)))
    sources._pool = Noted(sources._pool)
    found_by(sources, magnet(film))
    assert used == [(outcome, (load_torrent, film.raw))]
