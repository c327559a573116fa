from sqlalchemy import Engine

from addon.database.keys import KeptKeys


def test_a_key_is_kept_and_may_be_changed(engine: Engine) -> None:
    kept = KeptKeys(engine)
    assert kept.get("signing-key") is None
    kept.put("signing-key", "first")
    kept.put("access-key", "other")
    kept.put("signing-key", "second")
    assert kept.get("signing-key") == "second"
    assert kept.get("access-key") == "other"
