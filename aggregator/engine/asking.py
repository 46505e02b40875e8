"""How one caller asks: since when, until when, behind which loads of ours, and what it does not take."""

from math import inf

from msgspec import Struct

from aggregator.model.hops import NOWHERE, Hops
from aggregator.model.position import Position


class Asking(Struct, frozen=True):
    """since: its head when it asked. wait: for what is stale but may be served meanwhile, too; ahead: and for what is
    not fresh for as many seconds more (a refresh before expiry). expires_at: the event loop's time after which it goes
    on without what is not there. hops: what its loads say of where they come from. unread: it has not looked for
    fragments in L2, as its view was not there either. behind: nobody waits for it, and its loads are few at a time.
    only_current: it reads its own write, and takes nothing that is not proved current, not even where loading fails;
    where it does, `wait` is True."""

    since: Position
    wait: bool = False
    ahead: float = 0.0
    expires_at: float = inf
    hops: Hops = NOWHERE
    unread: bool = False
    behind: bool = False
    only_current: bool = False
