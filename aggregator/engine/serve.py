"""Serving answers one screen: with the view that L1 holds, else the one in L2, else one composed of its parts."""

import asyncio
from collections.abc import Mapping
from math import inf
from typing import TypeVar

from msgspec import Struct, structs

from aggregator.engine.answer import Answer, Refused, wanting
from aggregator.engine.asking import Asking
from aggregator.engine.compose import Composer
from aggregator.engine.fill import Knowledge
from aggregator.engine.reading import Reading
from aggregator.engine.refresh import Refreshing
from aggregator.engine.run import Order
from aggregator.engine.taking import Taking
from aggregator.events import Observer, Served
from aggregator.model.address import Addresses
from aggregator.model.entry import Entry
from aggregator.model.held import Held
from aggregator.model.hops import Hops
from aggregator.model.inputs import Inputs
from aggregator.model.keys import Key
from aggregator.model.plan import Needs, plan
from aggregator.model.screen import Screen
from aggregator.model.standing import UNPROVEN_FOR
from aggregator.model.view import View
from aggregator.tiers.memory import MemoryTier
from aggregator.tiers.tier import SharedTier, TierUnavailable
from cache_policies.policy import Verdict

_SERVED = {Verdict.FRESH, Verdict.REVALIDATE}


A = TypeVar("A", Answer, Refused)


class Sought(Struct, frozen=True):
    """A view that L1 cannot answer with. old: what it held, which may stand in if loading fails. unproven: a proof that
    it is current is all that it lacked."""

    screen: Screen
    address: bytes
    key: Key
    inputs: Inputs
    old: View | None
    asking: Asking
    unproven: bool

    def order(self, first: Mapping[str, Needs]) -> Order:
        """What is to be composed, given what the slots of its first wave need."""
        return Order(self.screen, self.address, self.key, self.inputs, first)


class Screens:
    """pairs: every screen with each fragment that is loaded for it. trust_unproven: what L1 holds is served though this
    process cannot prove that it is current (it is marked)."""

    def __init__(
        self,
        namespace: str,
        addresses: Addresses,
        memory: MemoryTier,
        tier: SharedTier,
        composer: Composer,
        taking: Taking,
        refreshing: Refreshing,
        reading: Reading,
        knowledge: Knowledge,
        observe: Observer,
        pairs: frozenset[tuple[str, str]],
        trust_unproven: bool = False,
    ) -> None:
        self._namespace = namespace
        self._addresses = addresses
        self._memory = memory
        self._tier = tier
        self._composer = composer
        self._taking = taking
        self._refreshing = refreshing
        self._reading = reading
        self._known = knowledge
        self._observe = observe
        self._pairs = pairs
        self._trust_unproven = trust_unproven

    async def answer(
        self, screen: Screen, inputs: Inputs, came_by: Hops | None = None, waited: float | None = None
    ) -> Answer | Refused | None:
        """The screen for these inputs; None if there can be no such screen. came_by: the loads it is asked for by.
        waited: of its deadline, the seconds that it took this process to get as far in the log as is asked for; then
        only what is current answers. None: nothing is asked for."""
        found = self.begin(screen, inputs, came_by, waited)
        return await self.sought(found) if isinstance(found, Sought) else found

    def begin(
        self, screen: Screen, inputs: Inputs, came_by: Hops | None = None, waited: float | None = None
    ) -> Answer | Sought | None:
        """The first step of that: what L1 answers, or what is to be looked for in L2."""
        address = self._addresses.of(screen, inputs)
        held = self._memory.get(address)
        view = held.view() if held else None
        verdict = self._verdict(held, view) if held and view else Verdict.EXPIRED
        if held and verdict in _SERVED:
            self._reading.note(held)
        only_current = waited is not None
        if view and verdict is Verdict.FRESH:
            return self._served(screen, self._composer.answer(view, "l1", held))
        key = screen.key(self._namespace, screen.identity(inputs))
        expires_at = inf if screen.deadline is None else _now() + screen.deadline - (waited or 0.0)
        hops = came_by or Hops(self._namespace, screen.name)
        head = self._known.ledger.head
        asking = Asking(head, wait=only_current, expires_at=expires_at, hops=hops, only_current=only_current)
        sought = Sought(screen, address, key, inputs, view, asking, unproven=verdict is None)
        if view and verdict is Verdict.REVALIDATE and not only_current:
            self._refreshing.given(screen, address, inputs, view)
            return self._served(screen, self._composer.answer(view, "l1", held))
        return sought

    async def sought(self, sought: Sought) -> Answer | Refused | None:
        """All steps but the first."""
        try:
            [entry] = await self.read(sought)
        except TierUnavailable:
            entry = None
        return self.taken(sought, entry) or await self.composed(sought, entry)

    def read(self, sought: Sought) -> "asyncio.Future[list[Entry | None]]":
        """The second step: what L2 holds; TierUnavailable where it is away."""
        return asyncio.ensure_future(self._tier.read([sought.key]))

    def taken(self, sought: Sought, entry: Entry | None) -> Answer | None:
        """The third: what that answers, if it can be used."""
        self._reading.note_at(sought.address)
        taken = self._taking.take(sought.screen, sought.address, sought.key, entry)
        if taken is None:
            return None
        view, held = taken
        return self._served(sought.screen, self._composer.answer(view, "l2", held))

    async def composed(self, sought: Sought, entry: Entry | None) -> Answer | Refused | None:
        """The fourth: what is composed. entry: what L2 held, and could not be used."""
        first = plan(sought.screen, sought.inputs, self._namespace)
        if first is None:
            return None
        asking = structs.replace(sought.asking, unread=entry is None)
        answer = await self._composer.compose(sought.order(first), asking, sought.old)
        if isinstance(answer, Answer):
            if answer.due or answer.view.until.judge(self._known.clock.now()) is Verdict.REVALIDATE:
                self._refreshing.given(sought.screen, sought.address, sought.inputs, answer.view)
            elif answer.stored:
                self._refreshing.made(sought.screen, sought.address, sought.inputs, answer.view)
            had = answer.had or sought.old is not None or entry is not None
            return self._served(sought.screen, structs.replace(answer, had=had))
        return self._served(sought.screen, answer)

    def hops(self, screen: Screen, field: str) -> Hops:
        """The loads of this fleet that a request for the screen has come through, from its CDN-Loop field."""
        return Hops.read(self._namespace, screen.name, field, self._pairs)

    def _served(self, screen: Screen, answer: A) -> A:
        self._observe(Served(screen.name, answer.tier, answer.state, tuple(wanting(answer))))
        return answer

    def _verdict(self, held: Held, view: View) -> Verdict | None:
        """What L1's view may be used for; None where it only lacks a proof. Two comparisons are one: the time with the
        proof, its position with the barrier; no tag is looked at."""
        now = self._known.clock.now()
        verdict = view.until.judge(now)
        if verdict not in _SERVED:  # A proof would be in vain, and its position raised above that of what L2 has.
            return verdict
        trusted = self._known.vouches or self._trust_unproven or now - view.at < UNPROVEN_FOR
        if not trusted or (held.position < self._known.ledger.barrier and not self._proved_again(held)):
            return None
        return verdict

    def _proved_again(self, held: Held) -> bool:
        """What lies below the barrier is raised to the head, or dropped."""
        ledger = self._known.ledger
        if ledger.current(held.tags, held.position):
            held.position = ledger.head
            return True
        self._memory.remove(held)
        return False


def _now() -> float:
    return asyncio.get_running_loop().time()
