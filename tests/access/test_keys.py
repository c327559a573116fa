import pytest

from addon.access.installs import Install, Installs
from addon.access.keys import Keys, load_keys
from addon.settings import Settings, load_settings
from tests.access.stores import Revoked, Store

KEY, OTHER_KEY = "correct-horse-battery", "staple-staple-staple"
INSTALL = Install("0123456789abcdef")


def keys(environ: dict[str, str], store: Store | None = None) -> Keys:
    return load_keys(load_settings(environ), Store() if store is None else store)


def token(made: Keys) -> str:
    return Installs(made, Revoked()).seal(INSTALL)


def opens(made: Keys, text: str) -> bool:
    return Installs(made, Revoked()).open(text) == INSTALL


def test_on_loopback_no_key_is_asked_for() -> None:
    store = Store()
    made = keys({}, store)
    assert (made.access_keys, made.public, made.generated) == ((), False, False)
    assert list(store.values) == ["signing-key"]


def test_elsewhere_a_key_is_made_once_and_kept() -> None:
    store = Store()
    first = keys({"HOST": "0.0.0.0"}, store)
    assert first.generated
    assert len(first.access_keys) == 1
    assert len(first.access_keys[0]) >= 40
    again = keys({"HOST": "0.0.0.0"}, store)
    assert not again.generated
    assert again.access_keys == first.access_keys
    assert keys({"HOST": "0.0.0.0"}).access_keys != first.access_keys


def test_a_made_key_may_be_put_into_the_settings() -> None:
    (made,) = keys({"HOST": "0.0.0.0"}).access_keys
    assert keys({"ACCESS_KEY": made}).access_keys == (made,)


def test_a_key_that_is_set_is_not_kept() -> None:
    store = Store()
    made = keys({"HOST": "0.0.0.0", "ACCESS_KEY": f"{KEY},{OTHER_KEY}", "SECRET_KEY": KEY}, store)
    assert made.access_keys == (KEY, OTHER_KEY)
    assert not made.generated
    assert store.values == {}


def test_public_is_no_key() -> None:
    made = keys({"HOST": "0.0.0.0", "ACCESS_KEY": "public"})
    assert (made.access_keys, made.public, made.generated) == ((), True, False)


def test_tokens_outlive_a_restart() -> None:
    store = Store()
    text = token(keys({}, store))
    assert opens(keys({}, store), text)
    assert token(keys({}, store)) == text
    assert not opens(keys({}), text)


def test_tokens_outlive_a_wiped_disk() -> None:
    environ = {"DYNO": "web.1", "ACCESS_KEY": f"{KEY},{OTHER_KEY}"}
    store = Store()
    text = token(keys(environ, store))
    assert store.values == {}
    assert opens(keys(environ), text)
    assert opens(keys(environ | {"ACCESS_KEY": f"{OTHER_KEY},{KEY}"}), text)
    assert not opens(keys(environ | {"ACCESS_KEY": OTHER_KEY}), text)


def test_a_derived_key_is_not_the_access_key_itself() -> None:
    assert KEY.encode() not in keys({"DYNO": "web.1", "ACCESS_KEY": KEY}).signing


def test_secret_keys_are_changed_one_after_the_other() -> None:
    text = token(keys({"SECRET_KEY": KEY}))
    assert opens(keys({"SECRET_KEY": f"{OTHER_KEY},{KEY}"}), text)
    assert not opens(keys({"SECRET_KEY": OTHER_KEY}), text)
    assert opens(keys({"SECRET_KEY": KEY, "DYNO": "web.1", "ACCESS_KEY": OTHER_KEY}), text)


def test_nothing_seals_with_nothing() -> None:
    settings = Settings(platform="Heroku", access_key=("public",))
    with pytest.raises(ValueError, match="nothing can seal"):
        load_keys(settings, Store())


def test_repr_hides_the_keys() -> None:
    shown = repr(keys({"ACCESS_KEY": KEY, "SECRET_KEY": OTHER_KEY}))
    assert KEY not in shown
    assert OTHER_KEY not in shown
