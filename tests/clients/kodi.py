"""Debian's Kodi without a screen: a new home folder, Xvfb, and JSON-RPC.

None outlives the ``with`` block that started it. What Kodi needs to run so, and what each of the
settings below keeps it from doing, was found by trying.
"""

import contextlib
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from tests.house.clients import require_client
from tests.rig.server import free_port
from tests.rig.waiting import pause, until

START_TIME = 60.0  # seconds; the longest measured is 6
ANSWER_TIME = 20.0
STOP_TIME = 10.0
LOG_SHOWN = 6_000  # characters
QUIET = 0.5  # seconds in which nothing opens, after which a new play is safe
HELPER = "script.rig"
# Kodi's numbers of windows.
HOME, FULL_SCREEN = 10000, 12005
YES_NO, PROGRESS, MENU, FILES, SELECT, OK = 10100, 10101, 10106, 10126, 12000, 12002
DIALOGS = {YES_NO, PROGRESS, MENU, FILES, SELECT, OK, 10138, 10160}  # the last two: busy
# Without <resolutions/> Kodi drops the whole file. Nothing may leave this machine: no version
# check, no weather, no library scrapers.
SETTINGS = {
    "addons.unknownsources": "true",
    "general.addonupdates": "0",
    "general.addonnotifications": "false",
    "locale.audiolanguage": "original",
    "services.esallinterfaces": "false",
    "services.zeroconf": "false",
    "videoplayer.seekdelay": "0",
}
HELPER_XML = f"""<?xml version="1.0"?>
<addon id="{HELPER}" name="Rig" version="1.0.0" provider-name="tests">
  <requires><import addon="xbmc.python" version="3.0.1"/></requires>
  <extension point="xbmc.python.script" library="main.py"/>
  <extension point="xbmc.addon.metadata"><summary lang="en_GB">Rig</summary></extension>
</addon>"""
HELPER_CODE = "import sys, xbmc, xbmcaddon\nexec(sys.argv[1])\n"
# A film of a minute gets a resume point too; three minutes are to be played first otherwise.
ADVANCED = """<advancedsettings version="1.0"><jsonrpc><tcpport>{port}</tcpport></jsonrpc>
<video><ignoresecondsatstart>5</ignoresecondsatstart></video></advancedsettings>"""

Json = dict[str, Any]


class Kodi:
    """Ready for questions when the constructor returns. ``sources``: name -> URL of the folders
    that its user has added to the file manager and to the videos."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        program, screen = require_client("kodi"), require_client("xvfb")
        self._numbers = itertools.count(1)
        self._buffer = ""
        with contextlib.ExitStack() as parts:
            self.folder = Path(parts.enter_context(TemporaryDirectory(prefix="kodi-", dir="/tmp")))
            self.data = self.folder / ".kodi"
            self._port = free_port()
            self._prepare(sources)
            self.display = self._show(screen, parts)
            self.process = self._start(program)
            parts.callback(self._end, self.process)
            self._socket = parts.enter_context(socket.socket())
            self._socket.settimeout(ANSWER_TIME)
            until(self._connects, START_TIME, "Kodi to listen", every=0.1)
            # It asks about an add-on that somebody has copied into its folder: the helper.
            until(lambda: self.window() == YES_NO, START_TIME, "Kodi to ask", every=0.1)
            self.say_yes()
            until(lambda: self.version(HELPER), ANSWER_TIME, "the helper", every=0.1)
            self._parts = parts.pop_all()

    # Talking

    def ask(self, method: str, **params: Any) -> Any:
        """The result of a JSON-RPC method."""
        number = next(self._numbers)
        question = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        self._socket.sendall(json.dumps(question).encode())
        while True:
            answer = self._message()
            if answer.get("id") == number:
                assert "error" not in answer, (method, params, answer["error"])
                return answer["result"]

    def run(self, code: str) -> None:
        """Have Kodi run a line of Python."""
        self.ask("Addons.ExecuteAddon", addonid=HELPER, params=[code])

    def builtin(self, command: str) -> None:
        """Have Kodi run one of its built-in functions."""
        self.run(f"xbmc.executebuiltin({command!r})")

    def set(self, addon: str, setting: str, value: str) -> None:
        """Change one of an add-on's settings."""
        self.run(f"xbmcaddon.Addon({addon!r}).setSettingString({setting!r}, {value!r})")

    def label(self, name: str) -> str:
        """One of Kodi's info labels."""
        return str(self.ask("XBMC.GetInfoLabels", labels=[name])[name])

    def labels(self, first: int, last: int) -> list[str]:
        """What the controls of the open window with these numbers say."""
        names = [f"Control.GetLabel({number})" for number in range(first, last)]
        told = self.ask("XBMC.GetInfoLabels", labels=names)
        return [str(told[name]) for name in names]

    def window(self) -> int:
        """The number of the window or dialog that has the focus."""
        return int(self._gui()["currentwindow"]["id"])

    def focused(self) -> str:
        """What the control that has the focus says."""
        return str(self._gui()["currentcontrol"]["label"])

    def _gui(self) -> Json:
        told: Json = self.ask("GUI.GetProperties", properties=["currentwindow", "currentcontrol"])
        return told

    # The remote control

    def press(self, *keys: str) -> None:
        """``Select``, ``Back``, ``Down`` …"""
        for key in keys:
            self.ask(f"Input.{key}")

    def go_to(self, label: str, *, key: str = "Down", most: int = 30) -> None:
        """Move the focus until the control that has it says ``label``."""
        for _ in range(most):
            if label in self.focused():
                return
            self.press(key)
            pause(0.05)
        raise AssertionError(f"the focus did not get to {label!r}, but to {self.focused()!r}")

    def go_home(self) -> None:
        """Stop what plays and close what is open."""
        if self.player():
            self.stop()

        def closed() -> bool:
            if self.window() == HOME:
                return True
            self.press("Back")
            return False

        until(closed, ANSWER_TIME, "Kodi's home", every=0.3)

    def say_yes(self) -> None:
        """Answer the question of the dialog that is open."""
        self.go_to("Yes", key="Left")
        self.press("Select")

    def dialog(self, seconds: float = ANSWER_TIME) -> str:
        """The text of the dialog with an OK button, once there is one."""
        until(lambda: self.window() == OK, seconds, "an OK dialog", every=0.1)
        return self.label("Control.GetLabel(9)")

    def quiet(self) -> None:
        """Wait until no dialog is open; a second play beside a busy one would end Kodi."""
        until(self._is_quiet, ANSWER_TIME, "the last dialog to close", every=0.1)

    def _is_quiet(self) -> bool:
        if self.window() in DIALOGS:
            return False
        pause(QUIET)
        return self.window() not in DIALOGS

    # Add-ons

    def version(self, addon: str) -> str:
        """Of an add-on that is installed and enabled; else empty."""
        listed = self.ask("Addons.GetAddons", enabled=True, properties=["version"])["addons"]
        return next((str(each["version"]) for each in listed if each["addonid"] == addon), "")

    def offers(self, addon: str) -> bool:
        """Whether one of its repositories has an add-on that is not installed."""
        told = self.ask("Addons.GetAddons", installed=False)
        return any(each["addonid"] == addon for each in told.get("addons") or ())

    def list(self, url: str, *properties: str) -> list[Json]:
        """The rows of a folder, as a skin's widget would have them."""
        told = self.ask("Files.GetDirectory", directory=url, media="video", properties=properties)
        return list(told.get("files") or ())

    # Playing

    def play(self, url: str) -> None:
        """Start a play; it has begun when ``position()`` moves."""
        self.quiet()
        self.ask("Player.Open", item={"file": url})

    def player(self) -> Json:
        """Time, subtitles and more of what plays; empty if nothing does."""
        if not self.ask("Player.GetActivePlayers"):
            return {}
        told: Json = self.ask(
            "Player.GetProperties",
            playerid=1,
            properties=["time", "subtitleenabled", "currentsubtitle"],
        )
        return told

    def subtitle(self) -> str:
        """The language of the subtitle that is shown; empty if there is none."""
        told = self.player()
        shown = told.get("subtitleenabled") and told["currentsubtitle"]
        return str(shown["language"]) if shown else ""

    def position(self) -> float:
        """Where in the film it is, in seconds; 0 while there is nothing to see."""
        return seconds(self.player().get("time", {}))

    def seek(self, place: float) -> None:
        """Go on at another place."""
        whole = round(place * 1000)
        time = {
            "hours": whole // 3_600_000,
            "minutes": whole // 60_000 % 60,
            "seconds": whole // 1000 % 60,
            "milliseconds": whole % 1000,
        }
        self.ask("Player.Seek", playerid=1, value={"time": time})

    def stop(self) -> None:
        """Stop what plays."""
        self.ask("Player.Stop", playerid=1)
        until(lambda: not self.ask("Player.GetActivePlayers"), what="the player to stop")

    # Its life

    @property
    def log(self) -> str:
        """All it has written."""
        log = self.data / "temp" / "kodi.log"
        return log.read_text(errors="replace") if log.exists() else ""

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
            print(f"Kodi wrote:\n{self.log[-LOG_SHOWN:]}", file=sys.stderr)
        self.close()

    def _prepare(self, sources: Mapping[str, str]) -> None:
        helper, user = self.data / "addons" / HELPER, self.data / "userdata"
        helper.mkdir(parents=True)
        user.mkdir()
        (helper / "addon.xml").write_text(HELPER_XML)
        (helper / "main.py").write_text(HELPER_CODE)
        # Without any sink its audio engine complains in a loop.
        null = "{ type null }"
        (self.folder / ".asoundrc").write_text(f"pcm.!default {null}\nctl.!default {null}\n")
        rows = "".join(f'<setting id="{key}">{value}</setting>' for key, value in SETTINGS.items())
        (user / "guisettings.xml").write_text(
            f'<settings version="2">{rows}<resolutions/><viewstates/></settings>'
        )
        (user / "advancedsettings.xml").write_text(ADVANCED.format(port=self._port))
        listed = "".join(
            f'<source><name>{name}</name><path pathversion="1">{url}</path></source>'
            for name, url in sources.items()
        )
        (user / "sources.xml").write_text(
            f"<sources><files>{listed}</files><video>{listed}</video></sources>"
        )

    def _show(self, screen: str, parts: contextlib.ExitStack) -> str:
        """A display of its own."""
        out, into = os.pipe()
        with os.fdopen(out) as told:
            command = [screen, "-displayfd", str(into), "-screen", "0", "640x360x24"]
            running = subprocess.Popen(
                [*_with_me(), *command, "-nolisten", "tcp"],
                pass_fds=[into],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            os.close(into)
            parts.callback(self._end, running)
            return f":{told.readline().strip()}"

    def _start(self, program: str) -> subprocess.Popen[bytes]:
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "KODI_DATA": str(self.data),
            "LANG": "C.UTF-8",
            "DISPLAY": self.display,
            "LIBGL_ALWAYS_SOFTWARE": "1",
        }
        # Not the program's wrapper, which starts it again when it ends.
        return subprocess.Popen(
            [*_with_me(), program, "--standalone", "--windowing=x11"],
            cwd=self.folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _connects(self) -> bool:
        status = self.process.poll()
        assert status is None, f"Kodi ended with {status}:\n{self.log}"
        return self._socket.connect_ex(("127.0.0.1", self._port)) == 0

    def _message(self) -> Json:
        """The next one; they come one after the other without anything between."""
        while True:
            with contextlib.suppress(ValueError):
                message, end = json.JSONDecoder().raw_decode(self._buffer)
                self._buffer = self._buffer[end:].lstrip()
                told: Json = message
                return told
            chunk = self._socket.recv(65536)
            assert chunk, f"Kodi has gone:\n{self.log[-LOG_SHOWN:]}"
            self._buffer += chunk.decode()

    @staticmethod
    def _end(running: subprocess.Popen[bytes]) -> None:
        running.terminate()
        try:
            running.wait(STOP_TIME)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def seconds(time: Mapping[str, int]) -> float:
    """A time as Kodi tells it."""
    return (
        time.get("hours", 0) * 3600
        + time.get("minutes", 0) * 60
        + time.get("seconds", 0)
        + time.get("milliseconds", 0) / 1000
    )


def _with_me() -> tuple[str, ...]:
    """Should this process be killed, what it started must not stay."""
    return ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
