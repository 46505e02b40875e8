"""The contract of the fleet's turns: no more than so many, whoever asks; and nobody begins what another has begun."""

import pytest

from aggregator.model.turn import ANOTHER, Began, Pace
from aggregator.tiers.tier import SharedTier
from tests.contracts.tier_worlds import World, at, play

LONG = Pace(100.0, burst=2)
TURNS, OTHERS = "test:refreshes", "test:view:home:{1}:refresh"


def test_as_many_turns_as_the_burst_then_a_wait(world: World):
    async def steps(tier: SharedTier) -> None:
        assert [await tier.take_turn(TURNS, LONG) for _ in range(2)] == [0, 0]
        waits = [await tier.take_turn(TURNS, LONG) for _ in range(2)]
        assert waits == [pytest.approx(100.0, abs=1.0)] * 2

    play(world, steps)


def test_turns_of_another_name_are_others(world: World):
    async def steps(tier: SharedTier) -> None:
        assert await tier.take_turn(TURNS, Pace(100.0)) == 0
        assert await tier.take_turn(TURNS, Pace(100.0)) > 0
        assert await tier.take_turn(OTHERS, Pace(100.0)) == 0

    play(world, steps)


def test_a_turn_comes_back_after_the_interval(world: World):
    async def steps(tier: SharedTier) -> None:
        pace = Pace(0.001)
        assert await tier.take_turn(TURNS, pace) == 0
        await world.pause()
        assert await tier.take_turn(TURNS, pace) == 0

    play(world, steps)


def test_what_another_has_begun_late_enough_is_left_to_them(world: World):
    """What was begun too early for who asks is begun again."""

    async def steps(tier: SharedTier) -> None:
        assert await tier.take_turn(TURNS, LONG, Began(at(5), needs=at(4))) == 0
        assert await tier.take_turn(TURNS, LONG, Began(at(6), needs=at(5))) == ANOTHER
        assert await tier.take_turn(TURNS, LONG, Began(at(7), needs=at(6))) == 0
        assert await tier.take_turn(TURNS, LONG, Began(at(9), needs=at(7))) == ANOTHER
        assert 0 < await tier.take_turn(TURNS, LONG, Began(at(9), needs=at(8))) < ANOTHER

    play(world, steps)


def test_what_is_no_turn_is_taken_for_none(world: World):
    async def steps(tier: SharedTier) -> None:
        world.plant_other_type(TURNS)
        assert await tier.take_turn(TURNS, Pace(100.0)) == 0
        assert await tier.take_turn(TURNS, Pace(100.0)) > 0

    play(world, steps)


def test_turns_are_kept_for_as_long_as_somebody_may_wait_for_them(world: World):
    async def steps(tier: SharedTier) -> None:
        assert [await tier.take_turn(TURNS, LONG) for _ in range(2)] == [0, 0]
        assert all(199 < term <= 203 for name, term in world.ttls().items() if name == TURNS)

    play(world, steps)
