"""Ending a server of a test, so that no connection is left half made."""

import asyncio

# Steps of the loop that asyncio takes from accepting a connection to handing it over, and some.
_STEPS = 10


async def end(server: asyncio.Server, talks: set["asyncio.Task[None]"]) -> None:
    """Accept nothing more, and cancel every conversation, also those of connections that are being handed over."""
    server.close()
    for _ in range(_STEPS):
        await asyncio.sleep(0)
    for talk in talks:
        talk.cancel()
    await asyncio.gather(*talks, return_exceptions=True)
    for _ in range(_STEPS):
        await asyncio.sleep(0)
