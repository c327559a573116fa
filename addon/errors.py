"""The errors that somebody catches on purpose.

    Exception
    ├── Problem          what a user is told: a stable code, one sentence, what to do
    └── SettingsError    the server cannot start as it is configured (addon/settings.py raises it)

Everything else is a builtin. The HTTP status of a Problem is decided at the edge,
in ``addon/web/problems.py``, and nowhere else.
"""

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Problem(Exception):  # noqa: N818 (told to users; not always an error of the server)
    """Something a user must know about.

    ``code`` is stable and meant for programs (``bad-magnet``, ``no-peers``, …), ``detail`` is
    one sentence that names the cause, ``hint`` says what the user can do, ``retry_after`` is in
    seconds and set only where trying again may help.
    """

    def __init__(
        self, code: str, detail: str, hint: str = "", *, retry_after: float | None = None
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.hint = hint
        self.retry_after = retry_after

    def __repr__(self) -> str:
        return f"Problem({self.code!r}, {self.detail!r})"


class SettingsError(Exception):
    """One or more settings are wrong; ``problems`` holds one sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def outcome(function: Callable[..., T], *args: Any) -> "T | Problem":
    """What the function returns, or the Problem it raises, as a value.

    For thread pools: gevent prints a traceback of whatever a task raises, and a Problem is an
    answer, not a fault.
    """
    try:
        return function(*args)
    except Problem as problem:
        return problem
