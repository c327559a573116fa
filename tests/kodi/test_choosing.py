"""Which stream is played."""

from collections.abc import Callable
from typing import Any

Load = Callable[[str], Any]


def stream(quality: str, torrent: str = "a", file: str = "0", group: str = "") -> dict[str, Any]:
    return {
        "name": f"Self-Streme\n{quality}",
        "description": f"{torrent} name\n1.4 GB · P2P",
        "url": f"http://host/play/{torrent}/{file}/grant/film.mkv",
        "behaviorHints": {"bingeGroup": group},
    }


def test_what_has_too_many_lines_comes_last(load: Load) -> None:
    streams = [stream("2160p HDR"), stream("1080p"), stream(""), stream("720p")]
    ordered = load("choosing").ordered
    assert ordered(streams, 0) == streams
    assert ordered(streams, 1080) == [*streams[1:], streams[0]]
    assert ordered(streams, 480) == [streams[2], streams[0], streams[1], streams[3]]


def test_the_chosen_stream_before_the_remembered_release(load: Load) -> None:
    place = load("choosing").place
    streams = [
        stream("1080p", "a"),
        stream("1080p", "b", "1", "pack"),
        stream("720p", "b", "2", "pack"),
    ]
    assert place(streams) is None
    assert place(streams, remembered="pack") == 1
    assert place(streams, chosen="b/2", remembered="pack") == 2
    assert place(streams, chosen="gone/0", remembered="pack") == 1
    assert place(streams, chosen="gone/0", remembered="other") is None
    assert place([{"url": "http://elsewhere/film.mkv"}], remembered="pack") is None


def test_labels_name_quality_release_and_facts(load: Load) -> None:
    labels = load("choosing").labels
    assert labels(stream("1080p HDR")) == ("1080p HDR · a name", "1.4 GB · P2P")
    told = {"name": "Self-Streme", "description": "pack\nfile\nfacts"}
    assert labels(told) == ("pack", "facts · file")
    assert labels({"name": "Self-Streme", "description": "facts only"}) == ("facts only", "")
    assert labels({}) == ("Self-Streme", "")
    assert labels({"name": "Other\n4k", "title": "x\ny"}) == ("Other · 4k · x", "y")
