"""A hit is a request that L1 answers at once: from the bytes that came in to the bytes that go out."""

from collections.abc import Callable, Iterable, Iterator
from email.utils import formatdate
from math import floor

from aggregator.clock import FleetClock
from aggregator.events import Tally
from aggregator.http.blocks import Block, Blocks
from aggregator.http.forms import usable_copy
from aggregator.http.heads import Template, template
from aggregator.http.ids import IDS
from aggregator.http.making import Making
from aggregator.model.held import Form, Held
from aggregator.model.ledger import Ledger
from aggregator.tiers.memory import MemoryTier

_NAMED = b"\r\nx-request-id: "


class Hits:
    """count: told of what counts a screen's hits. first_read: told of a view whose `reads` were 0. longest: bytes of a
    target that is answered here at all. at: the monotonic instant of the last hit.

    Only what is fresh, proved and ordinary is answered here, and only to a request that is understood completely; the
    ordinary path would give the same bytes but for date and request id. `answer` is written for what CPython makes of
    it: benchmarks/README.md has its instructions, and where they go.
    """

    def __init__(
        self,
        memory: MemoryTier,
        ledger: Ledger,
        clock: FleetClock,
        blocks: Blocks,
        making: Making,
        count: Callable[[str, Tally], None],
        first_read: Callable[[Held], None],
        longest: int = 8_192,
    ) -> None:
        self.at = 0.0
        self._find, self._touch = memory.find, memory.touch
        self._ledger = ledger
        self._clock, self._monotonic = clock, clock.monotonic
        self._blocks, self._young = blocks, blocks.young
        self._making = making
        self._count = count
        self._first_read = first_read
        self._longest = longest
        self._pages: dict[str, Template] = {}
        # Floats, as what they are compared with: an int and a float are compared in five times the instructions.
        self._second, self._ends, self._whole_second = 0.0, 0.0, 0
        self._told: list[Form | Held] = []
        self._steps: Iterator[bytes] = iter(())
        self._date = self._ok = self._not_modified = b""

    def go_over(self, blocks: Blocks, changed: Iterable[str]) -> None:
        """Answer by another declaration from now on. changed: the names of the screens whose views are not those from
        before."""
        self._blocks, self._young = blocks, blocks.young
        for name in changed:
            self._pages.pop(name, None)

    def answer(self, data: bytes) -> bytes | None:  # noqa: C901  # to take steps out would cost calls
        """The whole response to a request that came in one read and is all of it; None where another path answers."""
        try:
            method, target, raw = data.split(b" ", 2)
        except ValueError:
            return None
        monotonic, find, touch = self._monotonic, self._find, self._touch
        proof_now = monotonic()
        now = proof_now + self._clock.offset
        block = self._young.get(raw)
        if block is None or now >= block.until:
            block = self._blocks.read(raw)
            if block is None:
                return None
        held = find(target) or self._behind(target, block)
        ledger = self._ledger
        if (
            held is None
            or now >= held.fresh_until
            or proof_now >= ledger.proof_until
            or held.position < ledger.barrier
            or not (method == b"GET" or method == b"HEAD")
        ):
            return None
        if not self._second <= now < self._ends:
            self._turn(floor(now))
        page = held.page or self._page(held)
        if page is None:
            return None
        touch(held)
        page.hits += 1
        if not held.reads:
            self._first_read(held)
        held.reads += 1
        self.at = proof_now
        form = self._making.best(held, block.form) if block.form else held
        step = next(self._steps, None) or self._next_round()
        if block.unlike or method == b"HEAD":
            return self._unlike(method, block, held, form, step)
        head = form.head
        if head:
            return b"".join((self._ok, step, head, form.body))
        begin, ttl, aged, digest, end = page.head(held, form.name, self._whole_second, len(form.body))
        # Kept is a head from the second time on that this second asks for it: of what is asked for rarely none is made.
        if head is None:
            form.head = b""
            self._told.append(form)
        else:
            form.head = b"".join((begin, ttl, aged, digest, end))
        return b"".join((self._ok, step, begin, ttl, aged, digest, end, form.body))

    def _behind(self, target: bytes, block: Block) -> Held | None:
        """What is held under the target and what of the headers decides."""
        for suffix in block.suffixes:
            held = self._find(target + suffix)
            if held is not None:
                return held
        return None

    def _unlike(self, method: bytes, block: Block, held: Held, form: Form | Held, step: bytes) -> bytes:
        """The response to what is not most requests: with an id of its own, to HEAD, of a page of another origin,
        or who has a copy."""
        copies = block.copies.get(held.digest)
        had = usable_copy(copies, form.name, block.form) if copies else None
        start = self._ok if had is None else self._not_modified
        if block.request_id:
            start, step = start[: start.rindex(_NAMED) + len(_NAMED)], block.request_id
        if block.sharing:
            step += block.sharing
        head = form.head or self._head(held, form)
        if had is None:
            return b"".join((start, step, head, form.body if method == b"GET" else b""))
        if had == form.name:
            return b"".join((start, step, head[: head.rindex(b"content-type: ")], b"\r\n"))
        return b"".join((start, step, self._pages[held.screen.name].short(held, had, self._whole_second)))

    def _head(self, held: Held, form: Form | Held) -> bytes:
        page = self._pages[held.screen.name]
        form.head = head = b"".join(page.head(held, form.name, self._whole_second, len(form.body)))
        self._told.append(form)
        return head

    def _page(self, held: Held) -> Template | None:
        # Of one value an address may be longer than the target that it came by.
        if not held.ordinary or len(held.key.partition(b" ")[0]) > self._longest:
            return None
        name = held.screen.name
        held.page = page = self._pages.get(name) or template(held.screen)
        if name not in self._pages:
            self._pages[name] = page
            self._count(name, page)
        return page

    def _turn(self, second: int) -> None:
        """A new second: what was told is told anew, and what is not asked for again takes no room."""
        self._whole_second, self._second, self._ends = second, float(second), float(second + 1)
        self._date = f"\r\ndate: {formatdate(second, usegmt=True)}".encode()
        self._start()
        for form in self._told:
            form.head = None
        self._told.clear()

    def _next_round(self) -> bytes:
        """The first step of a round of request ids, or the next where another request has begun it."""
        step = IDS.step()
        self._steps = IDS.steps
        self._start()
        return step

    def _start(self) -> None:
        begun = b"".join((self._date, _NAMED, IDS.begun))
        self._ok, self._not_modified = b"HTTP/1.1 200 OK" + begun, b"HTTP/1.1 304 Not Modified" + begun
