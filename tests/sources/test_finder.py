"""Finding a working source: the verbs for Python programs, and what the server asks for."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gevent
import pytest

from addon.errors import Problem
from addon.net.client import Client, HttpError, Kind
from addon.sources.base import Link, Media, NotYet, Source, Trust
from addon.sources.catalogue import BUILT_IN, load_catalogue
from addon.sources.finder import ABSENT_FOR, Sources, media_of
from addon.sources.health import Experience, Verdict
from addon.sources.probe import Found
from addon.sources.registry import Registry
from addon.sources.template import FunctionSource, TemplateSource, parse_template
from addon.torrents.metainfo import load_torrent
from tests.rig.liars import Liars
from tests.rig.torrents import Torrent, make_torrent
from tests.sources.served import KIB, content, one_film, pack, soon, source
from tests.sources.served import media_of as media_in

REPOSITORY = Path(__file__).parents[2]
V1 = "ab" * 20
Make = Callable[..., Sources]


class Clock:
    def __init__(self) -> None:
        self.now = time.monotonic()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def make(client: Client) -> Iterator[Make]:
    made = []

    def make(*sources: Source, **more: Any) -> Sources:
        registry = Registry(sources, excluded=more.pop("excluded", ()))
        made.append(Sources(more.pop("client", client), registry, **more))
        return made[-1]

    yield make
    for sources in made:
        sources.close()


@pytest.fixture
def film(folder: Path) -> Torrent:
    return one_film(folder)


def plain(name: str, **more: Any) -> TemplateSource:
    return TemplateSource(name, parse_template("https://host/{infohash}/{filename}"), **more)


def names(found: list[Any]) -> list[str]:
    return [one.name for one in found]


# What is looked for


def test_a_file_is_named_by_its_name_or_its_path(folder: Path) -> None:
    made = pack(folder)
    for torrent in (made.raw, load_torrent(made.raw)):
        for name in ("e2.mkv", "Show-v1/e2.mkv"):
            media = media_of(made.key, name, torrent)
            assert media.file is not None
            assert (media.file.path, media.file_name) == ("Show-v1/e2.mkv", "e2.mkv")
            assert media.info_hash == load_torrent(made.raw).info_hash
            assert not media.private


@pytest.mark.parametrize("key", [V1, V1.upper(), "cd" * 32, f"magnet:?xt=urn:btih:{V1}&xl=5"])
def test_a_torrent_is_named_by_its_hash_or_a_magnet(key: str) -> None:
    media = media_of(key, "a.mkv")
    assert media.info_hash.key in (V1, "cd" * 32)
    assert (media.metainfo, media.file, media.file_name) == (None, None, "a.mkv")
    assert media.length == (5 if "xl" in key else None)


def problem(code: str, act: Callable[[], object]) -> Problem:
    with pytest.raises(Problem) as caught:
        act()
    assert caught.value.code == code
    assert caught.value.detail.endswith(".")
    return caught.value


def test_what_cannot_be_looked_for_is_told(folder: Path, film: Torrent) -> None:
    problem("bad-magnet", lambda: media_of("no hash", "a.mkv"))
    problem("bad-torrent", lambda: media_of(V1, "a.mkv", b"garbage"))
    told = problem("bad-torrent", lambda: media_of(V1, film.name, film.raw))
    assert "another torrent" in told.detail
    told = problem("no-such-file", lambda: media_of(film.key, "other.mkv", film.raw))
    assert "other.mkv" in told.detail


# For Python programs


def test_all_sources_asks_nobody(make: Make, liars: Liars, film: Torrent) -> None:
    def waits(media: Media, deadline: float) -> Link:
        raise NotYet

    def fails(media: Media, deadline: float) -> Link:
        raise HttpError(Kind.TIMEOUT, "host took too long.")

    late = [Located("not yet", waits), Located("failing", fails)]
    sources = make(
        source(liars, name="second", priority=2), source(liars, name="first", priority=1),
        FunctionSource("nowhere", lambda *_: None), *late,
    )  # fmt: skip
    found = sources.all_sources(film.key, film.name, film.raw)
    assert names(found) == ["first", "second"]
    assert [one.url for one in found] == [liars.url("honest", film.name)] * 2
    assert {(one.verified, one.size, one.reason) for one in found} == {
        (False, 300 * KIB + 77, "not asked")
    }
    assert liars.counts()["total"] == 0


class Located(FunctionSource):
    """A source whose link comes as a test says."""

    locating: Callable[[Media, float], Link | None]

    __slots__ = ("locating",)

    def __init__(self, name: str, locating: Callable[[Media, float], Link | None]) -> None:
        super().__init__(name, lambda *_: None)
        object.__setattr__(self, "locating", locating)

    def locate(self, media: Media, deadline: float) -> Link | None:
        link: Link | None = self.locating(media, deadline)
        return link


def test_the_twelve_by_default(client: Client) -> None:
    sources = Sources(client, Registry(load_catalogue(BUILT_IN), excluded=["WebTor.io"]))
    found = sources.all_sources(V1, "A Film.mkv")
    assert len(found) == 11, "Seedr.cc needs metadata"
    assert found[0].url == f"https://instant.io/{V1}/A%20Film.mkv"
    sources.close()


def test_the_first_that_works_is_found_and_verified(
    make: Make, liars: Liars, film: Torrent
) -> None:
    faults = ["html", "wrong-bytes", "status-404", "hang", "honest"]
    sources = make(*(source(liars, fault, fault, priority=n) for n, fault in enumerate(faults)))
    found = sources.find_working_source(film.key, film.name, film.raw)
    assert found is not None
    assert (found.name, found.verified, found.size) == ("honest", True, 300 * KIB + 77)
    assert found.url == liars.url("honest", film.name)
    assert found.data == content(film, 0)
    assert liars.open_after() == 0, "the one that hangs is left"


def test_without_metadata_it_is_found_but_not_verified(
    make: Make, liars: Liars, film: Torrent
) -> None:
    sources = make()
    sources.add_custom_source("page", lambda *_: liars.url("html", film.name))
    sources.add_custom_source("liar", lambda *_: liars.url("honest", film.name))
    found = sources.find_working_source(film.key, film.name)
    assert found is not None
    assert (found.name, found.verified) == ("liar", False)


def test_nobody_works(make: Make, liars: Liars, film: Torrent) -> None:
    sources = make(source(liars, "html"))
    assert sources.find_working_source(film.key, film.name, film.raw) is None
    assert sources.find_working_sources(film.key, film.name, film.raw) == []
    assert make().find_working_source(V1, "a.mkv") is None


@pytest.mark.parametrize(("most", "count"), [(1, 1), (2, 2), (3, 3), (9, 4)])
def test_several_are_found_the_quickest_first(
    make: Make, liars: Liars, film: Torrent, most: int, count: int
) -> None:
    faults = ["slow-300000", "honest", "html", "slow-500000", "etag-changes"]
    sources = make(*(source(liars, fault, fault, priority=n) for n, fault in enumerate(faults)))
    found = sources.find_working_sources(film.key, film.name, film.raw, max_sources=most)
    assert len(found) == count
    assert all(one.verified for one in found)
    assert found[0].name == "honest"
    assert liars.open_after() == 0


def test_three_are_found_by_default(make: Make, liars: Liars, film: Torrent) -> None:
    sources = make(*(source(liars, name=f"s{number}") for number in range(5)))
    assert len(sources.find_working_sources(film.key, film.name, film.raw)) == 3


def test_a_custom_source_is_a_template_or_a_function(
    make: Make, liars: Liars, film: Torrent
) -> None:
    sources = make(source(liars, "status-404", "Built in", priority=5))
    seen: list[object] = []

    def build(info_hash: str, file_name: str, torrent: object) -> str:
        seen.append((info_hash, file_name, torrent))
        return liars.url("honest", file_name)

    sources.add_custom_source("function", build, priority=1, supports_resume=False, note="mine")
    sources.add_custom_source(
        "template", f"{liars.base}/html/{{filename}}?{{infohash}}", priority=2
    )
    found = sources.all_sources(film.key, film.name, film.raw)
    assert names(found) == ["function", "template", "Built in"]
    assert seen == [(film.key, film.name, load_torrent(film.raw))]
    assert (found[0].source.resumable, found[0].source.note) == (False, "mine")
    working = sources.find_working_source(film.key, film.name, film.raw)
    assert working is not None
    assert working.name == "function"
    problem("exists", lambda: sources.add_custom_source("FUNCTION", build))
    problem("bad-source", lambda: sources.add_custom_source("bad", "https://host/"))
    problem("bad-source", lambda: sources.add_custom_source("bad", build, priority=-1))


def test_who_needs_metadata_is_skipped_without_it(make: Make, film: Torrent) -> None:
    sources = make(plain("any", priority=1))
    sources.add_custom_source("needs", lambda *_: "https://host/x", needs_metadata=True)
    sources.add_custom_source("by index", "https://host/{infohash}/{file_index}")
    assert names(sources.all_sources(film.key, film.name)) == ["any"]
    known = sources.all_sources(film.key, film.name, film.raw)
    assert names(known) == ["by index", "needs", "any"]


def test_two_share_nothing(make: Make) -> None:
    one, other = make(), make()
    one.add_custom_source("mine", lambda *_: "https://host/x")
    one.experience.record("mine", Verdict.DEAD)
    assert other.all_sources(V1, "a.mkv") == []
    assert other.experience.of("mine").bad == 0


def test_closing_ends_its_threads_even_twice(client: Client) -> None:
    sources = Sources(client, Registry([]))
    sources.close()
    sources.close()


# For the server


def test_the_order_is_health_and_who_cools_down_is_left_out(make: Make, film: Torrent) -> None:
    now = [1_800_000_000.0]
    experience = Experience(lambda: now[0])
    sources = make(*(plain(name) for name in "abcd"), experience=experience)
    media = media_in(film)
    experience.record("c", Verdict.VERIFIED, 0.1)
    experience.record("a", Verdict.DEAD)
    assert names(sources.ordered(media)) == ["c", "b", "d", "a"]
    experience.record("c", Verdict.LIMITED, retry_after=60.0)
    assert names(sources.ordered(media)) == ["b", "d", "a"]
    assert names(sources.ordered(media, everybody=True)) == ["b", "d", "a", "c"]
    now[0] += 60
    assert names(sources.ordered(media)) == ["c", "b", "d", "a"]


def test_when_all_cool_down_all_are_asked(make: Make, film: Torrent) -> None:
    sources = make(plain("a"), plain("b"))
    for name in "ab":
        sources.experience.record(name, Verdict.LIMITED)
    assert names(sources.ordered(media_in(film))) == ["a", "b"]


def test_a_title_that_a_source_does_not_have_is_not_asked_for_again_soon(
    make: Make, liars: Liars, folder: Path
) -> None:
    clock = Clock()
    made = pack(folder)
    sources = make(source(liars, "not-found-for-e1.mkv"), clock=clock)
    first, second = media_in(made, "e1.mkv"), media_in(made, "e2.mkv")
    (found,) = sources.test(first, 1)
    assert found.verdict is Verdict.ABSENT
    assert sources.ordered(first) == []
    assert names(sources.ordered(second)) == ["liar"], "of another file nothing is known"
    assert sources.experience.of("liar").bad == 0
    clock.now += ABSENT_FOR + 1
    assert names(sources.ordered(first)) == ["liar"]


def test_open_services_hear_nothing_of_a_private_torrent(make: Make, folder: Path) -> None:
    file = one_film(folder).files[0].path
    media = media_in(make_torrent(file, 64 * KIB, private=True))
    sources = make(plain("open"), plain("own", trust=Trust.OWN))
    assert names(sources.ordered(media)) == ["own"]


def test_what_a_test_finds_is_learnt(make: Make, liars: Liars, film: Torrent) -> None:
    faults = {"honest": "ok", "wrong-bytes": "bad", "hang": "", "status-429": "rest"}
    sources = make(*(source(liars, fault, fault) for fault in faults), screen=30.0)
    tried = sources.test(media_in(film), 9, budget=0.7)
    assert {found.name: found.verdict for found in tried} == {
        "honest": Verdict.VERIFIED, "wrong-bytes": Verdict.WRONG,
        "hang": Verdict.CANCELLED, "status-429": Verdict.LIMITED,
    }  # fmt: skip
    of = sources.experience.of
    assert (round(of("honest").ok), of("honest").last) == (1, "verified")
    assert of("honest").ttfb is not None
    assert (round(of("wrong-bytes").bad), of("wrong-bytes").streak) == (1, 1)
    assert (of("hang").ok, of("hang").bad, of("hang").last) == (0, 0, None)
    assert sources.experience.cooling("status-429")
    assert liars.open_after() == 0


def test_a_test_ends_with_as_many_as_are_wanted(make: Make, liars: Liars, film: Torrent) -> None:
    sources = make(*(source(liars, name=f"s{number}") for number in range(6)))
    assert len([found for found in sources.test(media_in(film), 2) if found.works]) == 2


def test_the_screen_is_what_it_was_told(make: Make, liars: Liars, film: Torrent) -> None:
    sources = make(source(liars, "hang"), screen=0.3)
    began = time.monotonic()
    (found,) = sources.test(media_in(film), 1)
    assert 0.2 < time.monotonic() - began < 1
    assert found.verdict is Verdict.DEAD


def test_a_race_of_some_for_one_piece(make: Make, liars: Liars, film: Torrent) -> None:
    sources = make(*(source(liars, name=name) for name in "abc"))
    some = [source(liars, "html", "x"), source(liars, name="b")]
    began: list[str] = []
    running = sources.race(
        media_in(film), 3, soon(), sources=some, started=lambda one: began.append(one.name)
    )
    outcomes = {found.name: found for found in running}
    assert began == ["x", "b"]
    assert outcomes["x"].verdict is Verdict.WRONG
    assert (outcomes["b"].piece, outcomes["b"].data) == (3, content(film, 3))


def test_closing_a_race_ends_its_probes(make: Make, liars: Liars, film: Torrent) -> None:
    sources = make(source(liars), *(source(liars, "hang", f"h{n}") for n in range(4)))
    running = sources.race(media_in(film), 0, soon())
    assert next(running).name == "liar"
    assert liars.counts()["open"] >= 2
    running.close()
    assert liars.open_after() == 0


def test_killing_whoever_tests_ends_the_probes(make: Make, liars: Liars, film: Torrent) -> None:
    sources = make(*(source(liars, "hang", f"h{n}") for n in range(4)))
    testing = gevent.spawn(sources.test, media_in(film), 1)
    gevent.sleep(0.15)
    assert liars.counts()["open"] == 3
    testing.kill()
    assert liars.open_after() == 0


def test_web_seeds_are_asked_too(make: Make, liars: Liars, film: Torrent) -> None:
    media = media_in(film)
    seeded = media.knowing(replace(media.magnet, web_seeds=(liars.url("honest", film.name),)))
    (found,) = make().test(seeded, 1)
    assert (found.name, found.verified) == (f"web seed {liars.host}:{liars.port}", True)


def test_experience_is_kept_by_whoever_gives_it(make: Make) -> None:
    experience = Experience(time.time)
    sources = make(plain("a"), experience=experience)
    media = media_of(V1, "a.mkv")
    for verdict in (Verdict.CANCELLED, Verdict.OURS):
        sources.learn(Found(plain("a"), verdict, ""), media)
    assert experience.changes() is None
    sources.learn(Found(plain("a"), Verdict.DEAD, ""), media)
    assert set(experience.changes() or ()) == {"a"}


# The README


def test_the_readmes_example_runs(liars: Liars, film: Torrent, tmp_path: Path) -> None:
    section = (REPOSITORY / "README.md").read_text().partition("\n## From Python\n")[2]
    found = re.search(r"```python\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    assert found, "README.md has no example in its section From Python"
    code = found[1]
    (tmp_path / "film.torrent").write_bytes(film.raw)
    # Here it may ask nobody but the rig; all else is as it stands.
    for written, here in {
        "AddressPolicy()": "AddressPolicy(allow_private=True)",
        'excluded=["WebTor.io"]': 'excluded=["*"]',
        "https://mirror.example.org": f"{liars.base}/honest",
        '"Film.torrent"': repr(str(tmp_path / "film.torrent")),
        '"Film.2019.mkv"': repr(film.name),
        '"08ada5a7a6183aae1e09d831df6748d566095a10"': repr(film.key),
    }.items():
        assert written in code, written
        code = code.replace(written, here)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "My mirror" in done.stdout
    assert liars.url("honest", film.name) in done.stdout
    assert "True" in done.stdout
