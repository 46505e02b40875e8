"""The agenda of refreshes: the hottest first, one of an address, bounded."""

from typing import Any

from aggregator.model.agenda import Agenda, Due
from aggregator.model.inputs import Inputs
from aggregator.model.position import Position
from tests.world import Slot, fragment, screen

HOME = screen(Slot("feed", fragment("feed")))


def due(address: str, rank: float = 1.0, needs: int = 1, **more: Any) -> Due:
    return Due(HOME, address.encode(), Position(needs), rank, cost=0.1, **more)


def popped(agenda: Agenda, now: float = 0.0) -> list[str]:
    found = []
    while (one := agenda.pop(now)) is not None:
        found.append(one.address.decode())
    return found


def test_the_hottest_comes_first() -> None:
    agenda = Agenda()
    for address, rank in (("a", 1.0), ("b", 3.0), ("c", 2.0)):
        agenda.add(due(address, rank))
    assert popped(agenda) == ["b", "c", "a"]
    assert len(agenda) == 0


def test_what_may_not_begin_yet_waits_however_hot_it_is() -> None:
    agenda = Agenda()
    agenda.add(due("late", 9.0), at=5.0)
    assert agenda.next_at == 5.0
    agenda.add(due("now", 1.0))
    assert popped(agenda, 4.9) == ["now"]
    assert popped(agenda, 5.0) == ["late"]
    assert agenda.next_at == float("inf")


def test_one_of_an_address_serves_all_that_it_is_due_for() -> None:
    agenda = Agenda()
    agenda.add(due("a", 1.0, needs=7), at=5.0)
    agenda.add(due("a", 2.0, needs=3, inputs=Inputs({"id": "1"}), asked=True, ahead=4.0))
    assert popped(agenda, 4.0) == []
    one = agenda.pop(5.0)
    assert one is not None
    assert (one.needs, one.rank, one.asked, one.inputs, one.ahead) == (7, 2.0, True, Inputs({"id": "1"}), 4.0)


def test_what_is_to_be_composed_replaces_a_mere_look() -> None:
    agenda = Agenda()
    agenda.add(due("a", looks=1), at=5.0)
    agenda.add(due("a"))
    one = agenda.pop(0.0)
    assert one is not None
    assert one.looks == 0
    assert popped(agenda, 9.0) == []


def test_what_is_due_sooner_replaces_what_is_due_at_an_end() -> None:
    agenda = Agenda()
    agenda.add(due("a", at_end=True), at=5.0)
    agenda.add(due("a", needs=7))
    one = agenda.pop(0.0)
    assert one is not None
    assert (one.needs, one.at_end) == (7, False)
    assert popped(agenda, 9.0) == []


def test_an_end_that_has_moved_is_waited_for() -> None:
    agenda = Agenda()
    agenda.add(due("a", at_end=True), at=5.0)
    agenda.add(due("a", at_end=True), at=9.0)
    assert popped(agenda, 5.0) == []
    assert popped(agenda, 9.0) == ["a"]


def test_one_look_serves_for_another() -> None:
    agenda = Agenda()
    agenda.add(due("a", needs=3, looks=1), at=5.0)
    agenda.add(due("a", needs=7, looks=2), at=9.0)
    one = agenda.pop(5.0)
    assert one is not None
    assert (one.needs, one.looks) == (7, 1)
    assert popped(agenda, 9.0) == []


def test_a_look_that_was_replaced_is_none_when_its_time_comes() -> None:
    agenda = Agenda()
    agenda.add(due("a", looks=1), at=5.0)
    agenda.add(due("a"), at=9.0)
    assert popped(agenda, 5.0) == []
    assert popped(agenda, 9.0) == ["a"]


def test_those_that_wait_keep_their_order_when_some_are_dropped() -> None:
    agenda = Agenda(capacity=7)
    for at in (1, 5, 2, 6, 7, 3, 4):
        agenda.add(due(str(at), looks=1), at=float(at))
    agenda.add(due("1"))
    assert popped(agenda) == ["1"]
    agenda.add(due("a"))
    agenda.add(due("b"))
    assert popped(agenda, 2.0) == ["2"]
    assert agenda.next_at == 5.0


def test_beyond_its_capacity_the_coldest_go() -> None:
    agenda = Agenda(capacity=100)
    for rank in range(101):
        agenda.add(due(str(rank), float(rank)))
    assert len(agenda) == 50
    assert popped(agenda) == [str(rank) for rank in range(100, 50, -1)]


def test_those_that_wait_are_bounded_too() -> None:
    agenda = Agenda(capacity=100)
    for number in range(1_000):
        agenda.add(due(str(number)), at=float(number))
        assert len(agenda) <= 100
