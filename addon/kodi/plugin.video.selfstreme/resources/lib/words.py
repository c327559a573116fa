"""What the add-on says; the text of each number stands in strings.po."""

from __future__ import annotations

from enum import IntEnum

import xbmcaddon


class Word(IntEnum):
    """The texts that code says; those of the settings are named in settings.xml only."""

    FILMS = 30100
    SERIES = 30101
    SEARCH = 30102
    NEW_SEARCH = 30103
    SETTINGS = 30104
    NEXT_PAGE = 30105
    SEASON = 30106
    SPECIALS = 30107
    CHOOSE_SOURCE = 30108
    EPISODE = 30109
    NOTHING_FOUND = 30110
    NO_EPISODES = 30111
    FORGOTTEN = 30112
    NO_ANSWER = 30200
    LOOK_AT_SERVER = 30201
    SERVER_ERROR = 30202
    NO_SELFSTREME = 30203
    NOT_PAIRED = 30204
    PAIR_IT = 30205
    MISTAKE = 30206
    NO_STREAM = 30207
    ADD_TORRENT = 30208
    NO_NEWS = 30209
    TRY_ANOTHER = 30210
    PREPARING = 30300
    PEERS = 30301
    RATE = 30302
    SOURCES = 30303
    PAIR = 30400
    OPEN_PAGE = 30401
    APPROVE_CODE = 30402
    CODE_TIME = 30403
    PAIRED = 30404
    TOO_LATE = 30405
    ASK_AGAIN = 30406


def say(word: Word, *values: object) -> str:
    """The text in Kodi's language, with ``values`` in its ``{}``."""
    return xbmcaddon.Addon().getLocalizedString(word).format(*values)
