"""Problems as values, for thread pools."""

import pytest

from addon.errors import Problem, outcome


def test_a_problem_is_an_outcome_and_a_mistake_is_not() -> None:
    problem = Problem("bad-torrent", "It lies.")

    def refuse() -> None:
        raise problem

    assert outcome(divmod, 7, 2) == (3, 1)
    assert outcome(refuse) is problem
    with pytest.raises(ZeroDivisionError):
        outcome(divmod, 7, 0)
