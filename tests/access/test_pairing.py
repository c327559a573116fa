"""Codes that devices show: who gets a token for them, how often and how long."""

import pytest

from addon.access.pairing import (
    ALPHABET,
    CODE_LENGTH,
    LIFETIME,
    LOCKED_FOR,
    MOST_WAITING,
    MOST_WRONG,
    Pairings,
    normal,
)
from addon.errors import Problem


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pairings(clock: Clock) -> Pairings:
    return Pairings(clock)


def token() -> str:
    return "token"


def never() -> str:
    raise AssertionError("a token was made for nobody")


def test_a_device_gets_its_token_once(pairings: Pairings) -> None:
    device = pairings.begin()
    assert len(device.code) == CODE_LENGTH
    assert set(device.code) <= set(ALPHABET)
    waiting = pairings.collect(device.secret)
    assert waiting is not None
    assert waiting.token is None
    assert pairings.waits(device.code)
    assert pairings.approve(device.code, token)
    assert not pairings.waits(device.code)
    approved = pairings.collect(device.secret)
    assert approved is not None
    assert approved.token == "token"
    assert pairings.collect(device.secret) is None


def test_a_code_connects_one_device_and_no_second_time(pairings: Pairings) -> None:
    first, second = pairings.begin(), pairings.begin()
    assert first.code != second.code
    assert first.secret != second.secret
    assert pairings.approve(first.code, token)
    assert not pairings.approve(first.code, never)
    still = pairings.collect(second.secret)
    assert still is not None
    assert still.token is None


def test_the_code_is_not_the_secret(pairings: Pairings) -> None:
    device = pairings.begin()
    assert pairings.collect(device.code) is None
    assert not pairings.approve(device.secret, never)


def test_small_letters_spaces_and_dashes_are_meant_well(pairings: Pairings) -> None:
    code = pairings.begin().code
    assert normal("ab1-2 cd") == "AB2CD", "1 is in no code"
    assert pairings.approve(f" {code[:3].lower()}-{code[3:].lower()} ", token)


@pytest.mark.parametrize("approved", [False, True])
def test_after_five_minutes_it_is_over(pairings: Pairings, clock: Clock, approved: bool) -> None:
    device = pairings.begin()
    if approved:
        assert pairings.approve(device.code, token)
    clock.now += LIFETIME - 1
    assert pairings.waits(device.code) is not approved
    clock.now += 1
    assert not pairings.approve(device.code, never)
    assert pairings.collect(device.secret) is None


def test_only_so_many_may_wait(pairings: Pairings, clock: Clock) -> None:
    first = pairings.begin()
    clock.now += 100
    for _ in range(MOST_WAITING - 1):
        pairings.begin()
    with pytest.raises(Problem) as raised:
        pairings.begin()
    assert raised.value.code == "too-many"
    assert raised.value.retry_after == LIFETIME - 100
    assert pairings.waits(first.code)
    clock.now += LIFETIME - 100
    pairings.begin()


def test_wrong_codes_in_a_row_lock_it_for_a_while(pairings: Pairings, clock: Clock) -> None:
    device = pairings.begin()
    for _ in range(MOST_WRONG):
        assert not pairings.approve("AAAAAA", never)
    with pytest.raises(Problem) as raised:
        pairings.approve(device.code, never)
    assert raised.value.code == "too-many"
    assert raised.value.retry_after == LOCKED_FOR
    clock.now += LOCKED_FOR
    assert pairings.approve(device.code, token)


def test_a_right_code_forgives_the_wrong_ones_before(pairings: Pairings) -> None:
    for _ in range(3):
        for _ in range(MOST_WRONG - 1):
            assert not pairings.approve("AAAAAA", never)
        assert pairings.approve(pairings.begin().code, token)
