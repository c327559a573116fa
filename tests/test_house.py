"""Rules about the files themselves: their length, their names, and what must not be in them."""

import os
import re
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
MOST_LINES = 300
# Longer modules: how long they may be, and why they are one.
LONG = {
    "addon/app.py": (360, "the composition root: every part, once, in order"),
    "addon/playback/torrents.py": (340, "one use case: what /api/torrents can do to a torrent"),
    "addon/settings.py": (440, "every option with its text, in one place"),
    "addon/swarm/session.py": (400, "all that calls libtorrent's session, in one order"),
    "addon/swarm/torrent.py": (400, "one torrent's state; its priorities have one writer"),
    "addon/torrents/names.py": (360, "one grammar: its words and the parser that reads them"),
}  # fmt: skip
# A name that says nothing gathers what belongs elsewhere.
NAMELESS = {
    "base_utils",
    "common",
    "helpers",
    "helper",
    "manager",
    "managers",
    "misc",
    "utils",
    "util",
}
# A path that is only right on the machine of whoever wrote it.
MACHINE_PATH = re.compile(r"(?<![\w./$}~:-])/(?:work|root|home/\w+|Users/\w+|tmp/venv)\b(?!\w)")
SECRETS = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "an access token": re.compile(
        r"\b(?:gh[pousr]_\w{36}|github_pat_\w{22,}|npm_\w{36}|AKIA[A-Z0-9]{16}|xox[abp]-[\w-]{20,}"
        r"|glpat-[\w-]{20}|AIza[\w-]{35}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+)"
    ),
    # Upper and lower case and digits, 40 or more, and no hash: those are hexadecimal or base32.
    "something like a key": re.compile(
        r"[\"'=](?=[\w+/-]*[a-z])(?=[\w+/-]*[A-Z])(?=[\w+/-]*\d)[A-Za-z0-9_+/-]{40,}=*[\"'\s]"
    ),
}
# Nobody's real key counts.
INVENTED = re.compile("0123456789|abcdefgh", re.IGNORECASE)


def tracked() -> dict[str, str]:
    """Path and text of the files that git keeps or would keep."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    if listed.returncode and not os.environ.get("CI"):
        pytest.skip("this is no git checkout")
    texts = {}
    for name in filter(None, listed.stdout.split("\0")):
        raw = (REPOSITORY / name).read_bytes() if (REPOSITORY / name).is_file() else b""
        if b"\0" not in raw[:8192]:
            texts[name] = raw.decode(errors="replace")
    assert texts
    return texts


def secrets_in(text: str) -> list[str]:
    """What in a text looks as if it should be nobody's business."""
    return [
        what
        for what, pattern in SECRETS.items()
        if any(not INVENTED.search(found[0]) for found in pattern.finditer(text))
    ]


def test_modules_are_short() -> None:
    lengths = {
        str(path.relative_to(REPOSITORY)): len(path.read_text().splitlines())
        for path in (REPOSITORY / "addon").rglob("*.py")
    }
    most = {name: LONG.get(name, (MOST_LINES, ""))[0] for name in lengths}
    assert {name: count for name, count in lengths.items() if count > most[name]} == {}
    no_longer = [name for name in LONG if lengths.get(name, 0) <= MOST_LINES]
    assert no_longer == [], "take them out of the list"


def test_no_file_is_named_after_nothing() -> None:
    found = [name for name in tracked() if NAMELESS & {*Path(name).parts, Path(name).stem}]
    assert found == []


def test_no_path_of_one_machine() -> None:
    found = [
        f"{name}:{number}: {line.strip()}"
        for name, text in tracked().items()
        for number, line in enumerate(text.splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]
    assert found == []


def test_no_secret() -> None:
    found = {
        name: what
        for name, text in tracked().items()
        if Path(name).name != "package-lock.json" and (what := secrets_in(text))
    }
    assert found == {}


@pytest.mark.parametrize("part", ["work", "root", "home/anne", "Users/anne", "tmp/venv"])
def test_a_path_of_one_machine_is_noticed(part: str) -> None:
    for line in (f"open('/{part}/x')", f"cd /{part}", f"PATH=/{part}/bin"):
        assert MACHINE_PATH.search(line)
    for line in (
        f"https://host/{part}/x",
        f"./{part}",
        f"$HOME/{part}",
        f"/{part}".replace("/", "/x"),
    ):
        assert not MACHINE_PATH.search(line)


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN " + "RSA PRIVATE KEY-----",
        "token: ghp_" + "a1B2" * 9,
        "key = '" + "aB3-" * 11 + "'",
        "SECRET_KEY=" + "aB3_" * 10 + "\n",
    ],
)
def test_a_secret_is_noticed(text: str) -> None:
    assert secrets_in(text)


@pytest.mark.parametrize(
    "text",
    ['"' + "0123456789abcdef" * 4 + '"', "'a" + "_name" * 12 + "'", "'AbCdEfGh" + "iJ0" * 20 + "'"],
)
def test_hashes_and_names_are_no_secrets(text: str) -> None:
    assert not secrets_in(text)
