"""Zips: the same bytes for the same files, and readable by others."""

import io
import time
import zipfile

import pytest

from addon.web.zips import DATE, pack

FILES = {"b/c/d.txt": b"text" * 500, "a.txt": b"", "b/é.txt": b"\x00\xff"}


def test_it_holds_the_files_and_their_folders() -> None:
    with zipfile.ZipFile(io.BytesIO(pack(FILES))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["a.txt", "b/", "b/c/", "b/c/d.txt", "b/é.txt"]
        assert {name: archive.read(name) for name in FILES} == FILES
        for entry in archive.infolist():
            folder = entry.filename.endswith("/")
            assert entry.external_attr >> 16 == (0o40755 if folder else 0o100644)
            assert entry.date_time[:3] == (DATE.year, DATE.month, DATE.day)


def test_neither_the_order_nor_the_day_changes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    first = pack(FILES)
    monkeypatch.setattr(time, "time", lambda: 2e9)
    monkeypatch.setattr("sys.platform", "win32")
    assert pack(dict(reversed(FILES.items()))) == first
    assert pack(FILES | {"a.txt": b"x"}) != first


def test_text_is_packed_small() -> None:
    assert len(pack({"a": b"text" * 10_000})) < 1000


def test_nothing_is_a_zip_too() -> None:
    with zipfile.ZipFile(io.BytesIO(pack({}))) as archive:
        assert archive.namelist() == []
