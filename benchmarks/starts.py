"""Starts: how long processes take to read a long log, one alone and four at once."""

import asyncio
import json
import os
import subprocess
import sys
from contextlib import closing

import redis

from aggregator.invalidation import wire
from aggregator.invalidation.redis_stream import RedisLog
from benchmarks.figures import Figure
from benchmarks.processes import ROOT
from tests.servers import valkey

RECORDS = int(os.environ.get("AGGREGATOR_BENCH_RECORDS", "1000000"))
AT_ONCE = (1, 4)
_AT_A_TIME = 1_000
# ARGV: the first number, the last one.
_FILL = """
for number = ARGV[1], ARGV[2] do
    redis.call('XADD', KEYS[1], '*', 'tags', string.format('["user:%07d"]', number), 'at', '1700000000.000')
end
"""


def measure() -> tuple[list[Figure], list[str]]:
    """Each number of processes once, on a log of RECORDS records with a tag each, no two alike."""
    with valkey() as url:
        asyncio.run(_begin(url))
        with closing(redis.Redis.from_url(url)) as client:
            for first in range(0, RECORDS, _AT_A_TIME):
                client.eval(_FILL, 1, wire.stream_key("aggregator"), first, min(RECORDS, first + _AT_A_TIME) - 1)
        return [_figure(url, processes) for processes in AT_ONCE], []


async def _begin(url: str) -> None:
    log = RedisLog(url)
    await log.begin_epoch(None, 1)
    await log.close()


def _figure(url: str, processes: int) -> Figure:
    command = [sys.executable, "-m", "benchmarks.starting", url]
    running = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) for _ in range(processes)]
    try:
        # What it logs comes before.
        said = [json.loads(process.communicate()[0].splitlines()[-1]) for process in running]
    finally:
        for process in running:
            process.kill()
    assert all(one["records"] > RECORDS and one["tags"] == RECORDS for one in said), said
    values = {
        "s until read": max(one["seconds"] for one in said),
        "s of processor, each": sum(one["processor"] for one in said) / processes,
        "ms the loop stood at most": max(one["stood"] for one in said) * 1_000,
    }
    return Figure("starts", f"{processes} at once, {RECORDS:,} records", values)
