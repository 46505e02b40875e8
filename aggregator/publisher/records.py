"""The tags of one invalidation as records of the log: cut where they are too many for one."""

import uuid
from collections.abc import Iterator, Sequence

import orjson

from aggregator.invalidation import wire

MAX_TAGS = 1_000
MAX_BYTES = 64 * 1024  # of the JSON array
MAX_ID = 128  # characters, as POST /invalidations takes them


def new_id() -> str:
    """An id that no other invalidation has."""
    return uuid.uuid4().hex


def check(tags: Sequence[str], id: str | None) -> None:
    """ValueError names the first thing that cannot be published, and why."""
    wire.check(tags)
    if id is not None and not 1 <= len(id) <= MAX_ID:
        raise ValueError(f"an invalidation's id has 1 to {MAX_ID} characters, not {len(id)}")


def records(tags: Sequence[str], id: str, at: float) -> list[dict[str, str]]:
    """The fields of one record or more; the second is called `id/2`, so that every retry calls it so.

    at: Unix seconds, noted for lag metrics.
    """
    parts = enumerate(cut(tags), 1)
    return [wire.encode(part, id if number == 1 else f"{id}/{number}", None, at) for number, part in parts]


def cut(tags: Sequence[str]) -> Iterator[list[str]]:
    """Parts of at most MAX_TAGS tags and MAX_BYTES of JSON, in order; a single tag always fits."""
    part: list[str] = []
    size = 2
    for tag in tags:
        more = len(orjson.dumps(tag)) + 1
        if part and (len(part) == MAX_TAGS or size + more > MAX_BYTES):
            yield part
            part, size = [], 2
        part.append(tag)
        size += more
    yield part
