"""Every URL we publish is absolute and has one spelling."""

from urllib.parse import urlsplit

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from addon.torrents.magnet import InfoHash
from addon.torrents.selection import Episode, FileIndex, MainVideo, Wanted
from addon.web.urls import play_url, public_base

HASH = InfoHash("ab" * 20, "cd" * 32)


def asked(url: str) -> Request:
    builder = EnvironBuilder(base_url=url)
    try:
        return Request(builder.get_environ())
    finally:
        builder.close()


@pytest.mark.parametrize(
    "base", ["http://127.0.0.1:7000", "http://[::1]:7000", "https://a.example"]
)
def test_the_visitors_own_address_is_the_base(base: str) -> None:
    assert public_base(asked(f"{base}/"), None) == base


def test_base_url_comes_first() -> None:
    base = "https://films.example/tv"
    assert public_base(asked("http://127.0.0.1:7000/"), base) == base


@pytest.mark.parametrize(
    ("wanted", "shown"), [(FileIndex(3), "3"), (Episode(1, 2), "s01e02"), (MainVideo(), "main")]
)
def test_a_play_link_names_hash_file_and_grant(wanted: Wanted, shown: str) -> None:
    url = play_url("https://a.example/tv", HASH, wanted, "token", "film.mkv")
    assert url == f"https://a.example/tv/play/{'ab' * 20}/{shown}/token/film.mkv"


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("A Film (2019).mkv", "A%20Film%20%282019%29.mkv"),
        ("100%?#&+;:@.mkv", "100%25%3F%23%26%2B%3B%3A%40.mkv"),
        ("Show/film.mkv", "Show%2Ffilm.mkv"),
        ("фильм.mkv", "%D1%84%D0%B8%D0%BB%D1%8C%D0%BC.mkv"),
        ("a-b_c.d~e", "a-b_c.d~e"),
        (None, "video"),
        ("", "video"),
    ],
)
def test_a_name_has_one_spelling(name: str | None, spelled: str) -> None:
    url = play_url("https://a.example", HASH, MainVideo(), "token", name)
    assert url.rpartition("/")[2] == spelled
    assert url.count("/") == 7
    assert urlsplit(url).query == urlsplit(url).fragment == ""
