"""Preparing has a view composed for L2 before anybody asks for it."""

from contextlib import suppress

from aggregator.engine.asking import Asking
from aggregator.engine.refresh import Works
from aggregator.engine.run import Order
from aggregator.model.hops import Hops
from aggregator.model.inputs import Inputs
from aggregator.model.plan import plan
from aggregator.model.screen import Screen
from aggregator.model.standing import Standing
from aggregator.tiers.tier import TierUnavailable


async def prepare(namespace: str, works: Works, screen: Screen, inputs: Inputs) -> None:
    """Compose the view, unless L2 holds it and it can be used."""
    key, first = screen.key(namespace, screen.identity(inputs)), plan(screen, inputs, namespace)
    if first is None:
        return
    with suppress(TierUnavailable):
        [entry] = await works.tier.read([key])
        if entry and works.known.standing(entry) is Standing.FRESH:
            return
    order = Order(screen, works.addresses.of(screen, inputs), key, inputs, first)
    asking = Asking(works.known.ledger.head, wait=True, hops=Hops(namespace, screen.name), behind=True)
    await works.composer.compose(order, asking, old=None)
