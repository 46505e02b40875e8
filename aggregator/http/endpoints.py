"""The public listener's application: every declared screen at its path, and health."""

from collections.abc import Iterable

import structlog
from starlette.types import Receive, Scope, Send

from aggregator.engine.answer import Answer, Refused
from aggregator.engine.serve import Screens
from aggregator.http.health import Examine, health_reply
from aggregator.http.inputs import InputReader
from aggregator.http.negotiation import request_id, wants_msgpack
from aggregator.http.problems import Reply, problem
from aggregator.http.responses import respond
from aggregator.model.hops import HEADER
from aggregator.model.inputs import Inputs
from aggregator.model.route import Routes
from aggregator.model.screen import Screen

HOPS = HEADER.encode()
HEALTH_PATHS = (b"/healthz", b"/readyz")
_log = structlog.get_logger()


class PublicApp:
    """An ASGI application (no lifespan). Of a request nothing is read but path, method, the headers named here, and
    what its screen declares."""

    def __init__(self, catalogue: Iterable[Screen], screens: Screens, inputs: InputReader, examine: Examine) -> None:
        self._routes = Routes(catalogue)
        self._screens = screens
        self._inputs = inputs
        self._examine = examine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _joined(scope["headers"])
        name = request_id(headers.get(b"x-request-id"))
        with structlog.contextvars.bound_contextvars(request_id=name):
            reply = await self._guarded(scope, headers)
        await _send(send, reply, scope["method"] == "HEAD", name)

    async def _guarded(self, scope: Scope, headers: dict[bytes, bytes]) -> Reply:
        try:
            return await self._reply(scope, headers)
        except Exception:
            _log.exception("request failed", path=scope["path"])
            return problem(500, "This is a defect of the aggregator; its log has the request id and the traceback.")

    async def _reply(self, scope: Scope, headers: dict[bytes, bytes]) -> Reply:
        method, path = scope["method"], scope["raw_path"]
        healthy = path in HEALTH_PATHS
        found = None if healthy else self._routes.find(path)
        if not healthy and not found:
            return problem(404, "No screen has this path.")
        if method not in ("GET", "HEAD"):
            return problem(405, f"{method} is not served here; use GET or HEAD.", allow="GET, HEAD")
        if not found:
            return health_reply(path, self._examine())
        screen, values = found
        inputs = await self._inputs.read(screen, values, scope["query_string"], headers)
        return inputs if isinstance(inputs, Reply) else await self._screen(screen, inputs, headers)

    async def _screen(self, screen: Screen, inputs: Inputs, headers: dict[bytes, bytes]) -> Reply:
        came_by = self._screens.hops(screen, headers[HOPS].decode("latin-1")) if HOPS in headers else None
        if came_by and (why := came_by.loop(screen)):
            return problem(508, f"{screen.name} would wait for itself: {why}.")
        answer = await self._screens.answer(screen, inputs, came_by)
        if answer is None:
            return problem(404, "No screen has this path: one of its inputs cannot be put to an MBU.")
        _note(screen, answer)
        accept = headers.get(b"accept", b"").decode("latin-1")
        condition = headers.get(b"if-none-match", b"").decode("latin-1")
        return respond(screen, answer, wants_msgpack(accept), condition)


def _note(screen: Screen, answer: Answer | Refused) -> None:
    """A line for every request that did not get what was declared, with its own id: the load that failed may have been
    another one's."""
    if isinstance(answer, Refused):
        failure = answer.failure
        _log.warning(
            "screen failed", screen=screen.name, slot=answer.slot.name, status=failure.status, why=failure.detail
        )
    elif not answer.view.whole and answer.tier != "l1":
        _log.warning("screen incomplete", screen=screen.name)


def _joined(lines: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The fields by name; a repeated one is a list (RFC 9110, section 5.3), but for cookies (RFC 9113, 8.2.3)."""
    headers = dict(lines)
    if len(headers) == len(lines):
        return headers
    values: dict[bytes, list[bytes]] = {}
    for name, value in lines:
        values.setdefault(name, []).append(value)
    return {name: (b"; " if name == b"cookie" else b", ").join(several) for name, several in values.items()}


async def _send(send: Send, reply: Reply, head: bool, name: str) -> None:
    headers = {**reply.headers, "x-request-id": name}
    if reply.status != 304:
        headers["content-length"] = str(len(reply.body))
    raw = [(key.encode("latin-1"), value.encode("latin-1")) for key, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if head else reply.body})
