"""What the server can be asked; everything follows from the address of its manifest."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from .errors import AddonError
from .http import Json, ask
from .words import Word, say

MANIFEST = "/manifest.json"
STATUS_TIME = 8.0  # seconds; the status answers at once, and meanwhile nobody can cancel
_PLAY = re.compile(r"(https?://[^?#]+)/play/([^/?#]+/[^/?#]+/[^/?#]+)/[^/?#]*")


class Server:
    """The Stremio resources of one install, and the status of a film that is being made ready."""

    def __init__(self, manifest_url: str) -> None:
        self._base, found, rest = manifest_url.rpartition(MANIFEST)
        if not found or rest:
            raise AddonError(say(Word.NOT_PAIRED), say(Word.PAIR_IT), unknown=True)

    def catalogs(self) -> list[Json]:
        """The catalogs of the manifest."""
        _, told = ask(self._base + MANIFEST)
        return _objects(told, "catalogs")

    def page(self, kind: str, catalog: str, skip: int = 0, search: str = "") -> list[Json]:
        """Titles of a catalog, from number ``skip`` on."""
        extra = [f"search={quote(search, safe='')}"] if search else []
        extra += [f"skip={skip}"] if skip else []
        return _objects(self._resource("catalog", kind, catalog, "&".join(extra)), "metas")

    def title(self, kind: str, identifier: str) -> Json:
        """What is known of a title: name, plot, art, episodes (``videos``)."""
        meta = self._resource("meta", kind, identifier).get("meta")
        return meta if isinstance(meta, dict) else {}

    def streams(self, kind: str, video: str) -> list[Json]:
        """The ways to play a video, the best first."""
        told = self._resource("stream", kind, video)
        return [s for s in _objects(told, "streams") if isinstance(s.get("url"), str)]

    def status(self, stream_url: str, *, again: bool = False) -> Json:
        """How far a stream is; asking keeps the server at it. What is not ours is ready."""
        found = _PLAY.fullmatch(stream_url)
        if not found:
            return {"state": "ready"}
        url = f"{found[1]}/status/{found[2]}" + ("?again=1" if again else "")
        _, told = ask(url, read_time=STATUS_TIME)
        return told

    def _resource(self, resource: str, kind: str, identifier: str, extra: str = "") -> Json:
        path = "/".join(quote(part, safe="") for part in (resource, kind, identifier))
        _, told = ask(f"{self._base}/{path}{'/' * bool(extra)}{extra}.json")
        return told


def stream_key(stream: Json) -> str:
    """What names a stream for good, without anything secret: its torrent and file, or nothing."""
    found = _PLAY.fullmatch(stream["url"])
    return "/".join(found[2].split("/")[:2]) if found else ""


def answers(catalog: Json, *given: str) -> bool:
    """Whether a catalog can be asked with just these extras (``search``), or with none."""
    extras = _objects(catalog, "extra")
    needed = {str(each.get("name")) for each in extras if each.get("isRequired")}
    return needed <= set(given) <= {str(each.get("name")) for each in extras}


def _objects(told: Json, key: str) -> list[Any]:
    found = told.get(key)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
