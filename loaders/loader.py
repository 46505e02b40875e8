"""The seam to an MBU: a batch of requests in, as many outcomes out, a failure being a value."""

from collections.abc import Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import Protocol

import msgspec

NO_HEADERS: Mapping[str, str] = MappingProxyType({})

# Stands for a header value that is not ASCII and so cannot be read: it was there, and what it said is not known.
UNREADABLE = "\ufffd"


class LoadRequest(msgspec.Struct, frozen=True):
    """One answer wanted of an MBU.

    target: path and query as they go on the wire, percent-encoded, beginning with "/".
    headers: what this request alone adds, names in lower case (validators such as if-none-match).
    inputs: the declared inputs by name, for loaders that call a function instead of a URL.
    fragment: the name of the declared fragment that it is for, so that one function may answer for several.
    expires_at: the event loop's time (seconds) after which nobody wants the outcome any more.
    """

    target: str
    headers: Mapping[str, str] = NO_HEADERS
    inputs: Mapping[str, str] = NO_HEADERS
    expires_at: float = float("inf")
    fragment: str = ""


class Loaded(msgspec.Struct, frozen=True):
    """The MBU's answer: a valid JSON text, byte for byte, and its headers (lower-case names, repeated ones joined
    by ", "; one that is not ASCII has UNREADABLE in its place; of Set-Cookie only its presence matters)."""

    payload: bytes
    headers: Mapping[str, str] = NO_HEADERS


class Absent(msgspec.Struct, frozen=True):
    """The MBU says that there is nothing (404, 410, 204): an answer, not a failure."""

    headers: Mapping[str, str] = NO_HEADERS


class NotModified(msgspec.Struct, frozen=True):
    """The MBU says that what the validators named is still right (304)."""

    headers: Mapping[str, str] = NO_HEADERS


class Reason(Enum):
    """Why a load failed: a bounded set, fit for a metrics label."""

    DEADLINE = "deadline"  # no answer in time
    SHED = "shed"  # we did not ask: no place within the deadline
    BREAKER = "breaker"  # we did not ask: the MBU failed too often just now
    CONNECT = "connect"  # no connection, or it was cut
    STATUS = "status"  # an answer with a status that is no answer to us
    PAYLOAD = "payload"  # an answer that is not valid JSON, or too large
    DEFECT = "defect"  # our own code, or a loader's, raised; logged with its traceback
    INPUT = "input"  # we could not ask: what it depends on is not there, or not as declared
    LATE = "late"  # whoever asked could wait no longer; the load goes on
    CROWDED = "crowded"  # whoever asked was not let wait: too many do already


class Failed(msgspec.Struct, frozen=True):
    """An MBU's failure. `detail` is for people (never a secret or a payload); `retry_after` in seconds;
    `mbu_status` is the MBU's own HTTP status, where the reason is STATUS and there was one."""

    reason: Reason
    detail: str
    retry_after: float | None = None
    mbu_status: int | None = None

    @property
    def status(self) -> int:
        """The HTTP status of this failure towards a client: 504 late, 503 refused by us, 502 otherwise."""
        match self.reason:
            case Reason.DEADLINE | Reason.LATE:
                return 504
            case Reason.SHED | Reason.BREAKER | Reason.CROWDED:
                return 503
            case _:
                return 502


Outcome = Loaded | Absent | NotModified | Failed


class Loader(Protocol):
    """Asks one MBU. An MBU's failure is a `Failed` in its place; an exception is a defect of ours."""

    async def load(self, requests: Sequence[LoadRequest]) -> Sequence[Outcome]:
        """As many outcomes as requests, in their order."""

    async def close(self) -> None:
        """Give back what is held; no load is under way any more."""
