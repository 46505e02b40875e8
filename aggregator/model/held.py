"""A held view is a view as L1 keeps it: one small object and a few texts, which the garbage collector does not see."""

from functools import cache
from math import ceil
from struct import Struct, calcsize
from typing import ClassVar

import msgspec

from aggregator.events import Tally
from aggregator.model.entry import SlotState
from aggregator.model.part import State
from aggregator.model.position import Position
from aggregator.model.screen import Screen
from aggregator.model.view import View
from cache_policies.eviction.node import Node
from cache_policies.policy import Lifetime, Moments, Timing

_ABSENT, _WHOLE, _STALE, _UNPROVEN, _KEPT, _LATE, _PLAIN = (1 << bit for bit in range(7))
_ORDINARY = _WHOLE | _KEPT | _PLAIN
# Flags; how many bytes tell of the slots, which follow, and behind them the tags; of the timing: at, four lifetimes,
# cost; the ends of two verdicts; the view's own at; the digest.
_FIXED = Struct("<BI9d16s")
_DIGEST = slice(_FIXED.size - 16, _FIXED.size)
# Floats of four bytes are off by less than this part: what is made greater by it is kept as no less than it was.
_NO_EARLIER = 1 + 2**-23


class Form(msgspec.Struct, gc=False, eq=False):
    """A body in one form that clients take, by the form's name; without bytes where that form is not worth it. head:
    what its response's head says this second, once that was asked for."""

    name: str
    body: bytes
    head: bytes | None = None


class Held(Node, kw_only=True, gc=False, eq=False):
    """key: its address. body: JSON. position: where it was last proved current; raised when it is proved again.
    fresh_until: the end of its freshness for this holder, fleet seconds. rest: everything else, packed.
    head: as in Form, of the body. forms: other forms of the body, by name. tally: counts its hits.
    """

    name: ClassVar[str] = ""

    screen: Screen
    body: bytes
    position: Position
    fresh_until: float
    rest: bytes
    head: bytes | None = None
    forms: dict[str, Form] | None = None
    tally: Tally | None = None

    @property
    def own_tags(self) -> list[str]:
        """Its tags but for those that all views of its screen have."""
        tags = self.rest[_FIXED.size + int.from_bytes(self.rest[1:5], "little") :]
        return tags.decode().split("\n") if tags else []

    @property
    def tags(self) -> list[str]:
        """All of them."""
        return [*self.screen.common_tags, *self.own_tags]

    @property
    def digest(self) -> bytes:
        """What its entity tags are made of; 16 bytes."""
        return self.rest[_DIGEST]

    @property
    def ordinary(self) -> bool:
        """Is it whole, kept, and fresh in every slot, with nothing more to tell than how old each is?"""
        return self.rest[0] == _ORDINARY

    def view(self) -> View:
        """The view again; what is told of the ages of slots is as of whole seconds."""
        flags, slots, at, *rest, own_at, digest = _FIXED.unpack_from(self.rest)
        *lifetime, cost, revalidate_until, fallback_until = rest
        return View(
            404 if flags & _ABSENT else 200,
            self.body,
            digest,
            tuple(self.tags),
            self.position,
            Timing(at, Lifetime(*lifetime), cost),
            Moments(self.fresh_until, revalidate_until, fallback_until),
            own_at,
            _slots(self.screen, self.rest[_FIXED.size : _FIXED.size + slots], at, bool(flags & _PLAIN)),
            whole=bool(flags & _WHOLE),
            stale=bool(flags & _STALE),
            unproven=bool(flags & _UNPROVEN),
            kept=bool(flags & _KEPT),
            late=bool(flags & _LATE),
        )


def hold(screen: Screen, address: bytes, view: View, cost: int) -> Held:
    """The view as it is to be kept under its address. cost: bytes."""
    tags = "\n".join(tag for tag in view.tags if tag not in screen.common_tags).encode()
    plain = _is_plain(screen, view)
    slots = _plain(view) if plain else msgspec.msgpack.encode(view.slots)
    fixed = _FIXED.pack(
        _flags(view) | (_PLAIN if plain else 0),
        len(slots),
        view.timing.at,
        *view.timing.lifetime,
        view.timing.cost,
        view.until.revalidate_until,
        view.until.fallback_until,
        view.at,
        view.digest,
    )
    return Held(
        key=address,
        cost=cost,
        screen=screen,
        body=view.body,
        position=view.position,
        fresh_until=view.until.fresh_until,
        rest=fixed + slots + tags,
    )


@cache
def telling(slots: int) -> Struct:
    """What is told of an ordinary view with so many slots, as it stands in `rest`: when its oldest part was loaded, for
    how long that is fresh, the digest, and for every slot the whole second when it was there."""
    between = _FIXED.size - calcsize("<BI2d16s")
    return Struct(f"<5x2d{between}x16s{slots}I")


def _flags(view: View) -> int:
    absent = _ABSENT if view.status == 404 else 0
    known = ((view.whole, _WHOLE), (view.stale, _STALE), (view.unproven, _UNPROVEN), (view.kept, _KEPT))
    return absent | (_LATE if view.late else 0) | sum(flag for true, flag in known if true)


def _is_plain(screen: Screen, view: View) -> bool:
    return len(view.slots) == len(screen.slots) and all(
        slot.state == State.FRESH and slot.at > 0 and not slot.missing and not slot.absent for slot in view.slots
    )


@cache
def _places(slots: int) -> Struct:
    """Of plain slots: the whole seconds when each was there, and how long after the view's oldest part it expires."""
    return Struct(f"<{slots}I{slots}f")


def _plain(view: View) -> bytes:
    made = [ceil(slot.at) for slot in view.slots]
    expire = [(slot.fresh_until - view.timing.at) * _NO_EARLIER for slot in view.slots]
    return _places(len(view.slots)).pack(*made, *expire)


def _slots(screen: Screen, packed: bytes, at: float, plain: bool) -> tuple[SlotState, ...]:
    if not plain:
        return msgspec.msgpack.decode(packed, type=tuple[SlotState, ...])
    numbers = _places(len(screen.slots)).unpack(packed)
    made, expire = numbers[: len(screen.slots)], numbers[len(screen.slots) :]
    return tuple(
        SlotState(slot.name, State.FRESH, float(one), at + other)
        for slot, one, other in zip(screen.slots, made, expire, strict=True)
    )
