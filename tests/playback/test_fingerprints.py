"""The hashes of videos: out of the store, verified bytes only."""

from pathlib import Path
from typing import Any

import pytest

from addon.playback.fingerprints import Fingerprints
from addon.torrents.fingerprint import EDGE, video_hash
from tests.playback.in_store import FILM, HASH, TEXT, InStore


@pytest.fixture
def torrent(tmp_path: Path) -> InStore:
    return InStore(tmp_path)


class OneTorrent:
    """A session with this torrent, or without any."""

    def __init__(self, torrent: InStore | None) -> None:
        self.torrent = torrent

    def get(self, info_hash: object) -> Any:
        assert info_hash == HASH
        return self.torrent


def test_a_hash_is_read_once_both_ends_are_there(torrent: InStore) -> None:
    swarm: Any = OneTorrent(torrent)
    fingerprints = Fingerprints(swarm)
    for missing in (0, 2):
        torrent.missing = {missing}
        assert fingerprints.of(HASH, FILM) is None
    assert torrent.opened == 0, "nothing is asked for"
    torrent.missing = {1}
    film = torrent.data[: FILM.length]
    expected = video_hash(FILM.length, film[:EDGE], film[-EDGE:])
    assert fingerprints.of(HASH, FILM) == expected
    swarm.torrent = None
    assert fingerprints.of(HASH, FILM) == expected
    assert (torrent.opened, torrent.closed) == (2, 2)


def test_no_hash_without_the_torrent_or_of_a_short_file(torrent: InStore) -> None:
    nothing: Any = OneTorrent(None)
    assert Fingerprints(nothing).of(HASH, FILM) is None
    there: Any = OneTorrent(torrent)
    assert Fingerprints(there).of(HASH, TEXT) is None


def test_a_busy_disk_is_not_waited_for(torrent: InStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("addon.playback.fingerprints.PATIENCE", 0.05)
    there: Any = OneTorrent(torrent)
    fingerprints = Fingerprints(there)
    torrent.comes.clear()
    assert fingerprints.of(HASH, FILM) is None
    assert torrent.closed == torrent.opened == 1
    torrent.comes.set()
    assert fingerprints.of(HASH, FILM) is not None, "it is looked at again"


def test_a_torrent_that_failed_is_not_read(torrent: InStore) -> None:
    there: Any = OneTorrent(torrent)
    broken: Any = torrent
    broken.failure = "the disk is full"
    assert Fingerprints(there).of(HASH, FILM) is None
    assert torrent.opened == 0
