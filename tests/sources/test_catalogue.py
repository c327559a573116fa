"""Files of sources, and the built-in one among them."""

from pathlib import Path

import pytest

from addon.errors import SettingsError
from addon.sources.base import Trust
from addon.sources.catalogue import BUILT_IN, load_catalogue
from tests.sources.wanted import V1, known, unknown

# Name, where a film would be, whether it can go on in mid-file: the seed document's table.
TWELVE = [
    ("Instant.io", "https://instant.io/{h}/{f}", True),
    ("TorrentDrive", "https://www.torrentdrive.com/api/download/{h}/{f}", False),
    ("BTCache", "https://btcache.me/torrent/{h}", True),
    ("BTDigg Proxy", "https://api.btdig.com/download/{h}/{f}", False),
    ("TorrentSafe", "https://torrentsafe.com/download/{h}/{f}", True),
    ("MediaBox", "https://mediabox.io/stream/{h}/{f}", True),
    ("TorrentStream", "https://stream.torrentproject.cc/{h}/{f}", False),
    ("CloudTorrent", "https://cloudtorrent.io/download/{h}/{f}", True),
    ("StreamMagnet", "https://streammagnet.com/get/{h}/{f}", True),
    ("TorrentAPI", "https://api.torrent-streaming.net/stream/{h}/{f}", False),
    ("Seedr.cc", "https://www.seedr.cc/api/torrent/download?magnet={m}&file={f}", False),
    ("Bitport.io", "https://bitport.io/api/torrent/download/{h}/{f}", True),
]


def write(folder: Path, text: str) -> Path:
    file = folder / "sources.toml"
    file.write_text(text)
    return file


def problems(file: Path) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_catalogue(file)
    assert all(str(file) in text and text.endswith(".") for text in caught.value.problems)
    return caught.value.problems


def test_the_twelve_of_the_seed_in_their_order() -> None:
    sources = load_catalogue(BUILT_IN)
    media = known("Film", "a film.mkv")
    magnet = f"magnet%3A%3Fxt%3Durn%3Abtih%3A{V1}%26dn%3DFilm%26xl%3D500000000"
    assert [source.priority for source in sources] == list(range(1, 14))
    for source, (name, url, resumable) in zip(sources, TWELVE, strict=False):
        link = source.locate(media, 0.0)
        assert link is not None
        assert (source.name, source.resumable) == (name, resumable)
        assert link.url == url.format(h=V1, f="a%20film.mkv", m=magnet)
        assert not link.redirectable
    assert sources[12].name == "WebTor.io"


def test_nobody_vouches_for_the_built_in_ones_and_each_has_a_note() -> None:
    for source in load_catalogue(BUILT_IN):
        assert source.trust is Trust.OPEN
        assert not source.redirect
        assert source.headers == ()
        assert source.note


def test_only_seedr_waits_for_metadata() -> None:
    waiting = [source.name for source in load_catalogue(BUILT_IN) if source.needs_metadata]
    assert waiting == ["Seedr.cc"]
    located = [s.name for s in load_catalogue(BUILT_IN) if s.locate(unknown("a.mkv"), 0.0)]
    assert len(located) == 12
    assert "Seedr.cc" not in located


def test_a_file_with_everything_in_it(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        """
        [[source]]
        name = "Mine"
        url = "http://127.0.0.1:8080/{infohash}/{file_path}"
        priority = 7
        trust = "own"
        redirect = true
        supports_resume = false
        headers = { Authorization = "Bearer x" }
        note = "in the cellar"

        [[source]]
        name = "Plain"
        url = "https://host/{infohash}"
        """,
    )
    mine, plain = load_catalogue(file)
    assert (mine.name, mine.priority, mine.trust, mine.redirect) == ("Mine", 7, Trust.OWN, True)
    assert (mine.resumable, mine.note) == (False, "in the cellar")
    assert mine.needs_metadata, "its placeholders say so"
    assert mine.headers == (("Authorization", "Bearer x"),)
    assert (plain.priority, plain.trust, plain.redirect) == (0, Trust.OPEN, False)
    assert (plain.needs_metadata, plain.resumable, plain.headers) == (False, True, ())


def test_an_empty_file_has_no_sources(tmp_path: Path) -> None:
    assert load_catalogue(write(tmp_path, "# none yet\n")) == []


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        """
        sources = 1
        [[source]]
        name = "One"
        url = "https://host/{nope}"
        [[source]]
        url = "https://host/{infohash}"
        [[source]]
        name = "Good"
        url = "https://host/{infohash}"
        [[source]]
        name = "GOOD"
        url = "https://host/{infohash}"
        [[source]]
        name = "Five"
        url = "https://host/{infohash}"
        enabled = false
        [[source]]
        name = "Six"
        url = "https://host/{infohash}"
        priorty = 3
        """,
    )
    told = problems(file)
    expected = [
        ("'sources'", "[[source]]"),
        ("source 1 ('One')", "{nope}"),
        ("source 2:", "no name"),
        ("source 4 ('GOOD')", "twice"),
        ("source 5 ('Five')", "'enabled'"),
        ("source 6 ('Six')", "'priorty'"),
    ]
    assert len(told) == len(expected)
    for text, (where, what) in zip(told, expected, strict=True):
        assert where in text
        assert what in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("source = 1", "two brackets"),
        ('[source]\nname = "x"', "two brackets"),
        ("source = [1]", "no table"),
        ("[[source", "cannot be read"),
        ("a = 1\na = 2", "cannot be read"),
    ],
)
def test_a_file_of_another_shape(tmp_path: Path, text: str, said: str) -> None:
    (told,) = problems(write(tmp_path, text))
    assert said in told


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (told,) = problems(tmp_path / "none.toml")
    assert "No such file" in told
    file = tmp_path / "latin.toml"
    file.write_bytes(b'name = "\xe9"')
    (told,) = problems(file)
    assert "cannot be read" in told
