"""Missing clients are named at home and fail CI."""

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.house.clients import PROGRAMS, require_client, require_packages
from tests.house.inner import REPOSITORY, reports, run

SOURCE = """
    from tests.house.clients import require_client

    def test_one():
        require_client("vlc")

    def test_two():
        require_client("vlc")

    def test_three():
        require_client("mpv")
"""


@pytest.fixture
def nowhere(tmp_path: Path) -> str:
    """A PATH with nothing but what the test run itself calls."""
    empty = tmp_path / "bin"
    empty.mkdir()
    true = shutil.which("true")
    assert true
    (empty / "true").symlink_to(true)
    return str(empty)


def test_at_home_they_are_named_and_counted(tmp_path: Path, nowhere: str) -> None:
    output = run(tmp_path, SOURCE, PATH=nowhere)
    assert "\nnot tried here: mpv, vlc (3 tests)\n" in output
    assert "= 3 skipped" in output


def test_under_ci_they_fail(tmp_path: Path, nowhere: str) -> None:
    output = run(tmp_path, SOURCE, PATH=nowhere, CI="true")
    assert reports(output).keys() == {"test_one", "test_two", "test_three"}
    assert "CI must try vlc (cvlc is not installed)" in output


def test_a_client_that_is_there_is_found(
    tmp_path: Path, nowhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / PROGRAMS["chromium"][-1]
    program.touch(0o755)
    monkeypatch.setenv("PATH", nowhere)
    assert require_client("chromium") == str(program)


def test_packages_of_node_are_part_of_the_client(
    tmp_path: Path, nowhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = tmp_path / "bin" / "node"
    node.touch(0o755)
    monkeypatch.setenv("PATH", nowhere)
    monkeypatch.delenv("CI", raising=False)
    folder = tmp_path / "browser"
    package = folder / "node_modules/@some/package/package.json"
    package.parent.mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps({"dependencies": {"@some/package": "1.0"}}))
    with pytest.raises(pytest.skip.Exception, match=r"browser \(npm ci --prefix tests/clients/"):
        require_packages(folder)
    package.touch()
    assert require_packages(folder) == str(node)


def test_ci_installs_the_packages_of_each_client() -> None:
    """``npm ci`` needs a lock file beside each package.json."""
    folders = [path.parent for path in (REPOSITORY / "tests/clients").glob("*/package.json")]
    assert folders
    assert [folder for folder in folders if not (folder / "package-lock.json").exists()] == []
    assert os.access(REPOSITORY / ".ci/run", os.X_OK)
