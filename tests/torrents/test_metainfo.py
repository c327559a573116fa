import hashlib
import random
import time
from pathlib import Path
from typing import Any

import libtorrent as lt
import pytest

from addon.errors import Problem
from addon.torrents.hints import MAX_TRACKERS, MAX_WEB_SEEDS
from addon.torrents.magnet import parse_magnet
from addon.torrents.metainfo import MAX_TORRENT, File, load_torrent, torrent_from_info
from tests.torrents.build import PIECE, bencode, info, real, torrent

FILES = {
    "Show/a.mkv": b"a" * 70_000,
    "Show/empty.txt": b"",
    "Show/sub/b.mkv": b"b" * 100_001,
}


def refused(raw: bytes, code: str = "bad-torrent") -> Problem:
    with pytest.raises(Problem) as caught:
        load_torrent(raw)
    assert caught.value.code == code
    assert caught.value.detail.endswith(".")
    assert caught.value.hint
    return caught.value


@pytest.fixture(params=["v1", "v2", "hybrid"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_real_torrent_of_each_version(tmp_path: Path, version: str) -> None:
    raw = real(tmp_path, FILES, version)
    metainfo = load_torrent(raw)
    inner = lt.bdecode(raw)[b"info"]
    span = lt.bencode(inner)
    assert metainfo.info_hash.v1 == (None if version == "v2" else hashlib.sha1(span).hexdigest())
    assert metainfo.info_hash.v2 == (None if version == "v1" else hashlib.sha256(span).hexdigest())
    assert metainfo.name == "Show"
    assert metainfo.piece_length == PIECE
    assert metainfo.raw == raw
    assert {f.path: f.length for f in metainfo.files} == {p: len(c) for p, c in FILES.items()}
    assert [f.name for f in metainfo.files] == ["a.mkv", "empty.txt", "b.mkv"]
    assert metainfo.private is False
    assert metainfo.trackers == metainfo.web_seeds == ()


def test_pad_files_are_left_out_and_indices_are_libtorrents(tmp_path: Path, version: str) -> None:
    metainfo = load_torrent(real(tmp_path, FILES, version))
    padded = version != "v1"
    assert [f.index for f in metainfo.files] == ([0, 2, 3] if padded else [0, 1, 2])
    assert not any(".pad" in f.path for f in metainfo.files)
    last = metainfo.files[-1]
    assert metainfo.file(last.index) == last
    assert last.offset == (5 * PIECE if padded else 70_000)
    for index in (1, 4) if padded else (3, -1):
        with pytest.raises(Problem) as caught:
            metainfo.file(index)
        assert caught.value.code == "no-such-file"
        assert str(index) in caught.value.detail


def test_pieces_hold_exactly_the_files_bytes(tmp_path: Path, version: str) -> None:
    metainfo = load_torrent(real(tmp_path, FILES, version))
    a, empty, b = metainfo.files
    assert metainfo.pieces_of(a) == range(5)
    assert len(metainfo.pieces_of(empty)) == 0
    assert metainfo.pieces_of(b) == (range(4, 11) if version == "v1" else range(5, 12))
    sizes = [metainfo.piece_size(i) for i in range(metainfo.piece_count)]
    assert sum(sizes) == metainfo.total_size
    assert set(sizes[:-1]) == {PIECE}
    assert sizes[-1] == (170_001 % PIECE if version == "v1" else PIECE)
    for index in (-1, metainfo.piece_count):
        with pytest.raises(IndexError):
            metainfo.piece_size(index)


def test_a_file_that_ends_with_a_piece() -> None:
    metainfo = load_torrent(torrent(info([(["a.mkv"], 2 * PIECE), (["b.mkv"], PIECE)])))
    assert [metainfo.pieces_of(f) for f in metainfo.files] == [range(2), range(2, 3)]


def test_a_torrent_of_a_single_file(tmp_path: Path, version: str) -> None:
    metainfo = load_torrent(real(tmp_path, {"Film.mkv": b"x" * 100}, version))
    assert metainfo.files == (File(0, "Film.mkv", 0, 100),)
    assert metainfo.magnet().length == 100


@pytest.mark.parametrize("version", ["v1", "v2", "hybrid"])
def test_a_web_seed_that_is_the_one_file_stays_so(tmp_path: Path, version: str) -> None:
    seed = "https://seed.example.org/films/one.mkv"
    raw = real(tmp_path, {"one.mkv": b"x" * 50_000}, version, web_seeds=[seed])
    assert load_torrent(raw).web_seeds == (seed,)


def test_trackers_web_seeds_private_and_the_magnet(tmp_path: Path, version: str) -> None:
    trackers = ["udp://t.example.org:1", "https://t.example.org/announce"]
    seeds = ["http://w.example.org/", "http://v.example.org/x/"]
    raw = real(tmp_path, FILES, version, trackers=trackers, web_seeds=seeds, private=True)
    metainfo = load_torrent(raw)
    assert metainfo.private is True
    assert metainfo.trackers == tuple(trackers)
    assert sorted(metainfo.web_seeds) == sorted(seeds)
    magnet = parse_magnet(metainfo.magnet().uri())
    assert magnet == metainfo.magnet()
    assert magnet.info_hash == metainfo.info_hash
    assert magnet.name == "Show"
    assert magnet.length is None
    assert magnet.trackers == metainfo.trackers


def test_urls_of_a_torrent_are_capped_and_checked() -> None:
    raw = torrent(
        info([(["a.mkv"], 1)]),
        **{
            "announce-list": [[f"udp://t{n}.example.org:1"] * 2 for n in range(90)] + [["junk"]],
            "url-list": ["", "ftp://x.example.org/", "junk"]
            + [f"http://w{n}.example.org/" for n in range(40)],
        },
    )
    metainfo = load_torrent(raw)
    assert len(set(metainfo.trackers)) == len(metainfo.trackers) == MAX_TRACKERS
    assert len(set(metainfo.web_seeds)) == len(metainfo.web_seeds) == MAX_WEB_SEEDS
    assert all(url.startswith("http://w") for url in metainfo.web_seeds)


def test_urls_that_are_no_utf8_do_not_cost_the_torrent() -> None:
    bad = b"http://\xff\xed\xa0\x80.example.org/"
    metainfo = load_torrent(torrent(info([(["a.mkv"], 1)]), announce=bad, **{"url-list": [bad]}))
    assert metainfo.trackers == metainfo.web_seeds == ()
    assert metainfo.files[0].name == "a.mkv"


WICKED: list[list[Any]] = [
    ["..", "..", "etc", "passwd"],
    ["/etc/passwd"],
    ["", "", "x"],
    [".", "..", "."],
    ["a\0b.mkv"],
    ["a/../../b.mkv"],
    ["..\\..\\b.mkv"],
    ["C:\\windows\\x.mkv"],
    [b"\xff\xfe.mkv"],
    [b"\xed\xa0\x80.mkv"],
    ["x" * 1000 + ".mkv"],
    ["\u202egnp.mkv"],
    ["a\r\nb.mkv"],
    [".."],
    [""],
    ["d"] * 60,
]


@pytest.mark.parametrize("path", WICKED, ids=repr)
@pytest.mark.parametrize("name", ["Root", "..", "/", "../../x", "", "a/b", "\0", b"\xff"], ids=repr)
def test_no_path_leaves_the_root(path: list[Any], name: Any, tmp_path: Path) -> None:
    (file,) = load_torrent(torrent(info([(path, 5)], name))).files
    target = (tmp_path / file.path).resolve()
    assert tmp_path.resolve() in target.parents
    assert "\0" not in file.path
    assert not file.path.startswith("/")


@pytest.mark.parametrize("name", ["", ".", "..", "/"])
def test_a_single_file_without_a_usable_name_is_refused(name: str) -> None:
    single = {"name": name, "length": 5, "piece length": PIECE, "pieces": b"x" * 20}
    assert "name" in refused(torrent(single)).detail


@pytest.mark.parametrize("name", ["../x.mkv", "../../x", "/etc/passwd", "a\0b", "a/b", "..\\b"])
def test_no_single_file_leaves_the_root(name: str, tmp_path: Path) -> None:
    single = {"name": name, "length": 5, "piece length": PIECE, "pieces": b"x" * 20}
    (file,) = load_torrent(torrent(single)).files
    assert (tmp_path / file.path).resolve().parent == tmp_path.resolve()


def test_a_path_that_libtorrent_would_let_out_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = torrent(info([(["a.mkv"], 5)]))
    genuine = lt.load_torrent_buffer

    for path in ("../a.mkv", "/a.mkv", "Root/../../a.mkv", "Root//a.mkv", "Root/a\0.mkv"):

        def wicked(*arguments: Any, path: str = path) -> lt.add_torrent_params:
            params = genuine(*arguments)
            params.renamed_files = {0: path}
            return params

        monkeypatch.setattr(lt, "load_torrent_buffer", wicked)
        assert "leads out" in refused(raw).detail


def test_two_files_of_one_name_have_the_paths_that_libtorrent_writes() -> None:
    names = ["a.mkv", "a.mkv", "A.mkv"]
    metainfo = load_torrent(torrent(info([([name], 5) for name in names])))
    paths = [f.path.lower() for f in metainfo.files]
    assert len(set(paths)) == 3
    assert "root/a.1.mkv" in paths


def test_symbolic_links_are_no_files() -> None:
    dictionary = info([(["a.mkv"], 5), (["link.mkv"], 0)])
    dictionary["files"][1] |= {"attr": "l", "symlink path": ["..", "..", "etc", "passwd"]}
    assert [f.path for f in load_torrent(torrent(dictionary)).files] == ["Root/a.mkv"]


def test_a_torrent_of_nothing_but_empty_files_is_refused() -> None:
    refused(torrent(info([(["a.mkv"], 0)])))
    refused(torrent(info([])))


def test_too_large_is_said_before_it_is_read() -> None:
    problem = refused(b"x" * (MAX_TORRENT + 1), "too-large")
    assert str(MAX_TORRENT) in problem.detail
    refused(b"x" * MAX_TORRENT)


GOOD = info([(["a.mkv"], 100)])


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"d-4:",
        b"d",
        b"de",
        b"le",
        b"i1e",
        b"4:spam",
        b"<html><body>404</body></html>",
        b"d4:infoe",
        b"d4:infod" + b"e" * 100,
        b"d4:info" + b"l" * 100 + b"e" * 101,
        b"d4:info" + b"d1:a" * 100_000,
        b"l" * 1_000_000,
        b"d4:info99999999999999999999:xe",
        b"d4:infoi" + b"9" * 100_000 + b"ee",
        b"l" + b"i1e" * 600_000 + b"e",
        bencode({"info": [1]}),
        bencode({"info": {}}),
        torrent(GOOD)[:-10],
        torrent(GOOD | {"piece length": -1}),
        torrent(GOOD | {"piece length": 0}),
        torrent(GOOD | {"piece length": 2**31}),
        torrent(GOOD | {"piece length": 2**62}),
        torrent(GOOD | {"piece length": "x"}),
        torrent(GOOD | {"pieces": b"x" * 19}),
        torrent(GOOD | {"pieces": 5}),
        torrent(GOOD | {"files": "x"}),
        torrent(GOOD | {"files": [5]}),
        torrent(GOOD | {"files": [{"path": ["a"]}]}),
        torrent(info([(["a"], -5), (["b"], 10)])),
        torrent(GOOD | {"files": [{"path": ["a"], "length": 2**62}] * 3}),
        torrent(info([(["a.mkv"], 200_001 * PIECE)])),
    ],
    ids=lambda raw: repr(raw[:40]),
)
def test_what_cannot_be_read_is_a_problem(raw: bytes) -> None:
    began = time.monotonic()
    refused(raw)
    assert time.monotonic() - began < 2


def test_nesting_has_a_limit() -> None:
    def nested(depth: int) -> bytes:
        value: list[Any] = []
        for _ in range(depth):
            value = [value]
        return torrent(GOOD | {"x": value})

    assert load_torrent(nested(40)).name == "Root"
    assert "nesting" in refused(nested(60)).detail


def test_cut_anywhere(tmp_path: Path) -> None:
    raw = real(tmp_path, FILES, "hybrid", trackers=["udp://t.example.org:1"])
    for end in range(len(raw)):
        refused(raw[:end])


def test_mutations_raise_nothing_but_a_problem(tmp_path: Path, version: str) -> None:
    raw = real(tmp_path, FILES, version, trackers=["udp://t.example.org:1"])
    chance = random.Random(3)
    loaded = 0
    codes = set()
    for _ in range(10_000):
        changed = bytearray(raw)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(changed))
            kind = chance.randrange(4)
            if kind == 0:
                changed[at] = chance.randrange(256)
            elif kind == 1:
                del changed[at : at + chance.randint(1, 20)]
            elif kind == 2:
                changed[at:at] = chance.choice([b"e", b"d", b"l", b"i-1e", b"9", b"\xff", b"0:"])
            else:
                changed[at] ^= 1 << chance.randrange(8)
        try:
            metainfo = load_torrent(bytes(changed))
        except Problem as problem:
            codes.add(problem.code)
            continue
        loaded += 1
        assert metainfo.info_hash.key
        assert parse_magnet(metainfo.magnet().uri()).info_hash == metainfo.info_hash
        for file in metainfo.files:
            assert not file.path.startswith("/")
            assert ".." not in file.path.split("/")
            assert metainfo.pieces_of(file).stop <= metainfo.piece_count
            assert file.offset + file.length <= metainfo.total_size
    assert loaded > 100
    assert codes == {"bad-torrent"}


def test_torrent_from_info_keeps_the_hash(tmp_path: Path, version: str) -> None:
    raw = real(tmp_path, FILES, version, trackers=["udp://z.example.org:1"])
    whole = load_torrent(raw)
    span = lt.load_torrent_buffer(raw).ti.info_section()
    trackers = ["udp://a.example.org:1", "http://b.example.org/announce"]
    seeds = ["http://w.example.org/"]
    made = torrent_from_info(span, trackers, seeds)
    metainfo = load_torrent(made)
    assert metainfo.info_hash == whole.info_hash
    assert metainfo.files == whole.files
    assert metainfo.trackers == tuple(trackers)
    assert metainfo.web_seeds == tuple(seeds)
    assert span in made
    assert lt.bencode(lt.bdecode(made)) == made


def test_torrent_from_info_alone() -> None:
    span = bencode(GOOD)
    assert torrent_from_info(span) == b"d4:info" + span + b"e"
    assert load_torrent(torrent_from_info(span)).trackers == ()


def test_an_unsorted_info_dictionary_keeps_its_hash() -> None:
    span = b"d4:name1:x6:lengthi5e12:piece lengthi16384e6:pieces20:" + b"x" * 20 + b"e"
    metainfo = load_torrent(torrent_from_info(span))
    assert metainfo.info_hash.v1 == hashlib.sha1(span).hexdigest()


@pytest.mark.parametrize("span", [b"", b"e", b"i1e", b"d", b"x" * 50, b"de4:infode"])
def test_torrent_from_a_bad_info_does_not_load(span: bytes) -> None:
    refused(torrent_from_info(span))


def test_the_bytes_stay_out_of_logs() -> None:
    metainfo = load_torrent(torrent(GOOD))
    assert "raw" not in repr(metainfo)
