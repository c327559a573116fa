"""One source -> a verdict, from real servers: the piece's hash is the only proof."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gevent
import libtorrent as lt
import pytest
from gevent.threadpool import ThreadPool

from addon.net.client import Client
from addon.sources.base import Link, Media
from addon.sources.fetch import SCREENED, Lost
from addon.sources.health import Verdict
from addon.sources.probe import Found, Prober, check_container
from addon.sources.template import FunctionSource
from addon.torrents.metainfo import torrent_from_info
from tests.rig.liars import Liars
from tests.rig.torrents import Torrent, make_torrent
from tests.sources.served import (
    EBML,
    KIB,
    PIECE,
    content,
    known,
    media_of,
    one_film,
    pack,
    pieces_of,
    source,
)
from tests.sources.served import film as write

Probe = Callable[..., Found]


@pytest.fixture
def probe(client: Client, pool: ThreadPool) -> Probe:
    def probe(asked: object, media: Media, piece: int | None = 0, screen: float = 5.0) -> Found:
        return Prober(client, pool, screen).probe(asked, media, piece)  # type: ignore[arg-type]

    return probe


@pytest.fixture
def film(folder: Path) -> Torrent:
    return one_film(folder)


@pytest.mark.parametrize("version", ["v1", "v2", "hybrid"])
@pytest.mark.parametrize("piece", [0, 2, 4])
def test_an_honest_source_is_verified_and_brings_the_piece(
    probe: Probe, liars: Liars, folder: Path, version: str, piece: int
) -> None:
    made = one_film(folder, version=version)
    media = media_of(made)
    asked = source(liars)
    found = probe(asked, media, piece)
    assert (found.verdict, found.verified, found.works) == (Verdict.VERIFIED, True, True)
    assert (found.source, found.name) == (asked, "liar")
    assert (found.piece, found.data) == (piece, content(made, piece))
    assert (found.size, found.edge) == (300 * KIB + 77, False)
    assert found.url == liars.url("honest", made.files[0].path.name)
    assert found.reason == f"piece {piece} has the right hash"
    assert found.ttfb is not None
    assert 0 < found.ttfb < 1
    assert liars.counts()["paths"].keys() == {f"/honest/{made.files[0].path.name}"}
    assert liars.counts()["total"] == 1, "the probe is the piece: nothing is asked twice"


FAULTS: dict[str, tuple[Verdict, str]] = {
    "wrong-bytes-100000": (Verdict.WRONG, "sends wrong bytes: piece 1 has another hash"),
    f"corrupt-piece-1-{PIECE}": (Verdict.WRONG, "sends wrong bytes: piece 1"),
    "html": (Verdict.WRONG, "web page"),
    "html-as-video": (Verdict.WRONG, "another file"),
    "placeholder": (Verdict.WRONG, "another file"),
    "wrong-size": (Verdict.WRONG, "another file"),
    "no-range": (Verdict.REFUSED, "no ranges"),
    "status-404": (Verdict.ABSENT, "404"),
    "status-429": (Verdict.LIMITED, "429"),
    "status-503": (Verdict.LIMITED, "503"),
    "status-500": (Verdict.DEAD, "500"),
    "hang": (Verdict.DEAD, "too long"),
    "hang-body": (Verdict.DEAD, "too long"),
    "drip": (Verdict.DEAD, "too long"),
    "rst": (Verdict.DEAD, "ended"),
    "close-early-1000": (Verdict.DEAD, "ended"),
    "redirect-loop": (Verdict.DEAD, "redirects"),
    "gzip-bomb": (Verdict.DEAD, "compresses"),
    "absurd-chunk": (Verdict.WRONG, "how long"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_liar_has_its_verdict_and_a_reason_in_words(
    probe: Probe, liars: Liars, film: Torrent, fault: str
) -> None:
    verdict, words = FAULTS[fault]
    began = time.monotonic()
    found = probe(source(liars, fault), media_of(film), 1, screen=0.6)
    assert time.monotonic() - began < 2
    assert found.verdict is verdict, found.reason
    assert words in found.reason
    assert not found.works
    assert (found.piece, found.data, found.ttfb) == (None, None, None)
    assert found.retry_after == (7 if verdict is Verdict.LIMITED else None)
    assert found.link is not None
    assert "/" not in found.reason
    assert liars.open_after() == 0


def test_other_faults_than_in_the_piece_asked_for_do_not_show(
    probe: Probe, liars: Liars, film: Torrent
) -> None:
    for fault in ("wrong-bytes-300000", f"die-after-{PIECE + 10}", "etag-changes"):
        assert probe(source(liars, fault), media_of(film), 0).verified, fault


def test_no_address_is_absent_and_asks_nobody(probe: Probe, liars: Liars, film: Torrent) -> None:
    found = probe(FunctionSource("none", lambda *_: None), media_of(film))
    assert (found.verdict, found.link, found.url) == (Verdict.ABSENT, None, None)
    assert liars.counts()["total"] == 0


def test_a_slow_source_passes_if_it_delivers(probe: Probe, liars: Liars, folder: Path) -> None:
    media = media_of(one_film(folder, 800 * KIB))
    found = probe(source(liars, "slow-300000"), media, 0, screen=0.4)
    assert found.verified


@pytest.mark.parametrize("piece", [3, 5, 7])
def test_edge_pieces_of_a_pack_are_put_together_from_the_neighbours(
    probe: Probe, liars: Liars, folder: Path, piece: int
) -> None:
    made = pack(folder)
    media = media_of(made, "e2.mkv")
    assert piece in pieces_of(media)
    found = probe(source(liars), media, piece)
    assert (found.verified, found.piece, found.edge) == (True, piece, False)
    assert found.data == content(made, piece)


@pytest.mark.parametrize(
    ("piece", "missing", "proved"), [(3, "e1.mkv", 4), (7, "e3.mkv", 6), (5, "e1.mkv", 5)]
)
def test_without_the_neighbour_it_is_proved_on_the_nearest_whole_piece(
    probe: Probe, liars: Liars, folder: Path, piece: int, missing: str, proved: int
) -> None:
    made = pack(folder)
    found = probe(source(liars, f"not-found-for-{missing}"), media_of(made, "e2.mkv"), piece)
    assert (found.verified, found.piece) == (True, proved)
    assert found.data == content(made, proved)
    assert found.edge == (piece != proved)
    assert ("neighbour" in found.reason) == found.edge


def test_a_liar_without_the_neighbour_is_still_a_liar(
    probe: Probe, liars: Liars, folder: Path
) -> None:
    media = media_of(pack(folder), "e2.mkv")

    def url(info_hash: str, name: str, torrent: object) -> str | None:
        path = f"Show-v1/{name}"
        return liars.url("wrong-bytes" if name == "e2.mkv" else "status-404", path)

    found = probe(FunctionSource("liar", url), media, 3)
    assert (found.verdict, found.edge) == (Verdict.WRONG, False)
    assert "piece 4 has another hash" in found.reason


def test_a_file_that_is_all_edge_is_not_proved_without_its_neighbours(
    probe: Probe, liars: Liars, folder: Path
) -> None:
    for number, size in enumerate((PIECE // 2, PIECE // 4, PIECE)):
        write(folder, f"Short/e{number}.mkv", size, number)
    made = make_torrent(folder / "Short", PIECE)
    media = media_of(made, "e1.mkv")
    assert probe(source(liars), media, 0).verified
    found = probe(source(liars, "not-found-for-e0.mkv"), media, 0)
    assert (found.verdict, found.edge) == (Verdict.ABSENT, False)


def unknown_twin(media: Media) -> Media:
    """The same film before its metadata is known."""
    return replace(media, metainfo=None, file=None)


def by_name(liars: Liars, fault: str = "honest") -> FunctionSource:
    return FunctionSource("liar", lambda key, name, torrent: liars.url(fault, name))


def test_without_metadata_it_only_looks_like_the_film(
    probe: Probe, liars: Liars, film: Torrent
) -> None:
    media = unknown_twin(media_of(film))
    found = probe(by_name(liars), media, None)
    assert (found.verdict, found.verified, found.works) == (Verdict.PLAUSIBLE, False, True)
    assert (found.piece, found.data, found.size) == (None, None, 300 * KIB + 77)
    assert "check" in found.reason
    assert found.ttfb is not None
    assert liars.requests()[0]["headers"]["range"] == f"bytes=0-{SCREENED - 1}"
    assert liars.counts()["sent"] < SCREENED + KIB


@pytest.mark.parametrize(
    ("fault", "verdict", "words"),
    [
        ("html", Verdict.WRONG, "web page"),
        ("html-as-video", Verdict.WRONG, "another file"),
        ("wrong-bytes", Verdict.WRONG, "no mkv file"),
        ("status-404", Verdict.ABSENT, "404"),
        ("hang", Verdict.DEAD, "too long"),
        ("drip", Verdict.DEAD, "too long"),
        ("close-early-1000", Verdict.DEAD, "ended"),
        ("gzip-bomb", Verdict.DEAD, "compresses"),
        ("no-range", Verdict.PLAUSIBLE, "looks like"),
    ],
)
def test_without_metadata_what_does_not_look_like_the_film_is_refused(
    probe: Probe, liars: Liars, film: Torrent, fault: str, verdict: Verdict, words: str
) -> None:
    found = probe(by_name(liars, fault), unknown_twin(media_of(film)), None, screen=0.6)
    assert (found.verdict, words in found.reason) == (verdict, True), found.reason


def test_a_magnets_length_is_compared(probe: Probe, liars: Liars, film: Torrent) -> None:
    media = unknown_twin(media_of(film))
    assert media.length == 300 * KIB + 77
    assert probe(by_name(liars), media, None).works
    other = replace(media, magnet=replace(media.magnet, length=1000))
    assert probe(by_name(liars), other, None).verdict is Verdict.WRONG


def test_a_film_shorter_than_the_screen(probe: Probe, liars: Liars, folder: Path) -> None:
    media = media_of(one_film(folder, 1000))
    assert probe(source(liars), media, 0).verified
    assert probe(by_name(liars), unknown_twin(media), None).works
    nameless = replace(unknown_twin(media), magnet=replace(media.magnet, length=None))
    assert probe(by_name(liars), nameless, None).works


def test_a_v2_torrent_without_its_layers_can_only_be_looked_at(
    probe: Probe, liars: Liars, folder: Path
) -> None:
    made = one_film(folder, version="v2")
    decoded: Any = lt.bdecode(made.raw)
    bare = replace(made, raw=torrent_from_info(lt.bencode(decoded[b"info"])))
    found = probe(source(liars), media_of(bare), 1)
    assert (found.verdict, found.size) == (Verdict.PLAUSIBLE, 300 * KIB + 77)


def test_the_hash_is_not_taken_on_the_hub(client: Client, liars: Liars, film: Torrent) -> None:
    taken: list[object] = []

    class Pool:
        def apply(self, function: Callable[..., bool], arguments: tuple[object, ...]) -> bool:
            taken.append(function)
            return function(*arguments)

    media = media_of(film)
    assert Prober(client, Pool(), 5.0).probe(source(liars), media, 0).verified
    assert taken == [known(media).check_piece]


def test_a_probe_that_is_killed_leaves_no_connection(
    probe: Probe, liars: Liars, film: Torrent
) -> None:
    for fault in ("hang", "drip", "slow-10000"):
        probing = gevent.spawn(probe, source(liars, fault), media_of(film))
        gevent.sleep(0.1)
        assert liars.counts()["open"] == 1
        probing.kill()
        assert liars.open_after() == 0


HEADS = {
    "mkv": EBML,
    "webm": EBML,
    "mp4": b"\0\0\0\x20ftypisom",
    "mov": b"\0\0\0\x08wide",
    "m4v": b"\0\0\0\x20moov",
    "avi": b"RIFF\0\0\0\0AVI ",
    "wmv": bytes.fromhex("3026b2758e66cf11"),
    "ts": b"G" + bytes(187) + b"G",
    "flv": b"FLV\x01",
    "ogv": b"OggS",
}


@pytest.mark.parametrize("name", HEADS)
def test_containers_are_known_by_their_first_bytes(name: str) -> None:
    head = HEADS[name] if name == "ts" else HEADS[name].ljust(512, b"\0")
    check_container(f"Film.2019.{name.upper()}", head)
    check_container(f"film.{name}", b"\0\0\0")  # too little to say
    family = {"mkv", "webm"} if HEADS[name] == EBML else {name}
    family |= {"mp4", "mov", "m4v"} if name in ("mp4", "mov", "m4v") else set()
    for other in HEADS.keys() - family:
        with pytest.raises(Lost, match=f"no {other} file"):
            check_container(f"film.{other}", head)


def test_a_page_that_calls_itself_a_video_of_unknown_length_is_no_film(
    probe: Probe, liars: Liars, film: Torrent
) -> None:
    media = unknown_twin(media_of(film))
    media = replace(media, magnet=replace(media.magnet, length=None))
    found = probe(by_name(liars, "html-as-video"), media, None)
    assert (found.verdict, found.reason) == (Verdict.WRONG, "sends a web page instead of the film")
    found = probe(by_name(liars, "placeholder"), media, None)
    assert found.works, "nothing is known to tell it by"


@pytest.mark.parametrize(
    "page",
    [b"<!DOCTYPE html>", b" \r\n\t<html>", b"<HTML lang=x>", b"<?xml version", b"<script>"],
)
@pytest.mark.parametrize("name", ["film.mkv", "film.unknown", "", "page.html"])
def test_a_page_is_never_a_film(page: bytes, name: str) -> None:
    with pytest.raises(Lost, match="web page") as caught:
        check_container(name, page.ljust(600))
    assert caught.value.verdict is Verdict.WRONG


@pytest.mark.parametrize("name", ["film.rmvb", "film", "", "film.iso", "film.srt"])
def test_what_is_not_known_is_not_refused(name: str) -> None:
    check_container(name, bytes(600))


def test_what_works_is_told() -> None:
    for verdict in Verdict:
        found = Found(FunctionSource("x", lambda *_: None), verdict, "")
        assert found.verified == (verdict is Verdict.VERIFIED)
        assert found.works == (verdict in (Verdict.VERIFIED, Verdict.PLAUSIBLE))
        assert found.url is None
    assert replace(found, link=Link("http://host/x")).url == "http://host/x"
