"""A trip to a node of a Cluster follows its redirects, each by itself: nothing else waits for where one leads."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import Any

from hiredis import ReplyError

from aggregator.servers.slots import Redirect, is_down, redirect_of
from aggregator.servers.url import Address
from aggregator.tiers.command import Command
from aggregator.tiers.pipeline import Sending
from aggregator.tiers.server import Call
from aggregator.tiers.trip import Trip, is_unknown

# One where the map is old, a second one where that slot is just moving, and one more where it moved meanwhile.
_HOPS = 3
_ASKING: Call = ("ASKING",)

Settle = Callable[[Any], None]


class RedirectedTrip(Trip):
    """An MGET a key, as the keys of one command of a Cluster's have to lie in one slot.

    elsewhere: gives the link that a redirect leads to. lost: told when the node could not be reached, was
    lost, or says CLUSTERDOWN.
    """

    def __init__(
        self,
        address: Address,
        elsewhere: Callable[[Redirect], Sending],
        lost: Callable[[], None],
        commands: Sequence[Command],
    ) -> None:
        super().__init__(commands)
        self._address = address
        self._elsewhere = elsewhere
        self._lost = lost

    def calls(self) -> list[Call]:
        """As of its base."""
        return [_mget(key) for read in self._reads for key in read.keys] + [run.by_name() for run in self._runs]

    def deal(self, replies: Sequence[Any]) -> list[Command]:
        """As of its base; where a reply is a redirect, what there is where it leads is given later."""
        if any(map(is_down, replies)):
            self._lost()
        each = iter(replies)
        for read in self._reads:
            self._settle_read(read, list(islice(each, len(read.keys))))
        unknown = []
        for run, reply in zip(self._runs, each, strict=True):
            if isinstance(reply, ReplyError) and is_unknown(reply):
                unknown.append(run)
            else:
                self.settle(run, reply)
        return unknown

    def settle(self, run: Command, reply: Any) -> None:
        """As of its base; likewise."""
        if not redirect_of(reply, self._address):
            run.settle(reply)
            return

        def settle(said: Any) -> None:
            if isinstance(said, ReplyError) and is_unknown(said):
                self._follow(run.by_text(), reply, run.settle)
            else:
                run.settle(said)

        self._follow(run.by_name(), reply, settle)

    def fail(self, error: OSError) -> None:
        """As of its base."""
        self._lost()
        super().fail(error)

    def _settle_read(self, read: Command, replies: list[Any]) -> None:
        left = {at for at, reply in enumerate(replies) if redirect_of(reply, self._address)}
        if not left:
            read.settle(_joined(replies))
            return

        def settle(at: int, reply: Any) -> None:
            replies[at] = reply
            left.remove(at)
            if not left:
                read.settle(_joined(replies))

        for at in [*left]:
            self._follow(_mget(read.keys[at]), replies[at], partial(settle, at))

    def _follow(self, call: Call, reply: Any, settle: Settle) -> None:
        """Settle with what the call comes to, of which the node itself has said this."""
        self._follow_from(self._address, _HOPS, call, settle, [reply])

    def _follow_from(self, asked: Address, hops: int, call: Call, settle: Settle, replies: list[Any] | OSError) -> None:
        reply = replies if isinstance(replies, OSError) else replies[-1]
        redirect = redirect_of(reply, asked)
        if redirect and hops:
            calls = [call] if redirect.moved else [_ASKING, call]
            further = partial(self._follow_from, redirect.to, hops - 1, call, settle)
            self._elsewhere(redirect).send(calls, further)
        else:
            settle(reply)


def _mget(key: str) -> Call:
    return ("MGET", key)


def _joined(replies: list[Any]) -> Any:
    """As the reply to one MGET of all the keys."""
    odd = next((reply for reply in replies if not isinstance(reply, list)), None)
    return [value for reply in replies for value in reply] if odd is None else odd
