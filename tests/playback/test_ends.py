"""Both ends of a file: which pieces they are, and who is asked for them."""

from typing import Any

import pytest

from addon.errors import Problem
from addon.playback import ends as module
from addon.playback.ends import Ends, needed
from addon.torrents.metainfo import File
from tests.playback.test_readiness import FILE, HEAD, METAINFO, TAIL, FakeTorrent


@pytest.fixture
def torrent(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(module, "HEAD_BYTES", 2000)
    monkeypatch.setattr(module, "TAIL_BYTES", 1000)
    return FakeTorrent()


@pytest.mark.parametrize("as_player", [True, False])
def test_the_tail_is_asked_for_as_a_player_does(torrent: Any, as_player: bool) -> None:
    ends = Ends(torrent, METAINFO, FILE, as_player=as_player)
    assert (ends.head, ends.tail) == (HEAD, TAIL)
    assert [stream.range for stream in torrent.streams] == [(0, 2000), (8000, 9000)]
    assert [stream.ahead for stream in torrent.streams] == [False, as_player]
    ends.close()
    assert all(stream.closed for stream in torrent.streams)


def test_what_has_come_is_asked_for_no_longer(torrent: Any) -> None:
    ends = Ends(torrent, METAINFO, FILE, as_player=True)
    assert (ends.look(), ends.missing()) == (set(), {*HEAD, *TAIL})
    torrent.there.update({*TAIL, HEAD.start})
    assert ends.missing() == {*HEAD} - {HEAD.start}
    assert [stream.closed for stream in torrent.streams] == [False, True]
    torrent.there.update(HEAD)
    assert ends.missing() == set()
    assert torrent.streams[0].closed


def test_a_tail_that_is_refused_leaves_nothing_open(torrent: Any) -> None:
    torrent.refuses = [Problem("disk-full", "No room.")]
    with pytest.raises(Problem):
        Ends(torrent, METAINFO, FILE, as_player=True)
    assert [stream.closed for stream in torrent.streams] == [True]


def test_no_more_room_is_needed_than_there_are_bytes(torrent: Any) -> None:
    assert needed(FILE) == 3000
    assert needed(File(0, "a.mkv", 0, 700)) == 700
