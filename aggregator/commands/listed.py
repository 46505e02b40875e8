"""A list of views to warm: a line each, with the inputs of a request for the screen."""

import io
import shlex
from collections.abc import Iterator

from aggregator.commands.asked import needed, read_inputs
from aggregator.engine.warming import Wanted
from aggregator.mistakes import Mistake, Mistaken
from aggregator.model.inputs import Inputs
from aggregator.model.screen import Screen


class Listed:
    """text: lines of `NAME=VALUE …`, quoted as in a shell, or of the value alone where the screen needs just one and
    there is no = in it; empty ones do not count. Iterate once: a line that cannot be read is passed over, and told of
    in `mistakes` by its number."""

    def __init__(self, screen: Screen, text: str) -> None:
        self.mistakes: list[str] = []
        self._screen = screen
        self._text = text
        self._only = names[0] if len(names := needed(screen)) == 1 else None

    def __len__(self) -> int:
        return sum(not line.isspace() for line in io.StringIO(self._text))

    def __iter__(self) -> Iterator[Wanted]:
        for number, line in enumerate(io.StringIO(self._text), 1):
            if line.isspace():
                continue
            try:
                yield Wanted(f"line {number}", self._screen, self._read(line.strip()))
            except Mistaken as mistaken:
                self.mistakes.append(f"line {number}: {'; '.join(map(str, mistaken.mistakes))}")

    def _read(self, line: str) -> Inputs:
        if self._only and "=" not in line:
            return read_inputs(self._screen, [f"{self._only}={line}"])
        try:
            return read_inputs(self._screen, shlex.split(line))
        except ValueError as mistake:
            raise Mistaken([Mistake("", "", "", f"its quotes do not match: {mistake}")]) from None
