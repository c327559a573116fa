"""A template is refused for what is wrong with it, or makes the right URL, or none."""

import random
from urllib.parse import urlsplit

import pytest

from addon.errors import Problem, outcome
from addon.sources.base import Kind, Link, Trust
from addon.sources.template import (
    MAX_BUILT,
    FunctionSource,
    TemplateSource,
    parse_template,
)
from addon.torrents.hints import MAX_URL
from addon.torrents.metainfo import Metainfo
from tests.sources.wanted import V1, known, unknown


def fault(text: str) -> str:
    with pytest.raises(Problem) as caught:
        parse_template(text)
    assert caught.value.code == "bad-source"
    assert caught.value.hint
    detail = caught.value.detail
    assert detail.startswith("The URL template ")
    assert detail.endswith(".")
    assert "\n" not in detail
    return detail


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "does not begin with http"),
        ("instant.io/{infohash}", "does not begin with http"),
        ("//instant.io/{infohash}", "does not begin with http"),
        ("https:/host/{infohash}", "does not begin with http"),
        ("ftp://host/{infohash}", "ftp"),
        ("file:///etc/{infohash}", "file"),
        ("javascript://host/{infohash}", "javascript"),
        ("{infohash}://host/", "scheme or host"),
        ("https://{infohash}.host/", "scheme or host"),
        ("https://host:{file_index}/{infohash}", "scheme or host"),
        ("https://{name}@host/{infohash}", "scheme or host"),
        ("https:///{infohash}", "no host"),
        ("https://?{infohash}", "no host"),
        ("https://-/{infohash}", "no host"),
        ("https://a b/{infohash}", "no host"),
        ("https://host\\@evil/{infohash}", "user name"),
        ("https://host\\evil/{infohash}", "no host"),
        ("https://[::1/{infohash}", "no host"),
        ("https://[fe80::1%25eth0]/{infohash}", "no host"),
        ("https://me:hunter2@host/{infohash}", "user name or password"),
        ("https://me@host/{infohash}", "user name or password"),
        ("https://host:0/{infohash}", "port"),
        ("https://host:/{infohash}", "port"),
        ("https://host:65536/{infohash}", "port"),
        ("https://host:80a/{infohash}", "port"),
        ("https://host/{infohash}/{hash}", "unknown placeholder {hash}"),
        ("https://host/{info_hash}", "infohash_b32"),
        ("https://host/{0.__class__}/{infohash}", "brace"),
        ("https://host/{}/{infohash}", "brace"),
        ("https://host/{{infohash}}", "brace"),
        ("https://host/{infohash}{", "brace"),
        ("https://host/{infohash}}", "brace"),
        ("https://host/{file name}/{infohash}", "brace"),
        ("https://host/film.mkv", "names the content"),
        ("https://host/{size}/{file_index}/{file_index1}.{ext}{trackers}", "names the content"),
        ("https://host/a b/{infohash}", "space"),
        ("https://host/é/{infohash}", "%XX"),
        ('https://host/"/{infohash}', "%XX"),
        ("https://host/100%/{infohash}", "%25"),
        ("https://host/%{infohash}", "%25"),
        ("https://host/%4{infohash}", "%25"),
        ("https://host/#{infohash}", "never sent"),
        ("https://host#/{infohash}", "never sent"),
        ("https://host/../{infohash}", "'.' or '..'"),
        ("https://host/%2E%2e/{infohash}", "'.' or '..'"),
        ("https://host/./{infohash}", "'.' or '..'"),
        ("https://host/\x00{infohash}", "control characters"),
        ("https://ho\tst/{infohash}", "control characters"),
        ("https://host/\r\nX: y/{infohash}", "control characters"),
        (f"https://host/{'a' * MAX_URL}/{{infohash}}", f"{MAX_URL} are the most"),
    ],
)
def test_what_is_wrong_is_said(text: str, said: str) -> None:
    assert said in fault(text)


def test_a_password_in_a_template_is_not_repeated() -> None:
    assert "hunter2" not in fault("https://me:hunter2@host/{infohash}")


@pytest.mark.parametrize(
    "text",
    [
        "https://host/{infohash}",
        "  http://127.0.0.1:8080/{INFOHASH}.torrent\n",
        "HTTPS://Host.Example.ORG:443/{infohash_b32}",
        "http://[::1]:8090/stream/{filename}?link={infohash}&index={file_index1}&play",
        "http://my_nas/files/{file_path}",
        "https://host/?m={magnet}",
        "https://host?h={infohash}",
        "https://host/a..b/.../{name}%20x",
        "https://host/?path=../{infohash}",
    ],
)
def test_what_is_right_is_taken(text: str) -> None:
    assert parse_template(text).text == text.strip()


def test_random_text_is_never_more_than_refused() -> None:
    bits = [
        *(
            "http://",
            "https://",
            "host",
            "[::1]",
            "://",
            "@",
            ":",
            ":80",
            "/",
            "?",
            "#",
            "%",
            "%41",
        ),
        *("..", "{", "}", "{infohash}", "{filename}", "{nope}", "{trackers}", " ", "\0", "\ud800"),
        *("é", "🎬", "\\", "a" * 3000, "{0}", "&", "=", "\n", "１"),
    ]
    random.seed(19)
    taken = 0
    for _ in range(20_000):
        head = random.choice(["", "https://host/", "http://h:1/"])
        text = head + "".join(random.choices(bits, k=random.randrange(7)))
        template = outcome(parse_template, text)
        if isinstance(template, Problem):
            assert template.code == "bad-source"
            assert template.detail.isprintable()
            continue
        taken += 1
        url = template.build(known("Film", "a b#?.mkv"))
        assert url is None or urlsplit(url).hostname in ("host", "h")
    assert taken > 100


MEDIA = known("A Show", "e1.mkv")


def source(text: str = "https://h/{infohash}", **more: object) -> TemplateSource:
    return TemplateSource("Test", parse_template(text), **more)  # type: ignore[arg-type]


def test_a_template_source_says_where() -> None:
    headers = (("Authorization", "Bearer x"),)
    media = unknown("a.mkv")
    assert source().kind is Kind.TEMPLATE
    assert source().locate(media, 0.0) == Link(f"https://h/{V1}", trust=Trust.OPEN)
    own = source(trust=Trust.OWN, resumable=False)
    assert own.locate(media, 0.0) == Link(
        f"https://h/{V1}", trust=Trust.OWN, resumable=False, redirectable=True
    )
    assert source(redirect=True).locate(media, 0.0) == Link(f"https://h/{V1}", redirectable=True)
    told = source(trust=Trust.OWN, redirect=True, headers=headers).locate(media, 0.0)
    assert told == Link(f"https://h/{V1}", headers, trust=Trust.OWN, redirectable=False)
    assert source("https://h/{file_path}").locate(media, 0.0) is None


def test_a_key_in_a_source_is_not_shown() -> None:
    shown = repr(source("https://h/{infohash}?key=hunter2", headers=(("X-Key", "hunter3"),)))
    assert "hunter" not in shown
    assert "Test" in shown


def function(build_url: object, **more: object) -> FunctionSource:
    return FunctionSource("Mine", build_url, **more)  # type: ignore[arg-type]


def url_of(info_hash: str, file_name: str, torrent: Metainfo | None) -> str:
    return f"https://h/{info_hash}/{file_name}"


@pytest.mark.parametrize("make", [source, lambda **more: function(url_of, **more)])
def test_who_is_not_asked(make: type[TemplateSource]) -> None:
    bare, whole = unknown("a.mkv"), known("a.mkv", "a.mkv")
    private = known("a.mkv", "a.mkv", private=True)
    assert make(needs_metadata=True).locate(bare, 0.0) is None
    assert make(needs_metadata=True).locate(whole, 0.0) is not None
    assert make(needs_metadata=False).locate(bare, 0.0) is not None
    assert make(trust=Trust.OPEN).locate(private, 0.0) is None
    assert make(trust=Trust.OPEN, redirect=True).locate(private, 0.0) is None
    assert make(trust=Trust.OWN).locate(private, 0.0) is not None


def test_a_function_gets_what_is_known() -> None:
    asked = []

    def build(info_hash: str, file_name: str, torrent: Metainfo | None) -> str:
        asked.append((info_hash, file_name, torrent))
        return "http://h/x"

    assert function(build).kind is Kind.FUNCTION
    assert function(build, resumable=False).locate(unknown("a.mkv"), 0.0) == Link(
        "http://h/x", resumable=False
    )
    function(build).locate(MEDIA, 0.0)
    assert asked == [(V1, "a.mkv", None), (V1, "e1.mkv", MEDIA.metainfo)]


@pytest.mark.parametrize(
    "made",
    [
        None,
        b"https://h/x",
        7,
        "",
        "h/x",
        "ftp://h/x",
        "file:///etc/passwd",
        "https:///x",
        "https://me:pw@h/x",
        "https://h/a b",
        "https://h/é",
        "https://h/\r\nX: y",
        "https://h/" + "a" * MAX_BUILT,
    ],
)
def test_what_a_function_makes_is_looked_at(made: object, caplog: pytest.LogCaptureFixture) -> None:
    assert function(lambda *_: made).locate(unknown("a.mkv"), 0.0) is None
    assert bool(caplog.records) is (made is not None)


def test_a_function_that_breaks_is_logged_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    assert function(lambda *_: 1 / 0).locate(unknown("a.mkv"), 0.0) is None
    assert "source Mine broke" in caplog.text


def test_a_program_may_give_a_template_for_a_function() -> None:
    made = FunctionSource.of("Mine", "https://h/{file_path}", priority=3, resumable=False, note="n")
    assert isinstance(made, TemplateSource)
    assert (made.priority, made.needs_metadata, made.resumable, made.note) == (3, True, False, "n")
    made = FunctionSource.of("Mine", url_of, priority=3, needs_metadata=True)
    assert made == FunctionSource("Mine", url_of, priority=3, needs_metadata=True)
    with pytest.raises(Problem, match="unknown placeholder"):
        FunctionSource.of("Mine", "https://h/{nope}")
