"""Every URL that we publish: absolute, and spelled by one quoting function."""

from flask import Request

from addon.torrents.languages import language
from addon.torrents.magnet import InfoHash
from addon.torrents.names import quote_segment
from addon.torrents.selection import Wanted
from addon.torrents.subtitles import Subtitle

UNNAMED = "video"


def public_base(request: Request, base_url: str | None) -> str:
    """``http://host:port`` as the visitor sees it: BASE_URL, else the request's own."""
    return base_url or f"{request.scheme}://{request.host}"


def itself(request: Request) -> str:
    """What was asked for, relative to itself: only the file name, as it was spelled. The one form
    that survives every client, every proxy prefix and every proxy that rewrites the host."""
    raw = str(request.environ.get("RAW_URI") or request.path)
    segment = raw.partition("?")[0].rpartition("/")[2]
    # RFC 3986 §4.2: what stands before a colon in the first segment would be a scheme.
    return f"./{segment}" if ":" in segment else segment


def play_url(
    base: str, info_hash: InfoHash, wanted: Wanted, grant: str, filename: str | None
) -> str:
    """The play link of a file; ``filename`` only helps players and is not checked."""
    name = quote_segment(filename or UNNAMED)
    return f"{base}/play/{info_hash.key}/{wanted}/{grant}/{name}"


def subtitle_url(
    base: str,
    info_hash: InfoHash,
    subtitle: Subtitle,
    grant: str,
    video_name: str,
    form: str,
) -> str:
    """The link of a subtitle file as ``srt`` or ``vtt``. Kodi reads its language and whether it is
    forced from the name."""
    marks = ".forced" * subtitle.forced + ".sdh" * subtitle.hearing_impaired
    stem = (video_name.rpartition(".")[0] or video_name)[:120]
    name = quote_segment(f"{stem}.{language(subtitle.language).short}{marks}.{form}")
    return f"{base}/subtitles-file/{info_hash.key}/{subtitle.file.index}/{grant}/{name}"
