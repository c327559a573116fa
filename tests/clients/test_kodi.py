"""Debian's Kodi, without a screen: from the installation of our repository to a film's end.

One Kodi and one server for all tests of the file; they build on the add-on that the fixture
``kodi`` has installed, and on nothing else of each other.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.clients.kodi import FILES, HOME, MENU, PROGRESS, SELECT, YES_NO, Kodi
from tests.rig.child import REPOSITORY
from tests.rig.http import request
from tests.rig.lab import Lab
from tests.rig.server import Server
from tests.rig.torrents import Torrent, make_torrent
from tests.rig.waiting import until

FilmOf = Callable[[str], Path]

ADDON, REPOSITORY_ADDON = "plugin.video.selfstreme", "repository.selfstreme"
ROOT = f"plugin://{ADDON}/"
# As in test_players.py: a film of 24 MB takes 24 s, and plays at 400 kB/s.
SEEDERS, UPLOAD_RATE = 3, 333_000
DURATION, PLACE = 60.0, 0.6
SEEK = DURATION * PLACE
PATIENCE = 40.0  # seconds
FILM = "tt7654321"
KEY = "a-key-for-these-tests"
PYTHON_WINDOWS = 13000  # and more: windows of add-ons
SUBTITLE = "1\n00:00:01,000 --> 00:00:59,000\nWhat is said\n"


@dataclass(frozen=True)
class Shelf:
    """What the server's library holds."""

    film: Torrent
    dead: Torrent
    show: Torrent


def source_copy(folder: Path) -> Path:
    """The server's files where a test may change them: an update of the add-on is one of theirs."""
    for name in ("wsgi.py", "manifest.json"):
        shutil.copy(REPOSITORY / name, folder)
    left = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "addon", folder / "addon", ignore=left)
    return folder


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return source_copy(tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="module")
def server(lab: Lab, source: Path) -> Server:
    return lab.server(PYTHONPATH=str(source))


@pytest.fixture(scope="module")
def shelf(lab: Lab, server: Server, film_of: FilmOf) -> Shelf:
    """A film that downloads slowly, a better copy that nobody has, and two episodes."""
    slow = _folder(lab, "A.Slow.Film.2021.720p.WEB-DL-RIG")
    (slow / "A.Slow.Film.2021.720p.mkv").hardlink_to(film_of("film.mkv"))
    (slow / "A.Slow.Film.2021.720p.en.srt").write_text(SUBTITLE)
    film = make_torrent(slow, 256 * 1024)
    server.upload(film.raw)
    server.add(lab.share(film, rate=UPLOAD_RATE, count=SEEDERS), imdbId=FILM)

    better = _folder(lab, "A.Slow.Film.2021.1080p.WEB-DL-NOBODY")
    lab.file("film", 300_000).rename(better / "A.Slow.Film.2021.1080p.mkv")
    dead = make_torrent(better, 16 * 1024)
    server.upload(dead.raw)
    server.add(dead.magnet(), imdbId=FILM)

    season = _folder(lab, "A.Show.S01.1080p-RIG")
    for number in (1, 2):
        lab.file("episode", 300_000).rename(season / f"A.Show.S01E0{number}.1080p.mkv")
    show = make_torrent(season, 16 * 1024)
    server.upload(show.raw)
    return Shelf(film, dead, show)


def _folder(lab: Lab, name: str) -> Path:
    folder = lab.folder / name
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def kodi(server: Server) -> Iterator[Kodi]:
    """Kodi, after its user has installed the repository from our listing and the add-on from it."""
    sources = {"Self-Streme": f"{server.url}/kodi/", "Films": dav(server)}
    with Kodi(sources) as kodi:
        kodi.builtin("InstallFromZip")
        until(lambda: kodi.window() == FILES, what="the choice of a zip file")
        kodi.go_to("Self-Streme")
        kodi.press("Select")
        kodi.go_to(f"{REPOSITORY_ADDON}-")
        kodi.press("Select")
        until(lambda: kodi.version(REPOSITORY_ADDON), PATIENCE, "the repository")
        refresh(kodi, server)
        until(lambda: kodi.offers(ADDON), PATIENCE, "the repository's content")
        kodi.builtin(f"InstallAddon({ADDON})")
        until(lambda: kodi.window() == YES_NO, what="the question whether to install")
        kodi.say_yes()
        until(lambda: kodi.version(ADDON), PATIENCE, "the add-on")
        yield kodi


@pytest.fixture(autouse=True)
def _at_home(kodi: Kodi) -> None:
    """What a test that failed has left open is not the next one's affair."""
    kodi.go_home()


def dav(server: Server) -> str:
    """The library's folders, as Kodi spells them."""
    return f"dav://{server.url.removeprefix('http://')}/dav/"


def refresh(kodi: Kodi, server: Server) -> None:
    """Have Kodi look for what is new in its repositories, as it does each day."""
    before = server.log.count("/kodi/addons.xml.sha256")
    kodi.builtin("UpdateAddonRepos")
    until(lambda: server.log.count("/kodi/addons.xml.sha256") > before, PATIENCE, "Kodi to look")


def play_url(title: str) -> str:
    """The address of a film in our add-on."""
    return f"{ROOT}?{urlencode({'action': 'play', 'type': 'movie', 'id': title})}"


def test_it_lists_what_the_server_holds(kodi: Kodi, shelf: Shelf) -> None:
    home = {row["label"]: row["file"] for row in kodi.list(ROOT)}
    assert list(home) == ["Films · Self-Streme", "Series · Self-Streme", "Search", "Settings"]
    films = {row["label"]: row for row in kodi.list(home["Films · Self-Streme"], "year")}
    assert films["A Slow Film"]["file"] == play_url(FILM)
    assert films["A Slow Film"]["year"] == 2021
    series = {row["label"]: row for row in kodi.list(home["Series · Self-Streme"])}
    episodes = kodi.list(series["A Show"]["file"], "season", "episode", "showtitle")
    assert [(row["season"], row["episode"]) for row in episodes] == [(1, 1), (1, 2)]
    assert {row["showtitle"] for row in episodes} == {"A Show"}
    found = kodi.list(f"{ROOT}?action=search&query=slow")
    assert [row["label"] for row in found] == ["A Slow Film"]


def test_a_film_that_still_downloads_plays_seeks_stops_and_resumes(
    kodi: Kodi, server: Server, shelf: Shelf
) -> None:
    def plays_on_from(place: float) -> None:
        until(lambda: kodi.position() > place + 1, PATIENCE, f"a picture after {place} s")
        assert progress() < 1

    def progress() -> float:
        return float(server.torrent(shelf.film.key)["progress"])

    def choose() -> None:
        until(lambda: kodi.window() == SELECT, PATIENCE, "the list of streams")
        until(lambda: "1080p" in kodi.focused(), what="the best to come first")
        kodi.go_to("WEB-DL-RIG")
        kodi.press("Select")

    kodi.play(play_url(FILM))
    choose()
    plays_on_from(0)
    assert progress() < PLACE, "the place to seek to was not to be there yet"
    until(lambda: kodi.subtitle() == "eng", PATIENCE, "the subtitle")
    kodi.seek(SEEK)
    plays_on_from(SEEK)
    kodi.stop()

    # "Choose source" in the context menu; whether to resume is Kodi's own question.
    kodi.quiet()
    kodi.builtin(f"RunPlugin({play_url(FILM).replace('action=play', 'action=choose')})")
    choose()
    until(lambda: kodi.window() == MENU, PATIENCE, "the question where to begin")
    kodi.go_to("Resume from 00:00:3")
    kodi.press("Select")
    until(lambda: kodi.position() > 0, PATIENCE, "a picture")
    assert kodi.position() > SEEK
    assert kodi.label("VideoPlayer.Title") == "A Slow Film"
    kodi.stop()


def test_a_dead_film_ends_with_our_sentence(kodi: Kodi, shelf: Shelf) -> None:
    dead = play_url(f"streme:{shelf.dead.key}")
    kodi.play(dead)
    until(lambda: kodi.window() == PROGRESS, PATIENCE, "the progress")
    assert "The film did not begin within 8 s" in kodi.dialog(PATIENCE)
    kodi.press("Select")
    kodi.quiet()
    assert kodi.window() == HOME
    assert not kodi.player()

    kodi.play(dead)
    until(lambda: kodi.window() == PROGRESS, PATIENCE, "the progress")
    kodi.press("Select")  # its one button: Cancel
    kodi.quiet()
    assert kodi.window() == HOME


def test_it_plays_out_of_the_library_as_folders(kodi: Kodi, server: Server, shelf: Shelf) -> None:
    folders = {row["label"]: row["file"] for row in kodi.list(f"{dav(server)}Movies/")}
    (folder,) = (url for label, url in folders.items() if label.startswith("A Slow Film"))
    files = {row["size"]: row["file"] for row in kodi.list(folder, "size")}
    kodi.play(files[shelf.film.file("A.Slow.Film.2021.720p.mkv").length])
    until(lambda: kodi.position() > 1, PATIENCE, "a picture")
    kodi.stop()


def test_it_updates_itself(kodi: Kodi, server: Server, source: Path, shelf: Shelf) -> None:
    about = source / "addon" / "kodi" / ADDON / "addon.xml"
    newer, count = re.subn(r'(<addon [^>]*version=")[^"]*', r"\g<1>99.0.0", about.read_text())
    assert count == 1
    about.write_text(newer)
    server.terminate()
    server.start()
    assert kodi.version(ADDON) != "99.0.0"
    refresh(kodi, server)
    until(lambda: kodi.version(ADDON) == "99.0.0", PATIENCE, "the new version")
    assert "A Slow Film" in {row["label"] for row in kodi.list(f"{ROOT}?action=search&query=slow")}


def test_it_is_paired_with_a_closed_server_by_a_code(kodi: Kodi, lab: Lab) -> None:
    closed = lab.server(ACCESS_KEY=KEY)
    kodi.set(ADDON, "server_address", closed.url)
    kodi.builtin(f"RunPlugin({ROOT}?action=pair)")
    until(lambda: kodi.window() >= PYTHON_WINDOWS, PATIENCE, "the window with the code")
    code = next(text for text in kodi.labels(3000, 3020) if re.fullmatch("[A-Z0-9]{6}", text))
    approve(closed, code)
    until(lambda: kodi.window() == HOME, PATIENCE, "Kodi to be connected")
    home = {row["label"]: row["file"] for row in kodi.list(ROOT)}
    films = {row["label"] for row in kodi.list(home["Films · Self-Streme"])}
    assert films, "the samples"
    assert "A Slow Film" not in films
    asked = re.compile(r'"GET /\*+/catalog/movie/library.json HTTP/1.1" 200')
    until(lambda: asked.search(closed.log), what="the log of what Kodi asked")
    assert [line for line in kodi.log.splitlines() if "manifest.json" in line] == []
    for setting in ("server_address", "manifest_url"):
        kodi.set(ADDON, setting, "")


def approve(server: Server, code: str) -> None:
    """What a person does on the page that Kodi names."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    typed = urlencode({"code": code, "key": KEY}).encode()
    logged_in = request(f"{server.url}/pair", form, "POST", typed)
    assert logged_in.status == 303, logged_in
    form["Cookie"] = logged_in.headers["set-cookie"].partition(";")[0]
    done = request(f"{server.url}/pair", form | {"Origin": server.url}, "POST", typed)
    assert done.status == 200, done
