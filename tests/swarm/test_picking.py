"""Which pieces are asked for."""

from addon.swarm.picking import (
    UNWANTED,
    URGENT,
    WANTED,
    WINDOW_BYTES,
    WINDOW_MOST,
    Want,
    priorities,
    window,
)


def test_one_reader_wants_everything_to_the_end_of_its_file_and_nothing_else():
    wanted = priorities(10, [Want(3, 7)])
    assert wanted == [0, 0, 0, 4, 4, 4, 4, 4, 0, 0]


def test_nobody_reads_so_nothing_is_wanted():
    assert priorities(4, []) == [UNWANTED] * 4


def test_several_readers_share_the_union_with_two_pieces_first_under_each():
    wanted = priorities(12, [Want(2, 9), Want(6, 9)])
    assert wanted == [0, 0, 7, 7, 4, 4, 7, 7, 4, 4, 0, 0]


def test_readers_of_different_files_do_not_ask_for_what_lies_between():
    wanted = priorities(10, [Want(1, 2), Want(7, 8)])
    assert wanted[3:7] == [UNWANTED] * 4


def test_an_idle_reader_counts_only_while_nobody_else_reads():
    idle, active = Want(0, 9, idle=True), Want(5, 9)
    assert priorities(10, [idle, active]) == [0] * 5 + [WANTED] * 5
    assert priorities(10, [idle]) == [WANTED] * 10


def test_the_last_piece_of_a_file_does_not_reach_into_the_next():
    wanted = priorities(6, [Want(0, 2), Want(2, 2)])
    assert wanted[2] == URGENT
    assert wanted[3:] == [0, 0, 0]


def test_a_claimed_piece_is_nobody_elses_whatever_readers_want():
    wanted = priorities(8, [Want(0, 7), Want(4, 7)], claims={4, 5})
    assert wanted[4:6] == [UNWANTED] * 2


def test_a_tail_is_urgent_only_where_it_is_wanted():
    assert priorities(6, [Want(0, 5)], tails=[range(4, 6)]) == [4, 4, 4, 4, 7, 7]
    assert priorities(6, [], tails=[range(4, 6)]) == [0] * 6


def test_no_more_is_fetched_than_the_player_may_soon_take() -> None:
    wanted = priorities(10, [Want(2, 9, upto=4)])
    assert wanted == [0, 0, WANTED, WANTED, WANTED, 0, 0, 0, 0, 0]
    # The end of its film is read early all the same.
    assert priorities(10, [Want(2, 9, upto=4)], tails=[range(8, 10)])[8:] == [URGENT, URGENT]


def test_the_window_grows_with_what_was_really_taken() -> None:
    assert window(0) == WINDOW_BYTES
    assert window(10_000_000) == WINDOW_BYTES + 20_000_000
    assert window(10**12) == WINDOW_MOST
