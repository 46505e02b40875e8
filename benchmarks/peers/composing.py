"""A screen composed by hand: its MBUs asked at the same time, with the client that the service has, and spliced."""

import asyncio

from pyreqwest.client import ClientBuilder

from benchmarks.mbu import SLOTS


class Composer:
    """For one event loop. port: that of the MBUs."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}"
        self._client = ClientBuilder().no_proxy().build()

    async def screen(self, user: str) -> bytes:
        """Eight calls, one answer."""
        parts = await asyncio.gather(*(self._part(f"/m{number}/{user}") for number in range(SLOTS)))
        return b'{"data":{%b}}' % b",".join(b'"s%d":%b' % (number, part) for number, part in enumerate(parts))

    async def _part(self, path: str) -> bytes:
        async with self._client.get(self._base + path).build_streamed() as answer:
            return bytes(await answer.bytes())
