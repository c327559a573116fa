"""The add-on's own addresses. Kodi keeps them (resume points, favourites, widgets): they must stay
what they are, and hold no secret."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

ROOT = "plugin://plugin.video.selfstreme/"


def to(action: str, **parts: object) -> str:
    """The address of a page or an action."""
    return f"{ROOT}?{urlencode({'action': action, **parts})}"


def parse(query: str) -> dict[str, str]:
    """The parts of an address that Kodi was given."""
    return dict(parse_qsl(query.lstrip("?"), keep_blank_values=True))


def play(kind: str, title: str, season: object = None, episode: object = None) -> str:
    """What plays a film or an episode."""
    if season is None or episode is None:
        return to("play", type=kind, id=title)
    return to("play", type=kind, id=title, season=season, episode=episode)
