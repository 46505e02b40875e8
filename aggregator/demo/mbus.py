"""Six sample MBUs, each on its own port, with latencies like those of real ones."""

import asyncio
import random
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_random = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds: most answers take `usual`, one in twenty `slow`."""

    usual: float
    slow: float

    async def pass_by(self) -> None:
        """Take as long as such an MBU takes."""
        await asyncio.sleep((self.slow if _random.random() < 0.05 else self.usual) * _random.uniform(0.7, 1.3))


class Mbu:
    """One sample MBU: `answer(id, version)` is what it says. A PUT to a path makes a new version of it."""

    def __init__(self, path: str, latency: Latency, answer: Any) -> None:
        self._latency, self._answer = latency, answer
        self._versions: dict[str, int] = {}
        self.app = Starlette(routes=[Route(path, self._serve, methods=["GET", "PUT"])])

    async def _serve(self, request: Request) -> Response:
        target = request.url.path + ("?" + request.url.query if request.url.query else "")
        if request.method == "PUT":
            self._versions[target] = self._versions.get(target, 1) + 1
            return Response(status_code=204)
        await self._latency.pass_by()
        id = request.path_params.get("id") or request.query_params.get("userId", "")
        return JSONResponse(self._answer(id, self._versions.get(target, 1)))


def _user(id: str, version: int) -> Any:
    return {"id": int(id), "name": f"User {id}", "version": version}


def _posts(id: str, version: int) -> Any:
    return [{"id": int(id) * 100 + n, "title": f"Post {n} of user {id}", "version": version} for n in range(3)]


def _feed(id: str, version: int) -> Any:
    return {"items": [{"article": n, "for": id} for n in range(8)], "version": version}


def _cart(id: str, version: int) -> Any:
    return {"owner": id, "lines": [{"article": 17, "count": 2}], "version": version}


def _offers(_: str, version: int) -> Any:
    return [{"article": n, "price": f"{n}.99", "version": version} for n in range(1, 5)]


def _notices(id: str, version: int) -> Any:
    return {"unread": int(id) % 7, "version": version}


MBUS = {
    "users": Mbu("/users/{id:int}", Latency(0.02, 0.08), _user),
    "posts": Mbu("/posts", Latency(0.04, 0.15), _posts),
    "feed": Mbu("/feeds/{id:int}", Latency(0.08, 0.30), _feed),
    "cart": Mbu("/carts/{id:int}", Latency(0.03, 0.10), _cart),
    "offers": Mbu("/offers", Latency(0.05, 0.12), _offers),
    "notices": Mbu("/notices/{id:int}", Latency(0.01, 0.05), _notices),
}
