from addon.access.installs import Install, Installs
from addon.access.keys import Keys
from addon.access.sealing import Sealer
from tests.access.stores import Revoked

KEYS = Keys((), public=False, signing=(b"signing",))


def test_an_install_comes_back_whole() -> None:
    installs = Installs(KEYS, Revoked())
    for install in (
        Install("0123456789abcdef"),
        Install("0123456789abcdef", {"language": "de", "sort": "größe"}),
        Install.new({"quality": "1080p"}),
    ):
        assert installs.open(installs.seal(install)) == install


def test_the_token_is_short_stable_and_shows_nothing() -> None:
    installs = Installs(KEYS, Revoked())
    plain = installs.seal(Install("0123456789abcdef"))
    assert len(plain) < 64
    assert "0123456789abcdef" not in plain
    one = installs.seal(Install("0123456789abcdef", {"a": "1", "b": "2"}))
    other = installs.seal(Install("0123456789abcdef", {"b": "2", "a": "1"}))
    assert one == other


def test_ids_are_never_given_twice() -> None:
    assert len({Install.new().id for _ in range(1000)}) == 1000


def test_a_changed_token_is_no_install() -> None:
    installs = Installs(KEYS, Revoked())
    token = installs.seal(Install("0123456789abcdef"))
    for at, sign in enumerate(token):
        assert installs.open(token[:at] + ("A" if sign != "A" else "B") + token[at + 1 :]) is None
    assert installs.open("manifest.json") is None
    assert installs.open("") is None


def test_a_revoked_install_is_none() -> None:
    revoked = Revoked()
    installs = Installs(KEYS, revoked)
    gone, kept = Install.new(), Install.new()
    tokens = installs.seal(gone), installs.seal(kept)
    revoked.add(gone.id)
    assert installs.open(tokens[0]) is None
    assert installs.open(tokens[1]) == kept


def test_a_version_of_later_is_none() -> None:
    sealed = Sealer(KEYS.signing, "install").seal(b'\x02["0123456789abcdef",{}]')
    assert Installs(KEYS, Revoked()).open(sealed) is None
