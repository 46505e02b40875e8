"""`python -m benchmarks.ready_mbu PORT`: stands for MBUs that take their time, and whose answers have versions.

`/commit/PATH` makes a new version of what is at `/PATH` (any query of it), `/takes/LOW/HIGH` says between how many
milliseconds answers take from now on, and `/calls` tells the instants of the calls since it was last asked.
"""

import asyncio
import json
import random
import sys
import time
from collections import defaultdict
from typing import cast

import uvloop

_SEED = 1
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"


class Shop:
    """What all connections share. takes: milliseconds, at least and at most."""

    def __init__(self) -> None:
        self.takes = (0.0, 0.0)
        self._versions: dict[str, int] = defaultdict(int)
        self._calls: list[float] = []
        self._draw = random.Random(_SEED)

    def told(self, words: list[str]) -> bytes | None:
        """The answer to what is said to the benchmark's MBU; None where it is asked as an MBU."""
        match words:
            case ["commit", *path]:
                self._versions["/".join(path)] += 1
                return b"{}"
            case ["takes", low, high]:
                self.takes = float(low), float(high)
                return b"{}"
            case ["calls"]:
                calls, self._calls = self._calls, []
                return json.dumps(calls).encode()
        return None

    def asked(self, path: str) -> tuple[bytes, float]:
        """510 bytes of JSON with the version as of now, and after how many seconds they are sent."""
        self._calls.append(time.monotonic())
        begun = b'{"version":%d,"text":"' % self._versions[path.partition("?")[0]]
        return begun + b"x" * (510 - len(begun)) + b'"}', self._draw.uniform(*self.takes) / 1000


class Connection(asyncio.Protocol):
    """One connection, with one request at a time."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        path = data.split(b" ", 2)[1].decode().removeprefix("/")
        if (said := self._shop.told(path.split("/"))) is not None:
            return self._send(said)
        answer, after = self._shop.asked(path)
        if after:
            asyncio.get_running_loop().call_later(after, self._send, answer)
        else:
            self._send(answer)

    def _send(self, body: bytes) -> None:
        self._transport.write(_HEAD % (len(body), body))


async def main() -> None:
    """Serve until killed."""
    shop = Shop()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(shop), "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
