"""How the text of an option is read: a value, or ValueError and nothing else.

What an option is for stands in ``addon/settings.py``, and so does the sentence that tells what is
allowed.
"""

import ipaddress
import re
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

MIN_KEY_LENGTH = 16
PUBLIC = "public"
NONE = "none"
"""An empty list where the default is not empty: an empty variable counts as unset."""

_UNITS = {
    "": 1,
    "b": 1,
    **{prefix + "b": 1000**power for power, prefix in enumerate("kmgt", 1)},
    **{prefix + "ib": 1024**power for power, prefix in enumerate("kmgt", 1)},
}
_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")
_DEVICE = re.compile(r"[A-Za-z0-9._:@-]{1,15}")
_SWITCH = {
    **dict.fromkeys(("on", "true", "yes", "1"), "on"),
    **dict.fromkeys(("off", "false", "no", "0"), "off"),
}

T = TypeVar("T")


def read_host(text: str) -> str:
    # All digits and dots, yet no address: a mistyped one, never a name.
    name = _HOST_NAME.fullmatch(text) and not re.fullmatch(r"[0-9.]+", text)
    return _checked(text, name or is_address(text))


def read_interface(text: str) -> str:
    return _checked(text, is_address(text) or _DEVICE.fullmatch(text))


def read_base_url(text: str) -> str:
    return _checked(text.rstrip("/"), _is_absolute(text) and not set("?#@") & set(text))


def read_database_url(text: str) -> str:
    """With the scheme that PostgreSQL's own programs prefer; Heroku writes ``postgres://``."""
    parts = urlsplit(text)  # raises ValueError like .port
    known = parts.scheme in ("postgres", "postgresql") and parts.port != 0 and parts.path[1:]
    printable = re.fullmatch(r"[!-~]+", text) and "#" not in text
    return _checked(f"postgresql{text[len(parts.scheme) :]}", known and printable)


def read_access_keys(text: str) -> tuple[str, ...]:
    keys = read_list(text)
    # They travel in an Authorization header, hence no signs but printable ASCII.
    long = all(len(key) >= MIN_KEY_LENGTH and re.fullmatch(r"[!-~]+", key) for key in keys)
    return _checked(keys, keys == (PUBLIC,) or (keys and long))


def read_secret_keys(text: str) -> tuple[str, ...]:
    keys = read_list(text)
    return _checked(keys, keys and all(len(key) >= MIN_KEY_LENGTH for key in keys))


def read_rate(text: str) -> int:
    found = re.fullmatch(r"(\d{1,15}(?:\.\d{1,6})?)\s*([a-z]*)(?:/s)?", text.lower())
    if not found or found[2] not in _UNITS:
        raise ValueError(text)
    return int(float(found[1]) * _UNITS[found[2]])


def read_folder(text: str) -> Path:
    folder = Path(text).expanduser()
    return _checked(folder, folder.is_dir() or not folder.exists())


def read_file(text: str) -> Path:
    file = Path(text).expanduser()
    return _checked(file, file.is_file())


def read_switch(text: str) -> str:
    """``on`` or ``off`` however a switch is written; any other word as it is, in lower case."""
    return _SWITCH.get(text.lower(), text.lower())


def read_list(text: str) -> tuple[str, ...]:
    return tuple(part for item in text.split(",") if (part := item.strip()))


def read_names(text: str) -> tuple[str, ...]:
    """A list, which the word ``none`` empties; it means nothing beside others."""
    names = read_list(text)
    if [name.lower() for name in names] == [NONE]:
        return ()
    return _checked(names, names and NONE not in map(str.lower, names))


def read_urls(text: str) -> tuple[str, ...]:
    """A list as ``read_names`` reads it, of absolute http or https addresses."""
    urls = read_names(text)
    return _checked(urls, all(map(_is_absolute, urls)))


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    return host.lower() == "localhost" or (
        is_address(host) and ipaddress.ip_address(host).is_loopback
    )


def _is_absolute(url: str) -> bool:
    parts = urlsplit(url)  # raises ValueError for half an IPv6 address, .port for a wrong port
    known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    return bool(known and re.fullmatch(r"[!-~]+", url))


def _checked(value: T, good: object) -> T:
    if not good:
        raise ValueError(value)
    return value
