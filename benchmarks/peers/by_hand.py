"""Starlette by hand: a gateway that asks every time, and one that keeps its screens in Redis with a lifetime."""

from functools import partial
from typing import Any

from benchmarks.fleet import Site
from benchmarks.peers.asgi import start
from benchmarks.peers.peer import Peer, lacks_modules

FRESH_FOR = 1800


def app(site: Site, kind: str) -> Any:
    """kind: "redis", or "none" for no cache."""
    from redis.asyncio import Redis
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from benchmarks.peers.composing import Composer

    composer, redis = Composer(site.mbus), Redis.from_url(site.redis)

    async def uncached(request: Request) -> Response:
        return _response(await composer.screen(str(request.path_params["user"])), "none")

    async def cached(request: Request) -> Response:
        user = str(request.path_params["user"])
        if body := await redis.get(f"by-hand:{user}"):
            return _response(body, "hit")
        body = await composer.screen(user)
        await redis.set(f"by-hand:{user}", body, ex=FRESH_FOR)
        return _response(body, "miss")

    def _response(body: bytes, how: str) -> Response:
        return Response(body, media_type="application/json", headers={"cache-status": f"starlette;{how}"})

    return Starlette(routes=[Route("/home/{user:int}", cached if kind == "redis" else uncached)])


_why_missing = lacks_modules("starlette", "redis", "pyreqwest")
REDIS = Peer("Starlette + redis-py by hand", _why_missing, partial(start, "by_hand", "redis"), b"starlette;hit")
NO_CACHE = Peer("Starlette, no cache: 8 calls", _why_missing, partial(start, "by_hand", "none"), b"starlette;none")
