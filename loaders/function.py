"""A function as an MBU: called with the declared inputs, in this process."""

import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from loaders.answer import payload_or_failed
from loaders.loader import Absent, Failed, LoadRequest, Outcome, Reason

_log = logging.getLogger(__name__)


class FunctionLoader:
    """Calls `call(inputs)`; for `Gathering`.

    It returns bytes (a JSON text), None (there is nothing) or anything else that orjson can write; or a coroutine of
    one of these. A plain function runs on the event loop and must not block. What it raises is its way to fail: a
    Failed(STATUS), as a 500 of an MBU would be, logged with its traceback.
    """

    def __init__(self, call: Callable[[Mapping[str, str]], Any], max_payload: int = 2**20) -> None:
        self._call = call
        self._max_payload = max_payload

    async def load_one(self, request: LoadRequest) -> Outcome:
        """The outcome of one call."""
        try:
            answer = self._call(request.inputs)
            if inspect.isawaitable(answer):
                answer = await answer
        except Exception as failure:
            _log.exception("the function behind a fragment raised")
            return Failed(Reason.STATUS, f"the function raised {type(failure).__name__}", mbu_status=500)
        return self._outcome(answer)

    async def close(self) -> None:
        """Nothing is held."""

    def _outcome(self, answer: Any) -> Outcome:
        if answer is None:
            return Absent()
        if isinstance(answer, bytes):
            return payload_or_failed(answer, self._max_payload)
        try:
            return payload_or_failed(orjson.dumps(answer), self._max_payload)
        except TypeError as mistake:
            return Failed(Reason.PAYLOAD, f"not JSON: the function returned {type(answer).__name__}: {mistake}")
