"""A held view is a view as L1 keeps it: one small object and a few texts, which the garbage collector does not see."""

from functools import cache
from math import ceil, floor
from struct import Struct
from typing import ClassVar, Protocol

import msgspec

from aggregator.model.entry import SlotState
from aggregator.model.part import State
from aggregator.model.position import Position
from aggregator.model.screen import Screen
from aggregator.model.view import View
from cache_policies.eviction.node import Node
from cache_policies.policy import Lifetime, Moments, Timing, fresh_until

# LEVEL: all slots of an ordinary view are as old as the whole, in whole seconds, and that is not kept of each.
_ABSENT, _WHOLE, _STALE, _UNPROVEN, _KEPT, _LATE, _PLAIN, LEVEL = (1 << bit for bit in range(8))
_ORDINARY = _WHOLE | _KEPT | _PLAIN
# What is told of an ordinary view: flags, the whole seconds when its oldest part was there and when it expires, the
# digest. Then how many bytes tell of the slots, which follow, and behind them the tags; of the timing: at, four
# lifetimes, cost; the ends of two verdicts; the view's own at.
TOLD = Struct("<BII32s")
_FIXED = Struct(f"{TOLD.format}I9d")
_COST, _COST_AT = Struct("<d"), _FIXED.size - 4 * 8
_DIGEST = slice(TOLD.size - 32, TOLD.size)
_SLOTS = slice(TOLD.size, TOLD.size + 4)
_LAST_SECOND = 2**32 - 1
# Floats of four bytes are off by less than this part: what is made greater by it is kept as no less than it was.
_NO_EARLIER = 1 + 2**-23


class Page(Protocol):
    """What all ordinary views of a screen have in common when they are told of. hits: how often that was."""

    hits: int

    def head(self, held: "Held", form: str, second: int, length: int) -> tuple[bytes, bytes, bytes, bytes, bytes]:
        """The pieces of a response's head."""


class Form(msgspec.Struct, gc=False, eq=False):
    """A body in one form that clients take, by the form's name; without bytes where that form is not worth it. head:
    what its response's head says this second, once that was asked for."""

    name: str
    body: bytes
    head: bytes | None = None


class Held(Node, kw_only=True, gc=False, eq=False):
    """key: its address. body: JSON. position: where it was last proved current; raised when it is proved again.
    fresh_until: the end of its freshness for this holder, fleet seconds. rest: everything else, packed.
    head: as in Form, of the body. forms: other forms of the body, by name. page: its screen's. reads: how often it was
    read since that was last counted.
    """

    name: ClassVar[str] = ""

    screen: Screen
    body: bytes
    position: Position
    fresh_until: float
    rest: bytes
    head: bytes | None = None
    forms: dict[str, Form] | None = None
    page: Page | None = None
    reads: int = 0

    @property
    def own_tags(self) -> list[str]:
        """Its tags but for those that all views of its screen have."""
        tags = self.rest[_FIXED.size + int.from_bytes(self.rest[_SLOTS], "little") :]
        return tags.decode().split("\n") if tags else []

    @property
    def tags(self) -> list[str]:
        """All of them."""
        return [*self.screen.common_tags, *self.own_tags]

    @property
    def digest(self) -> bytes:
        """What its entity tags are made of; 32 hex digits."""
        return self.rest[_DIGEST]

    @property
    def loading_took(self) -> float:
        """Seconds that its dearest part took to load."""
        return float(_COST.unpack_from(self.rest, _COST_AT)[0])

    @property
    def ordinary(self) -> bool:
        """Is it whole, kept, and fresh in every slot, with nothing more to tell than how old each is?"""
        return self.rest[0] & ~LEVEL == _ORDINARY

    @property
    def storable(self) -> bool:
        """Is it what the screen is, for everybody?"""
        return self.rest[0] & (_WHOLE | _STALE | _UNPROVEN | _KEPT) == _WHOLE | _KEPT

    def view(self) -> View:
        """The view again; what is told of the ages of slots is as of whole seconds."""
        flags, _, _, digest, slots, at, *rest, own_at = _FIXED.unpack_from(self.rest)
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
            _slots(self.screen, self.rest[_FIXED.size : _FIXED.size + slots], at, flags),
            whole=bool(flags & _WHOLE),
            stale=bool(flags & _STALE),
            unproven=bool(flags & _UNPROVEN),
            kept=bool(flags & _KEPT),
            late=bool(flags & _LATE),
        )


def hold(screen: Screen, address: bytes, view: View, cost: int) -> Held:
    """The view as it is to be kept under its address. cost: bytes."""
    tags = "\n".join(tag for tag in view.tags if tag not in screen.common_tags).encode()
    shape = _shape(screen, view)
    slots = _plain(view, shape) if shape else msgspec.msgpack.encode(view.slots)
    seconds = (ceil(view.timing.at), floor(fresh_until(view.timing))) if shape else (0, 0)
    fixed = _FIXED.pack(
        _flags(view) | shape,
        *seconds,
        view.digest,
        len(slots),
        view.timing.at,
        *view.timing.lifetime,
        view.timing.cost,
        view.until.revalidate_until,
        view.until.fallback_until,
        view.at,
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
def made(slots: int) -> Struct:
    """Of an ordinary view with so many slots that is not level: the whole second when each was there."""
    return Struct(f"<{_FIXED.size}x{slots}I")


def _flags(view: View) -> int:
    absent = _ABSENT if view.status == 404 else 0
    known = ((view.whole, _WHOLE), (view.stale, _STALE), (view.unproven, _UNPROVEN), (view.kept, _KEPT))
    return absent | (_LATE if view.late else 0) | sum(flag for true, flag in known if true)


def _shape(screen: Screen, view: View) -> int:
    """Flags: is there no more to tell of its slots than ages, and are these alike?"""
    plain = len(view.slots) == len(screen.slots) and all(
        slot.state == State.FRESH and slot.at > 0 and not slot.missing and not slot.absent for slot in view.slots
    )
    plain = plain and fresh_until(view.timing) < _LAST_SECOND
    level = plain and {ceil(slot.at) for slot in view.slots} <= {ceil(view.timing.at)}
    return (_PLAIN if plain else 0) | (LEVEL if level else 0)


@cache
def _places(slots: int, level: bool) -> Struct:
    """Of plain slots: the whole seconds when each was there, unless they are level, and how long after the view's
    oldest part each expires."""
    return Struct(f"<{slots}f" if level else f"<{slots}I{slots}f")


def _plain(view: View, shape: int) -> bytes:
    level = bool(shape & LEVEL)
    seconds = [] if level else [ceil(slot.at) for slot in view.slots]
    expire = [(slot.fresh_until - view.timing.at) * _NO_EARLIER for slot in view.slots]
    return _places(len(view.slots), level).pack(*seconds, *expire)


def _slots(screen: Screen, packed: bytes, at: float, flags: int) -> tuple[SlotState, ...]:
    if not flags & _PLAIN:
        return msgspec.msgpack.decode(packed, type=tuple[SlotState, ...])
    numbers = _places(len(screen.slots), bool(flags & LEVEL)).unpack(packed)
    expire = numbers[-len(screen.slots) :]
    seconds = [ceil(at)] * len(screen.slots) if flags & LEVEL else numbers[: len(screen.slots)]
    return tuple(
        SlotState(slot.name, State.FRESH, float(one), at + other)
        for slot, one, other in zip(screen.slots, seconds, expire, strict=True)
    )
