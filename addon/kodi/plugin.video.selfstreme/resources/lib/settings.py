"""The add-on's settings, and which server it belongs to."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

import xbmcaddon
import xbmcvfs

from .server import MANIFEST


class Settings:
    """Reads Kodi's settings of the add-on and keeps the one secret among them."""

    def __init__(self) -> None:
        self._addon = xbmcaddon.Addon()

    @property
    def manifest_url(self) -> str:
        """The server's manifest: as paired, else that of the server it was installed from."""
        return self._addon.getSettingString("manifest_url") or self._installed_from()

    def connect(self, manifest_url: str) -> None:
        """Belong to a server from now on."""
        self._addon.setSettingString("manifest_url", manifest_url)

    @property
    def server_address(self) -> str:
        """``http://host:port`` of the server to pair with; empty if nobody has named one."""
        typed = self._addon.getSettingString("server_address").strip()
        return server_address(typed or self.manifest_url)

    @server_address.setter
    def server_address(self, typed: str) -> None:
        self._addon.setSettingString("server_address", typed)

    @property
    def play_best(self) -> bool:
        """Whether the best stream is played without asking."""
        return self._addon.getSettingBool("play_best")

    @property
    def most_lines(self) -> int:
        """The highest resolution that is wanted, as 1080; 0 for any."""
        return self._addon.getSettingInt("most_lines")

    @property
    def folder(self) -> Path:
        """Where the add-on keeps what it remembers."""
        return Path(xbmcvfs.translatePath(self._addon.getAddonInfo("profile")))

    @property
    def art(self) -> dict[str, str]:
        """The add-on's own pictures."""
        return {kind: self._addon.getAddonInfo(kind) for kind in ("icon", "fanart")}

    def open(self) -> None:
        """Show Kodi's dialog of them."""
        self._addon.openSettings()

    def _installed_from(self) -> str:
        """What the server wrote into the zip that it gave us."""
        path = Path(xbmcvfs.translatePath(self._addon.getAddonInfo("path")))
        try:
            told = json.loads((path / "resources" / "server.json").read_text(encoding="utf-8"))
            return str(told["manifest"])
        except (OSError, ValueError, KeyError, TypeError):
            return ""


def server_address(text: str) -> str:
    """Scheme and host of what somebody typed or of a manifest's address; empty if it has none."""
    url = text if "://" in text else f"http://{text}"
    parts = urlsplit(url.replace("stremio://", "http://", 1))
    return f"{parts.scheme}://{parts.netloc}" if text and parts.netloc else ""


def is_manifest(text: str) -> bool:
    """Whether somebody typed the whole address of a manifest: then nothing is to be paired."""
    return text.startswith(("http://", "https://")) and text.endswith(MANIFEST)
