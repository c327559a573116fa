"""Encrypted, to the one whose name was asked for, or not at all."""

import socket
from collections.abc import Callable
from pathlib import Path

import gevent

from addon.net.client import Client, Kind
from tests.net.asking import FILM, HERE, failure, resolver, soon
from tests.net.certificates import certificate_for
from tests.rig.liars import Liars


def test_https(make: Callable[..., Client], folder: Path, tmp_path: Path) -> None:
    authority, certificate = certificate_for("media.test", tmp_path)
    resolve = resolver(media_test=[HERE], other_test=[HERE])
    with Liars(folder, HERE, certificate) as secure:
        path = f":{secure.port}/honest/film.mp4?key=secret"
        trusting = make(resolve=resolve, certificates=str(authority))
        url = f"https://media.test{path}"
        assert trusting.fetch(url, most=len(FILM), deadline=soon()) == FILM
        # A certificate of somebody else, and one that nobody vouches for.
        other = f"https://other.test{path}"
        assert failure(lambda: trusting.open(other, deadline=soon())).kind is Kind.TLS
        bare = f"https://{HERE}{path}"
        assert failure(lambda: trusting.open(bare, deadline=soon())).kind is Kind.TLS
        usual = make(resolve=resolve)
        error = failure(lambda: usual.open(url, deadline=soon()))
        assert error.kind is Kind.TLS
        assert "media.test" in error.detail
        # Never from https to http.
        down = f"https://media.test:{secure.port}/redirect-to/http%3A%2F%2Fmedia.test%2F"
        assert failure(lambda: trusting.open(down, deadline=soon())).kind is Kind.REDIRECTS
        # The faults of the body are the same.
        for fault, kind in (("close-early", Kind.CUT), ("drip", Kind.TIMEOUT)):
            url = f"https://media.test:{secure.port}/{fault}/film.mp4"
            error = failure(lambda url=url: trusting.fetch(url, most=1 << 30, deadline=soon(0.5)))
            assert error.kind is kind
        assert secure.open_after() == 0


def test_tls_with_those_who_do_not_speak_it(client: Client, liars: Liars) -> None:
    url = f"https://{HERE}:{liars.port}/honest/film.mp4"
    assert failure(lambda: client.open(url, deadline=soon(0.5))).kind in (Kind.TLS, Kind.TIMEOUT)
    with socket.create_server(("127.0.0.8", 0)) as silent:
        url = f"https://127.0.0.8:{silent.getsockname()[1]}/"
        assert failure(lambda: client.open(url, deadline=soon(0.3))).kind is Kind.TIMEOUT
        asking = gevent.spawn(client.open, url, deadline=soon(30))
        gevent.sleep(0.1)
        asking.kill(timeout=1)
        assert asking.dead
    assert liars.open_after() == 0
