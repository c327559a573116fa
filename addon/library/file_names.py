"""Names that any file system, any URL and any XML can carry, each once in its folder."""

import re

from addon.torrents.names import display_name

UNNAMED = "Untitled"

# What Windows refuses in a name, and the two signs that no XML may hold.
_REFUSED = re.compile('[<>:"/\\\\|?*\ufffe\uffff]')
# Devices of Windows, whatever stands behind the first dot.
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?=\.|\Z)", re.IGNORECASE)


def safe_name(text: str, most: int) -> str:
    """One segment of a path, of at most ``most`` bytes of UTF-8: no separator, no dot at its ends,
    never empty."""
    plain = " ".join(_REFUSED.sub(" ", display_name(text)).split()).strip(". ")
    plain = plain.encode()[:most].decode(errors="ignore").rstrip(". ")
    return _DEVICES.sub(r"\g<0>_", plain, count=1) if _DEVICES.match(plain) else plain or UNNAMED


class Names:
    """The names of one folder, told apart whatever their case: Windows and macOS do not see it."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, name: str, mark: str) -> str:
        """``name``, and with ``mark`` behind it when it is somebody else's already."""
        number, free = 1, name
        while free.casefold() in self._taken:
            free = f"{name} [{mark}]" if number == 1 else f"{name} [{mark} {number}]"
            number += 1
        self._taken.add(free.casefold())
        return free
