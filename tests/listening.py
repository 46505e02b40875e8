"""Ending a server of a test, so that no connection is left half made."""

import asyncio

# Steps of the loop that asyncio takes from accepting a connection to handing it over, and some.
_STEPS = 10


async def end(server: asyncio.Server, talks: set["asyncio.Task[None]"], opened: list[asyncio.StreamWriter]) -> None:
    """Accept nothing more, cancel every conversation, also those of connections that are being handed over, and drop
    what is still to be sent to somebody who does not read."""
    server.close()
    for _ in range(_STEPS):
        await asyncio.sleep(0)
    for talk in talks:
        talk.cancel()
    await asyncio.gather(*talks, return_exceptions=True)
    for writer in opened:
        writer.transport.abort()
    for _ in range(_STEPS):
        await asyncio.sleep(0)
