"""What a play link carries of a magnet where the server itself keeps nothing: a few bytes.

A link whose server has lost its disk plays again by what stands in it: where the .torrent may be
had, web seeds, the length, a name, a few trackers. What does not fit is left out, the least
needed last in line.
"""

import zlib
from collections.abc import Iterator
from dataclasses import replace

from addon.torrents.magnet import InfoHash, Magnet, parse_magnet

MOST = 640
"""Bytes. Sealed, in base64 and beside a hybrid's hash, the grant stays below 1 KiB."""

_TRACKERS = 5
_RAW = -zlib.MAX_WBITS  # deflate without a header: the seal tells damage by itself


def pack(magnet: Magnet) -> bytes:
    """As much of a magnet as fits into MOST bytes, its hash left out."""
    held = Magnet(magnet.info_hash)
    packed = _deflate(_hints(held))
    for more in _by_use(magnet):
        tried = _with(held, more)
        shorter = _deflate(_hints(tried))
        if len(shorter) <= MOST:
            held, packed = tried, shorter
    return packed


def unpack(packed: bytes, info_hash: InfoHash) -> Magnet:
    """The inverse; only for bytes that ``pack`` made."""
    return parse_magnet(Magnet(info_hash).uri() + zlib.decompress(packed, _RAW).decode())


def _by_use(magnet: Magnet) -> Iterator[Magnet]:
    """Its hints one by one, the most needed first: without metadata nothing plays at all."""
    bare = Magnet(magnet.info_hash)
    yield from (replace(bare, exact_sources=(url,)) for url in magnet.exact_sources)
    yield from (replace(bare, web_seeds=(url,)) for url in magnet.web_seeds)
    yield replace(bare, length=magnet.length)
    yield from (replace(bare, trackers=(url,)) for url in magnet.trackers[:1])
    yield replace(bare, name=magnet.name)
    yield from (replace(bare, trackers=(url,)) for url in magnet.trackers[1:_TRACKERS])


def _with(magnet: Magnet, more: Magnet) -> Magnet:
    return replace(
        magnet,
        name=more.name or magnet.name,
        length=more.length or magnet.length,
        trackers=magnet.trackers + more.trackers,
        web_seeds=magnet.web_seeds + more.web_seeds,
        exact_sources=magnet.exact_sources + more.exact_sources,
    )


def _hints(magnet: Magnet) -> bytes:
    return magnet.uri().removeprefix(Magnet(magnet.info_hash).uri()).encode()


def _deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, _RAW)
    return packer.compress(data) + packer.flush()
