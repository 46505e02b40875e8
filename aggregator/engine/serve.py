"""Serving answers one screen: with the view that L1 holds, else the one in L2, else one composed of its parts."""

import asyncio
from dataclasses import replace
from math import inf

from aggregator.engine.answer import Answer, Refused, wanting
from aggregator.engine.asking import Asking
from aggregator.engine.background import Background
from aggregator.engine.compose import Composer
from aggregator.engine.fill import Knowledge
from aggregator.engine.parts import Parts
from aggregator.engine.restamp import Restamping
from aggregator.engine.run import Order
from aggregator.events import Observer, Served
from aggregator.model.hops import Hops
from aggregator.model.inputs import Inputs
from aggregator.model.plan import plan
from aggregator.model.screen import Screen
from aggregator.model.standing import UNPROVEN_FOR, Standing
from aggregator.model.view import View, view_from
from aggregator.tiers.memory import MemoryTier
from cache_policies.policy import Verdict

_SERVED = {Verdict.FRESH, Verdict.REVALIDATE}


class Screens:
    """pairs: every screen with each fragment that is loaded for it. trust_unproven: what L1 holds is served though this
    process cannot prove that it is current (it is marked)."""

    def __init__(
        self,
        namespace: str,
        memory: MemoryTier[View],
        parts: Parts,
        composer: Composer,
        restamping: Restamping,
        knowledge: Knowledge,
        background: Background,
        observe: Observer,
        pairs: frozenset[tuple[str, str]],
        trust_unproven: bool = False,
    ) -> None:
        self._namespace = namespace
        self._memory = memory
        self._parts = parts
        self._composer = composer
        self._restamping = restamping
        self._known = knowledge
        self._background = background
        self._observe = observe
        self._pairs = pairs
        self._trust_unproven = trust_unproven

    async def answer(self, screen: Screen, inputs: Inputs, came_by: Hops | None = None) -> Answer | Refused | None:
        """The screen for these inputs; None if there can be no such screen. came_by: the loads it is asked for by."""
        identity = screen.identity(inputs)
        view = self._memory.get(identity)
        verdict = self._verdict(view) if view else Verdict.EXPIRED
        if view and verdict is Verdict.FRESH:
            return self._served(screen, self._composer.answer(view, "l1"))
        first = plan(screen, inputs, self._namespace)
        if first is None:
            return None
        order = Order(screen, screen.key(self._namespace, identity), inputs, first)
        if view and verdict is Verdict.REVALIDATE:
            self._refresh(order, view)
            return self._served(screen, self._composer.answer(view, "l1"))
        return self._served(screen, await self._sought(order, view, came_by or Hops(self._namespace, screen.name)))

    def hops(self, screen: Screen, field: str) -> Hops:
        """The loads of this fleet that a request for the screen has come through, from its CDN-Loop field."""
        return Hops.read(self._namespace, screen.name, field, self._pairs)

    def _served(self, screen: Screen, answer: Answer | Refused) -> Answer | Refused:
        self._observe(Served(screen.name, answer.tier, answer.state, tuple(wanting(answer))))
        return answer

    def _verdict(self, view: View) -> Verdict:
        """What L1's view may be used for. Two comparisons prove it: the time with the proof, its position with the
        barrier; no tag is looked at."""
        now = self._known.clock.now()
        trusted = self._known.vouches or self._trust_unproven or now - view.at < UNPROVEN_FOR
        if not trusted or (view.position < self._known.ledger.barrier and not self._proved_again(view)):
            return Verdict.EXPIRED
        return view.until.judge(now)

    def _proved_again(self, view: View) -> bool:
        """What lies below the barrier is raised to the head, or dropped."""
        ledger = self._known.ledger
        if ledger.current(view.tags, view.position):
            view.position = ledger.head
            return True
        self._memory.remove(view.identity)
        return False

    async def _sought(self, order: Order, old: View | None, hops: Hops) -> Answer | Refused:
        deadline = order.screen.deadline
        expires_at = inf if deadline is None else asyncio.get_running_loop().time() + deadline
        since = self._known.ledger.head
        [entry] = await self._parts.held([order.key])
        asking = Asking(since, expires_at=expires_at, hops=hops, unread=entry is None)
        if entry and self._known.standing(entry) is Standing.FRESH:
            self._restamping.consider(order.key, entry)
            return self._taken(order, view_from(entry))
        answer = await self._composer.compose(order, asking, old)
        if isinstance(answer, Answer):
            if answer.due or answer.view.until.judge(self._known.clock.now()) is Verdict.REVALIDATE:
                self._refresh(order, answer.view)
            return replace(answer, had=answer.had or old is not None or entry is not None)
        return answer

    def _taken(self, order: Order, view: View) -> Answer:
        """Hold L2's view in L1 too, checked against the ledger as it enters."""
        view.until = self._composer.until(order.screen, view)
        self._memory.put(view.identity, view)
        return self._composer.answer(view, "l2")

    def _refresh(self, order: Order, view: View) -> None:
        """Compose the view anew behind the answer, loading what is stale or would be before this holder's early
        refresh is over."""

        async def refresh() -> None:
            hops, ahead = Hops(self._namespace, order.screen.name), max(0.0, view.lead) + 0.001
            asking = Asking(self._known.ledger.head, wait=True, ahead=ahead, hops=hops)
            await self._composer.compose(order, asking, old=None)

        self._background.start(("refresh", view.identity), refresh)
