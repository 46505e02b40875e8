"""A shop as an MBU in two forms, an ASGI application and a function, which say the same."""

import asyncio
from collections import Counter
from typing import NamedTuple
from urllib.parse import unquote

import orjson
from starlette.types import Receive, Scope, Send

from loaders.loader import Absent, Failed, Loaded, LoadRequest, Outcome, Reason

asked: Counter[str] = Counter()
openings = 0


class Said(NamedTuple):
    """An answer to a path: how often it was asked shows whether it was asked again."""

    status: int
    body: bytes
    headers: dict[str, str]


def say(path: str, key: str, opened: int) -> Said:
    """What the shop says; opened: how often it was started."""
    _, kind, id = path.split("/")
    asked[path] += 1
    match kind:
        case "user":
            user = {"id": id, "key": key, "asked": asked[path], "opened": opened, "friends": [{"id": f"{id}-friend"}]}
            return Said(200, orjson.dumps(user), {"Cache-Tag": f"card:{id}"})
        case "broken":
            return Said(500, b"s3cret", {})
        case _:
            return Said(404, b"", {"Cache-Control": "max-age=30"})


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """The application. It serves only once it was started, and waits on /slow/ until its client leaves."""
    if scope["type"] == "lifespan":
        await _live(scope, receive, send)
    elif scope["path"].startswith("/slow/"):
        while (await receive())["type"] != "http.disconnect":
            pass
    else:
        key = dict(scope["headers"])[b"x-api-key"].decode()
        said = say(scope["path"], key, opened=openings if scope["state"]["open"] else 0)
        headers = [(name.encode(), value.encode()) for name, value in said.headers.items()]
        await send({"type": "http.response.start", "status": said.status, "headers": headers})
        await send({"type": "http.response.body", "body": said.body})


async def fetch(request: LoadRequest) -> Outcome:
    """The function."""
    if request.fragment == "slow":
        await asyncio.Event().wait()
    said = say(unquote(request.target), request.headers["x-api-key"], opened=1)
    match said.status:
        case 200:
            return Loaded(said.body, said.headers)
        case 404:
            return Absent(said.headers)
        case status:
            return Failed(Reason.STATUS, f"status {status}", mbu_status=status)


async def _live(scope: Scope, receive: Receive, send: Send) -> None:
    global openings
    await receive()
    openings += 1
    scope["state"]["open"] = True
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})
