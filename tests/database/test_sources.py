"""Sources that were added or changed come back as they were."""

import random
from pathlib import Path

import pytest
from sqlalchemy import Engine

from addon.database.sources import KeptSources
from addon.database.sqlite import open_sqlite
from addon.errors import Problem
from addon.sources.base import Trust
from addon.sources.catalogue import BUILT_IN, load_catalogue
from addon.sources.custom import CustomSource
from addon.sources.registry import Override, Registry

WHOLE = CustomSource(
    name="Ünser „Dienst“ 🎬",
    url="https://host/{infohash}?key=1",
    priority=7,
    trust=Trust.OWN,
    redirect=True,
    needs_metadata=True,
    resumable=False,
    headers=(("X-B", "2"), ("X-A", "1")),
    note="a 'note'",
    enabled=False,
)


def test_a_source_comes_back_whole(engine: Engine) -> None:
    kept = KeptSources(engine)
    plain = CustomSource("Plain", "https://host/{infohash}")
    kept.put(WHOLE, WHOLE.key)
    kept.put(plain, plain.key)
    assert kept.custom() == [plain, WHOLE]
    kept.remove(WHOLE.key)
    kept.remove("never there")
    assert kept.custom() == [plain]


def test_a_source_takes_another_ones_place(engine: Engine) -> None:
    kept = KeptSources(engine)
    kept.put(WHOLE, WHOLE.key)
    for name in ("New", "NEW", "Newer"):
        before = kept.custom()[0].key
        kept.put(CustomSource(name, "u"), before)
        assert kept.custom() == [CustomSource(name, "u")]


def test_changes_come_back_and_know_what_was_left_alone(engine: Engine) -> None:
    kept = KeptSources(engine)
    assert kept.overrides() == {}
    kept.override("a", Override(priority=0))
    kept.override("a", Override(priority=0, enabled=False))
    kept.override("b", Override(enabled=True))
    assert kept.overrides() == {
        "a": Override(0, enabled=False),
        "b": Override(None, enabled=True),
    }


def test_a_registry_is_the_same_after_a_restart(engine: Engine) -> None:
    """Whatever was done to it: a few hundred random changes, some of them refused."""

    def started() -> Registry:
        return Registry(load_catalogue(BUILT_IN), kept=KeptSources(engine), excluded=("BTCache",))

    random.seed(7)
    names = ["Instant.io", "seedr.CC", "BTCache", *"abcdef", "A", "straße", "STRASSE"]
    registry = started()
    done = refusals = 0
    for step in range(300):
        name, other = random.choices(names, k=2)
        fields = {
            "priority": random.randrange(20),
            "enabled": random.random() < 0.5,
            "url": f"https://host/{{infohash}}/{step}",
            "headers": {"X-Step": str(step)},
            "trust": random.choice(["own", "open"]),
            "name": other,
        }
        some = dict(random.sample(list(fields.items()), random.randrange(1, 4)))
        try:
            match random.randrange(5):
                case 0 | 1:
                    registry.add(fields | {"name": name})
                case 2:
                    registry.remove(name)
                case _:
                    registry.change(name, some)
            done += 1
        except Problem:
            refusals += 1
        if step % 20 == 0:
            assert started().all() == registry.all()
    assert started().all() == registry.all()
    assert done > 50
    assert refusals > 50


def test_a_registry_that_cannot_write_stays_as_it_was(tmp_path: Path) -> None:
    engine = open_sqlite(tmp_path / "small.sqlite")
    registry = Registry([], kept=KeptSources(engine))
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    headers = {f"X-{n}": "y" * 2000 for n in range(20)}
    with pytest.raises(Problem) as caught:
        registry.add({"name": "Mine", "url": "https://host/{infohash}", "headers": headers})
    assert caught.value.code == "disk-full"
    assert registry.all() == []
    engine.dispose()
