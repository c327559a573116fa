"""Pairing: a device shows a short code, whoever may come in approves it, the device gets a token.

Whoever sees the code learns nothing from it: the token is fetched with a secret that only the
device has. One who guesses codes approves other people's devices, so guesses are counted.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from addon.errors import Problem

# Read from a television and typed on a telephone: nothing that looks like something else.
ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 6
LIFETIME = 300.0
MOST_WAITING = 10
MOST_WRONG = 5
LOCKED_FOR = 60.0


@dataclass
class Pairing:
    """One device that waits; ``token`` is there once it was approved."""

    code: str
    secret: str
    ends: float
    token: str | None = None


class Pairings:
    """The devices that wait, in memory; ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._waiting: dict[str, Pairing] = {}
        self._wrong = 0
        self._locked_until = float("-inf")

    def begin(self) -> Pairing:
        """A new code and its secret; Problem ``too-many`` while others wait."""
        self._expire()
        if len(self._waiting) >= MOST_WAITING:
            raise Problem(
                "too-many",
                "Too many devices wait to be connected.",
                "Try again in a few minutes.",
                retry_after=min(one.ends for one in self._waiting.values()) - self._clock(),
            )
        taken = {one.code for one in self._waiting.values()}
        code = next(code for code in iter(_code, "") if code not in taken)
        pairing = Pairing(code, secrets.token_urlsafe(32), self._clock() + LIFETIME)
        self._waiting[pairing.secret] = pairing
        return pairing

    def waits(self, code: str) -> bool:
        """Whether a device shows this code and is not connected yet."""
        return self._find(code) is not None

    def approve(self, code: str, seal: Callable[[], str]) -> bool:
        """Give the device that shows this code a token, made by ``seal``; False for a wrong code.
        Problem ``too-many`` for a while after several wrong ones in a row, even for a right one."""
        left = self._locked_until - self._clock()
        if left > 0:
            raise Problem(
                "too-many",
                "Too many wrong codes were typed.",
                "Wait a minute, then type the code that the device shows.",
                retry_after=left,
            )
        pairing = self._find(code)
        if pairing is None:
            self._wrong += 1
            if self._wrong >= MOST_WRONG:
                self._wrong = 0
                self._locked_until = self._clock() + LOCKED_FOR
            return False
        self._wrong = 0
        pairing.token = seal()
        return True

    def collect(self, secret: str) -> Pairing | None:
        """How it stands; a token is given once and then forgotten. None for a secret that is not
        known (any more)."""
        self._expire()
        pairing = self._waiting.get(secret)
        if pairing is not None and pairing.token is not None:
            del self._waiting[secret]
        return pairing

    def _find(self, code: str) -> Pairing | None:
        self._expire()
        shown = normal(code)
        waiting = self._waiting.values()
        return next((one for one in waiting if one.token is None and one.code == shown), None)

    def _expire(self) -> None:
        now = self._clock()
        self._waiting = {key: one for key, one in self._waiting.items() if one.ends > now}


def normal(typed: str) -> str:
    """A code as it was meant: people add spaces and dashes, and write small letters."""
    return "".join(sign for sign in typed.upper() if sign in ALPHABET)


def _code() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
