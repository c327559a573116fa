"""What a link to a film allows: the three parts of its address, opened."""

from collections.abc import Callable

from addon.access.installs import RevokedStore
from addon.access.links import Grant, Links
from addon.errors import Problem
from addon.torrents.magnet import Magnet
from addon.torrents.selection import parse_wanted
from addon.web.problems import not_found


def open_grant(
    links: Links,
    revoked: RevokedStore,
    put_back: Callable[[Magnet], None],
    key: str,
    file: str,
    token: str,
) -> Grant:
    """The grant in ``/<info hash>/<file>/<grant>``; ``not-found`` where it is none of ours, or its
    install was revoked. What it carries of a torrent that is not kept any more is ``put_back``."""
    try:
        grant = links.open(token, key.lower(), parse_wanted(file))
    except Problem:
        grant = None
    if grant is None or revoked.is_revoked(grant.install):
        raise not_found()
    if grant.magnet is not None:
        put_back(grant.magnet)
    return grant
