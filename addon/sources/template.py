"""URL templates, and the sources that are no more than one: ``https://host/{infohash}/{filename}``.

The placeholders stand in ``placeholders.py``. A template with a value that is not known gives no
URL: an empty field would be a question about something else.
"""

import ipaddress
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote

from addon.errors import Problem
from addon.sources.base import Kind, Link, Media, Trust
from addon.sources.placeholders import FROM_METADATA, NAMES_CONTENT, VALUES
from addon.torrents.hints import MAX_URL
from addon.torrents.metainfo import Metainfo
from addon.torrents.names import quote_segment

log = logging.getLogger(__name__)

MAX_BUILT = 8000  # characters; Apache and nginx refuse a request line of more than 8 KiB

BuildUrl = Callable[[str, str, Metainfo | None], str | None]
"""(info hash, file name, the torrent where it is known) -> the file's URL, None for no URL."""

_PLACEHOLDER = re.compile(r"\{([A-Za-z0-9_]+)\}")
_PARTS = re.compile(r"([^:/?#]*)://([^/?#]*)([^#]*)(#?)")
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_.])?")
_PORT = re.compile(r"0*[1-9][0-9]{0,4}")
_HALF_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HINT = "Write it like https://host/{infohash}/{filename}."


@dataclass(frozen=True, slots=True)
class Template:
    """A URL with placeholders, which ``parse_template`` has found to be right."""

    text: str
    names: frozenset[str]

    @property
    def needs(self) -> frozenset[str]:
        """The placeholders that have no value before the metadata is known."""
        return self.names & FROM_METADATA

    def build(self, media: Media) -> str | None:
        """The URL of the file; None where a value is not known or makes no usable URL."""
        values: dict[str, str] = {}
        for name in self.names:
            value = VALUES[name](media)
            if value is None:
                return None
            values[name] = value
        url = _PLACEHOLDER.sub(lambda found: values[found[1]], self.text)
        # Whoever sends the URL would resolve the dots, and ask for something else.
        return None if len(url) > MAX_BUILT or has_dots(url) else url


def parse_template(text: str) -> Template:
    """Problem("bad-source") says what is wrong with the text, the first thing only."""
    text = text.strip()
    fault = _fault(text)
    if fault:
        raise Problem("bad-source", f"The URL template {fault}.", _HINT)
    return Template(text, frozenset(_PLACEHOLDER.findall(text)))


def has_dots(url: str) -> bool:
    """Whether a segment of the URL's path is ``.`` or ``..``, written in whatever way."""
    segments = re.split(r"[?#]", url, maxsplit=1)[0].split("/")[3:]
    return any(unquote(segment) in (".", "..") for segment in segments)


def _fault(text: str) -> str:
    """How the sentence "The URL template …" goes on; "" where nothing is wrong."""
    if len(text) > MAX_URL:
        return f"has {len(text)} characters; {MAX_URL} are the most that is read"
    if re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", text):
        return "has control characters in it"
    parts = _PARTS.match(text)
    if parts is None or not parts[1]:
        return "does not begin with http:// or https://"
    scheme, authority, rest, fragment = parts.groups()
    if _PLACEHOLDER.search(scheme) or _PLACEHOLDER.search(authority):
        return "has a placeholder in its scheme or host, where none may stand"
    if scheme.lower() not in ("http", "https"):
        return f"has the scheme {quote_segment(scheme)[:20]}: only http and https are fetched"
    fault = _authority_fault(authority) or _placeholder_fault(text)
    if fault:
        return fault
    if fragment:
        return "has a '#' in it: what follows is never sent to the server"
    if has_dots(f"http://host{rest}"):
        return "has a '.' or '..' as a segment of its path"
    return ""


def _authority_fault(authority: str) -> str:
    if "@" in authority:
        return "has a user name or password before its host: send it as a header instead"
    # An IPv6 address has colons of its own.
    found = re.fullmatch(r"(\[[^\]]*\]|[^:\[\]]*)(?::(.*))?", authority)
    if not found or not (_is_ipv6(found[1]) or _HOST.fullmatch(found[1])):
        return "names no host that can be reached" if authority else "names no host"
    if found[2] is not None and not (_PORT.fullmatch(found[2]) and int(found[2]) < 65536):
        return "has a port that is not a number from 1 to 65535"
    return ""


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host[1:-1])
    except ValueError:
        return False
    return host.startswith("[") and "%" not in host


def _placeholder_fault(text: str) -> str:
    names = _PLACEHOLDER.findall(text)
    for name in names:
        if name not in VALUES:
            known = ", ".join(VALUES)
            return f"has an unknown placeholder {{{name[:30]}}}; these are known: {known}"
    literal = _PLACEHOLDER.sub("x", text)
    if "{" in literal or "}" in literal:
        return "has a brace that belongs to no placeholder"
    if not NAMES_CONTENT.intersection(names):
        return "has no placeholder that names the content, such as {infohash} or {magnet}"
    if re.search(r'[^!-~]|["<>\\^`|]', literal):
        return "has a space or a sign that no URL may have: write it as %XX"
    # A value may not complete an escape either: the x in its place is no digit.
    if _HALF_ESCAPE.search(literal):
        return "has a '%' without two hexadecimal digits behind it: write the sign itself as %25"
    return ""


@dataclass(frozen=True, slots=True)
class TemplateSource:
    """A service that is asked by a URL made from a template: ``addon.sources.base.Source``."""

    name: str
    template: Template = field(repr=False)  # like the headers, it may hold a key
    priority: int = 0
    trust: Trust = Trust.OPEN
    note: str = ""
    needs_metadata: bool = False
    resumable: bool = True
    redirect: bool = False
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    kind: Kind = Kind.TEMPLATE

    def locate(self, media: Media, deadline: float) -> Link | None:  # noqa: ARG002 - nobody is asked
        if not _may_be_asked(self, media):
            return None
        url = self.template.build(media)
        return None if url is None else _link(self, url, self.headers)


@dataclass(frozen=True, slots=True)
class FunctionSource:
    """A service whose URL a Python function makes: ``addon.sources.base.Source``."""

    name: str
    build_url: BuildUrl
    priority: int = 0
    trust: Trust = Trust.OPEN
    note: str = ""
    needs_metadata: bool = False
    resumable: bool = True
    redirect: bool = False
    kind: Kind = Kind.FUNCTION

    @classmethod
    def of(
        cls,
        name: str,
        build_url: str | BuildUrl,
        *,
        priority: int = 0,
        needs_metadata: bool = False,
        resumable: bool = True,
        note: str = "",
    ) -> "TemplateSource | FunctionSource":
        """As Python programs add one: ``build_url`` is a function, or a template in its place."""
        if not isinstance(build_url, str):
            return cls(
                name,
                build_url,
                priority=priority,
                needs_metadata=needs_metadata,
                resumable=resumable,
                note=note,
            )
        template = parse_template(build_url)
        return TemplateSource(
            name,
            template,
            priority=priority,
            needs_metadata=needs_metadata or bool(template.needs),
            resumable=resumable,
            note=note,
        )

    def locate(self, media: Media, deadline: float) -> Link | None:  # noqa: ARG002 - nobody is asked
        if not _may_be_asked(self, media):
            return None
        name = media.file.name if media.file is not None else media.file_name
        try:
            url = self.build_url(media.info_hash.key, name, media.metainfo)
        except Exception:  # the border: the function is not ours
            log.exception("the function of source %s broke", self.name)
            return None
        if url is None:
            return None
        fault = _url_fault(url)
        if fault:
            log.warning("source %s made a URL that %s; it is not used", self.name, fault)
            return None
        return _link(self, url)


def _may_be_asked(source: TemplateSource | FunctionSource, media: Media) -> bool:
    if source.needs_metadata and media.metainfo is None:
        return False
    return source.trust is Trust.OWN or not media.private


def _link(
    source: TemplateSource | FunctionSource, url: str, headers: tuple[tuple[str, str], ...] = ()
) -> Link:
    return Link(
        url,
        headers=headers,
        trust=source.trust,
        resumable=source.resumable,
        # A player would not send the headers.
        redirectable=not headers and (source.redirect or source.trust is not Trust.OPEN),
    )


def _url_fault(url: object) -> str:
    """How the sentence "… made a URL that …" goes on; "" where nothing is wrong."""
    if not isinstance(url, str):
        return "is no text"
    if len(url) > MAX_BUILT:
        return "is too long"
    parts = _PARTS.match(url)
    if parts is None or parts[1].lower() not in ("http", "https"):
        return "is neither http nor https"
    if re.search(r"[^!-~]", url):
        return "has a space or a sign in it that is not quoted"
    return _authority_fault(parts[2])
