"""A function as an MBU: called with the request, in this process."""

import asyncio
import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from msgspec.structs import replace

from loaders.answer import payload_or_failed
from loaders.loader import NO_HEADERS, Absent, Failed, Loaded, LoadRequest, NotModified, Outcome, Reason

_log = logging.getLogger(__name__)


class FunctionLoader:
    """Calls `call(request)`; for `Gathering`.

    It returns bytes (a JSON text), None (there is nothing) or anything else that orjson can write; to say more, an
    Outcome: Loaded with one of these and headers, Absent, NotModified or Failed; or a coroutine of one of these.
    A plain function runs on the event loop and must not block. What it raises is its way to fail: a Failed(STATUS), as
    a 500 of an MBU would be, logged with its traceback.
    headers: as for HttpLoader; they are in `request.headers`. max_payload: bytes of a JSON text.
    """

    def __init__(
        self,
        call: Callable[[LoadRequest], Any],
        max_payload: int = 2**20,
        headers: Mapping[str, str] | Callable[[], Mapping[str, str]] = NO_HEADERS,
    ) -> None:
        self._call = call
        self._max_payload = max_payload
        self._headers = headers if callable(headers) else lambda: headers

    async def load_one(self, request: LoadRequest) -> Outcome:
        """The outcome of one call; Failed(CONNECT) if a header cannot be had."""
        try:
            headers = {**_lowered(self._headers()), **request.headers}
        except OSError as error:
            return Failed(Reason.CONNECT, str(error))
        try:
            answer = self._call(replace(request, headers=headers))
            if inspect.isawaitable(answer):
                answer = await answer
        except asyncio.CancelledError as failure:
            task = asyncio.current_task()
            if task and task.cancelling():
                raise
            return _raised(failure)  # not we were cancelled, but what it waited for
        except Exception as failure:
            return _raised(failure)
        return self._outcome(answer)

    async def close(self) -> None:
        """Nothing is held."""

    def _outcome(self, answer: Any) -> Outcome:
        match answer:
            case None:
                return Absent()
            case Failed():
                return answer
            case Absent() | NotModified():
                return replace(answer, headers=_lowered(answer.headers))
            case Loaded():
                return self._loaded(answer.payload, _lowered(answer.headers))
            case _:
                return self._loaded(answer, NO_HEADERS)

    def _loaded(self, answer: Any, headers: Mapping[str, str]) -> Outcome:
        try:
            payload = answer if isinstance(answer, bytes) else orjson.dumps(answer)
        except TypeError as mistake:
            return Failed(Reason.PAYLOAD, f"not JSON: the function returned {type(answer).__name__}: {mistake}")
        return payload_or_failed(payload, self._max_payload, headers)


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _raised(failure: BaseException) -> Failed:
    _log.error("the function behind a fragment raised", exc_info=failure)
    return Failed(Reason.STATUS, f"the function raised {type(failure).__name__}", mbu_status=500)
