"""ffmpeg, ffprobe, mpv and VLC, told what to do and asked what they see.

None outlives the call or the ``with`` block that started it.
"""

import contextlib
import itertools
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, ClassVar, Self

from tests.house.clients import require_client
from tests.house.isolated import NOBODY
from tests.rig.media import RATE
from tests.rig.waiting import until

RUN_TIME = 60.0  # seconds for a program that ends by itself; the longest measured takes 10
START_TIME = 20.0
ANSWER_TIME = 10.0
STOP_TIME = 5.0
PNG_END = b"IEND\xaeB`\x82"
# What a player's clock says and what it shows differ by its buffers and by the time between the
# two questions.
BEFORE, AFTER = 2.0, 6.0
MPV = (
    # A busy machine makes its null audio output complain of itself ("start() while paused").
    *("--no-config", "--no-ytdl", "--no-input-terminal", "--msg-level=all=error,ao=no"),
    *("--vo=null", "--ao=null"),
)


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; it is killed when that does not come."""
    command = [require_client(name), *arguments]
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=RUN_TIME
    )


def facts(source: str) -> dict[str, Any]:
    """All that ffprobe says of a film but its address."""
    done = run("ffprobe", "-v", "error", "-show_format", "-show_streams", "-of", "json", source)
    assert (done.returncode, done.stderr) == (0, "")
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["format"].pop("filename") == source
    return told


def frames(source: str, start: float, seconds: float) -> list[str]:
    """What ffmpeg decodes of picture and sound: a line with time and MD5 for each frame.

    ffmpeg takes an early end for the end of the film and a broken frame for a bad one of many, and
    its status is 0 after both: compare the lines.
    """
    where = ("-ss", str(start)) if start else ()
    what = ("-t", str(seconds), "-map", "0", "-f", "framemd5", "-")
    done = run("ffmpeg", "-v", "error", *where, "-i", source, *what)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line for line in done.stdout.splitlines() if not line.startswith("#")]
    pictures = [line for line in lines if line.startswith("0,")]
    assert len(pictures) >= (seconds - 0.1) * RATE, f"only {len(pictures)} pictures"
    return lines


def likeness(picture: Path, film: Path, around: float) -> float:
    """How like the picture is to the likest one of the film near a time, in dB (PSNR).

    The right one of the rig's films, coded and decoded, has 47; its neighbours stay below 25.
    """
    start = max(0.0, around - BEFORE)
    gray = "[0:v]format=gray[film];[1:v]format=gray[shown]"
    done = run(
        *("ffmpeg", "-v", "error", "-ss", str(start), "-t", str(around + AFTER - start)),
        *("-i", str(film), "-i", str(picture)),
        *("-lavfi", f"{gray};[film][shown]psnr=stats_file=-", "-f", "null", "-"),
    )
    assert (done.returncode, done.stderr) == (0, "")
    return max(float(found) for found in re.findall(r"psnr_avg:(\S+)", done.stdout))


class Player(ABC):
    """A player that shows a film from its start on as soon as it has some of it."""

    name: ClassVar[str]
    user: ClassVar[tuple[str, ...]] = ()
    """Options of setpriv that make it run as somebody else."""

    def __init__(self, url: str) -> None:
        program = require_client(self.name)
        # In /tmp: the path of a socket has at most 107 characters, and another user gets there.
        holder = TemporaryDirectory(prefix=f"{self.name}-", dir="/tmp")
        with contextlib.ExitStack() as parts:
            self.folder = Path(parts.enter_context(holder))
            self.folder.chmod(0o777)
            self._log = self.folder / "log"
            self.process = self._start(program, url)
            parts.callback(self._end)
            self._socket = parts.enter_context(socket.socket(socket.AF_UNIX))
            self._socket.settimeout(ANSWER_TIME)
            self._file = parts.enter_context(self._socket.makefile("rb"))
            until(self._connects, START_TIME, f"{self.name} to listen")
            self._parts = parts.pop_all()

    # What each player does in its own way

    @abstractmethod
    def _arguments(self) -> list[str]:
        """Options that make it listen on ``folder / "socket"`` and need no screen."""

    @abstractmethod
    def position(self) -> float:
        """Where in the film it is, in seconds; 0 as long as it has nothing to show."""

    @abstractmethod
    def seek(self, seconds: float) -> None:
        """Go on at another place."""

    @abstractmethod
    def address(self) -> str:
        """Where the film comes from that it plays."""

    @abstractmethod
    def next(self) -> None:
        """Go on with the next film of a playlist."""

    @abstractmethod
    def _take(self) -> Path:
        """Ask it to write down what it shows; the file, of which some is there."""

    @abstractmethod
    def complaints(self) -> str:
        """What it found wrong with the film so far."""

    # What all have in common

    def picture(self) -> Path:
        """A PNG of what it shows now, complete; gone when the player is."""
        file = self._take()
        until(lambda: file.read_bytes().endswith(PNG_END), what=f"the rest of {file}")
        return file

    @property
    def log(self) -> str:
        """All it has written."""
        return self._log.read_text(errors="replace")

    def _start(self, program: str, url: str) -> subprocess.Popen[bytes]:
        # Should this process be killed, the player must not stay.
        with_me = ("setpriv", "--pdeathsig", "KILL", *self.user) if shutil.which("setpriv") else ()
        with self._log.open("wb") as log:
            return subprocess.Popen(
                [*with_me, program, *self._arguments(), url],
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(STOP_TIME)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _connects(self) -> bool:
        status = self.process.poll()
        assert status is None, f"{self.name} ended with {status}:\n{self.log}"
        try:
            self._socket.connect(str(self.folder / "socket"))
        except OSError:
            return False
        return True

    def _say(self, text: str) -> None:
        try:
            self._socket.sendall(text.encode() + b"\n")
        except BrokenPipeError:
            raise AssertionError(f"{self.name} has gone:\n{self.log}") from None

    def _lines(self) -> Iterator[str]:
        """What it says, until it has said nothing for ``ANSWER_TIME``."""
        while line := self._file.readline():
            yield line.decode(errors="replace").strip()
        raise AssertionError(f"{self.name} has gone:\n{self.log}")

    def close(self) -> None:
        """End it; safe to call twice."""
        self._parts.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            print(f"{self.name} wrote:\n{self.log}", file=sys.stderr)
        self.close()


class Mpv(Player):
    """mpv with its JSON IPC."""

    name = "mpv"

    def _arguments(self) -> list[str]:
        return [*MPV, f"--input-ipc-server={self.folder / 'socket'}"]

    def position(self) -> float:
        told = self._ask("get_property", "time-pos")
        if told["error"] == "property unavailable":
            return 0.0
        assert told["error"] == "success", told
        return float(told["data"])

    def seek(self, seconds: float) -> None:
        told = self._ask("seek", seconds, "absolute")
        assert told["error"] == "success", told

    def address(self) -> str:
        return str(self._ask("get_property", "path").get("data"))

    def next(self) -> None:
        told = self._ask("playlist-next")
        assert told["error"] == "success", told

    def _take(self) -> Path:
        file = self.folder / f"shown-{self.position()}.png"
        told = self._ask("screenshot-to-file", str(file), "video")
        assert told["error"] == "success", told
        return file

    def complaints(self) -> str:
        return self.log

    def _ask(self, *command: Any) -> dict[str, Any]:
        self._say(json.dumps({"command": command}))
        # Between the answers, which come in order, it tells of events.
        answers = (json.loads(line) for line in self._lines())
        answer: dict[str, Any] = next(told for told in answers if "event" not in told)
        return answer


class Vlc(Player):
    """VLC with its remote control for people. It refuses to run as root."""

    name = "vlc"
    user = (f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups") if os.geteuid() == 0 else ()

    def _arguments(self) -> list[str]:
        return [
            *("--intf", "oldrc", "--rc-fake-tty", "--rc-unix", str(self.folder / "socket")),
            *("--vout", "vdummy", "--aout", "adummy", "--play-and-exit"),
            *("--snapshot-path", str(self.folder), "--snapshot-prefix", "shown-"),
            *("--snapshot-sequential", "--no-snapshot-preview", "--no-osd"),
        ]

    def position(self) -> float:
        self._say("get_time")
        return float(next(line for line in self._lines() if re.fullmatch(r"-?\d+", line)))

    def seek(self, seconds: float) -> None:
        self._do(f"seek {seconds:.0f}")

    def address(self) -> str:
        self._say("status")
        told = itertools.takewhile(lambda line: "returned" not in line, self._lines())
        found = re.search(r"\( new input: (\S+) \)", "\n".join(told))
        return found[1] if found else ""

    def next(self) -> None:
        self._do("next")

    def _take(self) -> Path:
        before = set(self.folder.glob("shown-*"))
        self._do("snapshot")
        return until(lambda: set(self.folder.glob("shown-*")) - before, what="a snapshot").pop()

    def complaints(self) -> str:
        """Its log is no help: on each seek its decoder says something of frames that it drops."""
        self._say("stats")
        told = itertools.takewhile(lambda line: "returned" not in line, self._lines())
        counts = dict(re.findall(r"\| (.+?) +: +(\d+)", "\n".join(told)))
        assert int(counts["frames displayed"]) > 0, counts
        return "" if counts["demux corrupted"] == "0" else str(counts)

    def _do(self, command: str) -> None:
        self._say(command)
        begin = f"{command.split(maxsplit=1)[0]}: returned "
        line = next(line for line in self._lines() if line.startswith(begin))
        assert line.startswith(begin + "0 "), line
