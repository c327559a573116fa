"""Sealed tokens: bytes that only this server can make and read.

AES-SIV (RFC 5297) needs no nonce and is deterministic: the same content gives the same token, so
a link does not change from one listing to the next and players recognise it. Every purpose has
its own key (HKDF, RFC 5869), so that a token of one kind never opens as another.
"""

import base64
import binascii
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAX_TOKEN_LENGTH = 4096
"""Longer ones are refused unread; a request line holds 8190 bytes."""


def derive(secret: bytes, purpose: str, length: int = 64) -> bytes:
    """A key of ``length`` bytes for one purpose."""
    info = f"self-streme {purpose}".encode()
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(secret)


class Sealer:
    """Seals with the first signing key and opens with any of them, so that keys can be changed."""

    def __init__(self, signing: Sequence[bytes], purpose: str) -> None:
        self._purpose = purpose.encode()
        self._ciphers = tuple(AESSIV(derive(secret, purpose)) for secret in signing)

    def seal(self, payload: bytes, *bound: bytes) -> str:
        """A token of URL-safe characters; ``bound`` is not in it but must be shown to open it."""
        sealed = self._ciphers[0].encrypt(payload, [self._purpose, *bound])
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def open(self, token: str, *bound: bytes) -> bytes | None:
        """The payload, or None for whatever this server did not seal for this purpose."""
        sealed = _decode(token)
        if sealed is None:
            return None
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(sealed, [self._purpose, *bound])
            except InvalidTag:
                continue
        return None


def _decode(token: str) -> bytes | None:
    if len(token) > MAX_TOKEN_LENGTH or not token.isascii():
        return None
    raw = token.encode()
    try:
        sealed = base64.urlsafe_b64decode(raw + b"=" * (-len(raw) % 4))
    except binascii.Error:
        return None
    # The decoder skips foreign signs and spare bits; one token has one spelling.
    return sealed if base64.urlsafe_b64encode(sealed).rstrip(b"=") == raw else None
