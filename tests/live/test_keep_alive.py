"""Many requests on one connection: each answer is complete, and nothing lies between two."""

from collections.abc import Callable
from random import Random

import pytest

from tests.live.pace import SMALL
from tests.rig.http import Connection, Reply, ask_for, request
from tests.rig.lab import MIB, Lab
from tests.rig.server import Server
from tests.rig.viewing import Viewing, view

OTHER = '"0123456789abcdef0123456789abcdef01234567-0"'


class Talk:
    """Requests about one film on one connection; each answer must be the right one."""

    def __init__(self, film: Viewing, connection: Connection) -> None:
        self.film = film
        self.connection = connection
        self.etag = f'"{film.torrent.key}-0"'

    def ask(self, headers: dict[str, str] | None = None, method: str = "GET") -> Reply:
        self.connection.ask(self.film.url, headers, method)
        reply = self.connection.reply()
        assert reply.headers.get("connection", "keep-alive") == "keep-alive"
        assert "transfer-encoding" not in reply.headers
        return reply

    def part(self, first: int, last: int, **more: str) -> None:
        reply = self.ask(ask_for(first, last) | more)
        assert (reply.status, reply.headers["etag"]) == (206, self.etag)
        assert reply.headers["content-range"] == f"bytes {first}-{last}/{self.film.size}"
        assert reply.body == self.film.data[first : last + 1]

    def whole(self, headers: dict[str, str] | None = None) -> None:
        reply = self.ask(headers)
        assert (reply.status, reply.headers["etag"]) == (200, self.etag)
        assert "content-range" not in reply.headers
        assert reply.body == self.film.data


def any_range(talk: Talk, random: Random) -> None:
    first = random.randrange(talk.film.size)
    talk.part(first, min(talk.film.size, first + random.randint(1, 300_000)) - 1)


def last_bytes(talk: Talk, random: Random) -> None:
    count = random.randint(1, 100_000)
    reply = talk.ask({"Range": f"bytes=-{count}"})
    assert (reply.status, reply.body) == (206, talk.film.data[-count:])


def to_the_end(talk: Talk, random: Random) -> None:
    first = talk.film.size - random.randint(1, 500_000)
    reply = talk.ask(ask_for(first))
    assert (reply.status, reply.body) == (206, talk.film.data[first:])


def everything(talk: Talk, random: Random) -> None:
    talk.whole()


def no_such_range(talk: Talk, random: Random) -> None:
    reply = talk.ask(ask_for(talk.film.size + random.randrange(100)))
    assert (reply.status, reply.json()["code"]) == (416, "bad-range")
    assert reply.headers["content-range"] == f"bytes */{talk.film.size}"


def head(talk: Talk, random: Random) -> None:
    reply = talk.ask(ask_for(0, 9) if random.random() < 0.5 else None, "HEAD")
    assert (reply.status, reply.body, reply.headers["etag"]) == (200, b"", talk.etag)
    assert int(reply.headers["content-length"]) == talk.film.size


def known_already(talk: Talk, random: Random) -> None:
    for etag in (talk.etag, f"W/{talk.etag}", f"{OTHER}, {talk.etag}", "*"):
        reply = talk.ask({"If-None-Match": etag} | ask_for(0, 9))
        assert (reply.status, reply.body, reply.headers["etag"]) == (304, b"", talk.etag)
        assert "content-length" not in reply.headers


def not_known_yet(talk: Talk, random: Random) -> None:
    talk.part(5, 5000, **{"If-None-Match": OTHER})


def the_same_film(talk: Talk, random: Random) -> None:
    talk.part(10, 20_000, **{"If-Range": talk.etag})


def another_film(talk: Talk, random: Random) -> None:
    for other in (OTHER, f"W/{talk.etag}", "Wed, 25 Nov 2026 10:00:00 GMT"):
        talk.whole(ask_for(10, 20) | {"If-Range": other})


def only_this_film(talk: Talk, random: Random) -> None:
    # VLC does so in each later request.
    talk.part(100, 40_000, **{"If-Match": talk.etag})
    talk.part(7, 7, **{"If-Match": "*"})


def preflight(talk: Talk, random: Random) -> None:
    reply = talk.ask({"Origin": "https://web.stremio.com"}, "OPTIONS")
    assert (reply.status, reply.body) == (204, b"")


def an_error(talk: Talk, random: Random) -> None:
    connection = talk.connection
    connection.ask(talk.film.url.replace("/play/", "/plays/"))
    assert connection.reply().status == 404


MIXED: list[Callable[[Talk, Random], None]] = [
    *(head, no_such_range, known_already, not_known_yet, the_same_film, another_film),
    *(only_this_film, last_bytes, to_the_end, everything, preflight, an_error),
]


def test_a_hundred_requests_on_one_connection(lab: Lab, server: Server) -> None:
    film = view(lab, server, lab.torrent(6 * MIB - 1234, 128 * 1024), rate=4 * MIB)
    random = Random(7)
    jobs = [any_range] * 80 + MIXED * 2
    random.shuffle(jobs)
    with Connection(film.url) as connection:
        talk = Talk(film, connection)
        any_range(talk, random)
        assert film.still_downloading()
        for job in jobs:
            job(talk, random)
            assert connection.stray(0.001) == b"", job.__name__
        assert connection.stray() == b""
        # What says "close" is the last one.
        connection.ask(film.url, ask_for(0, 9) | {"Connection": "close"})
        assert connection.reply().body == film.data[:10]
        with pytest.raises(ConnectionError):
            head(talk, random)


def test_if_match_with_another_etag(lab: Lab, server: Server) -> None:
    film = view(lab, server, lab.torrent(MIB))
    film.part(0, 9)
    assert request(film.url, ask_for(0, 9) | {"If-Match": OTHER}).status == 412


def test_requests_sent_before_they_are_answered(lab: Lab, server: Server) -> None:
    film = view(lab, server, lab.torrent(4 * MIB, 256 * 1024), rate=4 * MIB)
    random = Random(1)
    spans = [(first := random.randrange(film.size - MIB), first + 99_999) for _ in range(12)]
    with Connection(film.url) as connection:
        for span in spans:
            connection.ask(film.url, ask_for(*span))
        for first, last in spans:
            reply = connection.reply()
            assert (reply.status, reply.body) == (206, film.data[first : last + 1])
        assert connection.stray() == b""


def test_after_a_stream_that_was_left_a_new_connection_works(lab: Lab, server: Server) -> None:
    film = view(lab, server, lab.torrent(16 * MIB), rate=8 * MIB)
    for number in range(8):
        stream = film.open(number * MIB, buffer=SMALL)
        stream.read_exactly(1000)
        if number % 2:
            stream.reset()
        else:
            stream.close()
        film.part(number * MIB, number * MIB + 999)
    with film.open() as stream:
        assert stream.digest() == film.sha256


def test_a_body_that_cannot_go_on_ends_its_connection(lab: Lab, server: Server) -> None:
    film = view(lab, server, lab.torrent(16 * MIB), rate=4 * MIB)
    stream = film.open(0)
    got = stream.read_exactly(2 * MIB)
    # The next request is there already: its answer would be taken for the rest of the film.
    stream.ask(film.url, ask_for(0, 9))
    removed = request(f"{server.url}/api/torrents/{film.torrent.key}", method="DELETE")
    assert removed.status == 204
    rest = bytearray()

    def until_it_ends() -> None:
        while part := stream.read(MIB):
            rest.extend(part)

    with pytest.raises(ConnectionError):
        until_it_ends()
    stream.close()
    got += rest
    assert film.wrong(got, 0) == 0
    assert len(got) < film.size
