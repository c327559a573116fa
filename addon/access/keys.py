"""The access keys and the signing keys: from the settings, or made once and kept."""

import secrets
from dataclasses import dataclass, field
from typing import Protocol

from addon.access.sealing import derive

MADE_KEY_PREFIX = "streme-"
"""Begins every access key that the server makes, so that the log can recognise one."""


class KeyStore(Protocol):
    """Where a key outlives a restart; ``addon.database.keys`` implements it."""

    def get(self, name: str) -> str | None: ...

    def put(self, name: str, value: str, instead_of: str | None = None) -> str: ...


class KeySettings(Protocol):
    """What is read of ``addon.settings.Settings``."""

    @property
    def access_key(self) -> tuple[str, ...]: ...

    @property
    def public(self) -> bool: ...

    @property
    def secret_key(self) -> tuple[str, ...]: ...

    @property
    def on_loopback(self) -> bool: ...

    @property
    def wiped_disk(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Keys:
    """Who may come in, and what seals tokens.

    ``access_keys`` is empty when no key is asked for: because of ``public``, or because only
    programs on this machine can connect. ``signing``: the first seals, all open. ``generated``:
    the access key was made just now and its owner has not seen it yet.
    """

    access_keys: tuple[str, ...] = field(repr=False)
    public: bool
    signing: tuple[bytes, ...] = field(repr=False)
    generated: bool = False


def load_keys(settings: KeySettings, store: KeyStore) -> Keys:
    """The keys of this server; what is missing is made and put into ``store``."""
    access_keys = () if settings.public else settings.access_key
    generated = False
    if not access_keys and not settings.public and not settings.on_loopback:
        access_key, generated = _kept(store, "access-key", MADE_KEY_PREFIX)
        access_keys = (access_key,)
    return Keys(access_keys, settings.public, _signing(settings, access_keys, store), generated)


def _signing(
    settings: KeySettings, access_keys: tuple[str, ...], store: KeyStore
) -> tuple[bytes, ...]:
    if settings.secret_key:
        return tuple(key.encode() for key in settings.secret_key)
    if settings.wiped_disk:
        if not access_keys:
            raise ValueError("on a wiped disk without keys nothing can seal; settings refuse this")
        return tuple(derive(key.encode(), "signing key") for key in access_keys)
    return (_kept(store, "signing-key")[0].encode(),)


def _kept(store: KeyStore, name: str, prefix: str = "") -> tuple[str, bool]:
    """The key of that name and whether it was made just now (256 random bits)."""
    kept = store.get(name)
    if kept:
        return kept, False
    made = prefix + secrets.token_urlsafe(32)
    # Another instance that starts at the same moment may have been first.
    kept = store.put(name, made)
    return kept, kept == made
