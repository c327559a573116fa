import pytest

from addon.access.gate import Gate
from addon.access.keys import Keys
from addon.errors import Problem

KEY, OTHER_KEY = "correct-horse-battery", "staple-staple-stäple"
OPEN = Keys((), public=False, signing=(b"s",))
PUBLIC = Keys((), public=True, signing=(b"s",))
CLOSED = Keys((KEY, OTHER_KEY), public=False, signing=(b"s",))


def gate(
    keys: Keys, host: str = "127.0.0.1", base_url: str | None = None, trust_proxy: bool = False
) -> Gate:
    return Gate(keys, host, base_url, trust_proxy)


def refused(tested: Gate, host: str, *header_names: str) -> bool:
    try:
        tested.check_open_request(host, header_names)
    except Problem as problem:
        return problem.code == "set-access-key" and "ACCESS_KEY" in problem.hint
    return False


def test_open_or_closed() -> None:
    assert gate(OPEN).is_open
    assert gate(PUBLIC, "0.0.0.0", "https://films.example.org", trust_proxy=True).is_open
    assert not gate(CLOSED).is_open


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:7000",
        "127.0.0.1",
        "127.0.0.1:7000",
        "127.1.2.3",
        "[::1]",
        "[::1]:80",
    ],
)
def test_an_open_server_answers_this_machine(host: str) -> None:
    assert not refused(gate(OPEN), host, "Host", "User-Agent", "Range", "Accept")


@pytest.mark.parametrize(
    "host",
    [
        *("", "films.example.org", "192.168.1.2:7000", "[::2]", "0.0.0.0", "0", "2130706433"),
        *("localhost.evil.org", "evil.org#localhost", "evil@localhost", "localhost@evil.org"),
        *("localhost, evil.org", "localhost/evil", "localhost:x", "localhost:99999", "[::1", "::1"),
        *("127.0.0.1.evil.org", "localhost\n", " localhost", "ü", "127.1"),
    ],
)
def test_an_open_server_refuses_every_other_name(host: str) -> None:
    assert refused(gate(OPEN), host)


@pytest.mark.parametrize(
    "name",
    [
        *("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"),
        *("x-forwarded-anything", "X_FORWARDED_FOR", "via", "X-Real-IP"),
    ],
)
def test_an_open_server_refuses_what_came_through_a_proxy(name: str) -> None:
    assert refused(gate(OPEN), "localhost:7000", "Accept", name)


def test_the_check_is_for_open_servers_only() -> None:
    for tested in (gate(CLOSED), gate(PUBLIC, "0.0.0.0")):
        assert not refused(tested, "films.example.org", "X-Forwarded-For")


@pytest.mark.parametrize(
    ("host", "base_url", "trust_proxy"),
    [
        ("0.0.0.0", None, False),
        ("films.lan", None, False),
        ("127.0.0.1", "https://films.example.org", False),
        ("127.0.0.1", None, True),
    ],
)
def test_no_gate_without_a_key_where_others_come(
    host: str, base_url: str | None, trust_proxy: bool
) -> None:
    with pytest.raises(ValueError, match="needs an access key"):
        gate(OPEN, host, base_url, trust_proxy)
    assert not gate(CLOSED, host, base_url, trust_proxy).is_open


def test_a_loopback_address_is_no_reason_for_a_key() -> None:
    assert gate(OPEN, "::1", "http://localhost:7000/tv").is_open


@pytest.mark.parametrize("header", [f"Bearer {KEY}", f"bearer  {KEY} ", f"Bearer {OTHER_KEY}"])
def test_bearer(header: str) -> None:
    assert gate(CLOSED).bearer_ok(header)


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", KEY, f"Basic {KEY}", f"Bearer {KEY}x", "Bearer \ud800"],
)
def test_no_bearer(header: str | None) -> None:
    assert not gate(CLOSED).bearer_ok(header)


def test_keys() -> None:
    tested = gate(CLOSED)
    assert tested.key_ok(KEY)
    assert tested.key_ok(OTHER_KEY)
    for wrong in ("", KEY[:-1], KEY + " ", KEY.upper(), "public", "\udcff", "x" * 100_000):
        assert not tested.key_ok(wrong)


@pytest.mark.parametrize("keys", [OPEN, PUBLIC])
def test_where_no_key_is_asked_for_none_is_right(keys: Keys) -> None:
    for text in ("", "public", KEY):
        assert not gate(keys).key_ok(text)
        assert not gate(keys).bearer_ok(f"Bearer {text}")
