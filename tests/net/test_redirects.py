"""Redirects are followed by hand; neither they nor names lead to where nobody may go."""

import itertools
import resource
from collections.abc import Callable

import pytest

from addon.net.addresses import AddressPolicy
from addon.net.client import Client, HttpError, Kind
from tests.net.asking import (
    HERE,
    SHORT,
    Blessed,
    Listener,
    failure,
    resolver,
    soon,
    whole,
)
from tests.rig.liars import Liars

TARGETS = [
    "http://{0}:{1}/x",
    "http://user@{0}:{1}/x",
    "http://2130706439:{1}/x",
    "http://0x7f.7:{1}/x",
    "http://0x7f.0.0.7:{1}/x",
    "http://0177.0.0.7:{1}/x",
    "http://127.7:{1}/x",
    "http://①②⑦.⓪.⓪.⑦:{1}/x",
    "http://127。0。0。7:{1}/x",
    "http://[::ffff:{0}]:{1}/x",
    "http://[::ffff:7f00:7]:{1}/x",
    "http://[64:ff9b::7f00:7]:{1}/x",
    "http://[2002:7f00:7::]:{1}/x",
    "http://[::{0}]:{1}/x",
    "http://localhost:{1}/x",
    "http://localhost.:{1}/x",
    "http://inside.test:{1}/x",
    "http://a.test\\@{0}:{1}/x",
    "//{0}:{1}/x",
    "\\\\{0}:{1}/x",
    " http://{0}:{1}/x",
    "https://{0}:{1}/x",
    "ftp://{0}:{1}/x",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "gopher://{0}:{1}/_x",
    "data:text/html,x",
]


def test_the_body_of_a_redirect_is_not_read(client: Client, liars: Liars) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = client.open(liars.url("big-redirect-body", "short one.mp4"), deadline=soon())
    assert whole(answer) == SHORT
    assert answer.hops == (liars.url("big-redirect-body", "short one.mp4"),)
    assert answer.url == liars.url("honest", "short one.mp4")
    assert liars.open_after() == 0
    # What the two kernels' buffers took, of 200 MB.
    assert liars.counts()["sent"] < 20_000_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


def test_redirects_are_followed_and_told(client: Client, liars: Liars, there: Liars) -> None:
    last = there.url("honest", "short one.mp4")
    urls = [last]
    for _ in range(5):
        urls.insert(0, liars.redirecting(urls[0]))
    with client.open(urls[0], deadline=soon(), span=(0, 10)) as answer:
        assert answer.status == 206
        assert answer.url == last
        assert answer.hops == tuple(urls[:-1])
        assert answer.read(10, soon()) == SHORT[:10]
    six = liars.redirecting(urls[0])
    assert failure(lambda: client.open(six, deadline=soon())).kind is Kind.REDIRECTS
    assert {one["headers"].get("range") for one in there.requests()} == {"bytes=0-9"}


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("/honest/short%20one.mp4", "/honest/short%20one.mp4"),
        ("../honest/short%20one.mp4", "/honest/short%20one.mp4"),
        ("/honest/short one.mp4", "/honest/short%20one.mp4"),
        ("/honest/short%20one.mp4#part", "/honest/short%20one.mp4"),
        ("/honest/ü", "/honest/%C3%BC"),
        ("?x", "/redirect-to/%3Fx?x"),
    ],
)
def test_a_location_may_be_relative(client: Client, liars: Liars, location: str, path: str) -> None:
    url = liars.redirecting(location)
    if location == "?x":
        failure(lambda: client.open(url, deadline=soon()))
    else:
        client.open(url, deadline=soon()).close()
    assert liars.requests()[1]["path"] == path


def test_headers_stay_with_their_place(client: Client, liars: Liars, there: Liars) -> None:
    secret = [("Authorization", "Bearer secret"), ("accept-encoding", "gzip")]
    back = liars.url("honest", "short one.mp4")
    url = liars.redirecting(liars.redirecting(there.redirecting(back)))
    client.open(url, headers=secret, deadline=soon()).close()
    given = [one["headers"].get("authorization") for one in liars.requests()]
    assert given == ["Bearer secret", "Bearer secret", None]
    assert [one["headers"].get("authorization") for one in there.requests()] == [None]
    seen = liars.requests() + there.requests()
    assert {one["headers"]["accept-encoding"] for one in seen} == {"identity"}


@pytest.mark.parametrize("target", TARGETS)
def test_no_redirect_leads_inside(
    make: Callable[..., Client], liars: Liars, forbidden: Listener, target: str
) -> None:
    client = make(Blessed(HERE), resolve=resolver(inside_test=["127.0.0.7"], localhost=["::1"]))
    url = target.format(forbidden.address, forbidden.port)
    error = failure(lambda: client.open(liars.redirecting(url), deadline=soon()))
    assert error.kind in (Kind.ADDRESS, Kind.REDIRECTS)
    error = failure(lambda: client.open(url, deadline=soon()))
    assert error.kind is Kind.ADDRESS
    assert {one["path"].split("/")[1] for one in liars.requests()} == {"redirect-to"}


def test_the_servers_own_name_in_disguise(make: Callable[..., Client]) -> None:
    own = frozenset({("films.test", 8080), ("xn--bcher-kva.test", 8080)})
    client = make(AddressPolicy(own=own), resolve=resolver())
    for host in ("films.test", "FILMS.test.", "ﬁlms.test", "ⓕilms。test", "bücher.test"):
        url = f"http://{host}:8080/"
        assert failure(lambda url=url: client.open(url, deadline=soon())).kind is Kind.ADDRESS


def test_every_address_of_a_name_is_checked(
    make: Callable[..., Client], liars: Liars, forbidden: Listener
) -> None:
    client = make(
        Blessed(HERE),
        resolve=resolver(
            mixed_test=[f"127.0.0.7 ::1 fe80::1%lo {HERE} 10.0.0.1"],
            inside_test=["127.0.0.7 ::1 10.0.0.1"],
        ),
    )
    url = f"http://mixed.test:{liars.port}/honest/short%20one.mp4"
    assert client.fetch(url, most=5000, deadline=soon()) == SHORT
    assert liars.requests()[0]["headers"]["host"] == f"mixed.test:{liars.port}"
    # At the listener's port the allowed address has nobody, the forbidden one has.
    at_listener = f"http://mixed.test:{forbidden.port}/"
    assert failure(lambda: client.open(at_listener, deadline=soon())).kind is Kind.CONNECT
    inside = f"http://inside.test:{forbidden.port}/"
    assert failure(lambda: client.open(inside, deadline=soon())).kind is Kind.ADDRESS


@pytest.mark.parametrize("turns", [[HERE, "127.0.0.7"], ["127.0.0.7", HERE]])
def test_a_name_that_changes_its_mind(
    make: Callable[..., Client], liars: Liars, forbidden: Listener, turns: list[str]
) -> None:
    clock = itertools.count(0, 1000)  # each look-up finds the answers before it too old
    client = make(
        Blessed(HERE), resolve=resolver(rebind_test=turns), clock=lambda: float(next(clock))
    )
    kinds = []
    for port in (liars.port, forbidden.port):
        try:
            client.open(f"http://rebind.test:{port}/honest/film.mp4", deadline=soon()).close()
            kinds.append(None)
        except HttpError as error:
            kinds.append(error.kind)
    # Whichever comes first, only the blessed address is ever connected to.
    assert kinds == ([None, Kind.ADDRESS] if turns[0] == HERE else [Kind.ADDRESS, Kind.CONNECT])
