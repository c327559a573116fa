"""When a source fills, and where: small fakes for the store."""

from dataclasses import dataclass, field

from addon.playback.demand import LOOKS, STARVING, SWARM_PATIENCE, Demand
from addon.swarm.picking import Need
from addon.swarm.torrent import Progress

MIB = 1024 * 1024
PIECES = range(10, 210)  # of a file that ends in the middle of its torrent


@dataclass
class FakeTorrent:
    peers: int = 0
    has: set[int] = field(default_factory=set)
    at: list[int] = field(default_factory=list)
    progress: Progress = field(default_factory=Progress)

    def peers_seen(self) -> tuple[int, int]:
        return self.peers, 0

    def has_piece(self, index: int) -> bool:
        return index in self.has

    def needs(self) -> list[Need]:
        return [Need(piece, PIECES.stop - 1, piece not in self.has) for piece in self.at]


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def demand(torrent: FakeTorrent, clock: Clock | None = None) -> Demand:
    return Demand(torrent, PIECES, MIB, clock=clock or Clock())  # type: ignore[arg-type]


def test_alone_a_source_fills_from_the_first_missing_piece_so_far_ahead() -> None:
    torrent = FakeTorrent(at=[10], has={10, 11, 12})
    assert demand(torrent).span(leads=False) == range(13, 10 + 48 + 1)
    torrent.has |= set(range(13, 59))
    assert demand(torrent).span(leads=False) is None, "what nobody watches yet costs its owner"


def test_nothing_is_filled_past_the_file_or_for_readers_of_another_one() -> None:
    torrent = FakeTorrent(at=[200])
    assert demand(torrent).span(leads=True) == range(200, 210)
    torrent.needs = lambda: [Need(5, 9, blocked=True)]  # type: ignore[method-assign]
    assert demand(torrent).span(leads=True) is None


def test_a_living_swarm_is_helped_only_where_the_player_starves() -> None:
    torrent = FakeTorrent(peers=4, at=[10])
    wanted = demand(torrent)
    for _ in range(STARVING - 1):
        assert wanted.span(leads=False) is None
    assert wanted.span(leads=False) == range(10, 107)
    # It goes on while the player lives from hand to mouth, and ends once it is safe.
    torrent.has |= set(range(10, 20))
    for _ in range(LOOKS):
        assert wanted.span(leads=False) == range(20, 107)
    torrent.has |= set(range(20, 40))
    assert wanted.span(leads=False) is None


def test_a_source_that_leads_does_not_wait_for_the_swarm() -> None:
    assert demand(FakeTorrent(peers=4, at=[10])).span(leads=True) == range(10, 107)


def test_who_waits_comes_first() -> None:
    torrent = FakeTorrent(at=[100, 50], has={100})
    assert [need.piece for need in demand(torrent).look()] == [50, 100]


def test_stuck_is_said_of_the_very_piece_and_after_a_while() -> None:
    clock, torrent = Clock(), FakeTorrent(peers=1, at=[10])
    wanted = demand(torrent, clock)
    wanted.look()
    clock.now += SWARM_PATIENCE
    assert not wanted.stuck_at(10)
    clock.now += 0.1
    assert wanted.stuck_at(10)
    assert not wanted.stuck_at(11)
    torrent.has.add(10)
    wanted.look()
    assert not wanted.stuck_at(10)


def test_a_run_is_left_when_its_player_goes_elsewhere_or_away() -> None:
    clock, torrent = Clock(), FakeTorrent(at=[12])
    wanted, run = demand(torrent, clock), range(20, 36)
    assert not wanted.left(run), "a player in front of it comes this way"
    torrent.at = [150]
    assert wanted.left(run)
    torrent.at = []
    assert not wanted.left(run), "every seek is a disconnect"
    clock.now += 2.1
    assert wanted.left(run)


def test_another_player_has_its_turn_only_when_nobody_waits_for_this_run() -> None:
    torrent = FakeTorrent(at=[12], has={12})
    wanted, run = demand(torrent), range(20, 36)
    assert not wanted.turn(run)
    torrent.at = [150, 12]
    assert wanted.turn(run)
    torrent.has.discard(12)
    assert not wanted.turn(run)
