"""The add-on's files: what Kodi's own checker says, and that they fit each other."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.kodi.fakes import ADDON, strings

REPOSITORY = Path(__file__).parents[2]
LIB = ADDON / "resources" / "lib"
# Kodi 20's own Python on some systems, and what came after it and is easily written.
OLDEST = (3, 8)
NEWER = {"removeprefix", "removesuffix", "pairwise"}


@pytest.mark.parametrize("branch", ["nexus", "omega"])
def test_kodis_checker_has_nothing_to_say(tmp_path: Path, branch: str) -> None:
    """It looks at what Kodi gets: no hidden files, nothing that Python left."""
    folders = [tmp_path / name for name in ("plugin.video.selfstreme", "repository.selfstreme")]
    for folder in folders:
        left = shutil.ignore_patterns(".*", "__pycache__")
        shutil.copytree(ADDON.parent / folder.name, folder, ignore=left)
    told = folders[1] / "addon.xml"
    told.write_text(told.read_text().replace("{base}", "http://127.0.0.1:7000"))
    done = subprocess.run(
        [sys.executable, "-m", "tests.kodi.checker", "--branch", branch, *map(str, folders)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "We found no problems and no warnings" in done.stdout, done.stdout


def test_every_text_is_there_and_used() -> None:
    tree = ast.parse((LIB / "words.py").read_text())
    said = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)}
    settings = (ADDON / "resources" / "settings.xml").read_text()
    shown = re.findall(r'(?:label|help)="(\d+)"|<heading>(\d+)</heading>', settings)
    used = {n for n in said if isinstance(n, int)} | {int(a or b) for a, b in shown}
    assert used == strings().keys()
    code = "".join(path.read_text() for path in LIB.glob("*.py"))
    names = re.findall(r"^    ([A-Z_]+) = \d+$", (LIB / "words.py").read_text(), re.MULTILINE)
    assert [name for name in names if f"Word.{name}" not in code] == []


def test_every_setting_is_read() -> None:
    tree = ET.parse(ADDON / "resources" / "settings.xml")
    code = (LIB / "settings.py").read_text()
    for setting in tree.iter("setting"):
        action = setting.findtext("data")
        if action is None:
            assert f'"{setting.get("id")}"' in code
        else:
            name = re.fullmatch(r"RunPlugin\(.*\?action=(\w+)\)", action)
            assert name
            assert f'"{name[1]}": self._{name[1]},' in (LIB / "routes.py").read_text()


def test_the_link_is_hidden_and_no_edit_box_comes_first() -> None:
    tree = ET.parse(ADDON / "resources" / "settings.xml")
    link = tree.find(".//setting[@id='manifest_url']")
    assert link is not None
    assert link.findtext("level") == "4"
    for category in tree.iter("category"):
        control = category.find(".//setting/control")
        assert control is not None
        assert control.get("type") != "edit"


def test_the_oldest_python_reads_it() -> None:
    for path in [ADDON / "main.py", *LIB.glob("*.py")]:
        tree = ast.parse(path.read_text(), feature_version=OLDEST)
        used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert used & NEWER == set(), path
        first = tree.body[1] if path.parent == LIB and len(tree.body) > 1 else None
        assert first is None or ast.unparse(first) == "from __future__ import annotations", path


def test_only_the_standard_library_and_kodi_are_needed() -> None:
    kodis = {"xbmc", "xbmcaddon", "xbmcgui", "xbmcplugin", "xbmcvfs"}
    for path in LIB.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            tops = {name.partition(".")[0] for name in names}
            assert tops <= kodis | set(sys.stdlib_module_names), path
