"""Durations and sizes carry their unit, and what has none is refused with what was expected."""

import pytest

from aggregator.units import (
    parse_duration,
    parse_positive_duration,
    parse_size,
    show_duration,
    show_size,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("60s", 60.0), ("10m", 600.0), ("1h", 3600.0), ("1d", 86400.0), ("1.5s", 1.5), ("0s", 0.0)],
)
def test_a_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    """Each unit has its length, and what is shown is read as the same."""
    assert parse_duration(text) == seconds
    assert parse_duration(show_duration(seconds)) == seconds


@pytest.mark.parametrize(
    "given", ["60", "", "s", "60 s", " 60s", "60S", "1w", "+1s", "1e3s", "٣s", "1_0s", "s60", 60, 60.0, None, True, []]
)
def test_what_is_no_duration_is_refused(given: object) -> None:
    """A number without its unit is refused as everything else is, by saying what was expected."""
    with pytest.raises(ValueError, match=r'expected a duration with its unit \(ms, s, m, h, d\) such as "60s", not '):
        parse_duration(given)


@pytest.mark.parametrize(("text", "reason"), [("0s", "longer than zero"), ("-5s", "not negative"), ("9999999d", "ten")])
def test_a_duration_is_positive_and_bounded(text: str, reason: str) -> None:
    """Nothing lasts for no time, for less, or for longer than anybody means."""
    with pytest.raises(ValueError, match=reason):
        parse_positive_duration(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [("256MiB", 2**28), ("64KiB", 2**16), ("1MB", 10**6), ("2GB", 2 * 10**9), ("7B", 7), ("0.5KiB", 512)],
)
def test_a_size_is_read_in_bytes(text: str, size: int) -> None:
    """Powers of two and of ten are told apart, and what is shown is read as the same."""
    assert parse_size(text) == size
    assert parse_size(show_size(size)) == size


@pytest.mark.parametrize("given", ["256", "256M", "1mb", "0B", "-1B", "99999999GiB", 256, None])
def test_what_is_no_size_is_refused(given: object) -> None:
    """A size needs its unit, and is at least a byte."""
    with pytest.raises(ValueError, match="expected"):
        parse_size(given)


@pytest.mark.parametrize(
    ("seconds", "text"), [(60.0, "60s"), (600.0, "10m"), (3600.0, "1h"), (0.05, "50ms"), (0, "0s")]
)
def test_a_duration_is_shown_as_people_write_it(seconds: float, text: str) -> None:
    """The largest unit that fits, and 60s as what it usually is."""
    assert show_duration(seconds) == text
