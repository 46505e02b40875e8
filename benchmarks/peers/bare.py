"""Bare uvicorn: an application that sends constant bytes, which is what a Python server can do at best."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from benchmarks.fleet import Site
from benchmarks.mbu import screen
from benchmarks.peers.asgi import start
from benchmarks.peers.peer import Peer, lacks_modules
from benchmarks.processes import Server


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


def constant(site: Site, before: Sequence[str] = ()) -> AbstractContextManager[Server]:
    """before: what runs it, such as valgrind."""
    return start("bare", "", site, before)


PEER = Peer("uvicorn, a constant", lacks_modules("uvicorn"), constant, b"200 ok")
