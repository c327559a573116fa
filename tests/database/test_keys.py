import gevent
from sqlalchemy import Engine

from addon.database.keys import KeptKeys


def test_the_first_value_of_a_key_wins(engine: Engine) -> None:
    kept = KeptKeys(engine)
    assert kept.get("signing-key") is None
    assert kept.put("signing-key", "first") == "first"
    assert kept.put("access-key", "other") == "other"
    assert kept.put("signing-key", "second") == "first"
    assert kept.get("signing-key") == "first"
    assert kept.get("access-key") == "other"


def test_a_key_is_changed_by_whoever_knows_it(engine: Engine) -> None:
    kept = KeptKeys(engine)
    kept.put("install", "first")
    assert kept.put("install", "second", instead_of="first") == "second"
    assert kept.put("install", "third", instead_of="first") == "second"
    assert kept.get("install") == "second"


def test_of_many_who_make_a_key_at_once_all_get_the_same(engine: Engine) -> None:
    kept = KeptKeys(engine)
    made = [gevent.spawn(kept.put, "signing-key", str(number)) for number in range(8)]
    gevent.joinall(made, raise_error=True)
    assert {greenlet.value for greenlet in made} == {kept.get("signing-key")}
