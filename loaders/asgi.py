"""An ASGI application as an MBU: asked in this process, in the way that a server would ask it."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp, Scope

from loaders.exchange import Exchange
from loaders.lifespan import PATIENCE, Lifespan
from loaders.loader import NO_HEADERS, Failed, LoadRequest, Outcome, Reason

_log = logging.getLogger(__name__)


class AsgiLoader:
    """GETs `request.target` of an ASGI 3 application; for `Gathering`.

    The application runs on this event loop and must not block. What it raises is a Failed(STATUS), as a 500 would be,
    logged with its traceback. What it does after its answer goes on behind it, as it would in a server of its own.
    headers: as for HttpLoader. max_payload: bytes of a body. lifespan: shared by the loaders of one application.
    """

    def __init__(
        self,
        app: ASGIApp,
        headers: Mapping[str, str] | Callable[[], Mapping[str, str]] = NO_HEADERS,
        *,
        max_payload: int = 2**20,
        lifespan: Lifespan | None = None,
    ) -> None:
        self._app = app
        self._headers = headers if callable(headers) else lambda: headers
        self._max_payload = max_payload
        self._lifespan = (lifespan or Lifespan(app)).shared()
        self._running: set[asyncio.Task[None]] = set()

    async def load_one(self, request: LoadRequest) -> Outcome:
        """The outcome of one GET; Failed(CONNECT) if the start-up failed, or a header cannot be had.

        Cancelled, it cancels what the application is at, and does not wait for that to end.
        """
        try:
            headers = self._sent_with(request)
            state = await self._lifespan.started()
        except OSError as error:
            return Failed(Reason.CONNECT, str(error))
        exchange = Exchange(self._max_payload)
        running = asyncio.get_running_loop().create_task(self._run(_scope(request.target, headers, state), exchange))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        try:
            return await exchange.outcome
        finally:
            if not exchange.whole:
                running.cancel()

    async def close(self) -> None:
        """Let what goes on behind answers end, or cancel it; then shut the application down."""
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=PATIENCE)
            for running in late:
                running.cancel()
            if late:
                await asyncio.wait(late, timeout=PATIENCE)
        await self._lifespan.close()

    def _sent_with(self, request: LoadRequest) -> Mapping[str, str]:
        own = {name.lower(): value for name, value in self._headers().items()}
        return {"host": "localhost", "accept": "application/json", **own, **request.headers}

    async def _run(self, scope: Scope, exchange: Exchange) -> None:
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except Exception as failure:
            _log.exception("the application behind a fragment raised")
            exchange.end(Failed(Reason.STATUS, f"the application raised {type(failure).__name__}", mbu_status=500))
        finally:
            exchange.end(Failed(Reason.CONNECT, "the application ended before its answer was whole"))


def _scope(target: str, headers: Mapping[str, str], state: dict[str, Any]) -> Scope:
    path, _, query = target.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode("ascii"),
        "query_string": query.encode("ascii"),
        "root_path": "",
        "headers": [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()],
        "client": None,
        "server": None,
        "state": state,
    }
