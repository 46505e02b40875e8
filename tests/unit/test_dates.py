"""The Date field is the fleet's second, made once for all answers in it."""

import pytest

from aggregator.http import dates
from aggregator.http.dates import Dates


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (0.0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (0.999, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (784_111_777.5, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (1_750_000_000.0, "Sun, 15 Jun 2025 15:06:40 GMT"),
        (4_102_444_799.0, "Thu, 31 Dec 2099 23:59:59 GMT"),
    ],
)
def test_it_has_the_fixed_form(now: float, said: str) -> None:
    """IMF-fixdate (RFC 9110, section 5.6.7), whatever the machine's own time zone and language."""
    assert Dates(lambda: now)() == said


def test_it_is_made_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """And anew when the second is another one, also an earlier one."""
    made: list[int] = []
    monkeypatch.setattr(dates, "formatdate", lambda second, usegmt: made.append(second) or str(second))
    times = iter([10.0, 10.5, 10.999, 11.0, 9.9, 9.0, 11.2])
    date = Dates(lambda: next(times))
    assert [date() for _ in range(7)] == ["10", "10", "10", "11", "9", "9", "11"]
    assert made == [10, 11, 9, 11]
