"""How an invalidation lies in the stream: the names of its keys, and one JSON array of tags a record."""

from collections.abc import Sequence

import orjson

from aggregator.model.tags import tag_mistake


def stream_key(namespace: str) -> str:
    """The stream; a public name, publishers in any language append to it."""
    return f"{namespace}:invalidations"


def epoch_key(namespace: str) -> str:
    """The record of the log's epoch, in the stream's Cluster slot."""
    return f"{{{stream_key(namespace)}}}:epoch"


def nonces_key(namespace: str) -> str:
    """The nonces of signed requests, in the stream's Cluster slot."""
    return f"{{{stream_key(namespace)}}}:nonces"


def encode(tags: Sequence[str], id: str | None, by: str | None, at: float) -> dict[str, str]:
    """The fields of one record. ValueError names the first tag that is none, and why."""
    check(tags)
    fields = {"tags": orjson.dumps(list(tags)).decode(), "at": f"{at:.3f}"}
    return fields | {name: text for name, text in (("id", id), ("by", by)) if text is not None}


def check(tags: Sequence[str]) -> None:
    """ValueError names the first tag that is none, and why."""
    if isinstance(tags, str) or not tags:
        raise ValueError(f"an invalidation is a list of at least one tag, not {tags!r}")
    for tag in tags:
        if mistake := tag_mistake(tag):
            raise ValueError(f"{tag!r} cannot be invalidated: {mistake}")


def decode_tags(fields: Sequence[bytes]) -> tuple[str, ...] | None:
    """The tags among `[name, value, name, value, …]`; None unless there is exactly one JSON array of valid tags.

    The flat list matters: a client that repeats the field `tags` would lose all but one of them in a dictionary.
    """
    names = fields[::2]
    if names.count(b"tags") != 1:
        return None
    try:
        tags = orjson.loads(fields[2 * names.index(b"tags") + 1])
    except orjson.JSONDecodeError:
        return None
    return tuple(tags) if isinstance(tags, list) and not any(map(tag_mistake, tags)) else None
