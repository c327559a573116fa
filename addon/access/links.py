"""Play link <-> Grant: one install may play one file.

A play link reads ``/play/<info hash>/<file>/<grant>/…``. The hash and the file stand in the link
already, so the token holds neither: they are bound to it as associated data, and it opens beside
them or not at all. What is left inside:

    1 byte    version, 1
    1 byte    0, or 32 when the torrent is a hybrid
    n bytes   the v2 hash of a hybrid, which the link does not show
    the rest  the install's id, UTF-8; empty on an open server

Other versions may hold more; they are told apart by the first byte.
"""

from dataclasses import dataclass

from addon.access.keys import Keys
from addon.access.sealing import Sealer
from addon.errors import Problem
from addon.torrents.magnet import InfoHash
from addon.torrents.selection import Wanted

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Grant:
    """What a play link allows."""

    info_hash: InfoHash
    wanted: Wanted
    install: str


class Links:
    """Seals and opens the grants in play links."""

    def __init__(self, keys: Keys) -> None:
        self._sealer = Sealer(keys.signing, "play link")

    def seal(self, grant: Grant) -> str:
        hashes = grant.info_hash
        hidden = bytes.fromhex(hashes.v2) if hashes.v1 and hashes.v2 else b""
        payload = bytes([_VERSION, len(hidden)]) + hidden + grant.install.encode()
        return self._sealer.seal(payload, *_bound(hashes, grant.wanted))

    def open(self, token: str, info_hash_key: str, wanted: Wanted) -> Grant | None:
        """The grant beside this hash and file, None if it was sealed for anything else."""
        try:
            shown = InfoHash.from_key(info_hash_key)
        except Problem:
            return None
        payload = self._sealer.open(token, *_bound(shown, wanted))
        if payload is None or payload[0] != _VERSION:
            return None
        hidden, install = payload[2 : 2 + payload[1]], payload[2 + payload[1] :]
        info_hash = InfoHash(shown.v1, hidden.hex()) if hidden else shown
        return Grant(info_hash, wanted, install.decode())


def _bound(info_hash: InfoHash, wanted: Wanted) -> tuple[bytes, bytes]:
    return info_hash.key.encode(), str(wanted).encode()
