"""Whatever the order in which replies come, no reader is left with what is older than what was published."""

import random

import pytest

from tests.interleaving.programs import COLD, WARM, play
from tests.interleaving.steps import Drawn, every_order
from tests.scale import scale

PROGRAMS = [*COLD, *WARM]


@pytest.mark.prove
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("name", PROGRAMS)
def test_r01_r02_r03_no_order_leaves_anything_stale(name: str) -> None:
    """Depth first: the orders that differ last are played first, so that a slice is of neighbours."""
    count, all_of_them = every_order(lambda choose: play(name, choose), scale(100, 15_000))
    print(f"{name}: {count} orders, {'all there are' if all_of_them else 'a slice'}")


@pytest.mark.prove
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("name", PROGRAMS)
def test_r01_r02_r03_no_drawn_order_leaves_anything_stale(name: str) -> None:
    """Also where a reply comes while what an earlier one set off is still to run."""
    seed = random.randrange(2**32)
    print(f"seeds from {seed}")
    for number in range(scale(150, 4_000)):
        try:
            play(name, Drawn(seed + number))
        except BaseException as error:
            error.add_note(f"play it again with Drawn({seed + number})")
            raise
