"""Fetching a JWK Set over HTTP."""

from datetime import timedelta
from typing import Protocol

from pyreqwest.client import Client
from pyreqwest.exceptions import RequestError, RequestTimeoutError

from loaders.http_client import client_builder

MAX_DOCUMENT = 2**20
_CHUNK = 65_536


class Fetch(Protocol):
    """Where key sets come from."""

    async def get(self, url: str) -> bytes:
        """The document, within a bounded time; OSError says why it cannot be had."""

    async def close(self) -> None:
        """Nothing is fetched afterwards."""


class HttpFetch:
    """seconds: the time for connecting, asking and reading together. Redirects are not followed."""

    def __init__(self, seconds: float = 2.0) -> None:
        self._timeout = timedelta(seconds=seconds)
        self._client: Client | None = None

    async def get(self, url: str) -> bytes:
        """The body of a 200 of at most 1 MiB; else OSError."""
        # Made at first use, since it has a thread of its own.
        self._client = self._client or client_builder(None, None).build()
        try:
            return await self._read(self._client, url)
        except RequestTimeoutError:
            raise OSError("no answer in time") from None
        except RequestError as error:
            causes = error.details["causes"] or []
            raise OSError(causes[-1]["message"] if causes else type(error).__name__) from None

    async def _read(self, client: Client, url: str) -> bytes:
        request = client.get(url).headers({"accept": "application/json"}).timeout(self._timeout)
        async with request.build_streamed() as response:
            if response.status != 200:
                raise OSError(f"answered {response.status}")
            body = bytearray()
            while (chunk := await response.body_reader.read(_CHUNK)) is not None:
                body += chunk
                if len(body) > MAX_DOCUMENT:
                    raise OSError(f"answered more than {MAX_DOCUMENT} bytes")
            return bytes(body)

    async def close(self) -> None:
        """Close the connections."""
        if self._client:
            await self._client.close()
