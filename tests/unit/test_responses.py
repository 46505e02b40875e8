"""What a response says of keeping it is true, and allows no more than is known."""

from typing import Any

import msgpack
import pytest

from aggregator.engine.answer import Answer
from aggregator.http.making import Making
from aggregator.http.responses import cache_status, respond
from aggregator.model.entry import Entry
from aggregator.model.ledger import Ledger
from aggregator.model.part import Part, Piece, State
from aggregator.model.position import ORIGIN
from aggregator.model.screen import Slot
from aggregator.model.view import Stamp, View, compose
from aggregator.tiers.memory import MemoryTier
from cache_policies.eviction.lru import Lru
from cache_policies.policy import Lifetime, Timing
from loaders.loader import Failed, Reason
from tests.world import fragment, screen

SLOT = Slot("feed", fragment("feed"))
HOME = screen(SLOT, client_max_age=600.0)


def view(*pieces: Piece) -> View:
    """A view made at 100 s, fresh for a minute."""
    return compose(HOME, [Part(SLOT, pieces or (Piece(None),))], Stamp((), ORIGIN, 100.0))


def answer(held: View | None = None, at: float = 130.0, **more: Any) -> Answer:
    """What L1 gives of it, half a minute later."""
    return Answer(held or view(), "l1", at, 160.0 - at, at >= 160.0, False, **more)


@pytest.mark.parametrize(("client", "said"), [(600.0, 59), (10.0, 40)])
def test_the_age_is_added_to_what_is_left(client: float, said: int) -> None:
    """As clients subtract it (RFC 9111, section 4.2)."""
    headers = respond(screen(SLOT, client_max_age=client), answer()).headers
    assert (headers["age"], headers["cache-control"]) == ("30", f"private, max-age={said}")


BROKEN = Piece(None, Failed(Reason.CONNECT, "down"))
INVALIDATED = Piece(Entry(b"", b"1", (), Timing(100.0, Lifetime(60.0)), ORIGIN), state=State.OVERTAKEN)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (answer(current=False), "no-store"),
        (answer(view(BROKEN)), "no-store"),
        (answer(view(Piece(None, kept=False))), "no-store"),
        (answer(view(INVALIDATED)), "no-store"),
        (answer(at=170.0), "private, no-cache"),
    ],
)
def test_nobody_keeps_what_is_overtaken_or_incomplete_or_not_to_be_kept(given: Answer, said: str) -> None:
    """What is only stale may be asked about again."""
    assert respond(HOME, given).headers["cache-control"] == said


@pytest.mark.parametrize(("given", "ttl"), [(answer(), 29), (answer(current=False), 0), (answer(view(BROKEN)), 0)])
def test_what_is_not_as_declared_is_good_for_no_time(given: Answer, ttl: int) -> None:
    """However fresh its parts are."""
    assert f";ttl={ttl};" in f"{cache_status(given)};"


def test_what_nests_too_deep_for_msgpack_is_answered_as_json() -> None:
    """It can be had, if not in the form that was asked for."""
    held, making = view(), Making(MemoryTier(0, Ledger(), Lru()))
    packed = making.body(answer(held), "msgpack")
    assert packed
    assert packed.body == msgpack.packb({"data": {"feed": None}})
    held.body = b'{"data":{"feed":' + b"[" * 1_024 + b"]" * 1_024 + b"}}"
    reply = respond(HOME, answer(held), making.body(answer(held), "msgpack"))
    assert (reply.status, reply.body, reply.headers["content-type"]) == (200, held.body, "application/json")
