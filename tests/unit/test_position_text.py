"""A position is read back from its text, and nothing else is."""

import pytest

from aggregator.model.position import position_from, position_of, text_of


@pytest.mark.parametrize(
    "text", ["", "1", "1-2", "1-2-3-4", "-1-2-3", "1-2-x", " 1-2-3", "1-2-3\n", "1-2-٣", f"1-{2**64}-0"]
)
def test_only_what_was_given_out_is_a_position(text: str) -> None:
    with pytest.raises(ValueError, match="expected a position"):
        position_from(text)


def test_a_position_is_read_as_it_was_told() -> None:
    there = position_of(2**64 - 1, 1_700_000_000_000, 7)
    assert position_from(text_of(there)) == there
