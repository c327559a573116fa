"""Web seeds: the URL of each file of real torrents, and whose seeds count."""

from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import libtorrent as lt
import pytest

from addon.sources.base import Kind, Link, Media, Trust
from addon.sources.webseed import WebSeed, web_seeds
from addon.torrents.hints import MAX_WEB_SEEDS
from addon.torrents.magnet import parse_magnet
from addon.torrents.metainfo import load_torrent, torrent_from_info
from tests.sources.wanted import V1, known, unknown
from tests.torrents.build import FLAGS, real

SIZE = 40_000
SEED = "http://seed.example:8080/pub"


def of_torrent(
    folder: Path, files: list[str], version: str, seeds: list[str], *, private: bool = False
) -> list[Media]:
    """Every file of a torrent that libtorrent makes."""
    content = dict.fromkeys(files, b"x" * SIZE)
    raw = real(folder, content, version, web_seeds=seeds, private=private)
    metainfo = load_torrent(raw)
    magnet = metainfo.magnet()
    every = sorted(metainfo.files, key=lambda file: files.index(file.path))
    return [Media(metainfo.info_hash, magnet, metainfo, f, f.name) for f in every]


def urls(media: Media) -> list[str]:
    links = [seed.locate(media, 0.0) for seed in web_seeds(media)]
    return [link.url for link in links if link is not None]


@pytest.mark.parametrize("version", ["v1", "hybrid"])
def test_a_single_file_is_the_url_itself(tmp_path: Path, version: str) -> None:
    seeds = [f"{SEED}/other%20name.mkv", f"{SEED}/"]
    (media,) = of_torrent(tmp_path, ["A Film #1?.mkv"], version, seeds)
    assert urls(media) == [f"{SEED}/other%20name.mkv", f"{SEED}/A%20Film%20%231%3F.mkv"]


# In v2 libtorrent itself takes it for a single file, on disk too.
@pytest.mark.parametrize("version", ["v1", "hybrid"])
def test_one_file_in_a_folder_stays_in_its_folder(tmp_path: Path, version: str) -> None:
    seeds = [f"{SEED}/a", f"{SEED}/b/"]
    (media,) = of_torrent(tmp_path, ["Film/film.mkv"], version, seeds)
    assert urls(media) == [f"{SEED}/a/Film/film.mkv", f"{SEED}/b/Film/film.mkv"]


@pytest.mark.parametrize("version", FLAGS)
def test_what_the_magnet_names_of_a_single_file(tmp_path: Path, version: str) -> None:
    (media,) = of_torrent(tmp_path, ["Film.mkv"], version, [])
    named = (f"{SEED}/other.mkv", f"{SEED}/dir/")
    media = replace(media, magnet=replace(media.magnet, web_seeds=named))
    expected = [f"{SEED}/other.mkv", f"{SEED}/dir/Film.mkv"]
    assert urls(media) == expected
    # As it is once the metadata came from peers: the magnet's seeds are in the .torrent too.
    assert media.metainfo is not None
    raw = torrent_from_info(lt.bencode(lt.bdecode(media.metainfo.raw)[b"info"]), (), named)
    assert urls(replace(media, metainfo=load_torrent(raw))) == expected


@pytest.mark.parametrize("version", FLAGS)
def test_each_file_of_several_has_its_url(tmp_path: Path, version: str) -> None:
    files = ["Ü Show/50% off?.mkv", "Ü Show/s1/e#1 & ~.mkv", "Ü Show/s1/e2 🎬.mkv"]
    every = of_torrent(tmp_path, files, version, [SEED])
    located = [url for media in every for url in urls(media)]
    assert {unquote(url.removeprefix(f"{SEED}/")) for url in located} == set(files)
    assert all(url.isascii() and not urlsplit(url).query for url in located)
    assert f"{SEED}/%C3%9C%20Show/s1/e%231%20%26%20~.mkv" in located


def test_a_seed_of_one_file_locates_its_neighbours(tmp_path: Path) -> None:
    first, second = of_torrent(tmp_path, ["Show/e1.mkv", "Show/e2.mkv"], "v1", [SEED])
    (seed,) = web_seeds(first)
    neighbour = replace(first, file=second.file, file_name=second.file_name)
    link = seed.locate(neighbour, 0.0)
    assert link is not None
    assert link.url == f"{SEED}/Show/e2.mkv"


def test_what_a_link_says() -> None:
    media = known("Film.mkv", "Film.mkv", web_seeds=("https://seed.example/f.mkv",))
    (seed,) = web_seeds(media)
    assert seed.locate(media, 0.0) == Link(
        "https://seed.example/f.mkv", trust=Trust.NAMED, resumable=True, redirectable=True
    )
    assert (seed.kind, seed.trust, seed.priority) == (Kind.WEB_SEED, Trust.NAMED, 0)
    assert (seed.needs_metadata, seed.resumable, seed.redirect) == (False, True, False)


def test_names_are_of_the_host_and_unique() -> None:
    seeds = tuple(
        f"http://{host}"
        for host in ("a.example/1", "A.example/2", "a.example:81/", "[::1]:80/", "a.example/3")
    )
    media = known("Film.mkv", "Film.mkv", web_seeds=seeds)
    assert [seed.name for seed in web_seeds(media)] == [
        "web seed a.example",
        "web seed a.example #2",
        "web seed a.example:81",
        "web seed [::1]:80",
        "web seed a.example #3",
    ]


def test_both_lists_count_without_duplicates_and_not_too_many() -> None:
    ours = tuple(f"http://t{n}.example/" for n in range(MAX_WEB_SEEDS - 1))
    media = known("Film.mkv", "Film.mkv", web_seeds=ours)
    named = (ours[3], "http://m1.example/", "http://m2.example/")
    media = replace(media, magnet=replace(media.magnet, web_seeds=named))
    assert [seed.base for seed in web_seeds(media)] == [*ours, "http://m1.example/"]


def test_of_a_private_torrent_only_its_own_seeds_count() -> None:
    media = known("Film.mkv", "Film.mkv", web_seeds=("http://own.example/",), private=True)
    media = replace(media, magnet=replace(media.magnet, web_seeds=("http://spy.example/",)))
    assert urls(media) == ["http://own.example/Film.mkv"]
    assert len(web_seeds(replace(media, metainfo=None, file=None))) == 1, "nobody knows yet"


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("http://h", "http://h/Film/f.mkv"),
        ("http://H.example/a%20b", "http://H.example/a%20b/Film/f.mkv"),
        ("http://h/get?key=a/b&x=%2F", "http://h/get?key=a/b&x=%2F/Film/f.mkv"),
        ("http://h?dir=", "http://h?dir=/Film/f.mkv"),
        ("http://h/My%20#1%20é", "http://h/My%20%231%20%C3%A9/Film/f.mkv"),
        ("http://h/100%", "http://h/100%25/Film/f.mkv"),
        ("http://h/%zz%41", "http://h/%25zz%41/Film/f.mkv"),
        ("http://h/a(b)[c]~d;e=f,g'h!/", "http://h/a(b)[c]~d;e=f,g'h!/Film/f.mkv"),
        ("http://me:pw@h/", None),
        ("http://é.example/", None),
    ],
)
def test_the_base_is_kept_but_mended(base: str, url: str | None) -> None:
    media = known("Film", "f.mkv", web_seeds=(base,))
    assert urls(media) == ([] if url is None else [url])


@pytest.mark.parametrize(
    ("seed", "length", "located"),
    [
        ("http://h/a/Film%20one.MKV", 5, True),
        ("http://h/Film.mp4?key=1", 5, True),
        ("http://h/Film.mkv", None, False),
        ("http://h/Film.mkv/", 5, False),
        ("http://h/films/", 5, False),
        ("http://h/films", 5, False),
        ("http://h/Film.srt", 5, False),
        ("http://h/Film.zip", 5, False),
        ("http://h/?f=/Film.mkv", 5, False),
        ("http://film.mkv", 5, False),
    ],
)
def test_without_metadata_only_a_film_is_used(seed: str, length: int | None, located: bool) -> None:
    media = unknown("Film.mkv", web_seeds=(seed,), length=length)
    assert urls(media) == [seed] * located


def test_a_magnet_as_it_is_met() -> None:
    magnet = parse_magnet(
        f"magnet:?xt=urn:btih:{V1}&xl=5&ws=http%3A%2F%2Fh%2FA%20Film%20%231.mkv&ws=ftp://h/x.mkv"
    )
    assert urls(Media(magnet.info_hash, magnet)) == ["http://h/A%20Film%20%231.mkv"]


def test_a_torrent_without_a_chosen_file_has_no_url() -> None:
    media = replace(known("Film", "f.mkv", web_seeds=("http://h/f.mkv",)), file=None)
    assert urls(media) == []
    assert WebSeed("x", "http://h/f.mkv").locate(media, 0.0) is None
