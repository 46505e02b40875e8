"""`python -m benchmarks.mbu PORT`: stands for all MBUs, at /mN/ID, and for an origin that has composed, at /home/ID."""

import asyncio
import sys
from typing import cast

import uvloop

SLOTS = 8
ORIGIN_SAYS = b'cache-control: public, max-age=1800\r\nvary: accept\r\netag: "of-%b"\r\n'


class Mbu(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._received = b""

    def data_received(self, data: bytes) -> None:
        *heads, self._received = (self._received + data).split(b"\r\n\r\n")
        self._transport.write(b"".join(map(_answer, heads)))


def part(path: bytes) -> bytes:
    """510 bytes of JSON, whatever was asked, which it names."""
    begun = b'{"of":"%b","text":"' % path
    return begun + b"x" * (510 - len(begun)) + b'"}'


def screen(user: bytes) -> bytes:
    """What the service makes of eight such parts."""
    return b'{"data":{%b}}' % b",".join(b'"s%d":%b' % (n, part(b"/m%d/%b" % (n, user))) for n in range(SLOTS))


def _answer(head: bytes) -> bytes:
    path = head.split(b" ", 2)[1]
    composed = path.startswith(b"/home/")
    user = path.rpartition(b"/")[2]
    body, says = (screen(user), ORIGIN_SAYS % user) if composed else (part(path), b"")
    start = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
    return b"%b%bcontent-length: %d\r\n\r\n%b" % (start, says, len(body), body)


async def main() -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(Mbu, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
