"""The Kodi repository of one server, as bytes: its add-ons, their index and their checksums.

Kodi compares hashes, so the same folder and the same address always give the same bytes: names in
order, one date for all, nothing of the machine. The add-ons come from ``source`` as they are, but
the repository is told its own address and the video add-on which server it belongs to.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from addon.web.zips import pack

REPOSITORY = "repository.selfstreme"
VIDEO = "plugin.video.selfstreme"
ADDONS = (REPOSITORY, VIDEO)

_DECLARATION = re.compile(r"\A\ufeff?\s*<\?xml[^>]*\?>\s*")


@dataclass(frozen=True, slots=True)
class _Addon:
    """``files`` by their path inside the add-on."""

    id: str
    files: dict[str, bytes]

    @property
    def xml(self) -> str:
        """Its description, without the XML declaration."""
        return _DECLARATION.sub("", self.files["addon.xml"].decode()).strip()

    def zip_name(self) -> str:
        version = ET.fromstring(self.xml).attrib["version"]  # noqa: S314 (our own file)
        return f"{self.id}-{version}.zip"

    def assets(self) -> list[str]:
        """What Kodi fetches beside the zip: icon, fanart, screenshots."""
        found = ET.fromstring(self.xml).iterfind(".//assets/*")  # noqa: S314
        return [path for asset in found if (path := (asset.text or "").strip()) in self.files]


def build(source: Path, base: str) -> dict[str, bytes]:
    """Every file of the repository, by its path below ``kodi/``.

    ``base`` is the server's public address with the install token, if one is needed.
    """
    served: dict[str, bytes] = {}
    descriptions = []
    for name in ADDONS:
        addon = _read(source / name, base)
        packed = pack({f"{name}/{path}": data for path, data in addon.files.items()})
        zip_name = addon.zip_name()
        served[zip_name] = packed
        served[f"{name}/{zip_name}"] = packed
        served[f"{name}/{zip_name}.sha256"] = _digest(packed)
        served |= {f"{name}/{path}": addon.files[path] for path in addon.assets()}
        descriptions.append(addon.xml)
    declared = '<?xml version="1.0" encoding="UTF-8"?>'
    index = "\n".join([declared, "<addons>", *descriptions, "</addons>", ""]).encode()
    return served | {"addons.xml": index, "addons.xml.sha256": _digest(index)}


def _read(folder: Path, base: str) -> _Addon:
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not _is_left_behind(path.relative_to(folder))
    }
    if folder.name == REPOSITORY:
        told = files["addon.xml"].decode().replace("{base}", escape(base, {'"': "&quot;"}))
        files["addon.xml"] = told.encode()
    else:
        server = {"manifest": f"{base}/manifest.json"}
        files["resources/server.json"] = f"{json.dumps(server)}\n".encode()
    return _Addon(folder.name, files)


def _is_left_behind(path: Path) -> bool:
    """What the work on the add-on leaves, and Kodi must not get."""
    return any(part.startswith((".", "__pycache__")) for part in path.parts)


def _digest(data: bytes) -> bytes:
    return f"{hashlib.sha256(data).hexdigest()}\n".encode()
