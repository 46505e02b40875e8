"""The Python of docs/operating.md on publishing runs as it stands there."""

import asyncio
import re
import sqlite3
import threading
from pathlib import Path
from typing import Any

import orjson
import pytest
import redis

from tests.running import ROOT, until

SECTION = (ROOT / "docs" / "operating.md").read_text().split("\n## Publishing\n")[1].split("\n## ")[0]
BLOCKS = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)


def run(block: str, url: str) -> dict[str, Any]:
    """Run it on this server; the names that it leaves."""
    code = block.replace("redis://127.0.0.1:6379/0", url)
    names: dict[str, Any] = {}
    if "async with" in code:
        body = "".join(f"    {line}\n" for line in code.splitlines())
        exec(f"async def main():\n{body}", names)
        asyncio.run(names["main"]())
    else:
        exec(code, names)
    return names


def tags(url: str) -> list[list[str]]:
    """Of all records after the marker that begins the log."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        found: Any = client.xrange("aggregator:invalidations")
    told = [orjson.loads(fields["tags"]) for _, fields in found]
    return told[told.index([]) + 1 :] if told else []


def test_what_is_shown_works(clean_redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One block after the other, in a folder of their own."""
    monkeypatch.chdir(tmp_path)
    with sqlite3.connect("mbu.sqlite") as connection:
        connection.execute("CREATE TABLE users (id INTEGER, name TEXT)")
    connection.close()
    asynchronous, synchronous, outbox, relay = BLOCKS
    run(asynchronous, clean_redis_url)
    run(synchronous, clean_redis_url)["publisher"].close()
    run(outbox, clean_redis_url)["connection"].close()
    assert tags(clean_redis_url) == [["user:42", "posts-of:42"], ["user:42"]]
    before = set(threading.enumerate())
    stop = run(relay, clean_redis_url)["stop"]
    until(lambda: tags(clean_redis_url)[2:] == [["user:42"]], "it is relayed")
    stop.set()
    for thread in set(threading.enumerate()) - before:
        thread.join()
