"""Field lines of one name are one field, whichever way HTTP/2 clients part them."""

from typing import Any

import orjson

from aggregator.model.screen import Slot
from aggregator.model.template import Template
from loaders.loader import Loaded
from tests.virtual_time import run
from tests.world import World, fragment, screen

PATH = Template.parse("/user?a={cookie.a}&b={cookie.b}&x={header.x}")


async def reply(world: World, *lines: tuple[bytes, bytes]) -> list[Any]:
    """What the application sends for a request with these field lines."""
    sent: list[Any] = []
    scope = {"method": "GET", "path": "/home/42", "raw_path": b"/home/42", "query_string": b"", "headers": [*lines]}

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("there is nothing to receive")

    await world.processes[0].service.app(scope, receive, send)
    return sent


def test_several_lines_are_one_list_and_cookies_one_string() -> None:
    """RFC 9110, section 5.3, and RFC 9113, section 8.2.3."""
    slot = Slot("user", fragment("user", path=PATH, tags=()))

    async def main() -> None:
        async with World(screen(slot, cookies=("a", "b"), headers=("x",))) as world:
            world.shops["user"].answer = lambda request: Loaded(orjson.dumps(request.target))
            lines = [(b"cookie", b"a=1"), (b"x", b"3"), (b"cookie", b"b=2"), (b"x", b"4")]
            _, body = await reply(world, *lines)
            assert orjson.loads(body["body"])["data"]["user"] == "/user?a=1&b=2&x=3%2C%204"

    run(main())
