"""Composing makes a view of parts in one synchronous step, and decides who may keep it and for how long."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from msgspec import structs

from aggregator.engine.answer import Answer, Refused
from aggregator.engine.asking import Asking
from aggregator.engine.background import Background
from aggregator.engine.fill import Knowledge
from aggregator.engine.parts import Parts
from aggregator.engine.run import Order, Run
from aggregator.model.held import Held
from aggregator.model.keys import Key
from aggregator.model.part import Part, State
from aggregator.model.screen import Screen
from aggregator.model.standing import forgotten, overtaken_until
from aggregator.model.view import Stamp, View, compose, current
from aggregator.tiers.memory import MemoryTier
from aggregator.tiers.tier import SharedTier
from cache_policies.policy import Moments, Policy, plain_moments

# An answer with a failed part is held this long (seconds), so that one dead MBU does not move all traffic here.
BRIEFLY = 1.0


class Composer:
    """policies: by screen, how long before expiry a view is refreshed."""

    def __init__(
        self,
        namespace: str,
        memory: MemoryTier,
        tier: SharedTier,
        parts: Parts,
        knowledge: Knowledge,
        policies: Mapping[str, Policy],
        background: Background,
    ) -> None:
        self._namespace = namespace
        self._memory = memory
        self._tier = tier
        self._parts = parts
        self._known = knowledge
        self._policies = policies
        self._background = background

    async def compose(self, order: Order, asking: Asking, old: View | None) -> Answer | Refused:
        """Gather and compose. Where a part fails, an old view that may stand in for the whole does."""
        parts = await Run(self._parts, self._namespace, order, asking).parts()
        if old and not all(part.whole for part in parts) and self._may_stand_in(old, asking):
            return self._stood_in(order, old)
        failed = next((part for part in parts if part.slot.required and part.failed), None)
        if failed and failed.failed:
            told = tuple(part.told for part in parts)
            return Refused(failed.slot, failed.failed, self._known.clock.now(), told)
        view = self._made(order, parts)
        is_current = current(parts, self._known.ledger)
        stored = is_current and self._keep(order, view, parts, refreshing=asking.wait)
        if not is_current:
            self._keep_overtaken(order, view, parts)
        loaded = tuple(part.slot.name for part in parts if part.loaded)
        answer = self.answer(view, "mbu" if loaded else "l2")
        return structs.replace(answer, loaded=loaded, stored=stored, current=is_current, due=_due(parts))

    def answer(self, view: View, tier: str, held: Held | None = None) -> Answer:
        """The truth about a view now. held: the same, where L1 keeps it."""
        now = self._known.clock.now()
        ttl = plain_moments(view.timing).fresh_until - now
        unproven = view.unproven or not self._known.vouches
        return Answer(view, tier, now, ttl, view.stale or ttl <= 0, unproven, held=held)

    def until(self, screen: Screen, view: View) -> Moments:
        """When the view's verdicts end for this holder: each draws its own early refresh."""
        return self._policies[screen.name].moments(view.timing, self._known.draw())

    def _made(self, order: Order, parts: Sequence[Part]) -> View:
        """Stamped with the head; it is held only if all parts prove current there, and no await stands between.

        A part that was overtaken, or whose epoch ended, while it was loaded makes a view that is answered, since its
        reader asked before that, and held by nobody.
        """
        tags, now = order.screen.own_tags(order.inputs), self._known.clock.now()
        return compose(order.screen, parts, Stamp(tags, self._known.ledger.head, now))

    def _keep(self, order: Order, view: View, parts: Sequence[Part], refreshing: bool) -> bool:
        """Hold the view, whose parts are all current, as what it is; True if it is kept as what the screen is."""
        if not view.kept:
            return False
        if view.storable:
            view.until = self.until(order.screen, view)
            self._memory.put(order.screen, order.address, view)
            self._background.start(("store", order.key.name), lambda: self._store(order.key, view))
            return True
        # What was late is being loaded still: the next reader may find it.
        if refreshing or view.late or self._holds_better(order.address):
            return False
        if not view.whole or view.unproven or any(piece.failure for part in parts for piece in part.pieces):
            view.until = self._briefly()
        self._memory.put(order.screen, order.address, view)
        return False

    def _keep_overtaken(self, order: Order, view: View, parts: Sequence[Part]) -> None:
        """Hold what is served, marked, until what was invalidated is loaded again: for no longer than each of its
        overtaken pieces allows, and as of now, so that it is expelled by what is invalidated from now on."""
        pieces = [piece for part in parts for piece in part.pieces if piece.entry]
        served = [piece.entry for piece in pieces if piece.state is State.OVERTAKEN and not piece.failure]
        rest = [piece.entry for piece in pieces if piece.state is not State.OVERTAKEN or piece.failure]
        proved = all(entry.is_current(self._known.ledger) for entry in rest if entry)
        if not (served and proved and view.whole and view.kept and not view.unproven):
            return
        # 1. Who is served this waits for a slow part. 2. What was invalidated is loaded, and the whole composed, with
        # nobody waiting. 3. The slow part is there: this must not take the place of what was composed.
        if self._holds_better(order.address):
            return
        now, until = self._known.clock.now(), plain_moments(view.timing).revalidate_until
        until = min([until, *(overtaken_until(entry, self._known.ledger, now) for entry in served if entry)])
        view.until = Moments(now, until, now)
        self._memory.put(order.screen, order.address, view)

    async def _store(self, key: Key, view: View) -> None:
        """Where L2 is away, L1 has it, and other processes compose it of fragments."""
        entry = view.as_entry(key.identity)
        if not forgotten(entry, self._known.ledger):
            await self._tier.store(key, entry)

    def _may_stand_in(self, old: View, asking: Asking) -> bool:
        ledger = self._known.ledger
        overtaken = ledger.overtaken(old.tags, old.position)
        proved = ledger.current(old.tags, old.position)
        return (
            (proved or not asking.only_current)
            and old.whole
            and not overtaken
            and not old.holds_overtaken
            and self._known.clock.now() < plain_moments(old.timing).fallback_until
        )

    def _stood_in(self, order: Order, old: View) -> Answer:
        unproven = not (self._known.vouches and self._known.ledger.current(old.tags, old.position))
        held = replace(old, until=self._briefly(), stale=not unproven, unproven=unproven, at=self._known.clock.now())
        if not self._holds_better(order.address):
            self._memory.put(order.screen, order.address, held)
        return structs.replace(self.answer(held, "l1"), had=True)

    def _holds_better(self, address: bytes) -> bool:
        """Was the whole view made meanwhile, by a request that began later and met no failure?"""
        held = self._memory.find(address)
        if held is None or self._known.clock.now() >= held.fresh_until or not held.storable:
            return False
        return self._known.ledger.current(held.tags, held.position)

    def _briefly(self) -> Moments:
        end = self._known.clock.now() + BRIEFLY
        return Moments(end, end, end)


def _due(parts: Sequence[Part]) -> bool:
    """Was something stale or overtaken used that is to be loaded again behind the answer?"""
    used = (State.STALE, State.OVERTAKEN)
    return any(piece.state in used and not piece.failure for part in parts for piece in part.pieces)
