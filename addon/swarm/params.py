"""Magnet and metainfo -> what libtorrent is given when a torrent is added."""

import libtorrent as lt
from gevent.threadpool import ThreadPool

from addon.swarm import policy
from addon.swarm.storage import Storage
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.metainfo import Metainfo


def add_params(
    key: str,
    magnet: Magnet,
    metainfo: Metainfo | None,
    storage: Storage,
    pool: ThreadPool,
    *,
    p2p: bool = True,
    allow_private: bool,
) -> lt.add_torrent_params:
    """Trackers and peers that the address policy allows, no web seeds, nothing wanted yet.

    ``key`` names the torrent's folder.

    A torrent that is known to be private gets its own trackers only, and no peers from elsewhere.
    Web seeds are left out always: HTTP is ours, under our own policy.
    """
    if metainfo is None:
        params = lt.add_torrent_params()
        params.info_hashes = _hashes(magnet.info_hash)
        private, trackers = False, magnet.trackers
    else:
        params = pool.apply(lt.load_torrent_buffer, (metainfo.raw,))
        private, trackers = metainfo.private, metainfo.trackers
        if not private:
            trackers = tuple(dict.fromkeys((*magnet.trackers, *trackers)))
        params.piece_priorities = [0] * metainfo.piece_count
        on_file = storage.load_pieces(key, metainfo)
        if on_file is not None and any(on_file):
            params.have_pieces = [bool(there) for there in on_file]
            params.flags |= lt.torrent_flags.no_verify_files
    if not p2p:
        # Nobody is asked for peers, and nobody may be one.
        trackers, private = (), True
        params.flags |= (
            lt.torrent_flags.disable_dht
            | lt.torrent_flags.disable_lsd
            | lt.torrent_flags.disable_pex
        )
    params.trackers = list(policy.allowed_trackers(trackers, allow_private=allow_private))
    params.tracker_tiers = list(range(len(params.trackers)))
    params.peers = list(
        policy.peers_of(magnet, private_torrent=private, allow_private=allow_private)
    )
    params.url_seeds = []
    params.http_seeds = []
    params.name = magnet.name or key
    params.save_path = str(storage.folder(key))
    params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
    params.flags |= lt.torrent_flags.sequential_download
    return params


def _hashes(info_hash: InfoHash) -> lt.info_hash_t:
    v1 = lt.sha1_hash(bytes.fromhex(info_hash.v1)) if info_hash.v1 else None
    v2 = lt.sha256_hash(bytes.fromhex(info_hash.v2)) if info_hash.v2 else None
    if v1 is not None and v2 is not None:
        return lt.info_hash_t(v1, v2)
    if v1 is not None:
        return lt.info_hash_t(v1)
    if v2 is not None:
        return lt.info_hash_t(v2)
    raise ValueError("an info hash without a hash")
