"""`python -m tests.chaos.mbu`: MBUs whose objects have versions, in a process of its own, and how they misbehave."""

import asyncio
import random
from collections import Counter
from typing import cast

import orjson
import uvloop

SLOW = (0.3, 0.9)  # seconds; the deadline is 1 s
WELL = (0.001, 0.01)


class Mbus:
    """versions: by path. moods: by MBU, "slow", "failing", "hanging" or "truncating"; well where nothing is said."""

    def __init__(self) -> None:
        self.versions: Counter[str] = Counter()
        self.moods: dict[str, str] = {}

    def tell(self, method: str, path: str) -> tuple[bytes, float]:
        """What is answered, and after how many seconds. The version is read as the request comes: a commit during the
        wait makes the answer old."""
        _, first, rest = path.split("/", 2)
        if method == "PUT":
            return self._put(first, rest), 0.0
        body, mood = orjson.dumps({"v": self.versions[path]}), self.moods.get(first)
        if mood == "hanging":
            return b"", 3600.0
        if mood == "failing":
            return answer(500, b"null"), 0.0
        whole = answer(200, body)
        return whole[:-1] if mood == "truncating" else whole, random.uniform(*(SLOW if mood == "slow" else WELL))

    def _put(self, first: str, rest: str) -> bytes:
        """/mood/MBU/WORD has an MBU behave so; any other path is an object's, which gets its next version."""
        if first == "mood":
            name, _, self.moods[name] = rest.partition("/")
            return answer(200, b"0")
        self.versions[f"/{first}/{rest}"] += 1
        return answer(200, b"%d" % self.versions[f"/{first}/{rest}"])


def answer(status: int, body: bytes) -> bytes:
    """A response."""
    return b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body)


class Talk(asyncio.Protocol):
    """One connection, on which one request comes after the other's answer."""

    def __init__(self, mbus: Mbus) -> None:
        self._mbus = mbus

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._received = b""

    def data_received(self, data: bytes) -> None:
        *heads, self._received = (self._received + data).split(b"\r\n\r\n")
        for head in heads:
            method, path, _ = head.decode("latin-1").split(" ", 2)
            said, after = self._mbus.tell(method, path)
            asyncio.get_running_loop().call_later(after, self._say, said)

    def _say(self, said: bytes) -> None:
        self._transport.write(said)
        if b"\r\n\r\n" in said and not said.endswith((b"}", b"l", b"0", *(b"%d" % n for n in range(1, 10)))):
            self._transport.close()  # it was cut short


async def main() -> None:
    """Say the port, and serve until killed."""
    mbus = Mbus()
    server = await asyncio.get_running_loop().create_server(lambda: Talk(mbus), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
