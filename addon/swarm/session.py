"""The one libtorrent session of the process, on the gevent hub.

Alerts come from the pump (``alerts.py``) and are handed to their torrents. Calls that wait for
libtorrent's network thread run in a thread pool of our own.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import gevent
import libtorrent as lt
from gevent.event import AsyncResult, Event
from gevent.threadpool import ThreadPool

from addon.errors import Problem
from addon.swarm import policy
from addon.swarm.alerts import AlertPump
from addon.swarm.cache import Cache
from addon.swarm.events import TorrentAlerts, broken
from addon.swarm.params import add_params
from addon.swarm.storage import Storage
from addon.swarm.torrent import PASSING, Torrent
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.metainfo import File, Metainfo

log = logging.getLogger(__name__)

# Without the storage category: the answers to flush_cache and read_piece come anyway, and the
# unasked cache_flushed_alert at every "torrent finished" does not.
ALERTS = (
    lt.alert_category.status
    | lt.alert_category.error
    | lt.alert_category.piece_progress
    | lt.alert_category.tracker
)
ADD_TIMEOUT = 10.0
CLOSE_TIMEOUT = 5.0
TICK = 1.0


@dataclass(frozen=True, slots=True)
class SwarmConfig:
    """How the session runs; rates in bytes a second, 0 for no limit, port 0 for any. ``most`` bytes
    may lie in ``folder``, None for the default: 20 GB, at most 80 % of what is free at the start.

    Without ``p2p`` it is a piece store only: nobody is listened to, asked or connected to.
    """

    folder: Path
    most: int | None = None
    p2p: bool = True
    interface: str | None = None
    port: int = 0
    dht: bool = True
    lsd: bool = False
    upnp: bool = True
    download_rate: int = 0
    upload_rate: int = 0
    max_active: int = 20
    allow_private: bool = False


class _Adding:
    """A torrent on its way into the session."""

    def __init__(self, magnet: Magnet, metainfo: Metainfo | None) -> None:
        self.magnet = magnet
        self.metainfo = metainfo
        self.result = AsyncResult()


class Swarm:
    """All torrents that peers may fill. ``on_metadata`` hears of each metadata got from peers.

    ``listening``: peers can reach us, at least from inside the network. ``p2p`` is False where
    the session only stores what is handed in.
    """

    def __init__(
        self, config: SwarmConfig, on_metadata: Callable[[Torrent, Metainfo], None]
    ) -> None:
        self._config = config
        self._on_metadata = on_metadata
        self._storage = Storage(config.folder)
        self._torrents: dict[str, Torrent] = {}
        self._adding: dict[str, _Adding] = {}
        self._deleting: dict[str, Event] = {}
        self._session: lt.session | None = None
        self.listening = False
        self.p2p = config.p2p

    # Life

    def start(self) -> None:
        """Start the session; its threads do not survive a fork, so only in the worker."""
        if self._session is not None:
            return
        self._config.folder.mkdir(parents=True, exist_ok=True)
        config = self._config
        params = lt.session_params()
        settings = policy.session_settings(
            p2p=config.p2p,
            interface=config.interface,
            port=config.port,
            dht=config.dht,
            lsd=config.lsd,
            upnp=config.upnp,
            download_rate=config.download_rate,
            upload_rate=config.upload_rate,
        )
        params.settings = cast("Any", settings | {"alert_mask": ALERTS})
        self._pool = ThreadPool(4)
        self._alerts = TorrentAlerts(self._pool, self._storage, self._on_metadata)
        limit = config.most or self._pool.apply(self._storage.default_limit)
        self._cache = Cache(
            self._storage, self._pool, limit, self.torrents, self._evict, self._reload
        )
        self._session = lt.session(params)
        if not config.allow_private:
            blocked = lt.ip_filter()
            for first, last in policy.PRIVATE_RANGES:
                blocked.add_rule(first, last, 1)
            self._session.set_ip_filter(blocked)
        self._pump = AlertPump(self._session, self._handle_alert)
        self._ticker = gevent.spawn(self._tick)

    def close(self) -> None:
        """Leave the swarm; what is behind the flush fence is remembered for the next start."""
        if self._session is None:
            return
        deadline = time.monotonic() + CLOSE_TIMEOUT
        for torrent in list(self._torrents.values()):
            torrent.cancel_readers()
        stops = [gevent.spawn(torrent.stop) for torrent in self._torrents.values()]
        gevent.joinall(stops, timeout=deadline - time.monotonic())
        self._ticker.kill()
        self._pump.close()
        session, self._session = self._session, None
        self._torrents.clear()
        self._alerts.handles.clear()
        session.pause()
        # Destroying the session waits for the trackers' "stopped" answers.
        holder = [session]
        del session
        ending = self._pool.spawn(holder.clear)
        ending.wait(CLOSE_TIMEOUT)
        if ending.ready():
            self._pool.kill()
        else:
            # Seen once, on a disk that had been full. What is kept is kept: the process may end.
            log.warning("libtorrent does not end; the server ends without it")

    def cancel_readers(self) -> None:
        """End every stream: the server is stopping."""
        for torrent in self._torrents.values():
            torrent.cancel_readers()

    # Torrents

    def torrents(self) -> list[Torrent]:
        """The torrents of the session."""
        return list(self._torrents.values())

    def get(self, info_hash: InfoHash) -> Torrent | None:
        """The torrent with this hash (either of a hybrid's), if it is in the session to stay."""
        found = self._find(info_hash)
        return None if found is None or found.leaving is not None else found

    def _find(self, info_hash: InfoHash) -> Torrent | None:
        return next((t for t in self._torrents.values() if t.info_hash.matches(info_hash)), None)

    def add(self, magnet: Magnet, metainfo: Metainfo | None = None) -> Torrent:
        """The torrent, added to the session if it is not there yet; nothing is downloaded yet."""
        known = self._find(magnet.info_hash)
        if known is not None and known.leaving is not None:
            known.leaving.wait(CLOSE_TIMEOUT)
        elif known is not None and known.failure is not None and known.failure.code in PASSING:
            # The disk may have room again. What libtorrent believes to be there may be lost: it
            # begins anew from what was behind the fence.
            self._cache.forget(known.key)
            self._drop(known)
        elif known is not None:
            self._extend(known, magnet)
            return known
        key = self._storage.key_of(magnet.info_hash)
        adding = self._adding.get(key)
        if adding is None:
            adding = self._adding[key] = _Adding(magnet, metainfo)
            try:
                self._make_room()
                params = add_params(
                    key,
                    magnet,
                    metainfo,
                    self._storage,
                    self._pool,
                    p2p=self._config.p2p,
                    allow_private=self._config.allow_private,
                )
                self._require_session().async_add_torrent(params)
            except BaseException as error:
                del self._adding[key]
                adding.result.set_exception(error)
                raise
        adding.result.wait(ADD_TIMEOUT)
        if not adding.result.ready():
            raise Problem(
                "busy",
                f"The torrent could not be added within {ADD_TIMEOUT:.0f} s.",
                "Try again in a moment.",
                retry_after=10,
            )
        torrent: Torrent = adding.result.get()
        return torrent

    def reserve(self, info_hash: InfoHash, file: File, needed: int | None = None) -> Torrent:
        """Make room on disk for a file, or ``needed`` bytes of it, before it is read; the torrent
        to read from (see ``Cache.reserve``). Problem ``disk-full`` where that is not possible."""
        torrent = self.get(info_hash)
        if torrent is None:
            raise Problem("busy", "The torrent has just left.", "Try again.", retry_after=1)
        return self._cache.reserve(torrent, file, needed)

    def sweep(self, known: Callable[[InfoHash], bool]) -> None:
        """Delete what lies on disk of torrents that are not ``known`` (any more)."""
        self._cache.sweep(known)

    def remove(self, info_hash: InfoHash) -> None:
        """Take a torrent out of the session and its files off the disk."""
        torrent = self.get(info_hash)
        key = self._storage.key_of(info_hash) if torrent is None else torrent.key
        self._delete(key, Problem("not-found", "This torrent was removed.", "Add it again."))

    def _evict(self, key: str) -> None:
        reason = "The film was put away to make room for another."
        self._delete(key, Problem("busy", reason, "Open it again.", retry_after=5))

    def _delete(self, key: str, why: Problem) -> None:
        torrent = self._torrents.get(key)
        if torrent is not None and torrent.leaving is None:
            torrent.fail(why)
            deleted = self._deleting[key] = Event()
            self._drop(torrent, lt.session.delete_files)
            # libtorrent closes its files in its own time; what is deleted before would come back.
            deleted.wait(CLOSE_TIMEOUT)
            self._deleting.pop(key, None)
        self._pool.apply(self._storage.forget, (key,))

    def _reload(self, torrent: Torrent, meanwhile: Callable[[], object]) -> Torrent:
        """Take a torrent out of the session, change its files, and add it anew."""
        self._drop(torrent)
        meanwhile()
        return self.add(torrent.magnet, torrent.metainfo)

    def _drop(self, torrent: Torrent, options: int = 0) -> None:
        torrent.leaving = Event()
        torrent.cancel_readers()
        torrent.stop()
        self._require_session().remove_torrent(torrent.handle, options)
        self._torrents.pop(torrent.key, None)
        self._alerts.handles.pop(torrent.handle, None)
        torrent.leaving.set()

    def _require_session(self) -> lt.session:
        if self._session is None:
            raise RuntimeError("the swarm is not started")
        return self._session

    def _make_room(self) -> None:
        """Let go of the torrents that nobody has read for longest, down to the limit."""
        idle = sorted(
            (t for t in self.torrents() if not t.readers and t.leaving is None),
            key=lambda t: t.idle_since,
        )
        while len(self._torrents) >= self._config.max_active:
            if not idle:
                raise Problem(
                    "busy",
                    f"{len(self._torrents)} torrents are being played, as many as are allowed.",
                    "Try again when a film has ended, or raise MAX_ACTIVE_TORRENTS.",
                    retry_after=30,
                )
            self._drop(idle.pop(0))

    def _extend(self, torrent: Torrent, magnet: Magnet) -> None:
        """A known torrent, added again: its new trackers and peers are welcome."""
        if not self._config.p2p or (torrent.metainfo is not None and torrent.metainfo.private):
            return
        known = set(torrent.magnet.trackers)
        allow_private = self._config.allow_private
        for url in policy.allowed_trackers(magnet.trackers, allow_private=allow_private):
            if url not in known:
                torrent.handle.add_tracker({"url": url})
        for peer in policy.peers_of(magnet, private_torrent=False, allow_private=allow_private):
            torrent.handle.connect_peer(peer)

    # Alerts

    def _handle_alert(self, alert: lt.alert) -> None:
        if isinstance(alert, lt.add_torrent_alert):
            self._added(alert)
            return
        if isinstance(alert, lt.torrent_deleted_alert | lt.torrent_delete_failed_alert):
            for key in (str(alert.info_hashes.v1), str(alert.info_hashes.v2)):
                if key in self._deleting:
                    self._deleting[key].set()
            return
        if isinstance(alert, lt.listen_succeeded_alert):
            self.listening = True
            return
        if isinstance(alert, lt.listen_failed_alert):
            log.warning("[swarm] cannot listen: %s", alert.message())
            return
        self._alerts.handle(alert)

    def _added(self, alert: lt.add_torrent_alert) -> None:
        hashes = alert.params.info_hashes
        names = {
            str(hashes.v1) if hashes.has_v1() else "",
            str(hashes.v2) if hashes.has_v2() else "",
        }
        key = next((key for key in self._adding if key in names), None)
        if key is None:
            return
        adding = self._adding.pop(key)
        if alert.error.value():
            adding.result.set_exception(broken(alert.error.message()))
            return
        torrent = Torrent(
            key,
            adding.magnet.info_hash,
            adding.magnet,
            alert.handle,
            self._storage,
            self._pool,
        )
        self._torrents[key] = torrent
        self._alerts.handles[alert.handle] = torrent
        if adding.metainfo is not None:
            torrent.described(adding.metainfo)
        adding.result.set(torrent)

    def _tick(self) -> None:
        utp = False
        while True:
            gevent.sleep(TICK)
            # No name for the session here: this frame outlives ``close`` in the traceback of the
            # greenlet's end, and would keep libtorrent's threads and its port.
            self._require_session().post_torrent_updates()
            now = time.monotonic()
            # uTP costs eight times the CPU of TCP, and a peer that has TCP only is then reached
            # seconds later, in every torrent: it is only worth a try where TCP finds nobody.
            lonely = [torrent.lonely(now) for torrent in self.torrents()]
            wanted = any(lonely)
            if wanted != utp:
                utp = wanted
                self._require_session().apply_settings({"enable_outgoing_utp": utp})
