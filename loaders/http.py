"""MBUs over HTTP, by pyreqwest (docs/decisions/0002-http-client.md says why, and what to know about it)."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path

from pyreqwest.bytes import Bytes
from pyreqwest.client import Client
from pyreqwest.exceptions import BodyDecodeError, ConnectError, RequestError, RequestTimeoutError
from pyreqwest.http import HeaderMap, Url

from loaders.answer import outcome_of
from loaders.http_client import checked_base, client_builder
from loaders.loader import NO_HEADERS, UNREADABLE, Failed, LoadRequest, Outcome, Reason

_CHUNK = 65_536


class HttpLoader:
    """GETs `base_url + request.target`; for `Gathering`.

    base_url: scheme, host and, if need be, a path prefix. ValueError if it has anything else, or is none.
    headers: sent with every request; a callable is asked anew each time (credentials in files change), and if it
    raises OSError, its text becomes the `Failed` of that load.
    max_payload: bytes of a decoded body. max_connections: calls on the wire at a time; more wait, within their time.
    longest: seconds after which a call is cut even where a request has no `expires_at`.
    ca_file, client_cert_file, client_key_file: PEM, read once, here; OSError if they cannot be, ValueError if they hold
    none, or none that fit each other.
    """

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str] | Callable[[], Mapping[str, str]] = NO_HEADERS,
        *,
        max_payload: int = 2**20,
        max_connections: int | None = None,
        longest: float = 30.0,
        ca_file: Path | str | None = None,
        client_cert_file: Path | str | None = None,
        client_key_file: Path | str | None = None,
    ) -> None:
        self._base = checked_base(base_url)
        self._headers = headers if callable(headers) else lambda: headers
        self._max_payload = max_payload
        self._longest = longest
        parts = [Path(file).read_bytes() for file in (client_key_file, client_cert_file) if file]
        identity = b"\n".join(parts) if parts else None
        roots = Path(ca_file).read_bytes() if ca_file else None
        self._client = client_builder(roots, identity).max_connections(max_connections).build()
        # Keeps no connection: what is tried again is tried on a new one, never on the next dead one of the pool.
        self._fresh = client_builder(roots, identity).max_connections(max_connections).pool_max_idle_per_host(0).build()
        self._idle = 0  # connections that may be in the pool, at most

    async def load_one(self, request: LoadRequest) -> Outcome:
        """The outcome of one GET, tried twice if a kept-alive connection turned out to be closed.

        ValueError if the target would not arrive byte for byte, as with a `..` segment.
        """
        if request.expires_at <= asyncio.get_running_loop().time():
            return Failed(Reason.SHED, "the time was over before the MBU could be asked")
        try:
            headers = self._sent_with(request)
        except OSError as error:
            return Failed(Reason.CONNECT, str(error))
        may_be_kept_alive = self._idle > 0
        self._idle -= may_be_kept_alive
        try:
            outcome = await self._get(self._client, request, headers)
            self._idle += 1
            return outcome
        except ConnectError as error:
            if not (may_be_kept_alive and _was_sent(error)):
                return _failed(error)
        except RequestError as error:
            return _failed(error)
        try:
            return await self._get(self._fresh, request, headers)
        except RequestError as error:
            return _failed(error)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
        await self._fresh.close()

    def _sent_with(self, request: LoadRequest) -> Mapping[str, str]:
        own = {name.lower(): value for name, value in self._headers().items()}
        return {"accept": "application/json", **own, **request.headers}

    async def _get(self, client: Client, request: LoadRequest, headers: Mapping[str, str]) -> Outcome:
        left = min(request.expires_at - asyncio.get_running_loop().time(), self._longest)
        url = self._url(request.target)
        # Cancelling does not stop pyreqwest while it waits for an answer: only its own timeout closes the connection.
        timeout = timedelta(seconds=max(left, 0.001))
        async with client.get(url).headers(headers).timeout(timeout).build_streamed() as response:
            headers = _plain(response.headers)
            length = headers.get("content-length", "")
            # What says how long it is, and is no longer, comes in one step: HTTP itself ends it there, unless it comes
            # in chunks, where the length says nothing (RFC 9112, section 6.3).
            told = length.isdecimal() and len(length) < 10 and "transfer-encoding" not in headers
            small = told and int(length) <= self._max_payload
            body = bytes(await response.bytes()) if small else await _read(response.body_reader.read, self._max_payload)
            return outcome_of(response.status, headers, body, self._max_payload)

    def _url(self, target: str) -> Url:
        url = Url(self._base + target)
        if not target.startswith("/") or "#" in target or str(url) != self._base + target:
            raise ValueError(
                f"the target {target!a} would not arrive as it is: percent-encode it, without dot segments"
            )
        return url


async def _read(read: Callable[[int], Awaitable[Bytes | None]], limit: int) -> bytes:
    """The body; cut off soon after `limit` bytes."""
    body = bytearray()
    while len(body) <= limit and (chunk := await read(_CHUNK)) is not None:
        body += chunk
    return bytes(body)


def _plain(headers: HeaderMap) -> dict[str, str]:
    plain: dict[str, str] = {}
    try:
        for name, value in headers.items():
            plain[name] = f"{plain[name]}, {value}" if name in plain else value
    except ValueError:  # one of them is not ASCII, and then pyreqwest gives none
        return {name: _readable(headers, name) for name in headers}
    return plain


def _readable(headers: HeaderMap, name: str) -> str:
    try:
        return ", ".join(headers.getall(name))
    except ValueError:
        return UNREADABLE


def _failed(error: RequestError) -> Failed:
    if isinstance(error, RequestTimeoutError):
        return Failed(Reason.DEADLINE, "no answer in time")
    causes = _causes(error)
    # Only the innermost cause: the outer ones name the URL, which may name a user.
    detail = f"{type(error).__name__}: {causes[-1] if causes else 'no cause given'}"
    if isinstance(error, BodyDecodeError) and "error reading a body from connection" not in causes:
        return Failed(Reason.PAYLOAD, detail)
    return Failed(Reason.CONNECT, detail)


def _was_sent(error: ConnectError) -> bool:
    """Was there a connection, which then ended without an answer?"""
    return "client error (SendRequest)" in _causes(error)


def _causes(error: RequestError) -> list[str]:
    return [cause["message"] for cause in error.details["causes"] or []]
