"""What is kept of health is exactly what was saved last."""

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError

from addon.database.health import KeptHealth
from addon.database.tables import health


def test_what_was_saved_comes_back_and_no_more(engine: Engine) -> None:
    kept = KeptHealth(engine)
    assert kept.load() == {}
    kept.save({"Instant.io": '{"a": 1}', "web seed é.example #2": "{}"})
    kept.save({"Instant.io": '{"a": 2}', "Mine": "{}"})
    assert kept.load() == {"Instant.io": '{"a": 2}', "Mine": "{}"}
    kept.save({})
    assert kept.load() == {}


def test_when_it_was_saved_stands_beside_it(engine: Engine) -> None:
    KeptHealth(engine, clock=lambda: 1234.9).save({"Mine": "{}"})
    with engine.connect() as connection:
        assert connection.execute(select(health)).all() == [("Mine", "{}", 1234)]


def test_a_save_that_fails_leaves_the_last_one(engine: Engine) -> None:
    kept = KeptHealth(engine)
    kept.save({"Mine": "{}"})
    with pytest.raises(IntegrityError):
        kept.save({"Other": "{}", "Broken": None})  # type: ignore[dict-item]
    assert kept.load() == {"Mine": "{}"}
