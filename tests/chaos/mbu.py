"""`python -m tests.chaos.mbu`: MBUs whose objects have versions, in a process of its own, and how they misbehave."""

import asyncio
import random
from collections import Counter
from typing import NamedTuple, cast

import orjson
import uvloop

SLOW = (0.3, 0.9)  # seconds; the deadline is 1 s
WELL = (0.001, 0.01)
# One that gives an older version after a newer is not among them: no cache can tell, and `settle` has tests of its own.
MOODS = ("slow", "failing", "hanging", "truncating", "garbling", "splitting")


class Said(NamedTuple):
    """Bytes, after how many seconds they are sent, and whether that ends the connection."""

    wire: bytes
    after: float
    ends: bool = False


class Mbus:
    """versions: by path. moods: by MBU, one of MOODS; well where nothing is said."""

    def __init__(self) -> None:
        self.versions: Counter[str] = Counter()
        self.moods: dict[str, str] = {}

    def tell(self, method: str, path: str) -> Said:
        """The version is read as the request comes: a commit during the wait makes the answer old."""
        _, first, rest = path.split("/", 2)
        if method == "PUT":
            return Said(self._put(first, rest), 0.0)
        whole, mood = answer(200, value(path, self.versions[path])), self.moods.get(first)
        after = random.uniform(*(SLOW if mood == "slow" else WELL))
        match mood:
            case "failing":
                return Said(answer(500, b"null"), 0.0)
            case "hanging":
                return Said(b"", 3600.0)
            case "truncating":
                return Said(whole[:-1], after, ends=True)
            case "garbling":
                return Said(answer(200, b"<html>It works!</html>"), after)
            case "splitting":
                return Said(whole + answer(200, value("/nobody/0", 0)), after)  # a second one, that nobody asked for
        return Said(whole, after)

    def _put(self, first: str, rest: str) -> bytes:
        """/mood/MBU/WORD has an MBU behave so; any other path is an object's, which gets its next version."""
        if first == "mood":
            name, _, self.moods[name] = rest.partition("/")
            return answer(200, b"0")
        self.versions[f"/{first}/{rest}"] += 1
        return answer(200, b"%d" % self.versions[f"/{first}/{rest}"])


def value(path: str, version: int) -> bytes:
    """An object as it is now, and whose it is."""
    return orjson.dumps({"of": path, "v": version})


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
            said = self._mbus.tell(method, path)
            asyncio.get_running_loop().call_later(said.after, self._say, said)

    def _say(self, said: Said) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(said.wire)
        if said.ends:
            self._transport.close()


async def main() -> None:
    """Say the port, and serve until killed."""
    mbus = Mbus()
    server = await asyncio.get_running_loop().create_server(lambda: Talk(mbus), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
