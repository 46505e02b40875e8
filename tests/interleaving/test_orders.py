"""Whatever the order in which replies come, no reader is left with what is older than what was published."""

import random

import pytest

from tests.interleaving.programs import PROGRAMS, play
from tests.interleaving.steps import Drawn, every_order
from tests.scale import scale

# Those of which an ordinary run plays every order too.
SMALL = ("fill and invalidate", "promote and invalidate")


@pytest.mark.prove
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("name", PROGRAMS)
def test_r01_r02_r03_r21_r22_no_order_leaves_anything_stale(name: str) -> None:
    """Depth first: the orders that differ last are played first, so that a slice is of neighbours."""
    small = name in SMALL
    count, all_of_them = every_order(lambda choose: play(name, choose), scale(1_000 if small else 100, 10_000))
    print(f"{name}: {count} orders, {'all there are' if all_of_them else 'a slice'}")
    assert all_of_them or not small


@pytest.mark.prove
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("name", PROGRAMS)
def test_r01_r02_r03_r21_r22_no_drawn_order_leaves_anything_stale(name: str) -> None:
    """Also where a reply comes while what an earlier one set off is still to run."""
    seed, orders = random.randrange(2**32), set[tuple[str, ...]]()
    print(f"seeds from {seed}")
    for number in range(scale(150, 2_000)):
        try:
            orders.add(tuple(play(name, Drawn(seed + number))))
        except BaseException as error:
            error.add_note(f"play it again with Drawn({seed + number})")
            raise
    print(f"{name}: {len(orders)} orders that differ, drawn {number + 1} times")
