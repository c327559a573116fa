"""What parts are told, made from the settings."""

import pytest

from addon.configured import notice, seen_from_outside, silence, why_no_p2p
from addon.settings import load_settings

DYNO = {"DYNO": "web.1", "ACCESS_KEY": "a-key-of-sixteen-signs"}


@pytest.mark.parametrize("environ", [{}, DYNO | {"P2P": "on"}])
def test_nothing_is_said_where_everything_is_on(environ: dict[str, str]) -> None:
    assert notice(load_settings(environ)) is None


def test_a_platform_leaves_peers_alone_and_says_why() -> None:
    told = notice(load_settings(DYNO))
    assert told is not None
    assert "P2P=auto" in told
    assert "on Heroku, because" in told


@pytest.mark.parametrize("environ", [{}, DYNO])
def test_who_switched_peers_off_is_told_so(environ: dict[str, str]) -> None:
    told = notice(load_settings(environ | {"P2P": "off"}))
    assert told is not None
    assert "(P2P=off)" in told


def test_the_setting_that_keeps_peers_away_is_named() -> None:
    told = [why_no_p2p(load_settings(environ)) for environ in ({}, DYNO, DYNO | {"P2P": "off"})]
    assert told == [None, "P2P=auto is off on Heroku", "P2P=off"]


def test_only_a_platforms_router_cuts_what_is_silent() -> None:
    assert silence(load_settings({})) is None
    told = silence(load_settings(DYNO))
    assert told is not None
    assert told < 30


@pytest.mark.parametrize(
    ("environ", "others"),
    [
        ({}, False),
        ({"HOST": "0.0.0.0"}, True),
        ({"TRUST_PROXY": "on", "ACCESS_KEY": DYNO["ACCESS_KEY"]}, True),
        ({"ACCESS_KEY": DYNO["ACCESS_KEY"]}, False),
    ],
)
def test_who_can_connect_from_elsewhere_is_known(environ: dict[str, str], *, others: bool) -> None:
    assert (seen_from_outside(load_settings(environ)) is not None) is others
