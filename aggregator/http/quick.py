"""The seam to what answers requests without a parser: at once, or by a callback."""

from collections.abc import Callable
from typing import Protocol


class AtOnce(Protocol):
    """at: the monotonic instant of the last answer."""

    at: float

    def answer(self, data: bytes) -> bytes | None:
        """The response to a whole request, if it is there."""


class Quick(Protocol):
    """Answers whole requests without ASGI."""

    def hits_of(self, peer: str) -> AtOnce:
        """What answers at once on a connection. peer: the address at its other end."""

    def begin(self, data: bytes, done: Callable[[bytes], None], peer: str) -> bool:
        """Make the response, and give it to `done`, never before this returns; False where it is not made here."""


class Never:
    """Leaves everything to the ordinary path."""

    at = 0.0

    def hits_of(self, peer: str) -> AtOnce:
        """None are."""
        return self

    def answer(self, data: bytes) -> bytes | None:
        """Nothing."""

    def begin(self, data: bytes, done: Callable[[bytes], None], peer: str) -> bool:
        """No."""
        return False
