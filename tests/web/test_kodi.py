"""The repository that Kodi installs from: what it lists, what it hands out, to whom."""

import base64
import hashlib
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from flask import Flask, Request
from werkzeug.test import TestResponse

from addon.web import problems
from addon.web.kodi import blueprint
from addon.web.problems import not_found
from addon.web.repository import REPOSITORY, VIDEO
from tests.web.addons import small_addons, unpacked

HOST = "http://192.0.2.7:7000"
BASE = f"{HOST}/token"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return small_addons(tmp_path / "kodi")


class Site:
    """A server with the Kodi routes alone; only "token" may come in."""

    def __init__(self, source: Path) -> None:
        app = Flask("test", static_folder=None)
        app.url_map.merge_slashes = False
        problems.register(app)

        def enter(_: Request, token: str | None) -> None:
            if token != "token":
                raise not_found()

        app.register_blueprint(blueprint(enter, lambda asked: f"http://{asked.host}", source))
        self.client = app.test_client()

    def ask(self, path: str, method: str = "GET", **more: Any) -> TestResponse:
        answer: TestResponse = self.client.open(path, method=method, base_url=HOST, **more)
        return answer

    def get(self, path: str) -> bytes:
        answer = self.ask(f"/token/kodi/{path}")
        assert answer.status_code == 200, path
        return answer.data


@pytest.fixture
def site(source: Path) -> Site:
    return Site(source)


def links(page: bytes) -> list[str]:
    return re.findall(r'<a href="([^"]+)">', page.decode())


def test_the_folder_lists_the_repository_first_and_each_link_leads_somewhere(site: Site) -> None:
    found = links(site.get(""))
    assert found == [
        f"{REPOSITORY}-1.0.0.zip",
        f"{VIDEO}-2.3.4.zip",
        "addons.xml",
        "addons.xml.sha256",
        f"{REPOSITORY}/",
        f"{VIDEO}/",
    ]
    for link in found:
        assert site.get(link)
    zip_name = f"{VIDEO}-2.3.4.zip"
    assert links(site.get(f"{VIDEO}/")) == [zip_name, f"{zip_name}.sha256", "art/"]
    assert site.ask("/token/kodi/").content_type == "text/html; charset=utf-8"


def test_a_zip_holds_one_folder_and_nothing_that_was_left_behind(site: Site) -> None:
    packed = site.get(f"{VIDEO}/{VIDEO}-2.3.4.zip")
    assert packed == site.get(f"{VIDEO}-2.3.4.zip")
    files = unpacked(packed)
    assert set(files) == {
        f"{VIDEO}/{name}" for name in ("addon.xml", "art/i.png", "main.py", "resources/server.json")
    }
    assert files[f"{VIDEO}/main.py"] == b"run()\n"
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.namelist()[0] == f"{VIDEO}/"
        for entry in archive.infolist():
            assert entry.date_time == (1980, 1, 1, 0, 0, 0)
            assert entry.is_dir() or not entry.external_attr >> 16 & 0o111, "nothing to execute"


def test_the_addons_know_their_server(site: Site) -> None:
    video = unpacked(site.get(f"{VIDEO}-2.3.4.zip"))
    server = json.loads(video[f"{VIDEO}/resources/server.json"])
    assert server == {"manifest": f"{BASE}/manifest.json"}
    repository = unpacked(site.get(f"{REPOSITORY}/{REPOSITORY}-1.0.0.zip"))
    told = ET.fromstring(repository[f"{REPOSITORY}/addon.xml"])
    assert told.findtext("info") == f"{BASE}/kodi/addons.xml"


def test_the_index_holds_both_addons(site: Site) -> None:
    index = site.get("addons.xml")
    found = {one.get("id"): one for one in ET.fromstring(index)}
    assert set(found) == {REPOSITORY, VIDEO}
    assert found[REPOSITORY].findtext("info") == f"{BASE}/kodi/addons.xml"
    assert found[VIDEO].get("name") == "ä"
    assert index.count(b"<?xml") == 1


def test_every_checksum_is_right(site: Site) -> None:
    for name in (
        "addons.xml",
        f"{VIDEO}/{VIDEO}-2.3.4.zip",
        f"{REPOSITORY}/{REPOSITORY}-1.0.0.zip",
    ):
        digest = hashlib.sha256(site.get(name))
        assert site.get(f"{name}.sha256").split() == [digest.hexdigest().encode()]
        told = site.ask(f"/token/kodi/{name}").headers.get("Content-SHA256")
        assert told == (
            base64.b64encode(digest.digest()).decode() if name.endswith(".zip") else None
        )


def test_art_lies_beside_the_zip(site: Site) -> None:
    assert site.get(f"{VIDEO}/art/i.png") == VIDEO.encode()
    assert site.get(f"{REPOSITORY}/icon.png") == REPOSITORY.encode()


def test_kodi_asks_with_a_range_and_with_head(site: Site) -> None:
    path = f"/token/kodi/{VIDEO}/{VIDEO}-2.3.4.zip"
    whole = site.ask(path)
    part = site.ask(path, headers={"Range": "bytes=0-"})
    assert (part.status_code, part.data) == (206, whole.data)
    assert part.headers["Content-SHA256"] == whole.headers["Content-SHA256"]
    head = site.ask(path, "HEAD")
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Length"] == str(len(whole.data))
    again = site.ask(path, headers={"If-None-Match": whole.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("token", ["", "/other"])
@pytest.mark.parametrize("name", ["", "addons.xml", f"{VIDEO}/{VIDEO}-2.3.4.zip"])
def test_nobody_comes_in_without_the_token(site: Site, token: str, name: str) -> None:
    assert site.ask(f"{token}/kodi/{name}").status_code == 404


@pytest.mark.parametrize(
    "name",
    [
        "VIDEO_TS.IFO", "VIDEO_TS/VIDEO_TS.IFO", "index.bdmv", "folder.jpg", VIDEO,
        f"{VIDEO}/addon.xml", f"{VIDEO}/main.py", f"{VIDEO}/../{VIDEO}/main.py", f"{VIDEO}-9.zip",
        "art", "/", "%2e%2e/%2e%2e/app.py",
    ],
)  # fmt: skip
def test_anything_else_is_not_there(site: Site, name: str) -> None:
    assert site.ask(f"/token/kodi/{name}").status_code == 404


def test_the_link_of_one_install_is_kept_from_caches_and_other_sites(site: Site) -> None:
    headers = site.ask("/token/kodi/addons.xml").headers
    assert headers["Cache-Control"] == "private, no-cache"
    assert headers["Referrer-Policy"] == "no-referrer"
