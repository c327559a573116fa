"""302 or store, and who waits for whom: DESIGN §3's table, every cell of it."""

from dataclasses import dataclass, replace

import pytest

from addon.playback.rules import MIN_LIFE, NO_PEERS_YET, Mode, Rules, Strategy
from addon.sources.base import Link, Trust
from addon.sources.health import Verdict
from addon.sources.probe import Found
from addon.sources.template import FunctionSource, TemplateSource, parse_template
from tests.sources.wanted import unknown

NOW = 1_800_000_000.0
MODES: list[Mode] = ["auto", "redirect", "proxy"]
SOURCE = FunctionSource("x", lambda *_: None)


def found(link: Link | None, verdict: Verdict = Verdict.VERIFIED) -> Found:
    return Found(SOURCE, verdict, "", link)


def link(trust: Trust = Trust.OWN, **more: object) -> Link:
    plain = Link("https://host/film.mkv", trust=trust, redirectable=True)
    return replace(plain, **more)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Cell:
    """Who vouches, whether the user allows redirects, the mode, and what follows."""

    trust: Trust
    redirect: bool
    mode: Mode
    goes: bool


TABLE = [
    Cell(Trust.OWN, False, "auto", True),
    Cell(Trust.OWN, True, "auto", True),
    Cell(Trust.NAMED, False, "auto", True),
    Cell(Trust.NAMED, True, "auto", True),
    Cell(Trust.OPEN, False, "auto", False),
    Cell(Trust.OPEN, True, "auto", True),
    *[Cell(trust, redirect, "redirect", True) for trust in Trust for redirect in (False, True)],
    *[Cell(trust, redirect, "proxy", False) for trust in Trust for redirect in (False, True)],
]


def located(cell: Cell) -> Link:
    """The link that a real source of this kind gives."""
    template = parse_template("https://host/{infohash}")
    source = TemplateSource("x", template, trust=cell.trust, redirect=cell.redirect)
    found = source.locate(unknown(), 0.0)
    assert found is not None
    return found


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("cell", TABLE, ids=str)
def test_where_a_verified_source_leads(cell: Cell, secure: bool) -> None:
    rules = Rules(mode=cell.mode)
    assert rules.may_redirect(found(located(cell)), NOW, secure=secure) == cell.goes


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("trust", Trust)
def test_what_is_not_verified_is_played_from_the_users_own_places_only(
    mode: Mode, trust: Trust
) -> None:
    told = Rules(mode=mode).may_redirect(found(link(trust), Verdict.PLAUSIBLE), NOW, secure=False)
    assert told == (trust is Trust.OWN and mode != "proxy")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("change", "secure", "allowed"),
    [
        ({}, False, True),
        ({}, True, True),
        ({"url": "http://host/film.mkv"}, False, True),
        ({"url": "http://host/film.mkv"}, True, False),
        ({"headers": (("Cookie", "x"),)}, False, False),
        ({"resumable": False}, False, False),
        ({"expires_at": NOW - 1}, False, False),
        ({"expires_at": NOW + MIN_LIFE - 1}, False, False),
        ({"expires_at": NOW + MIN_LIFE}, False, True),
        ({"expires_at": None}, False, True),
    ],
)
def test_what_a_player_cannot_follow_goes_through_the_store(
    mode: Mode, change: dict[str, object], secure: bool, allowed: bool
) -> None:
    for trust in Trust:
        told = Rules(mode=mode).may_redirect(found(link(trust, **change)), NOW, secure=secure)
        assert told == (allowed and mode != "proxy"), trust


@pytest.mark.parametrize("mode", MODES)
def test_without_a_link_there_is_nowhere_to_go(mode: Mode) -> None:
    assert not Rules(mode=mode).may_redirect(found(None), NOW, secure=False)


@pytest.mark.parametrize(
    ("strategy", "p2p", "peers", "wait"),
    [
        ("race", True, 3, 1.5),
        ("race", True, 0, NO_PEERS_YET),
        ("race", False, 0, 0.0),
        ("race", False, 3, 0.0),
        ("p2p-first", True, 3, 20.0),
        ("p2p-first", True, 0, 20.0),
        ("p2p-first", False, 0, 0.0),
        ("sources-first", True, 3, 0.0),
        ("sources-first", False, 0, 0.0),
    ],
)
def test_how_long_the_field_is_left_to_the_swarm(
    strategy: Strategy, p2p: bool, peers: int, wait: float
) -> None:
    assert Rules(strategy=strategy, p2p=p2p).sources_wait(peers=peers) == wait


def test_nobody_waits_longer_than_the_head_start_or_the_budget() -> None:
    assert Rules(head_start=0.2).sources_wait(peers=0) == 0.2
    assert Rules(head_start=0.0).sources_wait(peers=3) == 0.0
    assert Rules(strategy="p2p-first", budget=5.0).sources_wait(peers=3) == 5.0
