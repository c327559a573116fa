from sqlalchemy import Engine

from addon.database.installs import KeptInstalls


def test_an_install_is_valid_until_it_is_revoked(engine: Engine) -> None:
    kept = KeptInstalls(engine)
    assert not kept.is_revoked("a")
    kept.add("a")
    kept.add("b")
    assert not kept.is_revoked("a")
    kept.revoke("a")
    assert kept.is_revoked("a")
    assert not kept.is_revoked("b")


def test_a_revoked_install_does_not_come_back(engine: Engine) -> None:
    kept = KeptInstalls(engine)
    kept.revoke("never noted")
    kept.add("never noted")
    kept.revoke("never noted")
    assert kept.is_revoked("never noted")
