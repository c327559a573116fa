"""Which sources there are, who may change them, and who is asked. Keeping: tests/database."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from addon.errors import Problem
from addon.sources.base import Trust
from addon.sources.catalogue import BUILT_IN, load_catalogue
from addon.sources.custom import CustomSource
from addon.sources.registry import Origin, Override, Registry
from addon.sources.template import FunctionSource, TemplateSource, parse_template
from tests.sources.wanted import known, unknown

URL = "https://host/{infohash}"
MINE = {"name": "Mine", "url": URL}


class Memory:
    """What would be kept, in a dict."""

    def __init__(self, *custom: CustomSource, **overrides: Override) -> None:
        self.sources = {source.key: source for source in custom}
        self.changes = dict(overrides)

    def custom(self) -> list[CustomSource]:
        return list(self.sources.values())

    def put(self, source: CustomSource, instead_of: str) -> None:
        self.sources.pop(instead_of, None)
        self.sources[source.key] = source

    def remove(self, key: str) -> None:
        del self.sources[key]

    def overrides(self) -> dict[str, Override]:
        return dict(self.changes)

    def override(self, key: str, change: Override) -> None:
        self.changes[key] = change


def plain(name: str, priority: int = 0, **more: Any) -> TemplateSource:
    return TemplateSource(name, parse_template(URL), priority=priority, **more)


def names(registry: Registry, *, off: bool = False) -> list[str]:
    return [entry.source.name for entry in registry.all() if off or entry.enabled]


def refused(code: str, act: Callable[..., object], *given: object) -> Problem:
    with pytest.raises(Problem) as caught:
        act(*given)
    assert caught.value.code == code
    assert caught.value.detail.endswith(".")
    assert caught.value.hint.endswith((".", "all."))
    return caught.value


@pytest.fixture
def builtin() -> list[TemplateSource]:
    return load_catalogue(BUILT_IN)


def test_twelve_are_on_by_default(builtin: list[TemplateSource]) -> None:
    registry = Registry(builtin, excluded=("WebTor.io",))
    assert registry.total == 12
    assert names(registry) == [source.name for source in builtin[:12]]
    assert names(registry, off=True)[12:] == ["WebTor.io"]
    registry.add(MINE)
    assert registry.total == 13


@pytest.mark.parametrize(
    ("excluded", "left"),
    [
        ((), 14),
        (("webtor.IO",), 13),
        (("WebTor.io", "Instant.io", "mine"), 11),
        (("*",), 1),
        (("*", "Mine"), 0),
    ],
)
def test_exclusion_by_name_and_of_the_whole_catalogue(
    builtin: list[TemplateSource], excluded: tuple[str, ...], left: int
) -> None:
    registry = Registry(builtin, [plain("Mine")], excluded=excluded)
    assert registry.total == left == len(registry.enabled(unknown("a.mkv")))
    assert len(registry.all()) == 14


def test_an_unknown_name_is_a_warning(
    builtin: list[TemplateSource], caplog: pytest.LogCaptureFixture
) -> None:
    kept = Memory(CustomSource("Kept", URL))
    Registry(builtin, [plain("Mine")], kept, ("mine", "KEPT", "*", "webtor.io"))
    assert not caplog.records
    Registry(builtin, excluded=("WebTor", "Instant.io"))
    assert "webtor" in caplog.text
    assert "instant" not in caplog.text


def test_all_are_in_order_of_priority_then_name() -> None:
    registry = Registry([plain("B", 2), plain("c", 1)], [plain("a", 2), plain("z", 0)])
    assert names(registry) == ["z", "c", "a", "B"]
    assert [source.name for source in registry.enabled(unknown())] == ["z", "c", "a", "B"]


def test_a_file_replaces_a_built_in_source(builtin: list[TemplateSource]) -> None:
    registry = Registry(builtin, [plain("seedr.CC", 3, note="ours")], excluded=("*",))
    (entry,) = [entry for entry in registry.all() if entry.enabled]
    assert (entry.source.name, entry.source.note) == ("seedr.CC", "ours")
    assert entry.origin is Origin.FILE
    assert len(registry.all()) == 13


def test_a_source_is_added_changed_and_removed() -> None:
    kept = Memory()
    registry = Registry([plain("Built in", 1)], kept=kept)
    entry = registry.add(MINE | {"priority": 2, "trust": "own"})
    assert entry.origin is Origin.CUSTOM
    assert entry.source.trust is Trust.OWN
    assert names(registry) == ["Built in", "Mine"]
    changed = registry.change("mINE", {"priority": 0, "needsMetadata": True, "note": "n"})
    assert (changed.source.priority, changed.source.note) == (0, "n")
    assert changed.source.trust is Trust.OWN
    assert changed.source.needs_metadata
    assert names(registry) == ["Mine", "Built in"]
    registry.change("Mine", {"enabled": False})
    assert names(registry) == ["Built in"]
    assert registry.enabled(unknown()) == [plain("Built in", 1)]
    registry.change("Mine", {"enabled": True})
    registry.remove("MINE")
    assert names(registry, off=True) == ["Built in"]
    assert kept.sources == {}


def test_a_source_may_be_called_otherwise() -> None:
    kept = Memory()
    registry = Registry([plain("Built in", 1)], kept=kept)
    registry.add(MINE)
    registry.change("Mine", {"name": "MINE"})
    registry.change("mine", {"name": "Ours"})
    assert names(registry) == ["Ours", "Built in"]
    assert list(kept.sources) == ["ours"]
    refused("not-found", registry.change, "Mine", {"priority": 1})
    refused("exists", registry.change, "Ours", {"name": "built IN"})
    assert names(registry) == ["Ours", "Built in"]


def test_what_is_refused_changes_nothing() -> None:
    kept = Memory()
    registry = Registry([plain("Built in", 1)], kept=kept)
    registry.add(MINE)
    before = (registry.all(), dict(kept.sources))
    refused("exists", registry.add, MINE)
    refused("exists", registry.add, MINE | {"name": "MINE"})
    refused("exists", registry.add, MINE | {"name": "built in"})
    refused("exists", registry.join, plain("mine"))
    refused("bad-source", registry.add, MINE | {"name": "x", "url": "https://host/"})
    refused("bad-source", registry.change, "Mine", {"url": "https://host/{nope}"})
    refused("bad-source", registry.change, "Mine", {"priority": -1})
    refused("bad-source", registry.change, "Built in", {"nope": 1})
    refused("not-found", registry.change, "nobody", {"priority": 1})
    refused("not-found", registry.remove, "nobody")
    assert (registry.all(), dict(kept.sources)) == before
    assert kept.changes == {}


def test_what_cannot_be_kept_is_not_there() -> None:
    class Full(Memory):
        def put(self, source: CustomSource, instead_of: str) -> None:
            raise Problem("disk-full", "The disk is full.", "Free some space.")

    registry = Registry([], kept=Full())
    refused("disk-full", registry.add, MINE)
    assert registry.all() == []


@pytest.mark.parametrize("origin", [Origin.BUILT_IN, Origin.FILE])
def test_of_a_fixed_source_only_two_things_change(origin: Origin) -> None:
    kept = Memory()
    fixed = [plain("Fixed", 5), plain("Other", 4)]
    sides = (fixed, []) if origin is Origin.BUILT_IN else ([], fixed)
    registry = Registry(*sides, kept=kept)
    changed = registry.change("fixed", {"priority": 1})
    assert changed.origin is origin
    assert changed.source == plain("Fixed", 1)
    assert names(registry) == ["Fixed", "Other"]
    registry.change("FIXED", {"enabled": False})
    assert names(registry) == ["Other"]
    assert kept.changes == {"fixed": Override(1, enabled=False)}
    for fields in ({"url": URL}, {"name": "x"}, {"priority": 2, "trust": "own"}):
        refused("built-in", registry.change, "Fixed", fields)
    assert origin.value in refused("built-in", registry.remove, "fixed").detail
    again = Registry(*sides, kept=kept)
    assert again.all() == registry.all()
    assert names(again) == ["Other"]


def test_exclusion_comes_before_what_is_changed_here() -> None:
    kept = Memory(**{"built in": Override(enabled=True)})
    registry = Registry([plain("Built in", 1)], kept=kept, excluded=("built in", "mine"))
    assert registry.total == 0
    for name in ("Built in", "Mine"):
        if name == "Mine":
            assert not registry.add(MINE).enabled
        problem = refused("bad-request", registry.change, name, {"enabled": True})
        assert "EXCLUDE_SOURCES" in problem.detail
        assert not registry.change(name, {"enabled": False}).enabled
        assert not registry.change(name, {"priority": 3}).enabled
    refused("bad-request", Registry([plain("b")], excluded=("*",)).change, "b", {"enabled": True})


def test_a_program_adds_functions_that_are_not_kept() -> None:
    kept = Memory()
    registry = Registry([plain("Built in", 1)], kept=kept)
    source = FunctionSource("Mine", lambda *_: "https://host/x", priority=3)
    registry.join(source)
    assert registry.all()[1].origin is Origin.PROGRAM
    assert registry.enabled(unknown())[1] == source
    assert registry.change("mine", {"priority": 0}).source == replace(source, priority=0)
    assert registry.change("mine", {"enabled": False}).source == replace(source, priority=0)
    refused("built-in", registry.change, "mine", {"url": URL})
    assert names(registry) == ["Built in"]
    assert (kept.sources, kept.changes) == ({}, {})
    registry.remove("mine")
    registry.join(source)
    assert registry.all()[1].source == source
    assert registry.change("mine", {"priority": 0}).enabled, "nothing is left of the first one"


@pytest.mark.parametrize("wrong", [{"name": "a\nb"}, {"name": ""}, {"priority": -1}])
def test_what_a_program_joins_is_checked(wrong: Mapping[str, Any]) -> None:
    source = replace(plain("Mine"), **wrong)
    refused("bad-source", Registry([]).join, source)


def test_kept_sources_that_are_of_no_use_end_nothing(caplog: pytest.LogCaptureFixture) -> None:
    kept = Memory(
        CustomSource("Built IN", URL),
        CustomSource("Old", "https://host/{gone}"),
        CustomSource("Good", URL, enabled=False),
    )
    registry = Registry([plain("Built in")], kept=kept)
    assert names(registry, off=True) == ["Built in", "Good"]
    assert names(registry) == ["Built in"]
    assert "Built IN" in caplog.text
    assert "{gone}" in caplog.text
    assert len(kept.sources) == 3


def test_the_files_web_seeds_are_asked_first() -> None:
    media = known("Film.mkv", "Film.mkv", web_seeds=("http://seed.example/",))
    registry = Registry([plain("b", 1)], [plain("a"), plain("z", 0)])
    asked = [source.name for source in registry.enabled(media)]
    assert asked == ["a", "web seed seed.example", "z", "b"]
    assert registry.total == 3, "they belong to a torrent"


def test_who_hears_of_a_private_torrent() -> None:
    media = known("Film.mkv", "Film.mkv", web_seeds=("http://seed.example/",), private=True)
    media = replace(media, magnet=replace(media.magnet, web_seeds=("http://spy.example/",)))
    registry = Registry([plain("open"), plain("own", trust=Trust.OWN)])
    registry.add(MINE | {"redirect": True})
    asked = [source.name for source in registry.enabled(media)]
    assert asked == ["own", "web seed seed.example"]


def test_two_registries_share_nothing(builtin: list[TemplateSource]) -> None:
    one, other = Registry(builtin), Registry(builtin)
    one.add(MINE)
    one.change("Instant.io", {"priority": 99})
    assert len(other.all()) == 13
    assert other.all()[0].source.priority == 1
