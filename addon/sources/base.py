"""The contract of a source: somewhere else that a torrent's file may be had, over HTTP.

A source only says *where* (``locate``). Whether the bytes are right is found out by ``probe.py``
and by the piece store, never believed.
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Protocol

from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.metainfo import File, Metainfo


class Trust(Enum):
    """Who vouches for what a source delivers.

    ``OWN``: the user's own account, folder, or a custom source they vouch for. ``NAMED``: a web
    seed that the magnet or the .torrent names. ``OPEN``: a service that nobody vouches for; its
    bytes are used only once they are verified.
    """

    OWN = "own"
    NAMED = "named"
    OPEN = "open"


class Kind(Enum):
    """How a source finds its link."""

    TEMPLATE = "template"
    WEB_SEED = "web-seed"
    FUNCTION = "function"


@dataclass(frozen=True, slots=True)
class Link:
    """Where one file may be had.

    ``headers`` must be sent with every request (a link with headers cannot be given to a player).
    ``expires_at`` is in seconds since 1970, None for a link that stays. ``resumable``: it answers
    ranges, so a film may go on here in mid-file. ``redirectable``: a player may be sent here.
    """

    url: str
    headers: tuple[tuple[str, str], ...] = ()
    expires_at: float | None = None
    trust: Trust = Trust.OPEN
    resumable: bool = True
    redirectable: bool = False


@dataclass(frozen=True, slots=True)
class Media:
    """What is looked for: one file of one torrent.

    ``metainfo`` and ``file`` are None while the metadata is not known; ``file_name`` is the last
    component of the file's path, or what the caller believes it to be ("" if nobody knows).
    """

    info_hash: InfoHash
    magnet: Magnet
    metainfo: Metainfo | None = None
    file: File | None = None
    file_name: str = ""

    @property
    def length(self) -> int | None:
        """The file's bytes, where they are known."""
        if self.file is not None:
            return self.file.length
        return self.magnet.length

    def knowing(self, magnet: Magnet) -> "Media":
        """The same, with the hints of a magnet of this torrent."""
        return replace(self, magnet=magnet)

    @property
    def private(self) -> bool:
        """Known to be a private torrent (BEP 27): open services must not hear of it."""
        return self.metainfo is not None and self.metainfo.private


class NotYet(Exception):  # noqa: N818 (an answer, not an error)
    """The source is getting the file ready: ``progress`` 0..1 or None, ``retry_after`` seconds."""

    def __init__(self, progress: float | None = None, retry_after: float = 10.0) -> None:
        super().__init__("not ready yet")
        self.progress = progress
        self.retry_after = retry_after


class Source(Protocol):
    """Somewhere that files may be had. Smaller ``priority`` is asked earlier."""

    @property
    def name(self) -> str: ...
    @property
    def priority(self) -> int: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def trust(self) -> Trust: ...
    @property
    def note(self) -> str: ...
    @property
    def needs_metadata(self) -> bool: ...
    @property
    def resumable(self) -> bool: ...
    @property
    def redirect(self) -> bool:
        """The user allows players to be sent there although nobody vouches for it."""

    def locate(self, media: Media, deadline: float) -> Link | None:
        """The file's link by ``deadline`` (``time.monotonic``), None where it can have none.

        Raises NotYet while it is being prepared, ``net.client.HttpError`` where asking failed.
        """
