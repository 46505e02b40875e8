"""How durable an append is before it is acknowledged: what waits for it, on the append's own connection."""

from typing import Any

from redis.exceptions import ResponseError

from aggregator.invalidation.log import LogUnavailable
from aggregator.settings import Durability

# `appendfsync everysec` may take one second from the append to the disk.
_LIMIT = 2.0
_WAITS: dict[Durability, tuple[str, ...]] = {"replica": ("WAIT", "1"), "disk": ("WAITAOF", "1", "0")}
_LACKING: dict[Durability, str] = {"replica": "no replica has it", "disk": "it is not on the server's disk"}


class Unconfirmed(LogUnavailable):
    """It is in the log, but not known to be as durable as asked. The message names no server."""


class NeverDurable(Unconfirmed):
    """The server cannot make anything as durable as asked; to try again does not help."""


def limit(durability: Durability) -> float:
    """Seconds that an append may take longer than one that is in memory only."""
    return _LIMIT if durability in _WAITS else 0.0


def connections(durability: Durability) -> int:
    """How many a process may append on: one that waits for a disk is taken for up to a second."""
    return 256 if durability in _WAITS else 32


def wait(durability: Durability, seconds: float = _LIMIT) -> list[tuple[str, ...]]:
    """The command that waits until all that the connection wrote is so durable; none for memory."""
    return [(*_WAITS[durability], str(round(seconds * 1000)))] if durability in _WAITS else []


def confirm(durability: Durability, reply: Any) -> None:
    """Unconfirmed unless the reply of `wait` says that one has it."""
    if isinstance(reply, ResponseError):
        raise refusal(durability, reply)
    if not (reply[0] if isinstance(reply, list) else reply):
        raise Unconfirmed(f'durability = "{durability}": {_LACKING[durability]} within {_LIMIT:g} s')


def refusal(durability: Durability, error: ResponseError) -> Unconfirmed:
    """What it means that the server refused to wait."""
    if "UNBLOCKED" in str(error):  # a master that has been made a replica; the next try finds the new one
        return Unconfirmed(f'durability = "{durability}": the server stopped being the master before it was confirmed')
    needs = "; it needs Redis 7.2 or Valkey, with appendonly yes" if durability == "disk" else ""
    return NeverDurable(f'durability = "{durability}" cannot be had of the log\'s server ({error}){needs}')
