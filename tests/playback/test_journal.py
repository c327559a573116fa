"""What is kept of each resolution, and what the log says of it."""

import logging

import pytest

from addon.errors import Problem
from addon.playback import journal as module
from addon.playback.journal import Journal, Step

KEY = "ab" * 20


def test_an_entry_from_its_beginning_to_its_end() -> None:
    journal = Journal()
    entry = journal.open(KEY, "s01e02", "anne")
    assert journal.get(entry.id) is entry
    assert (entry.info_hash, entry.file, entry.install) == (KEY, "s01e02", "anne")
    assert (entry.outcome, entry.source, entry.duration) == ("running", None, None)
    entry.step("getting the metadata", detail="kept")
    entry.step("ready", source="swarm", verdict="verified")
    assert [(s.what, s.source, s.verdict, s.detail) for s in entry.steps] == [
        ("getting the metadata", None, None, "kept"),
        ("ready", "swarm", "verified", None),
    ]
    assert all(isinstance(step, Step) and 0 <= step.t < 5 for step in entry.steps)
    entry.end("stored", "swarm")
    assert (entry.outcome, entry.source) == ("stored", "swarm")
    assert entry.duration is not None
    assert entry.steps[-1].t <= entry.duration < 5
    problem = Problem("no-peers", "Nobody has it.")
    entry.end("failed", problem=problem)
    assert (entry.outcome, entry.source, entry.problem) == ("failed", None, problem)


def test_no_two_entries_have_one_id() -> None:
    journal = Journal()
    ids = [journal.open(KEY, "main", "").id for _ in range(50)]
    assert len(set(ids)) == 50
    assert journal.get("nothing") is None


def test_only_the_newest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 3)
    journal = Journal()
    ids = [journal.open(KEY, str(number), "").id for number in range(5)]
    assert [entry.id for entry in journal.newest()] == ids[:1:-1]
    assert journal.get(ids[1]) is None
    assert journal.get(ids[2]) is not None


def test_the_newest_of_one_torrent() -> None:
    journal = Journal()
    first = journal.open(KEY, "main", "")
    journal.open("cd" * 20, "main", "")
    last = journal.open(KEY, "main", "")
    assert journal.newest(KEY) == [last, first]
    assert journal.newest("ef" * 20) == []


def test_a_resolution_without_end_does_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "MAX_STEPS", 3)
    caplog.set_level(logging.INFO)
    entry = Journal().open(KEY, "main", "")
    for number in range(5):
        entry.step(f"step {number}")
    assert [step.what for step in entry.steps] == ["step 0", "step 1", "step 2"]
    assert "step 4" in caplog.text, "the log has them all"


@pytest.mark.parametrize(
    ("step", "line"),
    [
        ({}, "[abababab] tried"),
        ({"detail": "why"}, "[abababab] tried: why"),
        ({"source": "swarm", "verdict": "verified"}, "[abababab] [swarm] ✓ tried"),
        ({"source": "x.example", "verdict": "dead"}, "[abababab] [x.example] ✗ tried"),
        ({"verdict": "no-peers", "detail": "none"}, "[abababab] ✗ tried: none"),
    ],
)
def test_each_step_is_one_line_of_the_log(
    step: dict[str, str], line: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    Journal().open(KEY, "main", "").step("tried", **step)
    assert [record.getMessage() for record in caplog.records] == [line]
