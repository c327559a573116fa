"""What a magnet says beside its hash: a name, URLs, peers, file indices.

All of it are hints from a stranger: what makes no sense is dropped in silence, duplicates too,
and every list has a cap (Transmission once overflowed its stack on a magnet with many trackers,
CVE-2010-1853). ``read_…`` take the values as they are written, ``write_…`` are their inverse.
"""

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import unquote, unquote_plus, urlsplit

MAX_TRACKERS = 50
MAX_WEB_SEEDS = 20
MAX_EXACT_SOURCES = 5
MAX_PEERS = 20
MAX_ONLY = 1000  # file indices; written as single numbers they fit into a magnet
MAX_FILE_INDEX = 99_999
MAX_NAME = 512
MAX_URL = 2048

TRACKER_SCHEMES = frozenset({"udp", "http", "https", "ws", "wss"})
HTTP_SCHEMES = frozenset({"http", "https"})

CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_PEER = re.compile(r"(?:\[([0-9a-fA-F:.]{2,45})\]|([0-9.]{7,15})):([0-9]{1,5})")
_INDICES = re.compile(r"([0-9]{1,10})(?:-([0-9]{1,10}))?")


def tidy_urls(urls: Iterable[str], schemes: frozenset[str], most: int) -> tuple[str, ...]:
    """The first ``most`` different URLs of these schemes; what is no URL is left out."""
    kept: dict[str, None] = {}
    for url in map(str.strip, urls):
        if len(kept) == most:
            break
        if _is_url(url, schemes):
            kept.setdefault(url)
    return tuple(kept)


def _is_url(url: str, schemes: frozenset[str]) -> bool:
    if len(url) > MAX_URL or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:  # "http://[::1", "http://host:99999"
        return False


def read_url(value: str) -> str:
    """Decoded once, and once more where a client has encoded it twice."""
    url = unquote(value)
    if "://" not in url and "%3a%2f%2f" in url.lower():
        url = unquote(url)
    # A URL that was encoded once as a whole has its own escapes undone: only spaces can be mended.
    return url.strip().replace(" ", "%20")


def read_name(values: Iterable[str]) -> str | None:
    for value in values:
        name = " ".join(CONTROL.sub(" ", unquote_plus(value)).split())[:MAX_NAME].strip()
        if name:
            return name
    return None


def read_length(values: Iterable[str]) -> int | None:
    for value in values:
        if re.fullmatch(r"[0-9]{1,16}", value) and int(value) > 0:
            return int(value)
    return None


def read_peers(values: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """Numeric addresses only: a name would be a question to the DNS that a stranger chose."""
    peers: dict[tuple[str, int], None] = {}
    for value in values:
        match = _PEER.fullmatch(unquote(value).strip())
        if match is None or not 0 < int(match[3]) < 65536:
            continue
        try:
            address = ipaddress.ip_address(match[1] or match[2])
        except ValueError:
            continue
        if isinstance(address, ipaddress.IPv6Address):
            address = address.ipv4_mapped or address
        if not (address.is_unspecified or address.is_multicast) and len(peers) < MAX_PEERS:
            peers.setdefault((str(address), int(match[3])))
    return tuple(peers)


def write_peer(peer: tuple[str, int]) -> str:
    address, port = peer
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def read_indices(values: Iterable[str]) -> tuple[int, ...]:
    """``0,2,4,6-8`` (BEP 53), the first MAX_ONLY of them; what is not of this form is dropped."""
    indices: set[int] = set()
    for value in values:
        for part in unquote(value).split(","):
            match = _INDICES.fullmatch(part.strip())
            if match is None:
                continue
            first = int(match[1])
            last = min(int(match[2] or first), MAX_FILE_INDEX, first + MAX_ONLY - 1)
            indices.update(range(first, last + 1))
            if len(indices) >= MAX_ONLY:
                return tuple(sorted(indices)[:MAX_ONLY])
    return tuple(sorted(indices))


def write_indices(indices: tuple[int, ...]) -> str:
    """The inverse of ``read_indices``: ascending indices, neighbours joined."""
    runs: list[list[int]] = []
    for index in indices:
        if runs and index == runs[-1][1] + 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
