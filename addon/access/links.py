"""Play link <-> Grant: one install may play one file.

A play link reads ``/play/<info hash>/<file>/<grant>/…``. The hash and the file stand in the link
already, so the token holds neither: they are bound to it as associated data, and it opens beside
them or not at all. What is left inside:

    1 byte    version, 1 or 2
    1 byte    0, or 32 when the torrent is a hybrid
    n bytes   the v2 hash of a hybrid, which the link does not show
    1 byte    in version 2: the length of the install's id
    n bytes   the install's id, UTF-8; empty on an open server; in version 1 it is the rest
    the rest  in version 2: what the link carries of the magnet (``carried``)

Version 2 is made where the disk is wiped at every restart: the link is then all that is left.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from addon.access.carried import pack, unpack
from addon.access.keys import Keys
from addon.access.sealing import Sealer
from addon.errors import Problem
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.selection import Wanted

_PLAIN, _CARRYING = 1, 2
# A list has many links of few torrents.
_PACKED = 64


@dataclass(frozen=True, slots=True)
class Grant:
    """What a play link allows; ``magnet`` is what it carries, None where the server keeps it."""

    info_hash: InfoHash
    wanted: Wanted
    install: str
    magnet: Magnet | None = None


class Links:
    """Seals and opens the grants in play links.

    ``known`` tells what is kept of a torrent, and is given only where that will be lost: every
    link then carries it.
    """

    def __init__(
        self, keys: Keys, known: Callable[[InfoHash], Magnet | None] | None = None
    ) -> None:
        self._sealer = Sealer(keys.signing, "play link")
        self._known = known
        self._pack = lru_cache(_PACKED)(pack)

    def seal(self, grant: Grant) -> str:
        hashes, install = grant.info_hash, grant.install.encode()
        hidden = bytes.fromhex(hashes.v2) if hashes.v1 and hashes.v2 else b""
        if self._known is None:
            payload = bytes([_PLAIN, len(hidden)]) + hidden + install
        else:
            magnet = grant.magnet or self._known(hashes) or Magnet(hashes)
            payload = bytes([_CARRYING, len(hidden)]) + hidden
            payload += bytes([len(install)]) + install + self._pack(magnet)
        return self._sealer.seal(payload, *_bound(hashes, grant.wanted))

    def open(self, token: str, info_hash_key: str, wanted: Wanted) -> Grant | None:
        """The grant beside this hash and file, None if it was sealed for anything else."""
        try:
            shown = InfoHash.from_key(info_hash_key)
        except Problem:
            return None
        payload = self._sealer.open(token, *_bound(shown, wanted))
        if payload is None or payload[0] not in (_PLAIN, _CARRYING):
            return None
        hidden, rest = payload[2 : 2 + payload[1]], payload[2 + payload[1] :]
        info_hash = InfoHash(shown.v1, hidden.hex()) if hidden else shown
        if payload[0] == _PLAIN:
            # Its hash is all that is left of it where nothing is kept.
            magnet = Magnet(info_hash) if self._known is not None else None
            return Grant(info_hash, wanted, rest.decode(), magnet)
        end = 1 + rest[0]
        return Grant(info_hash, wanted, rest[1:end].decode(), unpack(rest[end:], info_hash))


def _bound(info_hash: InfoHash, wanted: Wanted) -> tuple[bytes, bytes]:
    return info_hash.key.encode(), str(wanted).encode()
