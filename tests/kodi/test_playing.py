"""Playing: what is chosen, how long it waits, and what Kodi is handed in the end."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.kodi.conftest import TOKEN, Answer, Site
from tests.kodi.fakes import Fakes, ListItem

Call = Callable[..., None]
Load = Callable[[str], Any]
READY: Answer = (200, {"state": "ready", "contentType": "video/x-matroska"})
PREPARING: Answer = (
    200,
    {
        "state": "preparing",
        "step": "looking for peers",
        "peers": 3,
        "downloadRate": 2_400_000,
        "progress": 0.25,
        "sources": ["Mirror"],
    },
)
FAILED: Answer = (
    200,
    {"state": "failed", "problem": {"code": "no-peers", "detail": "Nobody.", "hint": "Wait."}},
)
FILM = {"action": "play", "type": "movie", "id": "tt1"}
EPISODE = {"action": "play", "type": "series", "id": "tt2", "season": 1, "episode": 2}


class Films:
    """Streams of the site, and how they stand."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def stream(self, quality: str, torrent: str = "aa", **hints: Any) -> dict[str, Any]:
        """One that is listed; it stands as READY until a test says otherwise."""
        self.stands(torrent, READY)
        return {
            "name": f"Self-Streme\n{quality}",
            "description": f"{torrent}\n1.4 GB",
            "url": f"{self.site.url}/play/{torrent}/0/grant/film.mkv",
            "behaviorHints": {"filename": "film.mkv", **hints},
        }

    def stands(self, torrent: str, *answers: Answer) -> None:
        """The answers to the first poll, and to all later ones."""
        first, *later = answers
        self.site.answers[f"/status/{torrent}/0/grant?again=1"] = first
        self.site.answers[f"/status/{torrent}/0/grant"] = later or [first]

    def film(self, *streams: dict[str, Any]) -> None:
        self.site.put("stream/movie/tt1.json", {"streams": streams})

    def episode(self, *streams: dict[str, Any], number: int = 2) -> None:
        self.site.put(f"stream/series/tt2%3A1%3A{number}.json", {"streams": streams})


@pytest.fixture
def films(paired: Site) -> Films:
    return Films(paired)


@pytest.fixture(autouse=True)
def _nothing_secret_is_written(fakes: Fakes) -> Any:
    yield
    assert TOKEN not in " ".join([*fakes.log, *fakes.builtins, *fakes.notes, *fakes.progress])


def played(fakes: Fakes) -> ListItem:
    assert fakes.resolved is not None, (fakes.modal, fakes.log)
    return fakes.resolved


def test_the_only_stream_that_is_ready_is_played_without_a_dialog(
    call: Call, fakes: Fakes, films: Films
) -> None:
    stream = films.stream("1080p") | {"subtitles": [{"id": "1", "url": "http://x/f.en.srt"}, {}]}
    films.film(stream)
    films.site.put("meta/movie/tt1.json", {"meta": {"id": "tt1", "type": "movie", "name": "F"}})
    call(**FILM)
    item = played(fakes)
    assert item.path == stream["url"]
    assert (item.mime, item.lookup) == ("video/x-matroska", False)
    assert item.subtitles == ["http://x/f.en.srt"]
    assert item.tag.told["Title"] == "F"
    assert (fakes.modal, fakes.progress) == ([], [])


def test_several_are_shown_and_one_is_chosen(call: Call, fakes: Fakes, films: Films) -> None:
    films.film(films.stream("1080p"), films.stream("720p", "bb"))
    fakes.answers.append(1)
    call(**FILM)
    ((kind, (items, options)),) = fakes.modal
    assert kind == "select"
    assert [(i.label, i.label2) for i in items] == [
        ("1080p · aa", "1.4 GB"),
        ("720p · bb", "1.4 GB"),
    ]
    assert options == {"preselect": 0, "useDetails": True}
    assert "/bb/" in played(fakes).path


def test_the_best_at_once(call: Call, fakes: Fakes, films: Films) -> None:
    fakes.settings |= {"play_best": True, "most_lines": 720}
    films.film(films.stream("1080p"), films.stream("720p", "bb"))
    call(**FILM)
    assert "/bb/" in played(fakes).path
    assert fakes.modal == []


@pytest.mark.parametrize("best", [False, True])
def test_the_next_episode_is_of_the_release_that_was_played(
    call: Call, fakes: Fakes, films: Films, best: bool
) -> None:
    fakes.settings["play_best"] = best
    films.episode(films.stream("720p", "bb", bingeGroup="small"))
    call(**EPISODE)
    fakes.resolved = None
    films.episode(
        films.stream("1080p", bingeGroup="big"),
        films.stream("720p", "bb", bingeGroup="small"),
        number=3,
    )
    call(**EPISODE | {"episode": 3})
    assert "/bb/" in played(fakes).path
    assert fakes.modal == []


def test_a_source_is_chosen_by_the_context_menu(call: Call, fakes: Fakes, films: Films) -> None:
    fakes.settings["play_best"] = True
    films.episode(films.stream("1080p"), films.stream("720p", "bb"))
    fakes.answers.append(1)
    call(handle=-1, **EPISODE | {"action": "choose"})
    (builtin,) = fakes.builtins
    there = "?action=play&type=series&id=tt2&season=1&episode=2"
    assert builtin == f'PlayMedia("plugin://plugin.video.selfstreme/{there}")'
    assert fakes.resolved is None
    call(**EPISODE)
    assert "/bb/" in played(fakes).path


def test_no_source_is_chosen(call: Call, fakes: Fakes, films: Films) -> None:
    films.film(films.stream("1080p"), films.stream("720p", "bb"))
    fakes.answers.append(-1)
    call(handle=-1, **FILM | {"action": "choose"})
    assert fakes.builtins == []
    fakes.answers.append(-1)
    call(**FILM)
    assert fakes.refused
    assert [kind for kind, _ in fakes.modal] == ["select", "select"]


def test_the_viewer_sees_how_it_gets_ready(call: Call, fakes: Fakes, films: Films) -> None:
    films.film(films.stream("1080p"))
    films.stands("aa", PREPARING, PREPARING, READY)
    call(**FILM)
    text = "looking for peers\n3 peers · 2.4 MB/s\nSources: Mirror"
    assert fakes.progress == [text, f"25% {text}", f"25% {text}", "closed"]
    assert played(fakes)
    polls = [path for path in films.site.asked if "/status/" in path]
    assert [path.endswith("?again=1") for path in polls] == [True, False, False]


def test_a_failure_ends_with_the_servers_sentence(call: Call, fakes: Fakes, films: Films) -> None:
    films.film(films.stream("1080p"))
    films.stands("aa", PREPARING, FAILED)
    call(**FILM)
    assert fakes.refused
    assert fakes.modal == [("ok", "Nobody.\nWait.")]
    assert fakes.progress[-1] == "closed"


@pytest.mark.parametrize("how", ["cancel", "abort"])
def test_who_cancels_or_leaves_hears_nothing_more(
    call: Call, fakes: Fakes, films: Films, how: str
) -> None:
    films.film(films.stream("1080p"))
    films.stands("aa", PREPARING)
    if how == "cancel":
        fakes.cancel_after = 3
    else:
        fakes.aborted = True
    call(**FILM)
    assert fakes.refused
    assert fakes.modal == []
    assert fakes.progress[-1] == "closed"


def test_an_accident_on_the_way_is_forgiven(call: Call, fakes: Fakes, films: Films) -> None:
    films.film(films.stream("1080p"))
    films.stands("aa", (502, b"x"), (502, b"x"), (502, b"x"), PREPARING, (502, b"x"), READY)
    call(**FILM)
    assert played(fakes)


def test_a_server_that_is_gone_is_not_waited_for(call: Call, fakes: Fakes, films: Films) -> None:
    films.film(films.stream("1080p"))
    films.stands("aa", PREPARING, (502, b"x"))
    call(**FILM)
    assert fakes.refused
    assert fakes.modal == [("ok", "The server at 127.0.0.1 answered with error 502.")]
    assert fakes.waited < 10


def test_no_news_for_long_is_an_end(
    call: Call, load: Load, fakes: Fakes, films: Films, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load("playing"), "NO_NEWS", 0.05)
    films.film(films.stream("1080p"))
    films.stands("aa", PREPARING)
    call(**FILM)
    assert fakes.refused
    ((_, text),) = fakes.modal
    assert text.startswith("The film does not get ready")


@pytest.mark.parametrize("streams", [[], [{"name": "no url"}]])
def test_a_title_without_a_stream(
    call: Call, fakes: Fakes, films: Films, streams: list[Any]
) -> None:
    films.film(*streams)
    call(**FILM)
    assert fakes.refused
    ((_, text),) = fakes.modal
    assert text.startswith("The server has no stream for this title.")


def test_a_mistake_of_ours_ends_the_play_too(call: Call, fakes: Fakes, films: Films) -> None:
    call(action="play", type="movie")
    assert fakes.refused
    assert fakes.modal == [("ok", "The add-on made a mistake; Kodi's log says more.")]


def test_subtitles_of_a_torrent_whose_files_were_not_known(
    call: Call, fakes: Fakes, films: Films
) -> None:
    before = films.stream("1080p", filename="")
    after = films.stream("1080p") | {
        "url": before["url"].replace("/0/", "/2/"),
        "subtitles": [{"id": "1", "url": "http://x/f.en.srt"}],
    }
    path = f"/{TOKEN}/stream/movie/tt1.json"
    films.site.answers[path] = [(200, {"streams": [before]}), (200, {"streams": [after]})]
    call(**FILM)
    assert played(fakes).subtitles == ["http://x/f.en.srt"]
    assert played(fakes).path == before["url"]


def test_a_stream_of_somebody_else_is_handed_over_as_it_is(
    call: Call, fakes: Fakes, films: Films
) -> None:
    films.film({"name": "Other", "url": "https://elsewhere.example/film.mp4"})
    call(**FILM)
    item = played(fakes)
    assert (item.path, item.mime) == ("https://elsewhere.example/film.mp4", "")
    assert item.lookup, "Kodi finds out for itself what it is"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("A.MKV", "video/x-matroska"),
        ("a.b.mp4", "video/mp4"),
        ("a.ts", "video/mp2t"),
        ("a.avi", "video/x-msvideo"),
        ("video", ""),
        ("a.unheard", ""),
    ],
)
def test_the_type_by_the_name(load: Load, name: str, kind: str) -> None:
    assert load("playing").content_type(name) == kind


def test_an_episode_is_described_for_who_comes_from_elsewhere(
    call: Call, fakes: Fakes, films: Films
) -> None:
    films.episode(films.stream("1080p"))
    videos = [{"id": f"tt2:1:{n}", "season": 1, "episode": n, "title": f"No. {n}"} for n in (1, 2)]
    meta = {"id": "tt2", "type": "series", "name": "A Show", "videos": videos}
    films.site.put("meta/series/tt2.json", {"meta": meta})
    call(**EPISODE)
    told = played(fakes).tag.told
    assert (told["Title"], told["TvShowTitle"], told["Episode"]) == ("No. 2", "A Show", 2)
