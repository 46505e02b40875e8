"""A counterexample is what there is to tell of a kept view that was not what its MBUs say: no input, and no payload."""

from typing import Any

from aggregator.engine.comparing import Compared
from aggregator.engine.fill import Knowledge
from aggregator.model.difference import Difference, Differences
from aggregator.model.position import text_of
from aggregator.model.screen import Slot

Table = dict[str, Any]


def counterexample(compared: Compared, found: Differences, known: Knowledge) -> Table:
    """found: the slots that differed at each look. Ages are seconds, positions those of the log; of values there are
    digests. The key is what `aggregator explain` names the view in L2 by."""
    view, now = compared.kept.view, known.clock.now()
    return {
        "screen": compared.screen.name,
        "key": compared.key.name,
        "tier": compared.kept.tier,
        "view": view.digest.decode(),
        "age": round(now - view.at, 3),
        "position": text_of(view.position),
        "head": text_of(known.ledger.head),
        "slots": [_slot(slot, found[slot.name], now) for slot in compared.screen.slots if slot.name in found],
    }


def _slot(slot: Slot, difference: Difference, now: float) -> Table:
    return {
        "slot": slot.name,
        "fragment": slot.fragment.name,
        "mbu": slot.fragment.mbu,
        "age": round(now - difference.loaded, 3),
        "kept": difference.kept.decode(),
        "said": difference.said.decode(),
    }
