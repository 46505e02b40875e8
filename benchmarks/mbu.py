"""`python -m benchmarks.mbu PORT`: stands for all MBUs, and answers any GET at once with 510 bytes of JSON."""

import asyncio
import sys
from typing import cast

import uvloop


class Mbu(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._received = b""

    def data_received(self, data: bytes) -> None:
        *heads, self._received = (self._received + data).split(b"\r\n\r\n")
        self._transport.write(b"".join(map(_answer, heads)))


def _answer(head: bytes) -> bytes:
    """The same size whatever was asked, which the answer names."""
    begun = b'{"of":"%b","text":"' % head.split(b" ", 2)[1]
    body = begun + b"x" * (510 - len(begun)) + b'"}'
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


async def main() -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(Mbu, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
