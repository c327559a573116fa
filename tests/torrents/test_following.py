"""What comes after an episode, by the names of a pack."""

import pytest

from addon.torrents.following import numbers_of, successors
from addon.torrents.selection import Episode
from tests.torrents.build import pack

SHOW = pack(
    "Show",
    *("Show.S00E01.mkv", "Show.S01E01.mkv", "Show.S01E02.mkv", "Show.S01E04E05.mkv"),
    *("Show.S02E01.mkv", "Show.S01E01.srt"),
)


@pytest.mark.parametrize(
    ("index", "episode"),
    [(0, (0, 1)), (1, (1, 1)), (3, (1, 5)), (4, (2, 1)), (5, None)],
)
def test_which_episode_a_file_is(index: int, episode: tuple[int, int] | None) -> None:
    found = numbers_of(SHOW, SHOW.file(index))
    assert found == (Episode(*episode) if episode else None)


@pytest.mark.parametrize(
    ("number", "following"),
    [
        ((1, 1), [(1, 2)]),
        ((1, 2), [(1, 3)]),  # missing here, and yet the season goes on
        ((1, 5), [(1, 6), (2, 1)]),
        ((2, 1), [(2, 2), (3, 1)]),
        ((0, 1), [(0, 2)]),
    ],
)
def test_what_may_follow(number: tuple[int, int], following: list[tuple[int, int]]) -> None:
    assert successors(Episode(*number), SHOW) == [Episode(*one) for one in following]
