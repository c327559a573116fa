"""What libtorrent is given with a torrent."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import libtorrent as lt
import pytest
from gevent.threadpool import ThreadPool

from addon.swarm.params import add_params
from addon.swarm.storage import Storage
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.metainfo import Metainfo, load_torrent
from tests.torrents.build import real

V1, V2 = "ab" * 20, "cd" * 32
HOME = "udp://192.168.0.1:6969/announce"
FIRST, SECOND, THIRD = (f"udp://{name}.example:1/announce" for name in ("one", "two", "three"))
PEERS = (("8.8.8.8", 6881), ("127.0.0.1", 22))


class Maker:
    """Makes parameters as the session does."""

    def __init__(self, folder: Path, pool: ThreadPool) -> None:
        self.folder, self.pool = folder, pool
        self.storage = Storage(folder / "cache")

    def torrent(self, **outer: Any) -> Metainfo:
        files = {"pack/a.mkv": bytes(40_000), "pack/b.mkv": bytes(30_000)}
        return load_torrent(real(self.folder / "made", files, "v1", **outer))

    def __call__(
        self, magnet: Magnet, metainfo: Metainfo | None = None, **more: bool
    ) -> lt.add_torrent_params:
        more.setdefault("allow_private", False)
        key = magnet.info_hash.key
        return add_params(key, magnet, metainfo, self.storage, self.pool, **more)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Maker]:
    pool = ThreadPool(1)
    yield Maker(tmp_path, pool)
    pool.kill()


@pytest.mark.parametrize("hashes", [InfoHash(V1), InfoHash(None, V2), InfoHash(V1, V2)])
def test_a_magnet_is_known_by_its_hashes(make: Maker, hashes: InfoHash) -> None:
    params = make(Magnet(hashes))
    given = params.info_hashes
    assert given.has_v1() == bool(hashes.v1)
    assert given.has_v2() == bool(hashes.v2)
    assert not hashes.v1 or str(given.v1) == V1
    assert not hashes.v2 or str(given.v2) == V2
    assert params.name == hashes.key
    assert params.ti is None


def test_it_begins_at_once_in_order_and_in_a_folder_of_its_own(make: Maker) -> None:
    params = make(Magnet(InfoHash(V1), name="../../A film"))
    assert params.flags & lt.torrent_flags.sequential_download
    assert not params.flags & lt.torrent_flags.paused
    assert not params.flags & lt.torrent_flags.auto_managed
    assert params.save_path == str(make.storage.root / V1)
    assert Path(params.save_path).is_dir()
    assert params.name == "../../A film", "a name for people, never a path"


def test_trackers_and_peers_follow_the_address_policy(make: Maker) -> None:
    magnet = Magnet(InfoHash(V1), trackers=(HOME, FIRST, "wss://x.example", SECOND), peers=PEERS)
    params = make(magnet)
    assert (params.trackers, params.peers) == ([FIRST, SECOND], [PEERS[0]])
    assert params.tracker_tiers == [0, 1]
    trusting = make(magnet, allow_private=True)
    assert trusting.trackers == [HOME, FIRST, SECOND]
    assert trusting.peers == list(PEERS)


def test_of_a_torrent_nothing_is_wanted_yet(make: Maker) -> None:
    metainfo = make.torrent()
    params = make(metainfo.magnet(), metainfo)
    assert params.ti is not None
    assert str(params.ti.info_hash()) == metainfo.info_hash.v1
    assert params.piece_priorities == [0] * metainfo.piece_count
    assert params.have_pieces == []
    assert not params.flags & lt.torrent_flags.no_verify_files


def test_a_torrents_trackers_join_its_magnets(make: Maker) -> None:
    metainfo = make.torrent(trackers=[SECOND, THIRD, HOME])
    magnet = replace(metainfo.magnet(), trackers=(FIRST, SECOND))
    assert make(magnet, metainfo).trackers == [FIRST, SECOND, THIRD]


def test_a_private_torrent_asks_its_own_trackers_and_nobody_else(make: Maker) -> None:
    metainfo = make.torrent(trackers=[SECOND], private=True)
    magnet = replace(metainfo.magnet(), trackers=(FIRST,), peers=PEERS)
    params = make(magnet, metainfo, allow_private=True)
    assert (params.trackers, params.peers) == ([SECOND], [])


def test_libtorrent_is_given_no_web_seeds(make: Maker) -> None:
    metainfo = make.torrent(web_seeds=["https://seed.example/a/"])
    assert metainfo.web_seeds
    magnet = replace(metainfo.magnet(), web_seeds=("https://other.example/",))
    for params in (make(magnet, metainfo), make(magnet)):
        assert (params.url_seeds, params.http_seeds) == ([], [])


def test_without_p2p_nobody_is_asked_and_nobody_may_be_a_peer(make: Maker) -> None:
    metainfo = make.torrent(trackers=[SECOND])
    magnet = replace(metainfo.magnet(), trackers=(FIRST,), peers=PEERS)
    params = make(magnet, metainfo, p2p=False, allow_private=True)
    assert (params.trackers, params.peers) == ([], [])
    flags = lt.torrent_flags
    for flag in (flags.disable_dht, flags.disable_lsd, flags.disable_pex):
        assert params.flags & flag
        assert not make(magnet, metainfo).flags & flag


def test_what_is_on_file_is_not_checked_again(make: Maker) -> None:
    metainfo = make.torrent()
    key = metainfo.info_hash.key
    for file in metainfo.files:
        path = make.storage.folder(key) / file.path
        path.parent.mkdir(exist_ok=True)
        path.touch()
    there = [index % 2 == 0 for index in range(metainfo.piece_count)]
    make.storage.save_pieces(key, bytes(there))
    params = make(metainfo.magnet(), metainfo)
    assert params.have_pieces == there
    assert params.flags & lt.torrent_flags.no_verify_files
    # A map of nothing proves nothing: what lies there is looked at.
    make.storage.save_pieces(key, bytes(metainfo.piece_count))
    params = make(metainfo.magnet(), metainfo)
    assert params.have_pieces == []
    assert not params.flags & lt.torrent_flags.no_verify_files
