"""Names as people and release groups write them, and names as headers and URLs can carry them."""

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import quote

from addon.torrents import numbering
from addon.torrents.numbering import BEGIN, END, MAX_TEXT

MAX_DISPLAY = 512  # characters
MAX_HEADER_NAME = 180  # UTF-8 bytes; file systems allow 255, and some of that is the player's

# What players, Kodi and DLNA renderers expect. An allow-list: no name can make a browser run it.
CONTENT_TYPES = {
    "3g2": "video/3gpp2",
    "3gp": "video/3gpp",
    "aac": "audio/aac",
    "ass": "text/x-ssa",
    "asf": "video/x-ms-asf",
    "avi": "video/x-msvideo",
    "divx": "video/x-msvideo",
    "f4v": "video/mp4",
    "flac": "audio/flac",
    "flv": "video/x-flv",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "m2ts": "video/mp2t",
    "m4a": "audio/mp4",
    "m4v": "video/mp4",
    "mka": "audio/x-matroska",
    "mkv": "video/x-matroska",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "mpeg": "video/mpeg",
    "mpg": "video/mpeg",
    "mts": "video/mp2t",
    "ogg": "audio/ogg",
    "ogm": "video/ogg",
    "ogv": "video/ogg",
    "opus": "audio/ogg",
    "png": "image/png",
    "rmvb": "video/vnd.rn-realvideo",
    "srt": "application/x-subrip",
    "ssa": "text/x-ssa",
    "sub": "text/plain",
    "ts": "video/mp2t",
    "vob": "video/mpeg",
    "vtt": "text/vtt",
    "wav": "audio/wav",
    "webm": "video/webm",
    "wmv": "video/x-ms-wmv",
}
VIDEO_EXTENSIONS = frozenset(e for e, kind in CONTENT_TYPES.items() if kind.startswith("video/"))

# C0, C1, the bidirectional controls, and what shows as nothing at all: names made to deceive.
_DECEIVING = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\ud800-\udfff]"
)


def extension(filename: str) -> str:
    """``mkv`` of ``Film.MKV``: lower case, without the dot; empty where there is none."""
    stem, dot, suffix = filename.rpartition(".")
    return suffix.lower() if dot and stem and suffix.isascii() and suffix.isalnum() else ""


def content_type(filename: str) -> str:
    """The media type of a file name; ``application/octet-stream`` where it is not one we know."""
    return CONTENT_TYPES.get(extension(filename), "application/octet-stream")


def display_name(text: str) -> str:
    """Text that may stand in a log line, a title or a page: one line, no hidden characters, NFC.

    Angle brackets stay: escaping is up to who writes the page.
    """
    # Cut first: the longest name costs no more than this, and NFC can only triple what is left.
    plain = _DECEIVING.sub(" ", text[: 4 * MAX_DISPLAY])
    return " ".join(unicodedata.normalize("NFC", plain).split())[:MAX_DISPLAY].strip()


def content_disposition(filename: str) -> str:
    """The header's value (RFC 6266): inline, with a plain ASCII name and the true one."""
    name = _shortened(re.sub(r"[/\\]", "_", display_name(filename)).strip(". ") or "video")
    return f"inline; filename=\"{_ascii(name)}\"; filename*=UTF-8''{quote_segment(name)}"


def _shortened(name: str) -> str:
    """At most MAX_HEADER_NAME bytes of UTF-8, the extension kept and no character cut in two."""
    if len(name.encode()) <= MAX_HEADER_NAME:
        return name
    suffix = extension(name)
    tail = f".{suffix}" if 0 < len(suffix) <= 10 else ""
    room = MAX_HEADER_NAME - len(tail)
    stem = name[: len(name) - len(tail)] if tail else name
    return stem.encode()[:room].decode(errors="ignore").rstrip(". ") + tail


def _ascii(name: str) -> str:
    """For clients that know no ``filename*``: accents dropped, all else as ``_``."""
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    # '%' too: some browsers decode it in the plain form, where it means itself.
    plain = re.sub(r'[^\x20-\x7e]|["\\%/]', "_", plain)
    suffix = extension(plain)
    stem = plain[: -len(suffix) - 1] if suffix else plain
    return plain if stem.strip("_. ") else "video" + (f".{suffix}" if suffix else "")


def quote_segment(text: str) -> str:
    """One segment of a URL's path: ``A-Z a-z 0-9 - _ . ~`` stand, all else is ``%XX`` of UTF-8.

    THE one spelling: Kodi refuses a URL that is written in another way than it was listed.
    """
    return quote(text, safe="", errors="replace")


def human_size(size: int) -> str:
    """``367 MB``, ``1.4 GB``: decimal units, as the settings read them; two digits or more."""
    if size < 1000:
        return f"{size} B"
    value = float(size)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 9.95:
            return f"{value:.1f} {unit}"
        if value < 999.5 or unit == "TB":
            return f"{value:.0f} {unit}"
    raise AssertionError("the loop always returns")


@dataclass(frozen=True, slots=True)
class Release:
    """What a release's name says of it; None where it says nothing."""

    title: str
    year: int | None = None
    season: int | None = None
    episode: int | None = None
    resolution: str | None = None  # "2160p"
    source: str | None = None  # "BluRay", "WEB-DL"
    codec: str | None = None  # "H.265"
    hdr: str | None = None  # "DV HDR10"
    audio: str | None = None  # "TrueHD Atmos 7.1"
    group: str | None = None


_Terms = tuple[tuple[re.Pattern[str], str], ...]


def _terms(*pairs: tuple[str, str]) -> _Terms:
    """(what to look for, its one spelling); the first that is there wins."""
    return tuple((re.compile(f"{BEGIN}(?:{p}){END}", re.IGNORECASE), name) for p, name in pairs)


_RESOLUTIONS = _terms(
    ("4320[pi]|8k|7680x4320", "4320p"),
    (r"2160[pi]|4k|uhd|3840x\d{4}|4096x\d{4}", "2160p"),
    ("1440[pi]|2560x1440", "1440p"),
    (r"1080[pi]|fhd|1920x\d{3,4}", "1080p"),
    (r"720[pi]|1280x\d{3}", "720p"),
    ("576[pi]|720x576", "576p"),
    ("540p|960x540", "540p"),
    (r"480[pi]|(?:640|720|848|852|854)x\d{3}", "480p"),
    ("360p|640x360", "360p"),
)
_SOURCES = _terms(
    (r"(?:bd|uhd)?[ .-]?remux", "REMUX"),
    (r"blu[ .-]?ray|bd[ .-]?rip|br[ .-]?rip|bdmv|bd(?:25|50|66|100)", "BluRay"),
    (r"web[ .-]?dl", "WEB-DL"),
    (r"web[ .-]?rip", "WEBRip"),
    (r"hdtv(?:rip)?|uhdtv", "HDTV"),
    (r"pdtv|dsr(?:ip)?|sat[ .-]?rip|dvb(?:[ .-]?rip)?|tv[ .-]?rip", "TVRip"),
    (r"dvd[ .-]?rip", "DVDRip"),
    (r"hd[ .-]?rip", "HDRip"),
    (r"hd[ .-]?ts|telesync", "TeleSync"),
    (r"hd[ .-]?cam|cam[ .-]?rip", "CAM"),
    (r"vhs[ .-]?rip", "VHSRip"),
)
# Words that titles have too ("Charlotte's Web"): they count only where the title is over.
_WEAK_SOURCES = _terms(
    ("bd", "BluRay"), ("web", "WEB"), (r"dvd(?:[ .-]?r|5|9|scr)?", "DVD"), ("cam", "CAM")
)
_CODECS = _terms(
    (r"[hx][ .]?265|hevc", "H.265"),
    (r"[hx][ .]?264|avc", "H.264"),
    ("av1", "AV1"),
    ("vp9", "VP9"),
    (r"xvid(?:hd)?", "XviD"),
    ("divx", "DivX"),
    (r"vc[ .-]?1", "VC-1"),
    (r"mpeg[ .-]?2", "MPEG-2"),
)
_DOLBY_VISION = _terms((r"dv|dovi|dolby[ .]?vision", "DV"))
_HDR = _terms((r"hdr10(?:\+|p|plus)", "HDR10+"), ("hdr10", "HDR10"), ("hdr", "HDR"), ("hlg", "HLG"))
# The channels are written right behind the name: "DDP5.1", "AAC 2.0", "TrueHD.Atmos.7.1".
_CHANNELS = r"(?:[ .-]?atmos)?(?:[ .-]?[1-9]\.[0-4])?"
_AUDIO = _terms(
    (rf"true[ .-]?hd{_CHANNELS}", "TrueHD"),
    (rf"dts[ .:-]?x{_CHANNELS}", "DTS:X"),
    (rf"dts[ .-]?hd[ .-]?(?:ma|hra?){_CHANNELS}", "DTS-HD MA"),
    (rf"dts[ .-]?hd{_CHANNELS}", "DTS-HD"),
    (rf"dts(?:[ .-]?es)?{_CHANNELS}", "DTS"),
    (rf"(?:ddp|dd\+|ddpa|e[ .-]?ac[ .-]?3){_CHANNELS}", "DDP"),
    (rf"(?:dd|ac[ .-]?3|dolby[ .]digital){_CHANNELS}", "DD"),
    (rf"(?:he[ .-]?)?aac{_CHANNELS}", "AAC"),
    (rf"flac{_CHANNELS}", "FLAC"),
    (rf"l?pcm{_CHANNELS}", "PCM"),
    (rf"opus{_CHANNELS}", "Opus"),
    (rf"mp3{_CHANNELS}", "MP3"),
)
_ATMOS = _terms(("atmos", "Atmos"))
_CHANNEL_COUNT = re.compile(rf"(?<!\d)(?<!\d\.)([1-9]\.[0-2]){END}")
_YEAR = re.compile(rf"([(\[]?){BEGIN}((?:19|20)\d\d){END}")
_EDITION = re.compile(
    rf"{BEGIN}(?:complete|proper|repack|unrated|extended|remastered|multi|dual[ .-]audio){END}",
    re.IGNORECASE,
)
_SITE = re.compile(r"www\.[^ ]{1,60}[ ._-]{1,6}", re.IGNORECASE)
_FIRST_GROUP = re.compile(r"\[([^\]]{1,60})\][ ._-]{0,3}")
_LAST_GROUP = re.compile(r"-([^\W_]{2,25})(?:[ ._]?\[[^\]]{0,40}\])?\Z")


def parse_release(name: str) -> Release:
    """Reads a name as release groups write it: ``Some.Film.2019.1080p.BluRay.x264-GRP``.

    Never fails; what is not recognised is part of the title, or passed over behind it.
    """
    text = display_name(name)[:MAX_TEXT]
    if not content_type(text).startswith(("application/octet", "audio/")):  # "….x265.AAC"
        text = text.rpartition(".")[0]
    site = _SITE.match(text)
    text = text[site.end() :] if site else text
    bracket = _FIRST_GROUP.match(text)
    begin = bracket.end() if bracket else 0

    season, episode, marker = _numbered(text)
    resolution, at_resolution = _first(_RESOLUTIONS, text, 0)
    source, at_source = _first(_SOURCES, text, 0)
    codec, at_codec = _first(_CODECS, text, 0)
    technical = [at for at in (marker, at_resolution, at_source, at_codec) if at > begin]
    year, at_year = _year(text, begin, min(technical, default=len(text)))
    over = min([*technical, *([at_year] if year else [])], default=None)
    rest = begin if over is None else over
    weak_source, at_weak = _first(_WEAK_SOURCES, text, rest)
    audio, at_audio = _audio(text, rest)
    hdr, at_hdr = _hdr(text, rest)
    edition = _EDITION.search(text, begin + 1)
    if over is None:
        weak = [at for at in (at_weak, at_audio, at_hdr) if at > begin]
        over = min([*weak, *([edition.start()] if edition else [])], default=len(text))
    return Release(
        title=_title(text[begin:over]) or _title(text),
        year=year,
        season=season,
        episode=episode,
        resolution=resolution,
        source=source or weak_source,
        codec=codec,
        hdr=hdr,
        audio=audio,
        group=_group(text, over, bracket),
    )


def _first(terms: _Terms, text: str, begin: int) -> tuple[str | None, int]:
    """The spelling of the first term that is there, and where; (None, -1) without one."""
    for pattern, spelling in terms:
        match = pattern.search(text, begin)
        if match is not None:
            return spelling, match.start()
    return None, -1


def _numbered(text: str) -> tuple[int | None, int | None, int]:
    """Season, episode and where the first of them is written (-1: neither is)."""
    numbers = numbering.explicit(text)
    if numbers is not None:
        return numbers.season, numbers.episodes[0], numbers.start
    season, at_season = numbering.season_of(text), numbering.season_start(text)
    found = numbering.episode_word(text) or numbering.grouped_dash(text)
    if found is None and season is not None:
        found = numbering.after_dash(text)
    starts = [at for at in (at_season, found and found[1]) if at is not None]
    return season, found[0] if found else None, min(starts, default=-1)


def _year(text: str, begin: int, technical: int) -> tuple[int | None, int]:
    """In brackets, else the last before the technical words ("Blade 2049 2017"), else any.

    A number that opens the name is its title: "2012.1080p" has no year.
    """
    found = [m for m in _YEAR.finditer(text) if m.start() > begin]
    if not found:
        return None, -1
    bracketed = [m for m in found if m[1]]
    before = [m for m in found if m.start() < technical]
    chosen = bracketed[0] if bracketed else before[-1] if before else found[0]
    return int(chosen[2]), chosen.start()


def _hdr(text: str, begin: int) -> tuple[str | None, int]:
    vision, at_vision = _first(_DOLBY_VISION, text, begin)
    hdr, at_hdr = _first(_HDR, text, begin)
    spelling = " ".join(word for word in (vision, hdr) if word)
    return spelling or None, min([at for at in (at_vision, at_hdr) if at >= 0], default=-1)


def _audio(text: str, begin: int) -> tuple[str | None, int]:
    codec, at_codec = _first(_AUDIO, text, begin)
    atmos, at_atmos = _first(_ATMOS, text, begin)
    at = min([at for at in (at_codec, at_atmos) if at >= 0], default=-1)
    if at < 0:
        return None, -1
    channels = _CHANNEL_COUNT.search(text, at)
    words = (codec, atmos, channels[1] if channels else None)
    return " ".join(word for word in words if word), at


def _title(text: str) -> str:
    """Dots and underscores are spaces, unless there are spaces: then "Mr. Nobody" keeps its dot."""
    if " " not in text.strip():
        text = text.replace(".", " ")
    words = " ".join(text.replace("_", " ").split())
    return words.rstrip(" -([{.,+").lstrip(" -)]}.,").strip()


def _group(text: str, over: int, bracket: re.Match[str] | None) -> str | None:
    """``-GRP`` at the end of a name whose title is over, else ``[Group]`` at its beginning."""
    match = _LAST_GROUP.search(text, over)
    if match is not None and not _is_technical(match[1]):
        return match[1]
    return bracket[1].strip() if bracket and not _is_technical(bracket[1]) else None


def _is_technical(text: str) -> bool:
    tables = (_RESOLUTIONS, _SOURCES, _WEAK_SOURCES, _CODECS, _HDR, _AUDIO)
    return (
        text.isdigit()
        or text.upper() in ("DL", "HD", "MA")
        or any(_first(table, text, 0)[0] for table in tables)
    )
