"""Which addresses may be connected to and which URLs asked."""

import json
import subprocess
import sys
from ipaddress import ip_network

import pytest

from addon.net.addresses import AddressPolicy, Refused

OUTSIDE = AddressPolicy()
HOME = AddressPolicy(allow_private=True)

PUBLIC = [
    "1.1.1.1",
    "93.184.216.34",
    "2606:4700::1111",
    "::ffff:1.1.1.1",
    "64:ff9b::101:101",  # NAT64 of 1.1.1.1: all there is on a network without IPv4
]
AT_HOME = [
    "10.0.0.1", "10.255.255.255", "100.64.0.1", "127.0.0.1", "127.255.255.254", "172.16.0.1",
    "172.31.255.255", "192.168.1.1", "::1", "fc00::1", "fd12:3456::1", "::ffff:127.0.0.1",
    "::ffff:192.168.1.1", "64:ff9b::7f00:1", "64:ff9b::a00:1",
]  # fmt: skip
NEVER = [
    "0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.1.1", "192.0.0.1", "192.0.2.1",
    "192.88.99.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250",
    "240.0.0.1", "255.255.255.255", "::", "::2", "::127.0.0.1", "::ffff:0.0.0.0",
    "::ffff:169.254.169.254", "::ffff:224.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b::e000:1",
    "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::1", "2002:101:101::1",
    "3fff::1", "5f00::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1", "",
    "localhost", "1.1.1",
]  # fmt: skip


def allowed(policy: AddressPolicy, address: str) -> bool:
    try:
        policy.check_address(address, 80)
    except Refused:
        return False
    return True


def asked(policy: AddressPolicy, url: str) -> bool:
    try:
        policy.check_url(url)
    except Refused as refused:
        return bool(url) and url in str(refused)  # it must not be told
    return True


def given(policy: AddressPolicy, url: str) -> bool:
    try:
        policy.check_redirect_target(url)
    except Refused:
        return False
    return True


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_allowed(address: str) -> None:
    assert allowed(OUTSIDE, address)
    assert allowed(HOME, address)


@pytest.mark.parametrize("address", AT_HOME)
def test_the_local_network_is_allowed_where_the_user_allows_it(address: str) -> None:
    assert not allowed(OUTSIDE, address)
    assert allowed(HOME, address)


@pytest.mark.parametrize("address", NEVER)
def test_no_setting_opens_what_is_no_place_for_a_film(address: str) -> None:
    assert not allowed(OUTSIDE, address)
    assert not allowed(HOME, address)


# The special ranges of RFC 6890 and its successors.
SPECIAL = (
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 "
    "192.0.0.0/29 192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 "
    "203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 ::/96 100::/64 2001::/32 2001:db8::/32 2002::/16 "
    "3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8"
)


def test_both_ends_of_every_special_range_are_refused() -> None:
    for text in SPECIAL.split():
        network = ip_network(text)
        assert not allowed(OUTSIDE, str(network[0])), text
        assert not allowed(OUTSIDE, str(network[-1])), text


SPELLINGS = [
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "127.1",
    "0177.0.0.1",
    "0",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
]
# In a process without the fence, which cannot know that these are only digits.
LOOK_UP = """
import json, socket, sys
print(json.dumps({
    host: [info[4][0] for info in socket.getaddrinfo(host, 80, flags=socket.AI_NUMERICHOST)]
    for host in json.loads(sys.argv[1])
}))
"""


def test_other_spellings_of_loopback_are_refused_by_their_address() -> None:
    told = subprocess.run(
        [sys.executable, "-c", LOOK_UP, json.dumps(SPELLINGS)], check=True, capture_output=True
    )
    found = json.loads(told.stdout)
    assert found.keys() == set(SPELLINGS)
    for host, addresses in found.items():
        assert addresses, host
        assert not any(allowed(OUTSIDE, address) for address in addresses), host


HOSTILE_URLS = [
    "",
    "example.org",
    "//example.org/a",
    "/a",
    "http://",
    "http:///a",
    "http:example.org",
    "ftp://example.org/a",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "gopher://example.org/",
    "http://user@example.org/a",
    "http://user:secret@example.org/a",
    "http://@example.org/a",
    "http://example.org\\@127.0.0.1/",
    "http://example.org\\.local/",
    "http://[::1/",
    "http://[fe80::1%25eth0]/",
    "http://127.0.0.1%2f.example.org/",
    "http://example.org:0/",
    "http://example.org:65536/",
    "http://example.org:-1/",
    "http://example.org:http/",
    "http://example.org:22\r\n/",
    "http://example.org/a\r\nX: y",
    "http://example.org/a\nb",
    "http://example.org/\x00",
    "http://example.org/\x7f",
    "http://example.org/\x85",
    "http://exa\tmple.org/",
    "http://hidden.onion/",
    "http://0.0.0.0/",
    "http://224.0.0.1/",
    "http://[::]/",
    "http://[ff02::1]/",
    "http://169.254.169.254/latest/meta-data",
    "http://example.org/" + "a" * 8192,
]
LOCAL_URLS = [
    "http://localhost/",
    "http://localhost./",
    "http://LOCALHOST/",
    "http://nas/film.mkv",
    "http://nas.local/film.mkv",
    "http://nas.local./film.mkv",
    "http://metadata.google.internal/",
    "http://a.localhost/",
    "http://2130706433/",
    "http://0/",
    "http://127.0.0.1/",
    "http://127.0.0.1./",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[0:0:0:0:0:ffff:7f00:1]/",
    "http://192.168.1.1/",
    "http://example.org:22/",
    "http://example.org:25/",
    "https://example.org:993/",
]


@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_a_hostile_url_is_refused(url: str) -> None:
    assert not asked(OUTSIDE, url)
    assert not asked(HOME, url)
    assert not given(HOME, url)


@pytest.mark.parametrize("url", LOCAL_URLS)
def test_a_local_url_is_asked_only_where_the_user_allows_it(url: str) -> None:
    assert not asked(OUTSIDE, url)
    assert not given(OUTSIDE, url)
    assert asked(HOME, url)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org",
        "HTTPS://Example.ORG/A?b=c#d",
        "http://example.org:80/",
        "http://example.org:8080/",
        "https://example.org:8443/",
        "http://example.org:1024/",
        "http://example.org:65535/",
        "http://example.org:/",
        "http://1.1.1.1/film.mkv",
        "http://[2606:4700::1111]:8080/film.mkv",
        "http://example.org/a b/ü/film.mkv",
        "http://bücher.example/film.mkv",
        "http://my_host.example.org/film.mkv",
        "http://localhost.example.org/",
        "http://example.org/?u=http://user@127.0.0.1/",
    ],
)
def test_a_url_of_the_internet_is_asked(url: str) -> None:
    assert asked(OUTSIDE, url)
    assert asked(HOME, url)


def test_the_server_does_not_ask_itself() -> None:
    policy = AddressPolicy(
        allow_private=True, own=frozenset({("Films.Example.org", 443), ("127.0.0.1", 7000)})
    )
    assert not asked(policy, "https://films.example.org/play/1")
    assert not asked(policy, "https://films.example.org.:443/play/1")
    assert asked(policy, "https://films.example.org:8443/")
    assert asked(policy, "http://films.example.org/")
    assert not asked(policy, "http://127.0.0.1:7000/")
    assert not given(policy, "http://127.0.0.1:7000/")
    assert asked(policy, "http://127.0.0.1:7001/")
    for spelling in ("127.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"):
        with pytest.raises(Refused):
            policy.check_address(spelling, 7000)
        policy.check_address(spelling, 7001)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/a%20b/film.mkv?x=1&y=%C3%BC",
        "http://example.org:8080/(a)/film[1].mkv",
        "http://1.1.1.1/film.mkv",
        "http://[2606:4700::1111]/film.mkv",
        "https://xn--bcher-kva.example/film.mkv",
    ],
)
def test_a_player_may_be_sent_there(url: str) -> None:
    assert given(OUTSIDE, url)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/a b",
        "https://example.org/ü",
        "https://bücher.example/",
        "https://example.org/100%",
        "https://example.org/%zz",
        'https://example.org/"',
        "https://example.org/<a>",
        "https://example.org/a\\b",
        "//example.org/a",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://127.1/",
        "http://0177.0.0.1/",
        "http://example.0x7f/",
        "http://1.2.3.4.5/",
        "http://example.org,evil/",
        "https://example.org/" + "a" * 2048,
    ],
)
def test_a_player_is_not_sent_there(url: str) -> None:
    assert not given(OUTSIDE, url)
    assert not given(HOME, url)
