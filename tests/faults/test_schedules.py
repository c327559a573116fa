"""Suppliers die, stall, lie, expire and come back while films play; one is honest at any time, and
each film comes to its end with the right bytes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.schedules import Film, nobody_else
from tests.faults.services import Services
from tests.rig.lab import MIB, Lab

SIZE = 64 * MIB + 77
SEEDS = [(seed, seed + 1) for seed in range(1, 21, 2)]  # two films at a time


@pytest.fixture(scope="module")
def here(lab: Lab) -> Iterator[Services]:
    with nobody_else(lab) as here:
        yield here


@pytest.mark.parametrize("seeds", SEEDS)
def test_the_film_goes_on(lab: Lab, here: Services, seeds: tuple[int, int]) -> None:
    films = [Film(lab, here, seed, SIZE) for seed in seeds]

    def play(film: Film) -> str:
        try:
            film.play()
        except Exception as error:  # noqa: BLE001 (told with its seed)
            return f"seed {film.seed}: {error!r}\n" + "\n".join(map(str, film.steps))
        finally:
            film.forget()
        return ""

    with ThreadPoolExecutor(len(films)) as pool:
        wrong = [found for found in pool.map(play, films) if found]
    assert not wrong, "\n".join(wrong)
