"""Kodi's Python modules, as far as the add-on uses them: they note what they are told.

They answer what a test has put into ``Fakes``, and never wait.
"""

# ruff: noqa: N802, N803 - the names are Kodi's

import re
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

ADDON = Path(__file__).parents[2] / "addon" / "kodi" / "plugin.video.selfstreme"
STRINGS = ADDON / "resources" / "language" / "resource.language.en_gb" / "strings.po"
NAMES = ("xbmc", "xbmcaddon", "xbmcgui", "xbmcplugin", "xbmcvfs")


def strings() -> dict[int, str]:
    """Number -> English text."""
    found = re.findall(r'^msgctxt "#(\d+)"\nmsgid "(.*)"$', STRINGS.read_text(), re.MULTILINE)
    return {int(number): text for number, text in found}


class Tag:
    """An InfoTagVideo: ``setYear(2020)`` becomes ``told["Year"]``."""

    def __init__(self) -> None:
        self.told: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Callable[..., None]:
        if not name.startswith("set"):
            raise AttributeError(name)

        def note(*values: Any) -> None:
            self.told[name.removeprefix("set")] = values[0] if len(values) == 1 else values

        return note


class ListItem:
    """One row, or what is to be played."""

    def __init__(
        self, label: str = "", label2: str = "", path: str = "", *, offscreen: bool = False
    ) -> None:
        self.label, self.label2, self.path = label, label2, path
        self.offscreen = offscreen
        self.tag = Tag()
        self.art: dict[str, str] = {}
        self.properties: dict[str, str] = {}
        self.menu: list[tuple[str, str]] = []
        self.mime = ""
        self.lookup = True
        self.subtitles: list[str] = []

    def getVideoInfoTag(self) -> Tag:
        return self.tag

    def setArt(self, art: dict[str, str]) -> None:
        self.art.update(art)

    def setProperty(self, key: str, value: str) -> None:
        self.properties[key] = value

    def addContextMenuItems(self, menu: list[tuple[str, str]]) -> None:
        self.menu += menu

    def setMimeType(self, kind: str) -> None:
        self.mime = kind

    def setContentLookup(self, enable: bool) -> None:
        self.lookup = enable

    def setSubtitles(self, urls: list[str]) -> None:
        self.subtitles = urls


class Fakes:
    """What was told to Kodi, and what its viewer answers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings: dict[str, Any] = {"play_best": False, "most_lines": 0}
        # Answers of the viewer: numbers for select, texts for input.
        self.answers: deque[Any] = deque()
        self.cancel_after: int | None = None
        self.aborted = False
        self.waited = 0
        # What was told
        self.rows: list[tuple[str, ListItem, bool]] = []
        self.content = ""
        self.ended: dict[str, bool] | None = None
        self.resolved: ListItem | None = None
        self.refused = False
        self.modal: list[tuple[str, Any]] = []
        self.notes: list[str] = []
        self.progress: list[str] = []
        self.builtins: list[str] = []
        self.log: list[str] = []
        self.windows: list[Any] = []
        self.on_show: Callable[[Any], None] = lambda _: None

    @property
    def labels(self) -> list[str]:
        """Of the rows."""
        return [item.label for _, item, _ in self.rows]

    def row(self, label: str) -> tuple[str, ListItem, bool]:
        """The row of this name."""
        return next(row for row in self.rows if row[1].label == label)

    def modules(self) -> dict[str, ModuleType]:
        """The modules, by name."""
        made = {name: ModuleType(name) for name in NAMES}
        for name, contents in (
            ("xbmc", self._xbmc()),
            ("xbmcaddon", self._xbmcaddon()),
            ("xbmcgui", self._xbmcgui()),
            ("xbmcplugin", self._xbmcplugin()),
            ("xbmcvfs", {"translatePath": lambda path: path}),
        ):
            vars(made[name]).update(contents)
        return made

    def _xbmc(self) -> dict[str, Any]:
        fakes = self

        class Monitor:
            def waitForAbort(self, seconds: float) -> bool:
                assert seconds > 0
                fakes.waited += 1
                assert fakes.waited < 10_000, "it waits for ever"
                return fakes.aborted

        return {
            "LOGERROR": 3,
            "Monitor": Monitor,
            "log": lambda text, level: self.log.append(text),
            "executebuiltin": self.builtins.append,
        }

    def _xbmcaddon(self) -> dict[str, Any]:
        fakes, texts = self, strings()

        class Addon:
            def getAddonInfo(self, name: str) -> str:
                return str(fakes.folder / name)

            def getLocalizedString(self, number: int) -> str:
                return texts[number]

            def getSettingString(self, name: str) -> str:
                return str(fakes.settings.get(name, ""))

            def getSettingBool(self, name: str) -> bool:
                return bool(fakes.settings[name])

            def getSettingInt(self, name: str) -> int:
                return int(fakes.settings[name])

            def setSettingString(self, name: str, value: str) -> None:
                fakes.settings[name] = value

            def openSettings(self) -> None:
                fakes.modal.append(("settings", None))

        return {"Addon": Addon}

    def _xbmcgui(self) -> dict[str, Any]:
        fakes = self

        class Dialog:
            def ok(self, heading: str, text: str) -> None:
                assert heading
                fakes.modal.append(("ok", text))

            def select(self, heading: str, items: list[ListItem], **options: Any) -> int:
                assert heading
                fakes.modal.append(("select", (items, options)))
                return int(fakes.answers.popleft())

            def input(self, heading: str) -> str:
                assert heading
                fakes.modal.append(("input", None))
                return str(fakes.answers.popleft())

            def notification(self, heading: str, text: str, icon: str) -> None:
                assert heading
                assert icon
                fakes.notes.append(text)

        class DialogProgress:
            def create(self, heading: str, text: str) -> None:
                assert heading
                fakes.progress.append(text)

            def update(self, percent: int, text: str) -> None:
                assert 0 <= percent <= 100
                fakes.progress.append(f"{percent}% {text}")

            def iscanceled(self) -> bool:
                return fakes.cancel_after is not None and len(fakes.progress) > fakes.cancel_after

            def close(self) -> None:
                fakes.progress.append("closed")

        class WindowDialog:
            def __init__(self) -> None:
                self.controls: list[tuple[Any, ...]] = []
                self.shown = False
                fakes.windows.append(self)

            def addControl(self, control: tuple[Any, ...]) -> None:
                self.controls.append(control)

            def show(self) -> None:
                self.shown = True
                fakes.on_show(self)

            def close(self) -> None:
                self.shown = False

        return {
            "NOTIFICATION_ERROR": "error",
            "ListItem": ListItem,
            "Dialog": Dialog,
            "DialogProgress": DialogProgress,
            "WindowDialog": WindowDialog,
            "ControlImage": lambda *told: ("image", *told),
            "ControlLabel": lambda *told, **more: ("label", *told),
            "Action": object,
        }

    def _xbmcplugin(self) -> dict[str, Any]:
        def add(handle: int, rows: list[tuple[str, ListItem, bool]], count: int) -> None:
            assert handle >= 0
            assert count == len(rows)
            self.rows += rows

        def end(handle: int, *, succeeded: bool = True, cacheToDisc: bool = True) -> None:
            assert handle >= 0
            assert self.ended is None, "it ended before"
            self.ended = {"succeeded": succeeded, "cached": cacheToDisc}

        def resolve(handle: int, succeeded: bool, item: ListItem) -> None:
            assert handle >= 0
            assert not self.refused
            assert self.resolved is None
            self.resolved, self.refused = (item, False) if succeeded else (None, True)

        sorts = ("UNSORTED", "TITLE", "VIDEO_YEAR", "EPISODE")
        return {
            "setContent": lambda handle, content: setattr(self, "content", content),
            "addDirectoryItems": add,
            "addSortMethod": lambda handle, method: None,
            "endOfDirectory": end,
            "setResolvedUrl": resolve,
        } | {f"SORT_METHOD_{name}": number for number, name in enumerate(sorts)}
