"""Multiget asks for many answers in one call, where an MBU has a way to."""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from msgspec.structs import replace

from loaders.loader import Absent, Failed, Loaded, Loader, LoadRequest, NotModified, Outcome, Reason

# Bytes of ids in one target, percent-encoded: half of what servers take as a request line (RFC 9112, section 3).
MAX_IDS_BYTES = 4096
_OF_THE_WHOLE = frozenset({"etag", "last-modified"})  # validators, which name the list and none of its elements


class Joining(Protocol):
    """How requests for one fragment become one, and its answer many."""

    @property
    def max(self) -> int:
        """Ids a call."""

    def group(self, request: LoadRequest) -> Hashable | None:
        """Equal for requests that may share a call; None for one that goes by itself."""

    def id(self, request: LoadRequest) -> str:
        """What tells a request from the others of its group."""

    def join(self, requests: Sequence[LoadRequest]) -> LoadRequest:
        """One request for all of them, who are of one group; it has no validators."""

    def split(self, payload: bytes) -> Mapping[str, bytes | None]:
        """The answers in a joined one by id, None where it is not clear which is; ValueError, without payload, where
        it is no such answer."""

    def single(self, request: LoadRequest, payload: bytes) -> bytes:
        """The answer to a request that went by itself, as `split` would give it; ValueError as there."""


@dataclass(frozen=True, slots=True)
class _Call:
    """places: by id, where in the load those requests stand that it is for; of one id alone there is one."""

    request: LoadRequest
    places: Mapping[str, Sequence[int]]


class Multiget:
    """Loads of one group go to the inner loader joined, in calls of `joining.max` ids at most; equal ids are asked for
    once. Where a call would have one id only, its requests go as they are, so that their validators are of use.

    All calls are one load of the inner loader. Around `Multiget` goes `Batching`, for the loads of one tick.
    """

    def __init__(self, inner: Loader, joining: Joining) -> None:
        self._inner = inner
        self._joining = joining

    async def load(self, requests: Sequence[LoadRequest]) -> Sequence[Outcome]:
        """As many outcomes as requests, in their order. An id that a joined answer does not hold is Absent."""
        calls = list(self._calls(requests))
        answers = await self._inner.load([call.request for call in calls])
        outcomes: dict[int, Outcome] = {}
        for call, answer in zip(calls, answers, strict=True):
            parted = self._parted(call, answer)
            outcomes |= {place: parted[id] for id, places in call.places.items() for place in places}
        return [outcomes[place] for place in range(len(requests))]

    async def close(self) -> None:
        """Close what is wrapped."""
        await self._inner.close()

    def _calls(self, requests: Sequence[LoadRequest]) -> Iterator[_Call]:
        groups: dict[Hashable, dict[str, list[int]]] = {}
        for place, request in enumerate(requests):
            group = self._joining.group(request)
            if group is None:
                yield _Call(request, {"": [place]})
            else:
                groups.setdefault(group, {}).setdefault(self._joining.id(request), []).append(place)
        for wanted in groups.values():
            for ids in _parts(wanted, self._joining.max):
                yield from self._asking(requests, {id: wanted[id] for id in ids})

    def _asking(self, requests: Sequence[LoadRequest], wanted: Mapping[str, Sequence[int]]) -> list[_Call]:
        if len(wanted) == 1:
            return [_Call(requests[place], {id: [place]}) for id, places in wanted.items() for place in places]
        return [_Call(self._joining.join([requests[place] for places in wanted.values() for place in places]), wanted)]

    def _parted(self, call: _Call, answer: Outcome) -> Mapping[str, Outcome]:
        """What an answer is for each of the call's ids."""
        try:
            if len(call.places) == 1:
                return dict.fromkeys(call.places, self._single(call.request, answer))
            return self._each(call.places, answer)
        except ValueError as mistake:
            return dict.fromkeys(call.places, Failed(Reason.PAYLOAD, str(mistake)))

    def _single(self, request: LoadRequest, answer: Outcome) -> Outcome:
        if not isinstance(answer, Loaded):
            return answer
        return replace(answer, payload=self._joining.single(request, answer.payload))

    def _each(self, ids: Iterable[str], answer: Outcome) -> Mapping[str, Outcome]:
        match answer:
            case Loaded(payload, headers):
                found, kept = self._joining.split(payload), _of_each(headers)
                return {id: _element(found, id, kept) for id in ids}
            case Absent(headers):
                return dict.fromkeys(ids, Absent(_of_each(headers)))
            case NotModified():
                return dict.fromkeys(ids, Failed(Reason.STATUS, "answered 304 to a request without validators"))
            case Failed():
                return dict.fromkeys(ids, answer)


def _parts(ids: Iterable[str], most: int) -> Iterator[list[str]]:
    """The ids in their order, parted into what fits into one call."""
    part: list[str] = []
    size = 0
    for id in ids:
        length, commas = len(quote(id, safe="")), len(part)
        if part and (len(part) == most or size + commas + length > MAX_IDS_BYTES):
            yield part
            part, size = [], 0
        part.append(id)
        size += length
    if part:
        yield part


def _of_each(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in _OF_THE_WHOLE}


def _element(found: Mapping[str, bytes | None], id: str, headers: Mapping[str, str]) -> Outcome:
    if id not in found:
        return Absent(headers)
    payload = found[id]
    if payload is None:
        return Failed(Reason.PAYLOAD, "the batch answer has several elements with one id, and they differ")
    return Loaded(payload, headers)
