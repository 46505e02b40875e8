"""What the ledger says is current, and what it cannot know."""

import tracemalloc
from time import process_time

import pytest

from aggregator.model.ledger import Ledger
from aggregator.model.position import ORIGIN, Position, position_of
from tests.scale import scale


def at(ms: int, epoch: int = 1) -> Position:
    return position_of(epoch, ms, 0)


def following() -> Ledger:
    ledger = Ledger()
    ledger.begin_epoch(1)
    return ledger


def test_an_invalidation_overtakes_what_was_stamped_before_it_and_nothing_else() -> None:
    """A stamp equal to the invalidation's own position has seen it."""
    ledger = following()
    ledger.apply(at(5), ["user:1"])
    assert not ledger.current(["user:1", "other"], at(4))
    assert ledger.current(["user:1"], at(5))
    assert ledger.current(["user:2"], at(4))


def test_the_last_invalidation_of_a_tag_counts() -> None:
    """An earlier one does not hide it."""
    ledger = following()
    ledger.apply(at(5), ["user:1"])
    ledger.apply(at(7), ["user:1"])
    assert not ledger.current(["user:1"], at(6))
    assert len(ledger) == 1


def test_the_head_is_the_last_position_applied_even_without_tags() -> None:
    """The marker that begins an epoch moves it too; a record applied again does not move it back."""
    ledger = following()
    ledger.apply(at(5), [])
    ledger.apply(at(4), ["user:1"])
    assert ledger.head == at(5)


def test_below_the_floor_nothing_is_current() -> None:
    """A tag without a record was not invalidated since the floor; nothing more is known."""
    ledger = following()
    ledger.raise_floor(at(5))
    assert not ledger.current(["user:1"], at(4))
    assert ledger.current(["user:1"], at(5))
    ledger.raise_floor(at(3))
    assert ledger.floor == at(5)
    assert ledger.barrier == at(0)


def test_forgetting_raises_the_floor_to_what_was_dropped_and_no_further() -> None:
    """What was trimmed from the log is dropped, oldest invalidation first."""
    ledger = following()
    for ms, tag in ((3, "a"), (4, "b"), (5, "a"), (6, "c")):
        ledger.apply(at(ms), [tag])
    ledger.forget_before(6)
    assert len(ledger) == 1
    assert ledger.floor == at(5)
    assert ledger.barrier == at(0)


def test_a_full_ledger_forgets_the_tag_that_was_invalidated_longest_ago() -> None:
    """One that is invalidated again is young again."""
    ledger = Ledger(capacity=2)
    ledger.begin_epoch(1)
    for ms, tag in ((3, "a"), (4, "b"), (5, "a"), (6, "c")):
        ledger.apply(at(ms), [tag])
    assert ledger.floor == at(4)
    assert ledger.current(["x"], at(4))
    assert not ledger.current(["a"], at(4))


def test_a_loss_raises_the_floor_the_barrier_and_the_head() -> None:
    """Lost records may have named any tag, of what L1 holds too."""
    ledger = following()
    ledger.lose(at(5))
    assert ledger.floor == ledger.barrier == ledger.head == at(5)


def test_a_new_epoch_is_after_everything_and_starts_unproven() -> None:
    """Whatever was kept before, here or in L2, is under its floor."""
    ledger = following()
    ledger.apply(at(900), ["user:1"])
    ledger.proof_until = 10.0
    ledger.begin_epoch(2)
    assert ledger.floor == ledger.barrier == ledger.head == at(0, epoch=2) > at(900)
    assert not ledger.vouches(9.0)


def test_what_a_lost_log_had_overtaken_stays_overtaken() -> None:
    """Until it is as old as a log may be: what is unproven may stand in for a failure, what is wrong may not."""
    ledger = following()
    ledger.apply(at(900), ["user:1"])
    ledger.begin_epoch(2)
    assert ledger.overtaken(["user:1"], at(899))
    assert ledger.first_overtaken(["user:1"], at(899)) == at(900)
    ledger.forget_before(900)
    assert ledger.overtaken(["user:1"], at(899))
    ledger.forget_before(901)
    assert not ledger.overtaken(["user:1"], at(899))
    assert ledger.floor == at(0, epoch=2)


@pytest.mark.parametrize(
    ("marks", "position", "first"),
    [
        ([], 5, None),
        ([3], 5, None),
        ([5], 5, None),
        ([7], 5, 7),
        ([3, 7, 9], 5, 7),
        ([6, 7, 8], 5, 6),
        ([3, 4, 7, 9], 5, 7),
        ([4, 6, 7, 8, 9], 5, 5),
        ([1, 2, 3, 4, 9], 5, 9),
    ],
)
def test_the_first_invalidation_is_told_or_something_earlier(
    marks: list[int], position: int, first: int | None
) -> None:
    """Only the last four of a tag are remembered; where there were more, the entry's own position stands for it."""
    ledger = following()
    for ms in marks:
        ledger.apply(at(ms), ["user:1", f"other:{ms}"])
    assert ledger.first_overtaken(["user:1", "user:2"], at(position)) == (first and at(first))


def test_a_process_vouches_until_its_proof_ends() -> None:
    """At the end itself it does not any more; before any proof never."""
    ledger = following()
    assert not ledger.vouches(0.0)
    ledger.proof_until = 10.0
    assert ledger.vouches(9.99)
    assert not ledger.vouches(10.0)


def test_a_waiter_accepts_a_load_begun_after_it_asked_or_one_that_nothing_overtook() -> None:
    """An older one that was overtaken is not for it."""
    ledger = following()
    ledger.apply(at(5), ["user:1"])
    assert ledger.good_for(at(5), ["user:1"], at(5))
    assert ledger.good_for(at(9), ["user:2"], at(4))
    assert not ledger.good_for(at(5), ["user:1"], at(4))
    ledger.apply(at(7), ["user:1"])
    assert ledger.good_for(at(5), ["user:1"], at(6))


def test_an_empty_ledger_knows_nothing_before_its_epoch() -> None:
    """What has the position of no epoch was never under watch."""
    assert not following().current([], ORIGIN)


def test_forgetting_many_records_takes_time_in_proportion() -> None:
    """Taking the first of a dictionary again and again walks over the holes: this takes it 40 times the limit."""
    ledger = Ledger()
    for ms in range(200_000):
        ledger.apply(at(ms + 1), [str(ms)])
    began = process_time()
    ledger.forget_before(200_000)
    assert len(ledger) == 1
    assert process_time() - began < 1.0


@pytest.mark.parametrize("times", [1, 2])
def test_a_tag_takes_at_most_200_bytes(times: int) -> None:
    """The tag itself included, and the ledger as full as it is with a million of them."""
    tags = scale(31_250, 1_000_000)
    tracemalloc.start()
    ledger = Ledger()
    for number in range(times * tags):
        ledger.apply(position_of(1_700_000_000_000_000, 1_700_000_000_000 + number, 0), [f"user:{number % tags:06}"])
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(ledger) == tags
    assert size / tags <= 200


def test_what_overtook_is_told_by_tag_in_the_order_of_it() -> None:
    """Each with its first invalidation after the position; what is older, or of another tag, is not told."""
    ledger = Ledger()
    for ms, tag in [(1, "a"), (2, "b"), (3, "a"), (4, "c"), (5, "b")]:
        ledger.apply(at(ms), [tag])
    assert ledger.overtaking(["a", "b", "d"], at(1)) == [(at(2), "b"), (at(3), "a")]
    assert ledger.overtaking(["a", "b", "d"], at(3)) == [(at(5), "b")]
    assert ledger.overtaking(["a", "b", "c", "d"], at(5)) == []
    for ms in range(6, 16):
        ledger.apply(at(ms), ["a"])
    assert ledger.overtaking(["a"], at(3)) == [(at(12), "a")]
