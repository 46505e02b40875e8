"""How the loads of one fragment are joined into a call for many, as its batch is declared."""

from collections.abc import Hashable, Mapping, Sequence

from aggregator.model.batch import Batch, compact
from aggregator.model.hops import HEADER
from loaders.loader import LoadRequest

_VALIDATORS = frozenset({"if-none-match", "if-modified-since"})


class FragmentJoining:
    """A `Joining` of the loads of one fragment."""

    def __init__(self, batch: Batch, fragment: str) -> None:
        self._batch = batch
        self._fragment = fragment

    @property
    def max(self) -> int:
        """Ids a call."""
        return self._batch.max

    def group(self, request: LoadRequest) -> Hashable | None:
        """Equal for requests with the same other inputs and headers, whichever screens they are for; None for an id
        that cannot stand in a list, or for which the batch's path has no place."""
        id, others = self.id(request), self._others(request)
        if not self._batch.fits(id) or self._batch.target(others, [id]) is None:
            return None
        headers = {name: value for name, value in _headers(request).items() if name != HEADER}
        return frozenset(others.items()), frozenset(headers.items())

    def id(self, request: LoadRequest) -> str:
        """The input that differs."""
        return request.inputs[self._batch.input]

    def join(self, requests: Sequence[LoadRequest]) -> LoadRequest:
        """One request for all ids, without validators, wanted until the last of them is wanted no more."""
        first, ids = requests[0], list(dict.fromkeys(self.id(request) for request in requests))
        target = self._batch.target(self._others(first), ids)
        assert target is not None, "each id alone has a target, and where two meet is a comma, so no segment is .."
        inputs = {**self._others(first), "ids": ",".join(ids)}
        expires_at = max(request.expires_at for request in requests)
        return LoadRequest(target, _headers(first), inputs, expires_at, self._fragment)

    def split(self, payload: bytes) -> Mapping[str, bytes | None]:
        """The elements of a batch answer by id."""
        return self._batch.split(payload)

    def single(self, request: LoadRequest, payload: bytes) -> bytes:
        """The same bytes as if it had been an element."""
        return compact(payload)

    def _others(self, request: LoadRequest) -> dict[str, str]:
        return {name: value for name, value in request.inputs.items() if name != self._batch.input}


def _headers(request: LoadRequest) -> dict[str, str]:
    return {name: value for name, value in request.headers.items() if name not in _VALIDATORS}
