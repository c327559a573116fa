"""Magnet links: BEP 9 (v1), BEP 52 (v2 and hybrid), BEP 19 (``ws``), BEP 53 (``so``).

A magnet is text from a stranger. What it says of the hash is taken exactly or refused; all else
in it are hints (``addon/torrents/hints.py``), which never make a link invalid.
"""

import base64
import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, unquote

from addon.errors import Problem
from addon.torrents.hints import (
    CONTROL,
    HTTP_SCHEMES,
    MAX_EXACT_SOURCES,
    MAX_TRACKERS,
    MAX_WEB_SEEDS,
    TRACKER_SCHEMES,
    read_indices,
    read_length,
    read_name,
    read_peers,
    read_url,
    tidy_urls,
    write_indices,
    write_peer,
)

MAX_LENGTH = 16 * 1024  # characters of a magnet; a generous one with 50 trackers has about 4 000

_HEX_40 = re.compile(r"[0-9a-fA-F]{40}")
_HEX_64 = re.compile(r"[0-9a-fA-F]{64}")
_BASE32 = re.compile(r"[a-zA-Z2-7]{32}")
_MULTIHASH = re.compile(r"1220([0-9a-fA-F]{64})")  # 0x12: SHA2-256, 0x20: 32 bytes follow
_NUMBERED = re.compile(r"\.\d{1,4}\Z")  # xt.1, tr.2
_ESCAPED_AMPERSAND = re.compile(r"&(?:amp|#0*38|#x0*26);", re.IGNORECASE)

_HINT = "Copy the whole link, from 'magnet:?' to its end, and try again."


@dataclass(frozen=True, slots=True)
class InfoHash:
    """The name of a torrent's content: v1 (40 hex), v2 (64 hex), or both for a hybrid.

    Lower case always. ``ValueError`` for anything else: text from outside comes in through
    ``from_key`` and ``parse_magnet``, which say it as a Problem.
    """

    v1: str | None = None
    v2: str | None = None

    def __post_init__(self) -> None:
        if self.v1 is None and self.v2 is None:
            raise ValueError("an info hash needs v1 or v2")
        for text, form in ((self.v1, _HEX_40), (self.v2, _HEX_64)):
            if text is not None and (not form.fullmatch(text) or text != text.lower()):
                raise ValueError(f"not an info hash in lower-case hex: {text!r}")

    @property
    def key(self) -> str:
        """What URLs and tables use: v1 if there is one, else v2."""
        return self.v1 or self.v2 or ""

    @classmethod
    def from_key(cls, text: str) -> Self:
        """40 or 64 hex digits in any case; Problem("bad-magnet") for anything else."""
        key = text.lower()
        if _HEX_40.fullmatch(key):
            return cls(v1=_not_zero(key))
        if _HEX_64.fullmatch(key):
            return cls(v2=_not_zero(key))
        raise Problem(
            "bad-magnet",
            "An info hash is 40 or 64 hexadecimal digits; this one is not.",
            "Copy it again from where the torrent is listed.",
        )

    def matches(self, other: Self) -> bool:
        """Whether both name the same content: a hybrid is known by either of its hashes."""
        return (self.v1 is not None and self.v1 == other.v1) or (
            self.v2 is not None and self.v2 == other.v2
        )


@dataclass(frozen=True, slots=True)
class Magnet:
    """What a magnet link says, checked, without duplicates, every list capped.

    ``only`` are the file indices that the link selects (BEP 53), ascending; ``length`` is the
    size in bytes that it claims (``xl``); ``peers`` are (numeric address, port). ``name`` is for
    people and never a path.
    """

    info_hash: InfoHash
    name: str | None = None
    trackers: tuple[str, ...] = ()
    web_seeds: tuple[str, ...] = ()
    exact_sources: tuple[str, ...] = ()
    peers: tuple[tuple[str, int], ...] = ()
    only: tuple[int, ...] = ()
    length: int | None = None

    def uri(self) -> str:
        """The link again. ``parse_magnet`` reads it back to an equal Magnet.

        Where it would grow past MAX_LENGTH, the least needed parameters at its end are left out,
        so that what we write we can always read.
        """
        parts = [f"xt={urn}" for urn in self._urns()]
        size = len("magnet:?") + len("&".join(parts))
        for name, value in self._hints():
            # These may stand in a query (RFC 3986 §3.4), and every client reads them either way.
            part = f"{name}={quote(value, safe=':/,[]', errors='replace')}"
            size += 1 + len(part)
            if size > MAX_LENGTH:
                break
            parts.append(part)
        return "magnet:?" + "&".join(parts)

    def _urns(self) -> list[str]:
        urns = []
        if self.info_hash.v1 is not None:
            urns.append(f"urn:btih:{self.info_hash.v1}")
        if self.info_hash.v2 is not None:
            urns.append(f"urn:btmh:1220{self.info_hash.v2}")
        return urns

    def _hints(self) -> list[tuple[str, str]]:
        hints: list[tuple[str, str]] = []
        if self.name is not None:
            hints.append(("dn", self.name))
        if self.length is not None:
            hints.append(("xl", str(self.length)))
        if self.only:
            hints.append(("so", write_indices(self.only)))
        hints += [("x.pe", write_peer(peer)) for peer in self.peers]
        hints += [("tr", url) for url in self.trackers]
        hints += [("xs", url) for url in self.exact_sources]
        hints += [("ws", url) for url in self.web_seeds]
        return hints


def parse_magnet(text: str) -> Magnet:
    """A magnet link, or a bare info hash (40 hex, 32 base32, 64 hex).

    Problem("bad-magnet") says what is wrong with it. Tolerated because it is met in the wild:
    white space around it and line breaks within, ``MAGNET:``, ``&amp;`` for ``&``, the whole
    link percent-encoded once more, numbered parameters, and parameters nobody knows.
    """
    if len(text) > MAX_LENGTH:
        raise Problem(
            "bad-magnet",
            f"The magnet link has {len(text)} characters; {MAX_LENGTH} are the most that is read.",
            "Remove trackers from it: the first ten or twenty are enough.",
        )
    text = CONTROL.sub("", text).strip()
    if not text:
        raise Problem("bad-magnet", "The magnet link is empty.", _HINT)
    bare = _bare_hash(text)
    if bare is not None:
        return Magnet(bare)
    if text[:9].lower() == "magnet%3a":
        text = unquote(text)
    head, mark, query = text.partition("?")
    if head.rstrip("/").lower() != "magnet:" or not mark:
        raise Problem(
            "bad-magnet",
            "This is neither a magnet link, which begins with 'magnet:?', nor an info hash.",
            _HINT,
        )
    return _read(_parameters(query))


def _parameters(query: str) -> dict[str, list[str]]:
    """Parameter name, lower case and without its number, to its values as they are written."""
    found: dict[str, list[str]] = {}
    for part in _ESCAPED_AMPERSAND.sub("&", query).split("&"):
        name, _, value = part.partition("=")
        if value:
            found.setdefault(_NUMBERED.sub("", unquote(name).strip().lower()), []).append(value)
    return found


def _read(given: dict[str, list[str]]) -> Magnet:
    info_hash = _info_hash([unquote(value).strip() for value in given.get("xt", ())])
    web_seeds = [read_url(value) for value in given.get("ws", ())]
    exact_sources = [read_url(value) for value in given.get("xs", ())]
    for value in given.get("as", ()):
        # BEP 9 leaves open what an "acceptable source" is. In practice: a .torrent or the content.
        url = read_url(value)
        is_torrent = url.partition("?")[0].lower().endswith(".torrent")
        (exact_sources if is_torrent else web_seeds).append(url)
    return Magnet(
        info_hash=info_hash,
        name=read_name(given.get("dn", ())),
        trackers=tidy_urls(map(read_url, given.get("tr", ())), TRACKER_SCHEMES, MAX_TRACKERS),
        web_seeds=tidy_urls(web_seeds, HTTP_SCHEMES, MAX_WEB_SEEDS),
        exact_sources=tidy_urls(exact_sources, HTTP_SCHEMES, MAX_EXACT_SOURCES),
        peers=read_peers(given.get("x.pe", ())),
        only=read_indices(given.get("so", ())),
        length=read_length(given.get("xl", ())),
    )


def _bare_hash(text: str) -> InfoHash | None:
    """The hash, when the text is nothing but one, with or without its ``urn:``."""
    if text[:4].lower() == "urn:":
        return _info_hash([text])
    if _HEX_40.fullmatch(text) or _BASE32.fullmatch(text):
        return InfoHash(v1=_v1(text))
    multihash = _MULTIHASH.fullmatch(text)
    if multihash or _HEX_64.fullmatch(text):
        return InfoHash(v2=_not_zero((multihash[1] if multihash else text).lower()))
    return None


def _info_hash(urns: list[str]) -> InfoHash:
    """The one torrent that the ``xt`` name. Other name spaces (ed2k, sha1…) are left aside."""
    v1: set[str] = set()
    v2: set[str] = set()
    foreign = False
    for urn in urns:
        prefix, value = urn[:9].lower(), urn[9:]
        if prefix == "urn:btih:":
            v1.add(_v1(value))
        elif prefix == "urn:btmh:" and value[:4] == "1220":
            v2.add(_v2(value))
        else:
            # btmh with another hash function is not used by BitTorrent, but allowed by multihash.
            foreign = True
    for name, hashes in (("v1", v1), ("v2", v2)):
        if len(hashes) > 1:
            raise Problem(
                "bad-magnet",
                f"The magnet link names {len(hashes)} different {name} info hashes.",
                "A link can only name one torrent: add them one by one.",
            )
    if not v1 and not v2:
        if foreign:
            detail = "The magnet link names no BitTorrent info hash, only other kinds of hash."
        else:
            detail = "The magnet link has no 'xt' parameter, so it does not say which torrent."
        raise Problem(
            "bad-magnet",
            detail,
            "A BitTorrent magnet has 'xt=urn:btih:' with 40 hexadecimal digits or 32 letters and "
            "digits, or 'xt=urn:btmh:1220' with 64 hexadecimal digits.",
        )
    return InfoHash(v1=next(iter(v1), None), v2=next(iter(v2), None))


def _v1(text: str) -> str:
    if _HEX_40.fullmatch(text):
        return _not_zero(text.lower())
    if _BASE32.fullmatch(text):
        return _not_zero(base64.b32decode(text.upper()).hex())
    raise Problem(
        "bad-magnet",
        "After 'urn:btih:' come 40 hexadecimal digits or 32 letters and digits (2 to 7); "
        f"this link has {len(text)} characters there or other ones.",
        _HINT,
    )


def _v2(text: str) -> str:
    multihash = _MULTIHASH.fullmatch(text)
    if multihash is None:
        raise Problem(
            "bad-magnet",
            "After 'urn:btmh:1220' come 64 hexadecimal digits; "
            f"this link has {len(text) - 4} characters there or other ones.",
            _HINT,
        )
    return _not_zero(multihash[1].lower())


def _not_zero(digits: str) -> str:
    if not digits.strip("0"):
        raise Problem(
            "bad-magnet",
            "The info hash is all zeros, which no torrent has.",
            "The page that it comes from does not know the torrent: copy it from another one.",
        )
    return digits
