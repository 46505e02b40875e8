"""Making other forms of a held view's body, behind the first answer that could have been in one."""

import asyncio
from collections.abc import Callable
from functools import partial

from aggregator.engine.answer import Answer
from aggregator.http.codings import quick, worth
from aggregator.http.forms import JSON, PACKED, coding_of, made, plain
from aggregator.model.held import Form, Held
from aggregator.tiers.memory import MemoryTier

# What is being made at once, at most; beyond that an answer stays as it is, and the next one asks again.
_MOST = 64


class Making:
    """MessagePack is made at once, since who takes only that has to be given it; codings are made behind."""

    def __init__(self, memory: MemoryTier) -> None:
        self._memory = memory
        self._under_way: set[tuple[bytes, str]] = set()

    def __len__(self) -> int:
        return len(self._under_way)

    def body(self, answer: Answer, wanted: str) -> Form | None:
        """The body of an answer in the form that is wanted, or the best there is; None = as it is."""
        if answer.view.status != 200 or wanted == JSON:
            return None
        if answer.held is None:
            packed = made(PACKED, answer.view.body) if plain(wanted) == PACKED else None
            return Form(PACKED, packed) if packed else None
        best = self.best(answer.held, wanted)
        return best if isinstance(best, Form) else None

    def best(self, held: Held, wanted: str) -> Form | Held:
        """The form that is wanted if it is there, else the best there is, and that one is made behind."""
        if (form := self._kept(held, wanted)) is not None and form.body:
            return form
        if form is None and wanted != PACKED:
            self._make_behind(held, wanted)
        if plain(wanted) == JSON:
            return held
        packed = self._kept(held, PACKED) or self._made(held, PACKED, made(PACKED, held.body))
        return packed if packed.body else held

    def _kept(self, held: Held, name: str) -> Form | None:
        return held.forms.get(name) if held.forms else None

    def _made(self, held: Held, name: str, body: bytes | None) -> Form:
        form = Form(name, body or b"")
        self._memory.add_form(held, form)
        return form

    def _make_behind(self, held: Held, name: str) -> None:
        work = (held.key, name)
        if work in self._under_way or len(self._under_way) >= _MOST or not self._may_be_coded(held):
            return
        self._under_way.add(work)
        loop = asyncio.get_running_loop()
        if quick(coding_of(name), held.body):
            loop.call_soon(self._done, held, name, partial(made, name, held.body))
        else:
            making = loop.run_in_executor(None, partial(made, name, held.body))
            making.add_done_callback(lambda made: self._done(held, name, made.result))

    def _may_be_coded(self, held: Held) -> bool:
        """Not where nothing may be told of the cache: only who comes later would get it."""
        return held.screen.tells_cache and worth(held.body)

    def _done(self, held: Held, name: str, result: Callable[[], bytes | None]) -> None:
        self._under_way.discard((held.key, name))
        body = result()
        if not self._memory.add_form(held, Form(name, body or b"")):
            # There is no room for it: remembered without bytes, so that it is not made behind every answer.
            self._memory.add_form(held, Form(name, b""))
