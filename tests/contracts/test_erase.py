"""Erasing takes what has the tag out of L2, and nothing else, of its own namespace."""

import asyncio

import pytest
import redis
from msgspec.structs import replace

from aggregator.model.keys import make_key
from aggregator.tiers.codec import encode
from aggregator.tiers.erase import erase, unlist
from aggregator.tiers.tier import TierUnavailable
from tests.contracts.tier_worlds import at, entry


def test_what_has_the_tag_is_deleted_and_nothing_else(clean_redis_url: str) -> None:
    """Views and fragments; not what is no entry, nor what is another namespace's."""
    with redis.Redis.from_url(clean_redis_url) as client:
        kept: set[bytes] = set()
        for namespace, kind, tag in [
            ("test", "fragment", "viewer:anna"),
            ("test", "view", "viewer:anna"),
            ("test", "fragment", "viewer:bert"),
            ("test", "view", "viewer:annabel"),
            ("other", "fragment", "viewer:anna"),
        ]:
            key = make_key(namespace, kind, "cart", f"{kind}|{tag}".encode())
            client.set(key.name, encode(replace(entry(at(1), key), tags=("a", tag, "*"))))
            if (namespace, tag) != ("test", "viewer:anna"):
                kept.add(key.name.encode())
        client.set("test:view:cart:{odd}", b"viewer:anna")
        kept.add(b"test:view:cart:{odd}")
        assert asyncio.run(erase(clean_redis_url, "test", "viewer:anna")) == 2
        assert set(client.keys()) == kept


def test_what_is_a_viewers_own_leaves_the_hot_list(clean_redis_url: str) -> None:
    """Whatever stands around it in an address; what only looks like it stays."""
    theirs = [b"/mine 4 4:anna", b" team /team/1 5 2:en4:anna", b"/team/4:anna 5 4:anna2:en"]
    others = [b"/mine 4 4:bert", b"/home/anna", b"/mine 4 7:annabel", b"/team/1?x=4:anna 5 2:en4:bert", b"anna", b""]
    with redis.Redis.from_url(clean_redis_url) as client:
        client.zadd("test:hot", dict.fromkeys((*theirs, *others), 1.0))
        client.zadd("other:hot", {theirs[0]: 1.0})
        asyncio.run(unlist(clean_redis_url, "test", "anna"))
        asyncio.run(unlist(clean_redis_url, "nobody", "anna"))
        assert set(client.zrange("test:hot", 0, -1)) == set(others)
        assert client.zcard("other:hot") == 1


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "redis+cluster://127.0.0.1:1,127.0.0.1:2"])
def test_where_l2_is_away_it_is_said(url: str) -> None:
    """Nobody takes it for erased."""
    with pytest.raises(TierUnavailable, match="L2 cannot be reached"):
        asyncio.run(unlist(url, "test", "anna"))
    with pytest.raises(TierUnavailable, match="L2 cannot be reached"):
        asyncio.run(erase(url, "test", "viewer:anna"))
