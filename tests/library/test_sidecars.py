"""The subtitles beside videos: looked for once in a torrent, and only in what is known."""

from dataclasses import replace

import pytest

from addon.errors import Problem
from addon.library import sidecars as module
from addon.library.sidecars import Sidecars
from addon.torrents.magnet import InfoHash
from addon.torrents.metainfo import Metainfo
from tests.torrents.build import pack

PACK = pack("Film", ("Film.mkv", 3), ("Film.en.srt", 0.05), ("Film.srt", 0.05))
HASH = PACK.info_hash
VIDEO, ENGLISH, UNNAMED = PACK.files


class Known:
    """Metadata that is there, is not, or cannot be read."""

    def __init__(self, found: Metainfo | Problem | None = PACK) -> None:
        self.found = found

    def metainfo(self, info_hash: InfoHash) -> Metainfo | None:
        if isinstance(self.found, Problem):
            raise self.found
        return self.found

    def magnet(self, info_hash: InfoHash) -> None:
        return None


def languages(sidecars: Sidecars) -> dict[int, str]:
    return {one.file.index: one.language for one in sidecars.of(HASH, VIDEO)}


def test_a_video_has_what_lies_beside_it() -> None:
    sidecars = Sidecars(Known())
    assert languages(sidecars) == {ENGLISH.index: "eng", UNNAMED.index: "und"}
    assert sidecars.of(HASH, ENGLISH) == ()


@pytest.mark.parametrize("found", [None, Problem("bad-torrent", "It cannot be read.")])
def test_what_is_not_known_has_none(found: Problem | None) -> None:
    assert Sidecars(Known(found)).of(HASH, VIDEO) == ()


def test_metadata_that_comes_later_counts() -> None:
    known = Known(None)
    sidecars = Sidecars(known)
    assert languages(sidecars) == {}
    known.found = PACK
    assert len(languages(sidecars)) == 2


def test_a_torrent_is_looked_into_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Metainfo] = []
    real = module.all_subtitles
    monkeypatch.setattr(module, "all_subtitles", lambda found: read.append(found) or real(found))
    sidecars = Sidecars(Known())
    for _ in range(3):
        assert len(sidecars.of(HASH, VIDEO)) == len(sidecars.among(PACK, VIDEO)) == 2
    assert read == [PACK]
    sidecars.among(replace(PACK, info_hash=InfoHash("cd" * 20)), VIDEO)
    assert len(read) == 2


def test_the_text_says_what_the_name_does_not() -> None:
    sidecars = Sidecars(Known())
    sidecars.learn(HASH, UNNAMED.index, "und")
    assert languages(sidecars)[UNNAMED.index] == "und"
    sidecars.learn(HASH, UNNAMED.index, "rus")
    sidecars.learn(HASH, ENGLISH.index, "gre")
    sidecars.learn(HASH, UNNAMED.index, "und")
    assert languages(sidecars) == {ENGLISH.index: "eng", UNNAMED.index: "rus"}
    sidecars.learn(InfoHash("cd" * 20), UNNAMED.index, "gre")
    assert languages(sidecars)[UNNAMED.index] == "rus", "another torrent's"
