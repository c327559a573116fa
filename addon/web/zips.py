"""Zip files that are the same bytes for the same content, whatever the machine and the day."""

import io
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath

DATE = datetime(1980, 1, 1, tzinfo=UTC)
"""The earliest that a zip can name, for what has no date of its own."""
_UNIX = 3
_FILE, _FOLDER = 0o100644 << 16, (0o040755 << 16) | 0x10


def pack(files: Mapping[str, bytes]) -> bytes:
    """A zip of these files by their path, with their folders; in order, with one date for all."""
    folders = {
        f"{parent.as_posix()}/" for name in files for parent in PurePosixPath(name).parents[:-1]
    }
    date = (DATE.year, DATE.month, DATE.day, 0, 0, 0)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in sorted({*files, *folders}):
            entry = zipfile.ZipInfo(name, date)
            entry.create_system = _UNIX
            entry.external_attr = _FOLDER if name in folders else _FILE
            entry.compress_type = zipfile.ZIP_STORED if name in folders else zipfile.ZIP_DEFLATED
            archive.writestr(entry, files.get(name, b""), compresslevel=9)
    return packed.getvalue()
