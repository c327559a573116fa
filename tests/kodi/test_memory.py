"""What the add-on remembers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Load = Callable[[str], Any]


@pytest.fixture
def memory(load: Load, tmp_path: Path) -> Callable[[], Any]:
    """A new reader of the same file, as in the next call."""
    return lambda: load("memory").Memory(tmp_path / "profile")


def test_searches_newest_first_and_once(memory: Callable[[], Any]) -> None:
    assert memory().searches == []
    for text in ("a", "ä & b", "a"):
        memory().searched(text)
    assert memory().searches == ["a", "ä & b"]
    for number in range(30):
        memory().searched(str(number))
    assert memory().searches == [str(number) for number in range(29, 9, -1)]


def test_the_release_of_each_series_and_the_oldest_goes(memory: Callable[[], Any]) -> None:
    memory().played("tt0", "x")
    memory().played("tt0", "y")
    assert memory().group("tt0") == "y"
    assert memory().group("tt1") == ""
    for number in range(1, 201):
        memory().played(f"tt{number}", "z")
    assert memory().group("tt0") == ""
    assert memory().group("tt200") == "z"


def test_a_choice_holds_once_and_not_long(
    memory: Callable[[], Any], load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory().choose("tt1:1:2", "hash/3")
    assert memory().take_choice("tt1:1:3") == ""
    assert memory().take_choice("tt1:1:2") == "hash/3"
    assert memory().take_choice("tt1:1:2") == ""
    memory().choose("tt1", "hash/3")
    monkeypatch.setattr(load("memory"), "CHOICE_TIME", 0.0)
    assert memory().take_choice("tt1") == ""


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"searches": 3, "groups": [], "choice": null}'])
def test_a_file_that_is_broken_is_as_good_as_none(
    memory: Callable[[], Any], tmp_path: Path, text: str
) -> None:
    memory().searched("a")
    (file,) = (tmp_path / "profile").iterdir()
    file.write_text(text)
    assert (memory().searches, memory().group("tt1"), memory().take_choice("tt1")) == ([], "", "")
    memory().searched("b")
    assert memory().searches == ["b"]


def test_forgetting(memory: Callable[[], Any]) -> None:
    memory().forget()
    memory().searched("a")
    memory().forget()
    assert memory().searches == []
