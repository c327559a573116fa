"""Install token <-> Install: which copy of the add-on is asking, and what it prefers."""

import json
import secrets
from dataclasses import dataclass, field
from typing import Protocol

from addon.access.keys import Keys
from addon.access.sealing import Sealer

_VERSION = b"\x01"


class RevokedStore(Protocol):
    """Knows the installs that were taken back; ``addon.database.installs`` implements it."""

    def is_revoked(self, install_id: str, /) -> bool: ...


@dataclass(frozen=True, slots=True)
class Install:
    """One installation of the add-on in one player."""

    id: str
    preferences: dict[str, str] = field(default_factory=dict)

    @classmethod
    def new(cls, preferences: dict[str, str] | None = None) -> "Install":
        """An install with an id that no other has (64 random bits)."""
        return cls(secrets.token_hex(8), dict(preferences or {}))


class Installs:
    """Seals and opens install tokens, and refuses those that were revoked."""

    def __init__(self, keys: Keys, revoked: RevokedStore) -> None:
        self._sealer = Sealer(keys.signing, "install")
        self._revoked = revoked

    def seal(self, install: Install) -> str:
        content = [install.id, install.preferences]
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        return self._sealer.seal(_VERSION + text.encode())

    def open(self, token: str) -> Install | None:
        """None for a token that is not ours, or is revoked."""
        payload = self._sealer.open(token)
        if payload is None or payload[:1] != _VERSION:
            return None
        # Sealed by this server, so the shape needs no second check.
        install_id, preferences = json.loads(payload[1:])
        if self._revoked.is_revoked(install_id):
            return None
        return Install(install_id, preferences)
