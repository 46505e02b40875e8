"""A request that is cut off as its process ends is told so; the server's own word for it would be a 500."""

import asyncio

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from aggregator.http.problems import Reply, problem


def cut_off(method: str) -> Reply:
    """What a request of this method is told that could not be waited for."""
    done = "Nothing is lost" if method in ("GET", "HEAD") else "This may be done or not"
    return problem(503, f"The service ends, and waits no longer. {done}: ask again.", 1.0)


def told_when_cut_off(app: ASGIApp) -> ASGIApp:
    """The same application, which answers a request of its own that is cancelled, if the application does not. Of one
    whose answer had begun the server takes no second, and closes the connection."""

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except asyncio.CancelledError:
            reply = cut_off(scope["method"])
            await Response(reply.body, reply.status, reply.headers)(scope, receive, send)

    return told
