"""Pairing: the screen shows a short code, and who holds the access key approves it elsewhere."""

from __future__ import annotations

import time
from urllib.parse import quote

import xbmc
import xbmcgui

from .errors import AddonError
from .http import Json, ask
from .settings import Settings, is_manifest, server_address
from .words import Word, say

POLL = 2.0  # seconds
LOOK = 0.25  # seconds between looks at the remote control
# The window's coordinates, whatever the skin's.
WIDTH, HEIGHT, MARGIN, CODE_SIDE = 1280, 720, 90, 370
BACK, LEAVE = 92, 10  # ACTION_NAV_BACK, ACTION_PREVIOUS_MENU
LEFT_TEXT = "font13"
BIG_TEXT = "font45"


class CodeWindow(xbmcgui.WindowDialog):
    """The page's address, its QR code and the code that is to be approved."""

    def __init__(self, pairing: Json, backdrop: str) -> None:
        super().__init__()
        self.closed = False
        minutes = max(1, int(pairing.get("expiresIn") or 0) // 60)
        width = WIDTH - CODE_SIDE - 3 * MARGIN
        self.addControl(xbmcgui.ControlImage(0, 0, WIDTH, HEIGHT, backdrop))
        left, top = WIDTH - CODE_SIDE - MARGIN, (HEIGHT - CODE_SIDE) // 2
        self.addControl(xbmcgui.ControlImage(left, top, CODE_SIDE, CODE_SIDE, str(pairing["qr"])))
        for top, font, text in (
            (120, BIG_TEXT, say(Word.PAIR)),
            (220, LEFT_TEXT, say(Word.OPEN_PAGE)),
            (265, LEFT_TEXT, str(pairing["page"])),
            (335, LEFT_TEXT, say(Word.APPROVE_CODE)),
            (380, BIG_TEXT, str(pairing["code"])),
            (480, LEFT_TEXT, say(Word.CODE_TIME, minutes)),
        ):
            self.addControl(
                xbmcgui.ControlLabel(MARGIN, top, width, 60, text, font, textColor="0xFFFFFFFF")
            )

    def onAction(self, action: xbmcgui.Action) -> None:  # noqa: N802 - Kodi's name
        """Back and leave close it; there is nothing else to press."""
        if action.getId() in (BACK, LEAVE):
            self.closed = True
            self.close()


class Pairing:
    """Connects this Kodi to a server. An action of the viewer's, never of a listing."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._monitor = xbmc.Monitor()

    def pair(self) -> bool:
        """Whether this Kodi is connected now; False if the viewer cancelled."""
        address = self._settings.server_address or self._typed()
        if is_manifest(address):
            self._settings.connect(address)
            return True
        if not address:
            return False
        _, pairing = ask(f"{address}/kodi/pair", "POST")
        if not all(pairing.get(key) for key in ("code", "secret", "page", "qr")):
            raise AddonError(say(Word.NO_SELFSTREME))
        window = CodeWindow(pairing, self._settings.art["fanart"])
        window.show()
        try:
            manifest = self._approved(address, pairing, window)
        finally:
            window.close()
        if manifest:
            self._settings.connect(manifest)
        return bool(manifest)

    def _typed(self) -> str:
        """The address that the viewer types, remembered; a whole manifest's is as good."""
        typed = xbmcgui.Dialog().input(say(Word.PAIR)).strip()
        if is_manifest(typed):
            return typed
        self._settings.server_address = typed
        return server_address(typed)

    def _approved(self, address: str, pairing: Json, window: CodeWindow) -> str:
        """The manifest's address once somebody has approved the code; empty if cancelled."""
        end = time.monotonic() + float(pairing.get("expiresIn") or 0)
        url = f"{address}/kodi/pair/{quote(str(pairing['secret']), safe='')}"
        while time.monotonic() < end:
            for _ in range(int(POLL / LOOK)):
                if self._monitor.waitForAbort(LOOK) or window.closed:
                    return ""
            try:
                status, told = ask(url)
            except AddonError as failure:
                if failure.passing:
                    continue
                if failure.unknown:
                    break
                raise
            if status == 200 and told.get("manifest"):
                return str(told["manifest"])
        raise AddonError(say(Word.TOO_LATE), say(Word.ASK_AGAIN))
