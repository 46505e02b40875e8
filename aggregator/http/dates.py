"""The Date field (RFC 9110, section 6.6.1), made once a second."""

from collections.abc import Callable
from email.utils import formatdate
from math import floor


class Dates:
    """now: fleet seconds, so that Age and Date of all processes come from one clock."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._second, self._text = -1, ""

    def __call__(self) -> str:
        """The field's value now."""
        second = floor(self._now())
        if second != self._second:
            self._second, self._text = second, formatdate(second, usegmt=True)
        return self._text
