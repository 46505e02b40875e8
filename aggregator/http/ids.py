"""A request's id where it brings none: eight digits of this process, and a count of all its requests."""

import secrets
from collections.abc import Iterator
from itertools import count

# The count ends with a step, and these are texts made once: to format each costs a hit more than to find the view.
_STEPS = [b"%03x\r\n" % step for step in range(0x1000)]


class Ids:
    """Hits and all others count together, so that no id tells which it is of. begun: what the ids of this round begin
    with. steps: the ends of those that are left of it, with their lines' ends."""

    def __init__(self) -> None:
        self._prefix, self._rounds = secrets.token_hex(4).encode(), count()
        self.begun = b""
        self.steps: Iterator[bytes] = iter(())

    def step(self) -> bytes:
        """The next of `steps`; where none is left, the first of another round."""
        step = next(self.steps, None)
        if step is None:
            self.begun, self.steps = b"%b%05x" % (self._prefix, next(self._rounds)), iter(_STEPS)
            step = next(self.steps)
        return step

    def new(self) -> str:
        """A whole id."""
        step = self.step()
        return (self.begun + step.rstrip()).decode()


# Of this process, whatever answers in it, so that two do not give the same id.
IDS = Ids()
