"""Heat: decayed reads, bounded."""

import pytest

from aggregator.model.heat import Heat


def test_a_read_counts_half_as_much_after_each_half_life() -> None:
    heat = Heat(half_life=10.0)
    heat.note(b"a", 4, now=0.0)
    assert heat.of(b"a", 10.0) == pytest.approx(2.0)
    heat.note(b"a", 1, now=20.0)
    assert heat.of(b"a", 20.0) == pytest.approx(2.0)


def test_what_nobody_read_for_long_is_cold_however_hot_it_was() -> None:
    heat = Heat(half_life=1_000.0, idle_after=60.0)
    heat.note(b"a", 1_000_000, now=0.0)
    assert heat.of(b"a", 60.0) > 0
    assert heat.of(b"a", 60.1) == 0
    assert heat.hottest(5, 60.1) == []


def test_the_hottest_come_first() -> None:
    heat = Heat()
    for address, reads in ((b"a", 1), (b"b", 3), (b"c", 2)):
        heat.note(address, reads, now=0.0)
    assert [address for address, _ in heat.hottest(2, 0.0)] == [b"b", b"c"]


def test_those_read_longest_ago_are_forgotten_beyond_the_capacity() -> None:
    heat = Heat(capacity=2)
    for address in (b"a", b"b", b"a", b"c"):
        heat.note(address, 1, now=0.0)
    assert len(heat) == 2
    assert heat.of(b"b", 0.0) == 0
    assert heat.of(b"a", 0.0) == 2


def test_what_was_read_since_is_told_with_what_was_read_last_first() -> None:
    heat = Heat()
    for now, address in enumerate((b"a", b"b", b"c", b"a")):
        heat.note(address, 1, float(now))
    assert heat.read_since(float("-inf")) == [b"a", b"c", b"b"]
    assert heat.read_since(2.0) == [b"a", b"c"]
    assert heat.read_since(3.5) == []


def test_a_read_counts_as_one_though_the_fleet_s_clock_steps_back() -> None:
    heat = Heat(half_life=10.0)
    heat.note(b"a", 1, now=1e6)
    assert heat.of(b"a", 0.0) == 1
