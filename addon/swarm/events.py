"""What libtorrent's alerts mean for the torrent they name."""

import errno
import logging
import shutil
from collections.abc import Callable
from urllib.parse import urlsplit

import gevent
import libtorrent as lt
from gevent.threadpool import ThreadPool

from addon.errors import Problem, outcome
from addon.swarm.storage import Storage, disk_full
from addon.swarm.torrent import Progress, Torrent
from addon.torrents.metainfo import Metainfo, load_torrent, torrent_from_info

log = logging.getLogger(__name__)


class TorrentAlerts:
    """Hands each alert to its torrent; ``handles`` says which that is.

    ``on_metadata`` hears of each metadata got from peers. Alerts die when the next ones are
    fetched, so nothing here yields before it has copied what it needs.
    """

    def __init__(
        self,
        pool: ThreadPool,
        storage: Storage,
        on_metadata: Callable[[Torrent, Metainfo], None],
    ) -> None:
        self._pool = pool
        self._storage = storage
        self._on_metadata = on_metadata
        self.handles: dict[lt.torrent_handle, Torrent] = {}

    def handle(self, alert: lt.alert) -> None:
        """Do what one alert asks for."""
        if isinstance(alert, lt.alerts_dropped_alert):
            log.warning("libtorrent lost alerts: asking every torrent what it has")
            for torrent in self.handles.values():
                gevent.spawn(self._ask_pieces, torrent)
        elif isinstance(alert, lt.state_update_alert):
            for status in alert.status:
                self._updated(status)
        elif isinstance(alert, lt.torrent_alert) and alert.handle in self.handles:
            self._of_torrent(self.handles[alert.handle], alert)

    def _of_torrent(self, torrent: Torrent, alert: lt.torrent_alert) -> None:
        match alert:
            case lt.piece_finished_alert():
                torrent.piece_finished(alert.piece_index)
            case lt.read_piece_alert():
                failed = alert.error.value() != 0
                data = None if failed else bytes(alert.buffer)
                torrent.piece_read(alert.piece, data, alert.error.message() if failed else "")
            case lt.cache_flushed_alert():
                torrent.cache_flushed()
            case lt.metadata_received_alert():
                gevent.spawn(self._metadata_received, torrent)
            case lt.torrent_checked_alert():
                if torrent.metainfo is not None:
                    gevent.spawn(self._ask_pieces, torrent)
            case lt.file_error_alert():
                self._file_error(torrent, alert.error.value(), alert.error.message())
            case lt.torrent_error_alert():
                torrent.fail(broken(alert.error.message()))
            case lt.tracker_reply_alert():
                torrent.trackers[_host(alert.url)] = f"{alert.num_peers} peers"
            case lt.tracker_error_alert():
                reason = alert.error_message() or alert.error.message()
                torrent.trackers[_host(alert.url)] = reason
                log.info("[%s] tracker %s: %s", torrent.key[:8], _host(alert.url), reason)

    def _metadata_received(self, torrent: Torrent) -> None:
        metainfo = torrent.given or self._pool.apply(
            outcome, (_decode, torrent.handle, torrent.magnet.trackers)
        )
        if isinstance(metainfo, Problem):
            torrent.fail(metainfo)
            return
        torrent.described(metainfo)
        try:
            self._on_metadata(torrent, metainfo)
        finally:
            torrent.settle()
        # What was finished before we knew its number, and what a check of old files found.
        self._ask_pieces(torrent)

    def _ask_pieces(self, torrent: Torrent) -> None:
        status = self._pool.apply(torrent.handle.status, (lt.status_flags_t.query_pieces,))
        torrent.finished_pieces(list(status.pieces))

    def _updated(self, status: lt.torrent_status) -> None:
        torrent = self.handles.get(status.handle)
        if torrent is not None:
            torrent.progress = Progress(
                peers=status.num_peers,
                seeds=status.num_seeds,
                download_rate=status.download_payload_rate,
                upload_rate=status.upload_payload_rate,
                received=status.total_payload_download,
            )

    def _file_error(self, torrent: Torrent, code: int, message: str) -> None:
        if code in (errno.ENOSPC, errno.EDQUOT):
            missing = (
                torrent.metainfo.total_size if torrent.metainfo else 0
            ) - torrent.verified_bytes()
            torrent.fail(disk_full(missing, shutil.disk_usage(self._storage.root).free))
        else:
            log.error("[%s] the disk reports: %s", torrent.key[:8], message)
            torrent.fail(
                Problem(
                    "busy",
                    f"The disk that holds the server's pieces reports an error: {message}.",
                    "Look at the server's disk, then try again.",
                    retry_after=30,
                )
            )


def _decode(handle: lt.torrent_handle, trackers: tuple[str, ...]) -> Metainfo:
    info = handle.torrent_file()
    if info is None:
        raise Problem("no-metadata", "The torrent lost its metadata.", "Add it again.")
    return load_torrent(torrent_from_info(bytes(info.info_section()), trackers=trackers))


def broken(message: str) -> Problem:
    """What is told when libtorrent itself gives a torrent up."""
    return Problem(
        "bad-torrent", f"The torrent cannot be used: {message}.", "Try another torrent of the film."
    )


def _host(url: str) -> str:
    """The tracker's host only: the rest of its URL may be a user's passkey."""
    return urlsplit(url).hostname or "tracker"
