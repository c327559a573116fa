"""Experience is kept while the server runs and at its end, whatever the database does."""

from collections.abc import Mapping

import gevent
import pytest

from addon.errors import Problem
from addon.sources.health import Experience, Verdict
from addon.sources.keeping import Keeping
from tests.rig.waiting import until

OFTEN = 0.01


class Away:
    """A database that comes back after some failures."""

    def __init__(self, failures: int = 0, wait: float = 0) -> None:
        self.failures, self.wait = failures, wait
        self.asked = 0
        self.saved: list[dict[str, str]] = []

    def save(self, bodies: Mapping[str, str]) -> None:
        self.asked += 1
        gevent.sleep(self.wait)
        if self.failures:
            self.failures -= 1
            raise Problem("busy", "The database is away.")
        self.saved.append(dict(bodies))


@pytest.fixture
def experience() -> Experience:
    experience = Experience(lambda: 1000.0)
    experience.record("Mine", Verdict.VERIFIED)
    return experience


def test_what_has_changed_is_kept_once(experience: Experience) -> None:
    database = Away()
    keeping = Keeping(experience, database.save, OFTEN)
    keeping.start()
    until(lambda: database.saved, what="a save")
    gevent.sleep(5 * OFTEN)
    keeping.close()
    (saved,) = database.saved
    assert list(saved) == ["Mine"]


def test_a_database_that_is_away_is_asked_again(experience: Experience) -> None:
    database = Away(failures=2)
    keeping = Keeping(experience, database.save, OFTEN)
    keeping.start()
    until(lambda: database.saved, what="a save")
    keeping.close()
    assert (database.asked, len(database.saved)) == (3, 1)


def test_a_save_that_the_end_cuts_off_is_made_up_for(experience: Experience) -> None:
    database = Away(wait=0.2)
    keeping = Keeping(experience, database.save, OFTEN)
    keeping.start()
    until(lambda: database.asked, what="the first save to begin")
    keeping.close()
    assert (database.asked, len(database.saved)) == (2, 1)


def test_an_end_without_the_database_is_an_end(experience: Experience) -> None:
    database = Away(failures=1)
    Keeping(experience, database.save).close()
    assert (database.asked, database.saved) == (1, [])
