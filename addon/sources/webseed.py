"""Web seeds: HTTP servers that the .torrent (``url-list``) or the magnet (``ws``) names (BEP 19).

They hold the torrent's files as they are, so each file has a URL of its own. Whoever wrote the
magnet chose the address: the file that comes is checked like any other.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from addon.sources.base import Kind, Link, Media, Trust
from addon.sources.placeholders import quoted_path
from addon.torrents.hints import MAX_WEB_SEEDS
from addon.torrents.names import VIDEO_EXTENSIONS, extension

PRIORITY = 0

_HALF_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
# What may stand in a path or query as it is (RFC 3986 §3.3, §3.4), and escapes. A fragment is never
# sent, so a '#' is part of a name that nobody has quoted.
_AS_IT_IS = "%/:?@!$&'()*+,;=[]~"


@dataclass(frozen=True, slots=True)
class WebSeed:
    """One web seed of one torrent: ``addon.sources.base.Source``."""

    name: str
    base: str
    priority: int = PRIORITY
    kind: Kind = Kind.WEB_SEED
    trust: Trust = Trust.NAMED
    note: str = "named by the torrent or the magnet"
    needs_metadata: bool = False
    resumable: bool = True
    redirect: bool = False

    def locate(self, media: Media, deadline: float) -> Link | None:  # noqa: ARG002 - nobody is asked
        url = self._url(media)
        return None if url is None else Link(url, trust=self.trust, redirectable=True)

    def _url(self, media: Media) -> str | None:
        if media.metainfo is None:
            return self.base if self._is_the_film(media) else None
        if media.file is None:
            return None
        # A torrent of several files has a folder, even where only one file is left in it.
        if "/" not in media.file.path and not self.base.endswith("/"):
            return self.base
        return f"{self.base.removesuffix('/')}/{quoted_path(media.file.path)}"

    def _is_the_film(self, media: Media) -> bool:
        """Whether the URL can be nothing but the torrent's only file.

        Of several files the URL would be their folder. The length must be known too: it is all
        that can be checked before the metadata is there.
        """
        last = urlsplit(self.base).path.rpartition("/")[2]
        return media.magnet.length is not None and extension(unquote(last)) in VIDEO_EXTENSIONS


def web_seeds(media: Media) -> list[WebSeed]:
    """The web seeds of the torrent, the .torrent's own first.

    Of a private torrent only those: anybody can add one to its magnet.
    """
    named = list(media.metainfo.web_seeds) if media.metainfo is not None else []
    if not media.private:
        named += media.magnet.web_seeds
    bases: dict[str, tuple[str, str]] = {}
    for host, base in _usable(named):
        # With and without '/' it is one server. libtorrent puts one behind those of any v2
        # torrent, so where the magnet has it without, that is how it was written.
        bare = base.removesuffix("/")
        if bare not in bases or not base.endswith("/"):
            bases[bare] = host, base
    seeds = []
    hosts: Counter[str] = Counter()
    for host, base in list(bases.values())[:MAX_WEB_SEEDS]:
        hosts[host] += 1
        number = f" #{hosts[host]}" if hosts[host] > 1 else ""
        seeds.append(WebSeed(f"web seed {host}{number}", base))
    return seeds


def _usable(urls: list[str]) -> Iterator[tuple[str, str]]:
    """Host and spelling that may be sent, of each URL that has them."""
    for url in urls:
        scheme, mark, rest = url.partition("://")
        host = re.split(r"[/?#]", rest, maxsplit=1)[0]
        # A password from a stranger is a way to make one host look like another.
        if not mark or "@" in host or not host.isascii():
            continue
        path = _HALF_ESCAPE.sub("%25", rest[len(host) :])
        path = quote(path, safe=_AS_IT_IS, errors="replace")
        yield host.lower(), f"{scheme}://{host}{path or '/'}"
