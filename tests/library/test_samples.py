"""The four films that a new library shows."""

from addon.library.samples import SAMPLES
from addon.library.titles import OWN_PREFIX
from addon.torrents.magnet import InfoHash, Magnet, parse_magnet
from tests.library.shelf import Shelf, torrent

BUNNY = "dd8255ecdc7ca55fb0bbf81323d87062db1f6d1c"


def test_they_are_there_once_with_name_and_year(shelf: Shelf) -> None:
    for _ in range(2):
        shelf.titles.samples()
        assert [(name, year) for _, name, year in shelf.listed("movie")] == [
            ("Big Buck Bunny", 2008),
            ("Sintel", 2010),
            ("Tears of Steel", 2012),
            ("Cosmos Laundromat", 2015),
        ]
    assert all(title.sample for title in shelf.catalogs.page("movie"))
    assert {title_id[:2] for title_id, _, _ in shelf.listed("movie")} == {"tt", "st"}


def test_each_can_be_had_from_its_web_seed_and_from_public_trackers(shelf: Shelf) -> None:
    shelf.titles.samples()
    for sample in SAMPLES:
        magnet = shelf.kept.magnet(sample.info_hash)
        assert magnet is not None
        assert magnet == parse_magnet(magnet.uri())
        assert magnet.web_seeds == ("https://webtorrent.io/torrents/",)
        assert len(magnet.trackers) >= 3
    assert len(shelf.kept.newest()) == 4
    assert shelf.played("tt1254207") == ["main"]


def test_a_removed_one_does_not_come_back(shelf: Shelf) -> None:
    shelf.titles.samples()
    shelf.titles.removed(BUNNY)
    shelf.kept.forget(BUNNY)
    shelf.titles.samples()
    assert "Big Buck Bunny" not in [name for _, name, _ in shelf.listed("movie")]
    assert shelf.kept.find(InfoHash(v1=BUNNY)) is None


def test_a_film_that_the_user_has_is_left_alone(shelf: Shelf) -> None:
    shelf.add(Magnet(InfoHash(v1=BUNNY), name="My rabbit"))
    shelf.titles.samples()
    title = shelf.library.title(OWN_PREFIX + BUNNY)
    assert title is not None
    assert (title.name, title.sample) == ("My rabbit", False)
    assert len(shelf.listed("movie")) == 4


def test_its_metadata_does_not_rename_a_sample(shelf: Shelf) -> None:
    shelf.titles.samples()
    key = "c9e15763f722f23e98a29decdfae341b98d53056"
    shelf.describe(torrent("CL", "cl_1080p.mp4", key=key))
    title = shelf.library.title(OWN_PREFIX + key)
    assert title is not None
    assert (title.name, title.sample) == ("Cosmos Laundromat", True)
    assert shelf.played(OWN_PREFIX + key) == ["cl_1080p.mp4"]
