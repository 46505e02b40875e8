"""A request that is cut off as its process ends is told so; the server's own word for it would be a 500."""

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send

from aggregator.http.problems import Reply, problem


def cut_off() -> Reply:
    """What a request is told that could not be waited for."""
    return problem(503, "The service ends, and waits no longer: this may be done or not. Ask again.", 1.0)


def told_when_cut_off(app: ASGIApp) -> ASGIApp:
    """The same application, which answers a request of its own that is cancelled. Of one whose answer had begun the
    server takes no second, and closes the connection."""

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except asyncio.CancelledError:
            await _send(send, cut_off())

    return told


async def _send(send: Send, reply: Reply) -> None:
    headers = {**reply.headers, "content-length": str(len(reply.body)), "connection": "close"}
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": raw})
    await send({"type": "http.response.body", "body": reply.body})
