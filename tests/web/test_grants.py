"""What opens a link to a film, and what does not."""

from collections.abc import Callable

import pytest

from addon.access.links import Grant, Links
from addon.errors import Problem
from addon.torrents.magnet import InfoHash, Magnet
from addon.torrents.selection import Episode, FileIndex, MainVideo, Wanted
from addon.web.grants import open_grant
from tests.access.stores import Revoked
from tests.web.playing import HASH, KEYS

LINKS = Links(KEYS)
OTHER = InfoHash("cd" * 20)


def opened(
    grant: Grant, key: str = HASH.key, file: str = "2", revoked: Revoked | None = None
) -> tuple[Grant, list[Magnet]]:
    back: list[Magnet] = []
    token = LINKS.seal(grant)
    return open_grant(LINKS, revoked or Revoked(), back.append, key, file, token), back


@pytest.mark.parametrize("wanted", [FileIndex(2), Episode(1, 2), MainVideo()])
def test_the_three_parts_belong_together(wanted: Wanted) -> None:
    grant = Grant(HASH, wanted, "anne")
    assert opened(grant, file=str(wanted)) == (grant, [])
    assert opened(grant, key=HASH.key.upper(), file=str(wanted)) == (grant, [])


@pytest.mark.parametrize(
    "ask",
    [
        lambda grant: opened(grant, key=OTHER.key),
        lambda grant: opened(grant, file="3"),
        lambda grant: opened(grant, file="../2"),
        lambda grant: opened(grant, file=""),
        lambda grant: opened(grant, revoked=Revoked({"anne"})),
    ],
)
def test_else_there_is_nothing(ask: Callable[[Grant], object]) -> None:
    with pytest.raises(Problem) as caught:
        ask(Grant(HASH, FileIndex(2), "anne"))
    assert caught.value.code == "not-found"


def test_a_carried_magnet_is_put_back_only_for_who_may_play() -> None:
    magnet = Magnet(HASH, name="Film")
    back: list[Magnet] = []
    links = Links(KEYS, lambda _: None)
    token = links.seal(Grant(HASH, FileIndex(2), "anne", magnet))
    with pytest.raises(Problem):
        open_grant(links, Revoked({"anne"}), back.append, HASH.key, "2", token)
    with pytest.raises(Problem):
        open_grant(links, Revoked(), back.append, HASH.key, "3", token)
    assert back == []
    open_grant(links, Revoked(), back.append, HASH.key, "2", token)
    assert [one.info_hash for one in back] == [HASH]
