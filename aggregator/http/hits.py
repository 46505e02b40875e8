"""A hit is a request that L1 answers at once: from the bytes that came in to the bytes that go out."""

import secrets
from collections.abc import Callable
from email.utils import formatdate
from itertools import count
from math import floor

from aggregator.clock import FleetClock
from aggregator.events import Tally
from aggregator.http.blocks import Block, Blocks
from aggregator.http.heads import REQUEST_ID, Template
from aggregator.http.making import Making
from aggregator.model.held import Form, Held
from aggregator.model.ledger import Ledger
from aggregator.tiers.memory import MemoryTier

_METHODS = frozenset([b"GET", b"HEAD"])


class Hits:
    """tally: what counts a screen's hits. at: the monotonic instant of the last one.

    Only what is fresh, proved and ordinary is answered here, and only to a request that is understood completely; the
    ordinary path would give the same bytes but for date and request id.
    """

    def __init__(
        self,
        memory: MemoryTier,
        ledger: Ledger,
        clock: FleetClock,
        blocks: Blocks,
        making: Making,
        tally: Callable[[str], Tally],
    ) -> None:
        self._find, self._touch = memory.find, memory.touch
        self._ledger = ledger
        self._clock, self._monotonic = clock, clock.monotonic
        self._blocks, self._young = blocks, blocks.young
        self._making = making
        self._tally = tally
        self._templates: dict[str, Template] = {}
        self._second = self._ends = 0
        self.at = 0.0
        self._ok = self._not_modified = b""
        self._told: list[Form | Held] = []
        # Eight digits of this process, and a count; then the head ends.
        self._ids = map(f"{secrets.token_hex(4)}%08x\r\n\r\n".encode().__mod__, count())

    def answer(self, data: bytes) -> bytes | None:
        """The whole response to a request that came in one read and is all of it; None where another path answers."""
        try:
            method, target, raw = data.split(b" ", 2)
        except ValueError:
            return None
        proof_now = self._monotonic()
        now = proof_now + self._clock.offset
        block = self._young.get(raw)
        if block is None or now >= block.until:
            block = self._blocks.read(raw)
            if block is None:
                return None
        for suffix in block.suffixes:
            held = self._find(target + suffix)
            if held is not None:
                break
        else:
            return None
        ledger = self._ledger
        if now >= held.fresh_until or proof_now >= ledger.proof_until or held.position < ledger.barrier:
            return None
        if not self._second <= now < self._ends:
            self._turn(floor(now))
        self.at = proof_now
        return self._response(method, block, held)

    def _response(self, method: bytes, block: Block, held: Held) -> bytes | None:
        tally = held.tally or self._counted(held)
        if tally is None or method not in _METHODS:
            return None
        self._touch(held)
        tally.hits += 1
        form = self._making.best(held, block.form) if block.form else held
        name = next(self._ids) if block.request_id is None else block.request_id
        if block.copies and (had := block.copies.get(held.digest)) is not None:
            return b"".join((self._not_modified, self._short(held, form, had), name))
        head = form.head or self._head(held, form)
        return b"".join((self._ok, head, name, form.body if method == b"GET" else b""))

    def _counted(self, held: Held) -> Tally | None:
        if held.ordinary:
            held.tally = self._tally(held.screen.name)
        return held.tally

    def _head(self, held: Held, form: Form | Held) -> bytes:
        form.head = head = self._template(held).head(held, form.name, self._second, len(form.body))
        self._told.append(form)
        return head

    def _short(self, held: Held, form: Form | Held, had: str) -> bytes:
        """The same for a client that has a copy, in whatever form."""
        if had == form.name:
            head = form.head or self._head(held, form)
            return head[: head.rindex(b"content-type: ")] + REQUEST_ID
        return self._template(held).short(held, had, self._second)

    def _template(self, held: Held) -> Template:
        name = held.screen.name
        template = self._templates.get(name)
        if template is None:
            template = self._templates[name] = Template(held.screen)
        return template

    def _turn(self, second: int) -> None:
        """A new second: what was told is told anew, and what is not asked for again takes no room."""
        self._second, self._ends = second, second + 1
        date = f"date: {formatdate(second, usegmt=True)}\r\n".encode()
        self._ok, self._not_modified = b"HTTP/1.1 200 OK\r\n" + date, b"HTTP/1.1 304 Not Modified\r\n" + date
        for form in self._told:
            form.head = None
        self._told.clear()
