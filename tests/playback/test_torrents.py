"""Adding, listing and removing torrents; what is fetched before anybody plays it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from addon.errors import Problem
from addon.playback import ends
from addon.playback import torrents as module
from addon.playback.torrents import About, decode
from addon.swarm.torrent import Progress
from addon.torrents.magnet import Magnet
from addon.torrents.metainfo import Metainfo, load_torrent
from addon.torrents.selection import Episode, FileIndex, MainVideo
from tests.playback.depot import Depot
from tests.torrents.build import real

KB = 1024
FILM = {"Film.2019/Film.2019.mkv": bytes(200 * KB), "Film.2019/sample.mkv": bytes(10 * KB)}
SHOW = {"Show/Show.S01E01.mkv": bytes(90 * KB), "Show/Show.S01E02.mkv": bytes(120 * KB)}


@pytest.fixture
def depot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Depot]:
    monkeypatch.setattr(module, "METADATA_WAIT", 0.03)
    monkeypatch.setattr(ends, "HEAD_BYTES", 64 * KB)
    monkeypatch.setattr(ends, "TAIL_BYTES", 32 * KB)
    depot = Depot(tmp_path)
    yield depot
    depot.close()


@pytest.fixture
def film(tmp_path: Path) -> Metainfo:
    return load_torrent(real(tmp_path / "film", FILM, "v1"))


@pytest.fixture
def show(tmp_path: Path) -> Metainfo:
    return load_torrent(real(tmp_path / "show", SHOW, "v1"))


def test_a_magnet_waits_a_moment_for_its_metadata_and_is_kept(depot: Depot, film: Metainfo) -> None:
    listed = depot.torrents.add_magnet(film.magnet(), About("tt1", 1, 2, 3))
    assert (listed.status, listed.metainfo, listed.active) == ("fetching-metadata", None, True)
    assert depot.shelf.added == [(film.info_hash.key, None, "tt1", 1, 2, 3)]
    depot.restart()
    assert depot.torrents.magnet(film.info_hash) == film.magnet()
    listed = depot.torrents.get(film.info_hash)
    assert (listed.status, listed.active) == ("fetching-metadata", False)


def test_metadata_that_comes_in_time_is_in_the_answer(depot: Depot, film: Metainfo) -> None:
    gevent.spawn_later(0.01, depot.describe, film)
    listed = depot.torrents.add_magnet(Magnet(film.info_hash), About())
    assert (listed.status, listed.metainfo, listed.name) == ("ready", film, "Film.2019")


def test_metadata_from_peers_outlives_a_restart(depot: Depot, film: Metainfo) -> None:
    depot.torrents.add_magnet(Magnet(film.info_hash, trackers=("udp://t.example:1",)), About())
    depot.describe(film)
    assert depot.shelf.known == [film]
    depot.restart()
    assert depot.torrents.metainfo(film.info_hash) == film
    magnet = depot.torrents.magnet(film.info_hash)
    assert magnet is not None
    assert (magnet.name, magnet.trackers) == ("Film.2019", ("udp://t.example:1",))
    listed = depot.torrents.add_magnet(film.magnet(), About())
    assert listed.status == "ready"
    assert depot.swarm.there == [], "nobody is asked for what is known"


def test_metadata_of_a_torrent_that_was_removed_is_not_kept(depot: Depot, film: Metainfo) -> None:
    depot.swarm.add(film.magnet())
    depot.describe(film)
    assert depot.torrents.metainfo(film.info_hash) is None
    assert depot.shelf.known == []


def test_an_upload_is_ready_at_once(depot: Depot, film: Metainfo) -> None:
    listed = depot.torrents.add_torrent(film.raw, About("tt1"))
    assert (listed.status, listed.metainfo, listed.magnet) == ("ready", film, film.magnet())
    assert depot.shelf.added == [(film.info_hash.key, film, "tt1", None, None, None)]
    depot.restart()
    assert depot.torrents.metainfo(film.info_hash) == film


@pytest.mark.parametrize("raw", [b"", b"d4:infod", b"x" * 200 * KB, bytes(10 * KB * KB + 1)])
def test_an_upload_that_is_no_torrent_leaves_nothing(
    depot: Depot, raw: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Problem) as caught:
        depot.torrents.add_torrent(raw, About())
    assert caught.value.code == ("too-large" if len(raw) > 10 * KB * KB else "bad-torrent")
    assert depot.torrents.list() == []
    assert capfd.readouterr().err == "", "gevent prints what a pool's task raises"


def test_an_upload_for_a_file_it_does_not_have_leaves_nothing(depot: Depot, film: Metainfo) -> None:
    with pytest.raises(Problem) as caught:
        depot.torrents.add_torrent(film.raw, About(file_index=9))
    assert caught.value.code == "no-such-file"
    assert depot.torrents.list() == []
    assert depot.shelf.added == []


def test_a_large_torrent_is_decoded_all_the_same(
    film: Metainfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DECODE_INLINE", 10)
    assert decode(film.raw) == film


@pytest.mark.parametrize(
    ("about", "wanted"),
    [
        (About(), MainVideo()),
        (About("tt1", 1, 2), Episode(1, 2)),
        (About("tt1", 1, 2, 5), FileIndex(5)),
        (About(season=0, episode=0), Episode(0, 0)),
        (About(file_index=0), FileIndex(0)),
    ],
)
def test_what_is_played_first(about: About, wanted: Any) -> None:
    assert about.wanted == wanted


def test_a_torrent_as_it_stands(depot: Depot, film: Metainfo) -> None:
    depot.torrents.add_torrent(film.raw, About())
    (torrent,) = depot.swarm.there
    torrent.progress, torrent.verified, torrent.readers = Progress(peers=3), 1000, 2
    listed = depot.torrents.get(film.info_hash)
    assert (listed.progress.peers, listed.verified_bytes, listed.readers) == (3, 1000, 2)
    assert listed.sources == (), "peers that send nothing"
    torrent.progress.download_rate = 1
    depot.feeding.append("My drive")
    assert depot.torrents.get(film.info_hash).sources == ("swarm", "My drive")
    torrent.failure = Problem("disk-full", "No room.")
    failed = depot.torrents.get(film.info_hash)
    assert (failed.status, failed.problem) == ("failed", torrent.failure)
    depot.restart()
    kept = depot.torrents.get(film.info_hash)
    assert (kept.status, kept.progress, kept.verified_bytes) == ("ready", Progress(), 0)
    assert not kept.active


def test_the_newest_is_listed_first(depot: Depot, film: Metainfo, show: Metainfo) -> None:
    depot.torrents.add_torrent(show.raw, About())
    depot.torrents.add_magnet(Magnet(film.info_hash), About())
    hashes = [listed.magnet.info_hash for listed in depot.torrents.list()]
    assert hashes == [film.info_hash, show.info_hash]


def test_an_unknown_torrent(depot: Depot, film: Metainfo) -> None:
    assert depot.torrents.magnet(film.info_hash) is None
    assert depot.torrents.metainfo(film.info_hash) is None
    for ask in (depot.torrents.get, depot.torrents.remove):
        with pytest.raises(Problem) as caught:
            ask(film.info_hash)
        assert caught.value.code == "not-found"


def test_a_removed_torrent_leaves_nothing(depot: Depot, film: Metainfo, show: Metainfo) -> None:
    for metainfo in (film, show):
        depot.torrents.add_torrent(metainfo.raw, About())
    depot.torrents.remove(film.info_hash)
    assert depot.swarm.removed == depot.search.stopped == [film.info_hash]
    assert depot.shelf.gone == [film.info_hash.key]
    assert depot.torrents.metainfo(film.info_hash) is None
    assert [one.magnet.info_hash for one in depot.torrents.list()] == [show.info_hash]
    again = depot.torrents.add_magnet(Magnet(film.info_hash), About())
    assert again.status == "fetching-metadata", "nothing is remembered of it"


def test_a_torrent_that_goes_while_it_is_listed_is_left_out(
    depot: Depot, film: Metainfo, show: Metainfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Large metadata is decoded in a thread, and somebody may remove a torrent meanwhile.
    for metainfo in (film, show):
        depot.torrents.add_torrent(metainfo.raw, About())
    monkeypatch.setattr(module, "DECODE_INLINE", 10)
    depot.restart()
    listing = gevent.spawn(depot.torrents.list)
    gevent.sleep(0)
    depot.kept.forget(film.info_hash.key)
    assert [one.magnet.info_hash for one in listing.get(timeout=5)] == [show.info_hash]


def test_what_a_link_carried_is_put_back_without_a_title(depot: Depot, film: Metainfo) -> None:
    carried = Magnet(film.info_hash, name="Film", exact_sources=("http://a.example/f.torrent",))
    depot.torrents.put_back(carried)
    assert depot.torrents.magnet(film.info_hash) == carried
    assert depot.torrents.was_lost(film.info_hash)
    assert depot.shelf.added == []
    depot.torrents.put_back(Magnet(film.info_hash, name="Less"))
    assert depot.torrents.magnet(film.info_hash) == carried, "it is kept already"


def test_what_is_kept_was_not_lost(depot: Depot, film: Metainfo) -> None:
    depot.torrents.add_magnet(film.magnet(), About())
    depot.torrents.put_back(Magnet(film.info_hash))
    assert not depot.torrents.was_lost(film.info_hash)
    assert depot.torrents.magnet(film.info_hash) == film.magnet()


def test_who_adds_it_again_has_not_lost_it(depot: Depot, film: Metainfo) -> None:
    depot.torrents.put_back(Magnet(film.info_hash))
    depot.torrents.add_magnet(film.magnet(), About())
    assert not depot.torrents.was_lost(film.info_hash)


def test_a_link_does_not_bring_back_what_was_removed(depot: Depot, film: Metainfo) -> None:
    depot.torrents.add_magnet(film.magnet(), About())
    depot.torrents.remove(film.info_hash)
    depot.torrents.put_back(film.magnet())
    assert depot.torrents.magnet(film.info_hash) is None
    depot.torrents.add_magnet(film.magnet(), About())
    assert depot.torrents.magnet(film.info_hash) == film.magnet()
