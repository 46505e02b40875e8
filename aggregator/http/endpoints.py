"""The public listener's application: every declared screen at its path, and health."""

import asyncio
from collections.abc import Callable
from functools import cache, partial

import structlog
from starlette.types import Receive, Scope, Send

from aggregator.engine.serve import Sought
from aggregator.http.access import AccessLog
from aggregator.http.clients import Clients
from aggregator.http.cors import origin_of
from aggregator.http.cut_off import cut_off
from aggregator.http.health import HEALTH_PATHS, Examine, health_reply
from aggregator.http.inputs import Headers
from aggregator.http.making import Making
from aggregator.http.min_position import MinPosition
from aggregator.http.negotiation import request_id
from aggregator.http.offer import Offer, Offered
from aggregator.http.problems import Reply, problem
from aggregator.http.rates import Rates
from aggregator.http.replies import Wanted, defect, reply_with
from aggregator.model.hops import HEADER
from aggregator.model.inputs import Inputs
from aggregator.model.position import MIN_POSITION
from aggregator.model.screen import Screen

HOPS, _MIN_POSITION = HEADER.encode(), MIN_POSITION.encode()
_HEALTH = {path.encode(): path for path in HEALTH_PATHS}


class PublicApp:
    """An ASGI application (no lifespan) that answers every request there can be. Of a request nothing is read but path,
    method, the headers named here, and what its screen declares. clients: tells who asks. rates: says how often they
    may. date: gives the Date field. log: None where nothing is to be logged."""

    def __init__(
        self,
        offered: Offered,
        making: Making,
        min_position: MinPosition,
        examine: Examine,
        clients: Clients,
        rates: Rates,
        date: Callable[[], str],
        log: AccessLog | None = None,
    ) -> None:
        self._offered = offered
        self._making = making
        self._min_position = min_position
        self._examine = examine
        self._clients, self._rates = clients, rates
        self._date = date
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, offer = _joined(scope["headers"]), self._offered.now
        name = request_id(headers.get(b"x-request-id"))
        with structlog.contextvars.bound_contextvars(request_id=name):
            reply = offer.sharing.shared(await self._guarded(offer, scope, headers), origin_of(headers))
        head = scope["method"] == "HEAD"
        await _send(send, reply, head, {"date": self._date(), "x-request-id": name})
        if self._log:
            client, size = self._client(scope, headers), 0 if head else len(reply.body)
            self._log.note(client, scope["method"], scope["raw_path"].decode("latin-1"), reply.status, size, name)

    async def _guarded(self, offer: Offer, scope: Scope, headers: Headers) -> Reply:
        try:
            return await self._reply(offer, scope, headers)
        except asyncio.CancelledError:
            return cut_off(scope["method"])
        except Exception:
            return defect(scope["raw_path"].decode("latin-1"))

    async def _reply(self, offer: Offer, scope: Scope, headers: Headers) -> Reply:
        method, path = scope["method"], scope["raw_path"]
        if method == "OPTIONS" and (preflight := offer.sharing.preflight(headers)):
            return preflight
        healthy = _HEALTH.get(path)
        found = None if healthy else offer.routes.find(path)
        if not healthy and not found:
            return problem(404, "No screen has this path.")
        if method not in ("GET", "HEAD"):
            return problem(405, f"{method} is not served here; use GET or HEAD.", allow="GET, HEAD")
        if not found:
            return health_reply(healthy or "", self._examine())
        screen, values = found
        inputs = await offer.inputs.read(screen, values, scope["query_string"], headers)
        if isinstance(inputs, Reply):
            return inputs
        return await self._screen(offer, screen, inputs, headers, self._client(scope, headers))

    async def _screen(self, offer: Offer, screen: Screen, inputs: Inputs, headers: Headers, client: str) -> Reply:
        came_by = offer.screens.hops(screen, headers[HOPS].decode("latin-1")) if HOPS in headers else None
        if came_by and (why := came_by.loop(screen)):
            return problem(508, f"{screen.name} would wait for itself: {why}.")
        refusal = cache(partial(self._rates.refusal, client))  # of which one request takes one turn
        waited = await self._waited(screen, headers, refusal)
        if isinstance(waited, Reply):
            return waited
        found = offer.screens.begin(screen, inputs, came_by, waited)
        if isinstance(found, Sought) and not found.unproven and (refused := refusal()):
            return refused
        answer = await offer.screens.sought(found) if isinstance(found, Sought) else found
        return reply_with(screen, answer, Wanted.by(headers), self._making)

    def _client(self, scope: Scope, headers: Headers) -> str:
        address, _ = scope.get("client") or ("", 0)
        return self._clients.of(address, headers)

    async def _waited(
        self, screen: Screen, headers: Headers, refusal: Callable[[], Reply | None]
    ) -> float | Reply | None:
        text = headers.get(_MIN_POSITION)
        return None if text is None else await self._min_position.wait(screen, text.decode("latin-1"), refusal)


def _joined(lines: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The fields by name; a repeated one is a list (RFC 9110, section 5.3), but for cookies (RFC 9113, 8.2.3)."""
    headers = dict(lines)
    if len(headers) == len(lines):
        return headers
    values: dict[bytes, list[bytes]] = {}
    for name, value in lines:
        values.setdefault(name, []).append(value)
    return {name: (b"; " if name == b"cookie" else b", ").join(several) for name, several in values.items()}


async def _send(send: Send, reply: Reply, head: bool, first: dict[str, str]) -> None:
    length = {} if reply.status == 304 else {"content-length": str(len(reply.body))}
    headers = {**first, **reply.headers, **length}
    raw = [(key.encode("latin-1"), value.encode("latin-1")) for key, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if head else reply.body})
