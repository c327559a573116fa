"""Hops and who is in mid-film."""

from addon.playback.viewers import Viewer, Viewers


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


ANNE = Viewer("install", "127.0.0.1", "VLC", ("a" * 40, "main"))
BOB = Viewer("install", "127.0.0.2", "VLC", ("a" * 40, "main"))


def test_a_clip_is_remembered_while_it_plays_and_until_the_film_begins():
    clock = Clock()
    viewers = Viewers(clock)
    viewers.shown(ANNE, "no-peers")
    assert (viewers.is_shown(ANNE), viewers.is_shown(BOB)) == ("no-peers", None)
    clock.now += 21
    assert viewers.is_shown(ANNE) is None
    viewers.shown(ANNE, "busy")
    viewers.had_bytes(ANNE)
    assert viewers.is_shown(ANNE) is None


def test_hops_are_counted_for_each_viewer():
    viewers = Viewers(Clock())
    assert [viewers.hop(ANNE), viewers.hop(ANNE), viewers.hop(BOB)] == [1, 2, 1]


def test_hops_are_forgotten_after_a_minute_and_at_the_first_byte():
    clock = Clock()
    viewers = Viewers(clock)
    viewers.hop(ANNE)
    clock.now += 61
    assert viewers.hops(ANNE) == 0
    viewers.hop(ANNE)
    viewers.had_bytes(ANNE)
    assert viewers.hops(ANNE) == 0


def test_a_viewer_watches_for_hours_and_only_their_own_film():
    clock = Clock()
    viewers = Viewers(clock)
    viewers.had_bytes(ANNE)
    clock.now += 5 * 3600
    assert viewers.is_watching(ANNE)
    assert not viewers.is_watching(BOB)
    other = Viewer(ANNE.install, ANNE.address, ANNE.agent, (ANNE.file[0], "s01e02"))
    assert not viewers.is_watching(other)
    clock.now += 2 * 3600
    assert not viewers.is_watching(ANNE)
