"""L2 in a Redis-protocol server."""

import secrets
from collections.abc import Sequence

from redis.asyncio import from_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from aggregator.model.entry import Entry
from aggregator.model.keys import Key
from aggregator.model.position import Position, packed
from aggregator.tiers.codec import decode, encode
from aggregator.tiers.marks import TOKEN_BYTES, UNSHARED, failure_mark, failure_of, lease_mark
from aggregator.tiers.pipeline import Pipeline
from aggregator.tiers.scripts import CLAIM, RELEASE, RENEW, STORE
from aggregator.tiers.tier import Claim, Lease
from loaders.loader import Failed

LONGEST_FAILURE_TERM = 1.0


class RedisTier:
    """A SharedTier. `lease_term` and `failure_term` in seconds; the latter at most 1 (ValueError)."""

    def __init__(self, pipeline: Pipeline, lease_term: float = 0.3, failure_term: float = LONGEST_FAILURE_TERM) -> None:
        if failure_term > LONGEST_FAILURE_TERM:
            raise ValueError(f"a failure is shared for {LONGEST_FAILURE_TERM:g} s at most, not {failure_term:g} s")
        self._pipeline = pipeline
        self._lease_ms = _ms(lease_term)
        self._failure_ms = _ms(failure_term)

    @classmethod
    def connect(
        cls, url: str, budget: float = 0.05, lease_term: float = 0.3, failure_term: float = LONGEST_FAILURE_TERM
    ) -> "RedisTier":
        """A tier at `redis://`, `rediss://` or `unix://`; connects at the first use. ValueError for another URL."""
        client = from_url(
            url,
            socket_timeout=1.0,
            socket_connect_timeout=1.0,
            # A store or claim sent twice is not what was asked, and a later read is the better second try.
            retry=Retry(NoBackoff(), 0),
            decode_responses=False,
            # RESP 3 adds a handshake to each new connection, and nothing that is used here.
            protocol=2,
        )
        return cls(Pipeline(client, budget), lease_term, failure_term)

    async def read(self, keys: Sequence[Key]) -> list[Entry | None]:
        """The entries of the keys, in their order."""
        if not keys:
            return []
        blobs = await self._pipeline.get([key.name for key in keys])
        return [_open(key, blob) for key, blob in zip(keys, blobs, strict=True)]

    async def claim(
        self, key: Key, position: Position, known_tags_overtook: Position | None = None, unless_held: bool = False
    ) -> Claim:
        """Try to become the one who loads `key`."""
        lease = Lease(key, secrets.token_bytes(TOKEN_BYTES), position)
        overtook = b"" if known_tags_overtook is None else packed(known_tags_overtook)
        won, mark, blob = await self._pipeline.run(
            CLAIM, _names(key), (lease_mark(lease), overtook, self._lease_ms, int(unless_held))
        )
        entry = _open(key, blob)
        return Claim(lease, entry) if won else Claim(None, entry, failure_of(mark), mark == UNSHARED)

    async def renew(self, lease: Lease) -> bool:
        """Extend a lease by its full term, if it is still mine."""
        return bool(await self._pipeline.run(RENEW, _names(lease.key), (lease_mark(lease), self._lease_ms)))

    async def store(self, key: Key, entry: Entry, lease: Lease | None = None) -> bool:
        """Keep the entry and give the lease back; False where refused, or nothing is to be kept."""
        kept_ms = _ms(entry.kept_for)
        mine = b"" if lease is None else lease_mark(lease)
        return bool(await self._pipeline.run_soon(STORE, _names(key), (encode(entry), kept_ms, mine)))

    async def release(self, lease: Lease, failure: Failed | None = None, unshared: bool = False) -> None:
        """Give the lease back without an entry; what others should know is left in its place."""
        told = failure_mark(failure) if failure else UNSHARED if unshared else b""
        await self._pipeline.run(RELEASE, _names(lease.key), (lease_mark(lease), told, self._failure_ms))

    async def close(self) -> None:
        """Give back the connections."""
        await self._pipeline.close()


def _names(key: Key) -> tuple[str, str]:
    return key.name, key.lease


def _open(key: Key, blob: bytes | None) -> Entry | None:
    return None if blob is None else decode(key.identity, blob)


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
