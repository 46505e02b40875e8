"""The slot map says which node of a Cluster has a key, by CLUSTER SLOTS and by what nodes have said since."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hiredis import ReplyError
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from aggregator.servers.url import Address


@dataclass(frozen=True, slots=True)
class Redirect:
    """moved: the slot has another owner for good. Otherwise this one key may be there already, and is to be asked for
    behind ASKING."""

    moved: bool
    slot: int
    to: Address


def redirect_of(reply: Any, asked: Address) -> Redirect | None:
    """What a node replied that was `asked` for what it has not; None for any other reply."""
    if not isinstance(reply, ReplyError):
        return None
    match str(reply).split(" "):
        case ["MOVED" | "ASK" as word, slot, to]:
            host, _, port = to.rpartition(":")
            return Redirect(word == "MOVED", int(slot), (_host(host, asked), int(port)))
    return None


def is_down(reply: Any) -> bool:
    """Does a node say that it, or all of the Cluster as it sees it, does nothing for now?"""
    return isinstance(reply, ReplyError) and str(reply).startswith("CLUSTERDOWN")


def owner_in(reply: Sequence[Any], name: str, asked: Address) -> Address | None:
    """Who has the key of this name by what a node that was `asked` says to CLUSTER SLOTS; None where nobody has it."""
    slot = key_slot(name.encode())
    return next((_master(one, asked) for one in reply if one[0] <= slot <= one[1]), None)


class SlotMap:
    """Before anything is known one node has all slots: it says itself what it has not."""

    def __init__(self, first: Address) -> None:
        self._owners = [first] * REDIS_CLUSTER_HASH_SLOTS

    def owner(self, name: str) -> Address:
        """The node that has the key of this name."""
        return self._owners[key_slot(name.encode())]

    def owners(self) -> set[Address]:
        """All nodes that have slots."""
        return set(self._owners)

    def moved(self, slot: int, to: Address) -> None:
        """One slot has another owner."""
        self._owners[slot] = to

    def take(self, reply: Sequence[Any], asked: Address) -> None:
        """Take over what a node that was `asked` says to CLUSTER SLOTS. A slot that nobody has stays where it was."""
        for one in reply:
            first, last = one[:2]
            self._owners[first : last + 1] = [_master(one, asked)] * (last + 1 - first)


def _master(one: Sequence[Any], asked: Address) -> Address:
    """Of one range of slots."""
    host, port = one[2][:2]
    return _host((host or b"").decode(), asked), port


def _host(told: str, asked: Address) -> str:
    """A node that does not know by which name it is reached tells none: it is the one that was asked."""
    return asked[0] if told in ("", "?") else told
