import string

import pytest

from addon.access.sealing import MAX_TOKEN_LENGTH, Sealer

PAYLOAD = b"\x00a film\xff"
SIGNS = string.ascii_letters + string.digits + "-_"


def sealer(*secrets: bytes, purpose: str = "test") -> Sealer:
    return Sealer(secrets or (b"first",), purpose)


def test_what_was_sealed_opens() -> None:
    token = sealer().seal(PAYLOAD, b"bound")
    assert sealer().open(token, b"bound") == PAYLOAD
    assert set(token) <= set(SIGNS)
    assert b"film" not in token.encode()


def test_the_same_content_gives_the_same_token() -> None:
    assert sealer().seal(PAYLOAD, b"x") == sealer().seal(PAYLOAD, b"x")
    assert sealer().seal(PAYLOAD, b"x") != sealer().seal(PAYLOAD, b"y")


def test_every_changed_sign_is_noticed() -> None:
    token = sealer().seal(PAYLOAD)
    for at, sign in enumerate(token):
        for other in SIGNS:
            if other != sign:
                assert sealer().open(token[:at] + other + token[at + 1 :]) is None


@pytest.mark.parametrize("length", [7, 8, 9])
def test_a_token_has_one_spelling(length: int) -> None:
    token = sealer().seal(b"x" * length)
    others = [token + "=", token + "==", token + "A", token[:-1], f" {token}", token + "\n"]
    others += [token[:4] + "." + token[4:], token.swapcase(), token + "ü"]
    for other in others:
        assert sealer().open(other) is None, other


@pytest.mark.parametrize(
    "token", ["", "A", "AA", "====", "!", "ü", "\ud800", "A" * MAX_TOKEN_LENGTH, "A" * 100_000]
)
def test_junk_opens_as_nothing(token: str) -> None:
    assert sealer().open(token) is None


def test_what_is_bound_must_be_shown() -> None:
    token = sealer().seal(PAYLOAD, b"ab", b"c")
    for bound in [(b"a", b"bc"), (b"c", b"ab"), (b"ab",), (b"abc",), (b"ab", b"c", b""), ()]:
        assert sealer().open(token, *bound) is None, bound


def test_a_token_of_another_purpose_is_none() -> None:
    assert sealer(purpose="other").open(sealer().seal(PAYLOAD)) is None


def test_keys_are_changed_one_after_the_other() -> None:
    old = sealer(b"old").seal(PAYLOAD)
    both = sealer(b"new", b"old")
    assert both.open(old) == PAYLOAD
    assert both.seal(PAYLOAD) == sealer(b"new").seal(PAYLOAD)
    assert sealer(b"new").open(old) is None
