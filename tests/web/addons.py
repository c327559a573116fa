"""Kodi add-ons as small as they can be, and what is in a zip."""

import io
import zipfile
from pathlib import Path

from addon.web.repository import REPOSITORY, VIDEO

ADDON = """<?xml version="1.0" encoding="UTF-8"?>
<addon id="{id}" name="ä" version="{version}">{more}
  <extension point="xbmc.addon.metadata"><assets><icon>{icon}</icon></assets></extension>
</addon>
"""


def small_addons(folder: Path) -> Path:
    """The two add-ons, as small as they can be, with what the work on them leaves behind."""
    for name, version, icon in ((REPOSITORY, "1.0.0", "icon.png"), (VIDEO, "2.3.4", "art/i.png")):
        more = "<info>{base}/kodi/addons.xml</info>" if name == REPOSITORY else ""
        addon = folder / name
        (addon / icon).parent.mkdir(parents=True)
        (addon / icon).write_bytes(name.encode())
        told = ADDON.replace("{id}", name).replace("{version}", version)
        told = told.replace("{icon}", icon).replace("{more}", more)
        (addon / "addon.xml").write_text(told)
        (addon / "__pycache__").mkdir()
        (addon / "__pycache__" / "main.pyc").write_bytes(b"x")
        (addon / ".hidden").write_text("x")
    (folder / VIDEO / "main.py").write_text("run()\n")
    return folder


def unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist() if name[-1] != "/"}
