"""FastAPI with cashews: an endpoint that composes, decorated, over memory or over Redis."""

from functools import partial
from typing import Any

from benchmarks.fleet import Site
from benchmarks.peers.asgi import start
from benchmarks.peers.peer import Peer, lacks_modules


def app(site: Site, kind: str) -> Any:
    """kind: "memory" or "redis"."""
    from cashews import Cache, register_backend
    from cashews.backends.redis import Redis
    from cashews.picklers import PicklerType
    from fastapi import FastAPI
    from fastapi.responses import Response

    from benchmarks.peers.composing import Composer

    composer, cache, api = Composer(site.mbus), Cache(), FastAPI()
    # Its own scheme for Redis means TCP; the other peers have a socket of the system.
    register_backend("unix", Redis, pass_uri=True, pickler=PicklerType.DEFAULT)
    cache.setup("mem://?size=400000" if kind == "memory" else site.redis)

    @cache(ttl="30m", key="screen:{user}")
    async def screen(user: int) -> bytes:
        return await composer.screen(str(user))

    @api.get("/home/{user}")
    async def home(user: int) -> Response:
        with cache.detect as detector:
            body = await screen(user)
            how = "hit" if detector.calls else "miss"
        return Response(body, media_type="application/json", headers={"cache-status": f"cashews;{how}"})

    return api


_why_missing = lacks_modules("fastapi", "cashews", "pyreqwest")
MEMORY = Peer("FastAPI + cashews, memory", _why_missing, partial(start, "with_cashews", "memory"), b"cashews;hit")
REDIS = Peer("FastAPI + cashews, Redis", _why_missing, partial(start, "with_cashews", "redis"), b"cashews;hit")
