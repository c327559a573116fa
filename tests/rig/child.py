"""A part of the rig in a process of its own, told what to do by lines of JSON.

The child reads commands from its standard input and ends when that does, so none outlives the
process that started it, however that ends.
"""

import contextlib
import json
import os
import select
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

REPOSITORY = Path(__file__).resolve().parents[2]
ANSWER_TIME = 20.0  # seconds; the slowest answer waits for libtorrent to load a large torrent


class Child:
    """The parent's end: starts ``python -m <module>`` and asks it things."""

    def __init__(self, module: str, **options: Any) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", module, json.dumps(options)],
            cwd=REPOSITORY,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._turn = threading.Lock()
        try:
            self.started = self._answer()
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def ask(self, do: str, **more: Any) -> Any:
        """Have one command done; its answer."""
        assert self._process.stdin is not None
        with self._turn:
            print(json.dumps({"do": do, **more}), file=self._process.stdin, flush=True)
            return self._answer()

    def _answer(self) -> Any:
        out = self._process.stdout
        assert out is not None
        ready, _, _ = select.select([out], [], [], ANSWER_TIME)
        line = out.readline() if ready else ""
        if not line:
            raise AssertionError(f"{self._process.args}: no answer, see its standard error")
        return json.loads(line)

    def close(self) -> None:
        """End it; safe to call twice."""
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def options() -> dict[str, Any]:
    """The child's end: what it was started with."""
    given: dict[str, Any] = json.loads(sys.argv[1])
    return given


def serve(started: Any, commands: dict[str, Callable[..., Any]]) -> None:
    """The child's end: say that it runs, then do as told until the parent goes."""
    print(json.dumps(started), flush=True)
    for line in sys.stdin:
        told = json.loads(line)
        print(json.dumps(commands[told.pop("do")](**told)), flush=True)
