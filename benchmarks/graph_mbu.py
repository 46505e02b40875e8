"""`python -m benchmarks.graph_mbu PORT`: stands for twelve MBUs, each with a latency of its own, and says what each of
its answers took: `/times/USER` is a JSON object of seconds by fragment."""

import asyncio
import json
import sys
import time
from collections import defaultdict
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import uvloop

# Milliseconds.
LATENCIES = {
    **{"feed": 20, "account": 12, "banner": 5, "weather": 30, "promos": 8},
    **{"owner": 15, "articles": 25, "cart": 18, "points": 6},
    **{"team": 10, "authors": 22, "delivery": 14},
}
ITEMS = 5


def answer(name: str, ids: list[str], batch: bool) -> Any:
    """What an MBU says: the ids of others, where it names some; a list of as many as are asked for in a batch."""
    [user, *_] = ids
    named: dict[str, Any] = {
        "feed": {"owner": user, "items": [{"id": f"{user}-{number}"} for number in range(ITEMS)]},
        "account": {"cart": user, "level": user},
        "owner": {"team": user},
        "cart": {"delivery": user},
        "articles": [{"id": id, "author": id, "text": "x" * 200} for id in ids],
        "authors": [{"id": id, "name": "x" * 40} for id in ids],
    }
    said = named.get(name, {"of": name, "text": "x" * 480})
    # On a busy machine one id may be asked for alone, and is then asked for by the fragment's own path.
    return said[0] if isinstance(said, list) and not batch else said


class GraphMbu(asyncio.Protocol):
    """One connection; times: by user and fragment, shared by all."""

    def __init__(self, times: dict[str, dict[str, float]]) -> None:
        self._times = times

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        began = time.perf_counter()
        _, name, *rest = urlsplit(data.split(b" ", 2)[1].decode()).path.split("/")
        query = parse_qs(urlsplit(data.split(b" ", 2)[1].decode()).query)
        ids = query["ids"][0].split(",") if "ids" in query else rest
        if name == "times":
            self._send(self._times.pop(ids[0], {}))
        else:
            delay = LATENCIES[name] / 1000
            asyncio.get_running_loop().call_later(delay, self._late, name, ids, "ids" in query, began)

    def _late(self, name: str, ids: list[str], batch: bool, began: float) -> None:
        self._send(answer(name, ids, batch))
        self._times[ids[0].partition("-")[0]][name] = time.perf_counter() - began

    def _send(self, value: Any) -> None:
        body = json.dumps(value).encode()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        self._transport.write(head + body)


async def main() -> None:
    """Serve until killed."""
    times: dict[str, dict[str, float]] = defaultdict(dict)
    server = await asyncio.get_running_loop().create_server(lambda: GraphMbu(times), "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
