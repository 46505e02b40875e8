"""The admin listener's application: invalidations, metrics, health, explanations, audits, and the screens' OpenAPI."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from aggregator.http.exposition import Exposition, Snapshot
from aggregator.http.health import Health, health_reply
from aggregator.http.inspection import AskAll, audited, explained, foreseen
from aggregator.http.problems import Reply, problem
from aggregator.http.publishing import Publishers, read_invalidation
from aggregator.http.signatures import Message
from aggregator.invalidation.durability import Unconfirmed
from aggregator.invalidation.log import Log, LogUnavailable
from aggregator.model.position import text_of

Fleet = Callable[[], Awaitable[tuple[Health, list[Snapshot]]]]


def admin_app(
    log: Log, publishers: Publishers, fleet: Fleet, ask: AskAll, openapi: Callable[[], dict[str, Any]]
) -> Starlette:
    """`fleet` asks all workers for their health, taken together, and their metrics; `ask` asks them anything.
    openapi: of what is declared now."""

    async def invalidations(request: Request) -> Response:
        return _response(await publish(request, log, publishers, ask))

    async def metrics(request: Request) -> Response:
        _, snapshots = await fleet()
        registry = CollectorRegistry(auto_describe=False)
        registry.register(Exposition(lambda: snapshots))
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"content-type": content_type})

    async def health(request: Request) -> Response:
        together, _ = await fleet()
        return _response(health_reply(request.url.path, together))

    async def explain(request: Request) -> Response:
        return _response(await explained(request.query_params.multi_items(), ask))

    async def audit(_: Request) -> Response:
        return _response(await audited(ask))

    async def description(_: Request) -> Response:
        return Response(orjson.dumps(openapi()), media_type="application/json")

    routes = [
        Route("/invalidations", invalidations, methods=["POST"]),
        Route("/metrics", metrics),
        Route("/healthz", health),
        Route("/readyz", health),
        Route("/explain", explain),
        Route("/audit", audit),
        Route("/openapi.json", description),
    ]
    return Starlette(
        routes=routes, exception_handlers={HTTPException: _refused, ClientDisconnect: _left, Exception: _defect}
    )


async def publish(request: Request, log: Log, publishers: Publishers, ask: AskAll) -> Reply:
    """Append the body's tags to the log: 202 with their position once they are in it. With ?dry-run nothing is
    appended, and what would follow is told."""
    body = await request.body()  # bounded by the listener
    wanted = read_invalidation(body)
    tags = () if isinstance(wanted, Reply) else wanted.tags
    # Who asks is settled before what is wrong with the body is told.
    permitted = await publishers.permit(_message(request), body, tags)
    if isinstance(permitted, Reply):
        return permitted
    if isinstance(wanted, Reply):
        return wanted
    if "dry-run" in request.query_params:
        return await foreseen(wanted.tags, ask)
    try:
        position = await log.append(wanted.tags, id=wanted.id, by=permitted.name)
    except LogUnavailable as error:
        # After a timeout it may be in the log all the same.
        why = str(error) if isinstance(error, Unconfirmed) else "The invalidation log did not acknowledge this"
        return problem(503, f"{why}. Send it again; twice does no harm.", 1.0)
    return Reply(202, orjson.dumps({"position": text_of(position)}), {"content-type": "application/json"})


def _message(request: Request) -> Message:
    target = request.scope["raw_path"] + (b"?" + query if (query := request.scope["query_string"]) else b"")
    url = f"http://{request.headers.get('host', '')}{target.decode('latin-1')}"
    return Message(request.method, url, request.headers)


def _response(reply: Reply) -> Response:
    return Response(reply.body, reply.status, dict(reply.headers))


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return await _defect(request, error)
    response = _response(problem(error.status_code, f"{request.method} {request.url.path}: {error.detail}."))
    response.headers.update(error.headers or {})
    return response


async def _left(_: Request, error: Exception) -> Response:
    return Response(status_code=400)  # to nobody


async def _defect(_: Request, error: Exception) -> Response:
    return _response(problem(500, f"This is a defect of the aggregator: {type(error).__name__}."))
