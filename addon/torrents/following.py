"""Which episode comes after a file, by the names in its torrent (pure)."""

from addon.torrents.metainfo import File, Metainfo
from addon.torrents.selection import Episode, episodes


def numbers_of(metainfo: Metainfo, file: File) -> Episode | None:
    """The last episode that a file holds; None where its name tells of none."""
    held = [number for number, one in episodes(metainfo).items() if one.index == file.index]
    return Episode(*max(held)) if held else None


def successors(number: Episode, metainfo: Metainfo) -> list[Episode]:
    """What may come after an episode: the next of its season, then the first of the season after.

    The specials (season 0) lead nowhere else, and neither does a season that goes on behind a gap
    in this torrent: the next season is not what its viewer wants to see.
    """
    following = [Episode(number.season, number.episode + 1)]
    goes_on = any(
        season == number.season and episode > number.episode
        for season, episode in episodes(metainfo)
    )
    if number.season and not goes_on:
        following.append(Episode(number.season + 1, 1))
    return following
