"""What the add-on remembers: searches, and which release was chosen. No secret is among it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

FILE = "remembered.json"
SEARCHES, GROUPS = 20, 200
CHOICE_TIME = 60.0  # seconds in which a choice is to be played


class Memory:
    """One small file in the add-on's own folder, written whole."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE

    @property
    def searches(self) -> list[str]:
        """The newest first."""
        return list(self._read()["searches"])

    def searched(self, text: str) -> None:
        """Put a search on top."""
        kept = self._read()
        others = [old for old in kept["searches"] if old != text]
        kept["searches"] = [text, *others][:SEARCHES]
        self._write(kept)

    def group(self, title: str) -> str:
        """The release group (``bingeGroup``) that was last played of a title."""
        return str(self._read()["groups"].get(title, ""))

    def played(self, title: str, group: str) -> None:
        """The next episode is to be of the same release group."""
        kept = self._read()
        if kept["groups"].get(title) == group:
            return
        kept["groups"].pop(title, None)
        kept["groups"][title] = group
        for oldest in list(kept["groups"])[:-GROUPS]:
            del kept["groups"][oldest]
        self._write(kept)

    def choose(self, video: str, key: str) -> None:
        """The next play of a video is to be this stream.

        It cannot stand in the plugin's URL: Kodi keeps its resume points by that.
        """
        kept = self._read()
        kept["choice"] = [video, key, time.time()]
        self._write(kept)

    def take_choice(self, video: str) -> str:
        """The stream that was just chosen for a video; only once."""
        kept = self._read()
        if not kept["choice"] or kept["choice"][0] != video:
            return ""
        _, key, at = kept["choice"]
        kept["choice"] = None
        self._write(kept)
        return str(key) if abs(time.time() - at) < CHOICE_TIME else ""

    def forget(self) -> None:
        """Everything."""
        self._file.unlink(missing_ok=True)

    def _read(self) -> dict[str, Any]:
        kept: dict[str, Any] = {"searches": [], "groups": {}, "choice": None}
        try:
            told = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return kept
        # A file of another version, or one that somebody has written in.
        found = told.items() if isinstance(told, dict) else ()
        kept.update((k, v) for k, v in found if k == "choice" or isinstance(v, type(kept.get(k))))
        return kept

    def _write(self, kept: dict[str, Any]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps(kept), encoding="utf-8")
        os.replace(new, self._file)
