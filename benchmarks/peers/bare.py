"""Bare uvicorn: an application that sends constant bytes, which is what a Python server can do at best."""

from functools import partial
from typing import Any

from benchmarks.fleet import Site
from benchmarks.mbu import screen
from benchmarks.peers.asgi import start
from benchmarks.peers.peer import Peer, lacks_modules


def app(site: Site, kind: str) -> Any:
    """It always answers with the screen of user 1."""
    body = screen(b"1")
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer


PEER = Peer("uvicorn, a constant", lacks_modules("uvicorn"), partial(start, "bare", ""), b"200 ok")
