"""A position is read back from its text, and nothing else is."""

import pytest

from aggregator.model.position import places_of, position_at, position_from, position_of, text_of


@pytest.mark.parametrize(
    "text", ["", "1", "1-2", "1-2-3-4", "-1-2-3", "1-2-x", " 1-2-3", "1-2-3\n", "1-2-٣", f"1-{2**64}-0"]
)
def test_only_what_was_given_out_is_a_position(text: str) -> None:
    with pytest.raises(ValueError, match="expected a position"):
        position_from(text)


def test_stream_ids_are_read_together_as_each_is() -> None:
    ids = [b"0-1", b"1700000000000-0", b"1700000000000-18446744073709551615", b"18446744073709551615-7"]
    assert places_of(ids) == [position_at(0, id) for id in ids]
    assert places_of([]) == []


def test_a_position_is_read_as_it_was_told() -> None:
    there = position_of(2**64 - 1, 1_700_000_000_000, 7)
    assert position_from(text_of(there)) == there
