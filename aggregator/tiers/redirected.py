"""A link to one node of a Cluster follows the node's redirects, so that who sends is told what the right node said."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from aggregator.servers.slots import Redirect, redirect_of
from aggregator.servers.url import Address
from aggregator.tiers.connection import Back
from aggregator.tiers.pipeline import Sending
from aggregator.tiers.server import Call

# One where the map is old, a second one where that slot is just moving, and one more where it moved meanwhile.
_HOPS = 3
_ASKING: Call = ("ASKING",)


class Redirected:
    """elsewhere: gives the link that a redirect leads to. lost: told when the node could not be reached, or was lost.

    A call that reaches no node has the reason for its reply, where the others have what they were answered.
    """

    def __init__(
        self, link: Sending, address: Address, elsewhere: Callable[[Redirect], Sending], lost: Callable[[], None]
    ) -> None:
        self._link = link
        self._address = address
        self._elsewhere = elsewhere
        self._lost = lost

    def send(self, calls: Sequence[Call], back: Back) -> None:
        """Send calls, at least one, and call `back` with their replies, or with why there are none."""
        self._link.send(calls, partial(self._arrived, calls, back))

    async def close(self) -> None:
        """Give up what is under way."""
        await self._link.close()

    def _arrived(self, calls: Sequence[Call], back: Back, replies: list[Any] | OSError) -> None:
        if isinstance(replies, OSError):
            self._lost()
            back(replies)
            return
        redirects = {at: found for at, reply in enumerate(replies) if (found := redirect_of(reply, self._address))}
        if not redirects:
            back(replies)
            return
        left = set(redirects)

        def settle(at: int, reply: Any) -> None:
            replies[at] = reply
            left.remove(at)
            if not left:
                back(replies)

        for at, redirect in redirects.items():
            self._follow(calls[at], redirect, _HOPS, partial(settle, at))

    def _follow(self, call: Call, redirect: Redirect, hops: int, settle: Callable[[Any], None]) -> None:
        calls = [call] if redirect.moved else [_ASKING, call]
        self._elsewhere(redirect).send(calls, partial(self._followed, call, redirect.to, hops - 1, settle))

    def _followed(
        self, call: Call, asked: Address, hops: int, settle: Callable[[Any], None], replies: list[Any] | OSError
    ) -> None:
        reply = replies if isinstance(replies, OSError) else replies[-1]
        further = redirect_of(reply, asked)
        if further and hops:
            self._follow(call, further, hops, settle)
        else:
            settle(reply)
