"""A loader for tests: it answers from a script, counts, and can be held."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from loaders.loader import LoadRequest, Outcome

Answer = Outcome | Callable[[LoadRequest], Outcome] | list[Outcome]


class ScriptedLoader:
    """answers: by target; a list is used up from its front, and its last one stays. May be changed at any time.

    batches: what was asked, a tuple for each call of `load`. calls: how often each target was asked.
    in_flight: loads that have begun and not ended.
    """

    def __init__(self, answers: Mapping[str, Answer] | None = None) -> None:
        self.answers: dict[str, Answer] = dict(answers or {})
        self.batches: list[tuple[LoadRequest, ...]] = []
        self.calls: Counter[str] = Counter()
        self.in_flight = 0
        self.closed = False
        self._gates: dict[str, asyncio.Event] = {}
        self._asked = asyncio.Event()

    async def load(self, requests: Sequence[LoadRequest]) -> Sequence[Outcome]:
        """The scripted outcomes, as they are when asked for, given when no gate holds any of them.

        LookupError if the script does not know a target.
        """
        self.batches.append(tuple(requests))
        self.calls.update(request.target for request in requests)
        outcomes = [self._answer(request) for request in requests]
        self._asked.set()
        self.in_flight += len(requests)
        try:
            for request in requests:
                if gate := self._gates.get(request.target):
                    await gate.wait()
        finally:
            self.in_flight -= len(requests)
        return outcomes

    async def close(self) -> None:
        """Remembered in `closed`."""
        self.closed = True

    def hold(self, target: str) -> None:
        """Let no load of `target` end from now on."""
        self._gates.setdefault(target, asyncio.Event())

    def release(self, target: str) -> None:
        """Let the held loads of `target` end, and later ones pass."""
        if gate := self._gates.pop(target, None):
            gate.set()

    async def asked(self, target: str, times: int = 1) -> None:
        """Return once `target` has been asked `times` times."""
        while self.calls[target] < times:
            self._asked.clear()
            await self._asked.wait()

    def _answer(self, request: LoadRequest) -> Outcome:
        if request.target not in self.answers:
            raise LookupError(f"the script has no answer to {request.target!r}; it knows {sorted(self.answers)}")
        answer = self.answers[request.target]
        if isinstance(answer, list):
            return answer.pop(0) if len(answer) > 1 else answer[0]
        return answer(request) if callable(answer) else answer
