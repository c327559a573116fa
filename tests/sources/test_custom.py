"""What somebody writes about a source is checked field by field."""

import pytest

from addon.errors import Problem
from addon.sources.base import Trust
from addon.sources.custom import CustomSource, read_source

MINE = {"name": "Mine", "url": "https://host/{infohash}"}
WHOLE = CustomSource(
    name="Mine",
    url="https://host/{infohash}",
    priority=7,
    trust=Trust.OWN,
    redirect=True,
    needs_metadata=True,
    resumable=False,
    headers=(("X-Key", "a b"),),
    note="a note",
    enabled=False,
)


def test_the_least_that_a_source_is() -> None:
    assert read_source(MINE) == CustomSource("Mine", "https://host/{infohash}")


def test_every_field_in_either_spelling() -> None:
    fields = MINE | {"priority": 7, "trust": "own", "redirect": True, "headers": {"X-Key": "a b "}}
    fields |= {"note": " a note", "enabled": False}
    assert read_source(fields | {"needsMetadata": True, "supportsResume": False}) == WHOLE
    assert read_source(fields | {"needs_metadata": True, "supports_resume": False}) == WHOLE


def test_a_change_leaves_the_rest() -> None:
    changed = read_source({"enabled": True, "supportsResume": True}, WHOLE)
    assert changed != WHOLE
    assert read_source({"enabled": False, "supportsResume": False}, changed) == WHOLE
    assert read_source({}, WHOLE) == WHOLE


@pytest.mark.parametrize("missing", ["name", "url"])
def test_name_and_url_are_needed(missing: str) -> None:
    fields = {name: value for name, value in MINE.items() if name != missing}
    with pytest.raises(Problem, match=f"no {missing}") as caught:
        read_source(fields)
    assert caught.value.code == "bad-source"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("name", value) for value in ("", " ", "a" * 61, "a\nb", "a\u200bb", "\ud800", 7, None)),
        *(("name", value) for value in ("*", "None", "swarm", "STORE")),
        *(("url", value) for value in (7, None, ["https://host/{infohash}"])),
        *(("priority", value) for value in (-1, 1001, 1.0, "1", True, None)),
        *(("trust", value) for value in ("named", "Own", "", None, 1, [])),
        *(("redirect", value) for value in (1, "true", None)),
        *(("needsMetadata", value) for value in (0, "false")),
        *(("supports_resume", value) for value in (0, None)),
        *(("enabled", value) for value in (1, "on")),
        *(("note", value) for value in ("a" * 201, "a\nb", 7)),
        *(("headers", value) for value in ("X: y", [], {"X": 1}, {"X Y": "z"}, {"": "z"}, {7: ""})),
        *(("headers", {name: "x"}) for name in ("Range", "HOST", "Connection", "If-Range")),
        *(("headers", {"X": value}) for value in ("a\r\nY: z", "a\0", "é", "a" * 2049)),
        ("headers", {f"X-{n}": "y" for n in range(21)}),
    ],
)
def test_a_wrong_value_names_its_field(field: str, value: object) -> None:
    with pytest.raises(Problem) as caught:
        read_source(MINE | {field: value})
    assert caught.value.code == "bad-source"
    assert f"The source's {field} must be " in caught.value.detail


@pytest.mark.parametrize("field", ["prio", "needsmetadata", "resumable", "Name", "", "\n"])
def test_an_unknown_field_is_not_passed_over(field: str) -> None:
    with pytest.raises(Problem, match="has no field") as caught:
        read_source(MINE | {field: "x"})
    assert caught.value.code == "bad-source"
    assert "supports_resume" in caught.value.hint
    assert caught.value.detail.isprintable()


def test_a_key_in_it_is_not_shown() -> None:
    fields = {"url": "https://host/{infohash}?k=hunter2", "headers": {"X": "hunter3"}}
    assert "hunter" not in repr(read_source(MINE | fields))


def test_names_are_compared_without_regard_to_case() -> None:
    assert CustomSource("STRASSE", "").key == CustomSource("Straße", "").key


def test_what_the_template_needs_waits_for_metadata() -> None:
    assert not read_source(MINE).source().needs_metadata
    assert read_source(MINE | {"needs_metadata": True}).source().needs_metadata
    assert read_source(MINE | {"url": "https://h/{file_path}"}).source().needs_metadata
