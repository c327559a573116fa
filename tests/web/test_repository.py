"""The bytes of the Kodi repository: the same wherever they are made, and whole."""

import hashlib
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from addon.web.kodi import SOURCE
from addon.web.repository import VIDEO, build
from tests.web.addons import small_addons, unpacked

HOST = "http://192.0.2.7:7000"
BASE = f"{HOST}/token"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return small_addons(tmp_path / "kodi")


def test_the_same_address_gives_the_same_bytes_and_another_one_others(source: Path) -> None:
    assert build(source, BASE) == build(source, BASE)
    assert build(source, BASE) != build(source, HOST)


def test_an_address_cannot_break_out(source: Path) -> None:
    base = 'http://evil/"&<addon/>'
    files = build(source, base)
    assert ET.fromstring(files["addons.xml"])[0].findtext("info") == f"{base}/kodi/addons.xml"
    server = unpacked(files[f"{VIDEO}-2.3.4.zip"])[f"{VIDEO}/resources/server.json"]
    assert json.loads(server)["manifest"] == f"{base}/manifest.json"


def test_a_copy_elsewhere_gives_the_same_bytes(source: Path, tmp_path: Path) -> None:
    assert build(small_addons(tmp_path / "elsewhere"), BASE) == build(source, BASE)


def test_one_byte_more_is_another_checksum(source: Path) -> None:
    name = f"{VIDEO}/{VIDEO}-2.3.4.zip"
    before = build(source, BASE)
    (source / VIDEO / "main.py").write_text("run() \n")
    after = build(source, BASE)
    assert before[f"{name}.sha256"] != after[f"{name}.sha256"]
    assert after[f"{name}.sha256"].decode() == f"{hashlib.sha256(after[name]).hexdigest()}\n"
    assert after["addons.xml"] == before["addons.xml"]


def test_the_real_addons_are_whole() -> None:
    files = build(SOURCE, BASE)
    for addon in ET.fromstring(files["addons.xml"]):
        name, version = addon.get("id"), addon.get("version")
        assert f"{name}/{name}-{version}.zip" in files
        for asset in addon.iterfind(".//assets/*"):
            assert f"{name}/{asset.text}" in files, "Kodi fetches it beside the zip"
    assert b"{base}" not in files["addons.xml"]
    assert f"{BASE}/kodi/addons.xml".encode() in files["addons.xml"]
