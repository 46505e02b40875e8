"""A block is all header lines of a request; clients repeat theirs, so that each is read once and remembered."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from math import floor, inf

from aggregator.http.cors import Sharing, origin_of
from aggregator.http.forms import FORMS, own_copies, wanted
from aggregator.http.inputs import InputReader
from aggregator.http.negotiation import is_id
from aggregator.identity.viewer import Unverified, Viewer
from aggregator.model.address import Addresses
from aggregator.model.position import MIN_POSITION

# What every parser of HTTP/1.1 reads the same way (RFC 9112, section 5): lines of a name, a colon, one blank, and a
# value that neither begins nor ends with white space. Only looked for where a line begins: in a long one that is none
# each byte would otherwise be tried as the first, in quadratic time.
_EDGE, _INNER = rb"[!-~\x80-\xff]", rb"[\t -~\x80-\xff]"
_LINE = re.compile(rb"(?m)^([!#$%%&'*+.^_`|~0-9A-Za-z-]+): (%b(?:%b*%b)?)\r\n" % (_EDGE, _INNER, _EDGE))
_VERSION, _END = b"HTTP/1.1\r\n", b"\r\n\r\n"
# Fields that make a request more than a question, say something of the connection, or are read elsewhere.
_NOT_HERE = frozenset(
    (
        *(b"content-length", b"transfer-encoding", b"expect", b"upgrade", b"proxy-connection"),
        *(b"cdn-loop", b"trailer", b"http2-settings", b"keep-alive", MIN_POSITION.encode()),
    )
)
# Fewer than the ordinary path may be set to take.
MOST_LINES = 64
_NOTHING = Sharing()
_NO_COPIES: dict[bytes, list[str]] = {}
# A token is looked at again after this (seconds), in case that its key is not honoured any more.
_PROVED_FOR = 1.0


@dataclass(slots=True)
class Block:
    """What of a request's headers decides its answer.

    form: the one that the client takes best. copies: see `own_copies`. suffixes: what may stand behind its target in an
    address, if anything does. until: when it has to be read again, fleet seconds. request_id: the client's own and the
    end of its line, empty = what it sent is no id, None = it sent none. authorization, viewer: where a viewer decides,
    the place of what they sent in the block, which holds it once only, and who they were when it was last looked at.
    sharing: header lines for a page of its origin. unlike: has it something that most requests have not?
    """

    form: str
    copies: dict[bytes, list[str]]
    suffixes: tuple[bytes, ...]
    until: float
    request_id: bytes | None
    authorization: slice | None = None
    viewer: Viewer | Unverified | None = None
    sharing: bytes = b""
    unlike: bool = field(init=False)

    def __post_init__(self) -> None:
        self.unlike = self.request_id is not None or bool(self.copies) or bool(self.sharing)


class Blocks:
    """largest: bytes of a block that is read here at all. now: fleet seconds.

    What is remembered is bounded: `most` blocks of at most `longest` bytes, twice: a block that is not used while so
    many others come is forgotten. One with a request id of its own, or with more copies than there are forms, will
    hardly come again, and is not remembered. Full of blocks of 600 bytes it takes 31 MB, of 2 KiB 89 MB.
    """

    def __init__(
        self,
        reader: InputReader,
        addresses: Addresses,
        now: Callable[[], float],
        largest: int = 32_768,
        most: int = 16_384,
        longest: int = 2_048,
        sharing: Sharing = _NOTHING,
    ) -> None:
        self._reader = reader
        self._addresses = addresses
        used = [(number, names) for number, names in enumerate(addresses.signatures) if number in addresses.used]
        self._signatures = [(number, names) for number, names in used if names]
        self._private = any(name.startswith("viewer.") for _, names in used for name in names)
        self._now = now
        self._largest, self._most, self._longest = largest, most, longest
        self._sharing = sharing
        self.young: dict[bytes, Block] = {}
        self._old: dict[bytes, Block] = {}

    def __len__(self) -> int:
        return len(self.young) + len(self._old)

    def read(self, raw: bytes) -> Block | None:
        """The block that follows a request's target; None where only the ordinary path may say what it means."""
        block = self.young.get(raw) or self._old.get(raw)
        if block is None or (self._now() >= block.until and not self._stands(raw, block)):
            block = self._read(raw)
        if block is not None and self._may_come_again(raw, block):
            self._remember(raw, block)
        return block

    def _may_come_again(self, raw: bytes, block: Block) -> bool:
        return block.request_id is None and len(raw) <= self._longest and len(block.copies) <= len(FORMS)

    def _stands(self, raw: bytes, block: Block) -> bool:
        """Is its token still good for whom it was good for? Then that is right for another while."""
        viewer = self._viewer(raw, block.authorization)
        block.until = self._proved_until(viewer)
        return viewer is not None and viewer is block.viewer

    def _remember(self, raw: bytes, block: Block) -> None:
        if len(self.young) >= self._most and raw not in self.young:
            self._old = dict(self.young)
            self.young.clear()
        self.young[raw] = block

    def _read(self, raw: bytes) -> Block | None:
        headers = read_headers(raw) if len(raw) <= self._largest else None
        if headers is None:
            return None
        suffixes = [
            self._addresses.suffix(number, inputs)
            for number, names in self._signatures
            if (inputs := self._reader.read_headers(names, headers)) is not None
        ]
        private = self._private and b"authorization" in headers
        authorization = _place(raw, headers[b"authorization"]) if private else None
        viewer = self._viewer(raw, authorization)
        until = self._proved_until(viewer) if private else inf
        form = wanted(headers.get(b"accept", b"").decode("latin-1"), headers.get(b"accept-encoding", b""))
        had = own_copies(headers[b"if-none-match"].decode("latin-1")) if b"if-none-match" in headers else _NO_COPIES
        given = headers.get(b"x-request-id")
        own = None if given is None else _line_of(given)
        shared = self._sharing.lines(origin_of(headers))
        return Block(form, had, tuple(suffixes), until, own, authorization, viewer, shared)

    def _viewer(self, raw: bytes, authorization: slice | None) -> Viewer | Unverified | None:
        return self._reader.bearer(raw[authorization].decode("latin-1")) if authorization else None

    def _proved_until(self, viewer: Viewer | Unverified | None) -> float:
        expires = viewer.until if isinstance(viewer, Viewer) else inf
        return min(expires, floor(self._now()) + _PROVED_FOR)


def _line_of(given: bytes) -> bytes:
    return given + b"\r\n" if is_id(given) else b""


def _place(raw: bytes, value: bytes) -> slice:
    return slice(start := raw.index(value), start + len(value))


def read_headers(raw: bytes) -> dict[bytes, bytes] | None:
    """The fields by name, where each stands there once and none of them is for the ordinary path alone."""
    if not (raw.startswith(_VERSION) and raw.endswith(_END)):
        return None
    found = _LINE.findall(raw, len(_VERSION), len(raw) - 2)
    headers = {name.lower(): value for name, value in found}
    # Lines that follow on each other make up all of it, or something between them was none.
    size = sum(map(len, headers)) + sum(map(len, headers.values())) + len(": \r\n") * len(found)
    if size != len(raw) - len(_VERSION) - 2 or b"host" not in headers or not headers.keys().isdisjoint(_NOT_HERE):
        return None
    if len(found) > MOST_LINES:
        return None
    if headers.get(b"connection", b"keep-alive").lower() != b"keep-alive":
        return None
    return None if headers.get(b"if-none-match") == b"*" else headers
