"""On a Cluster whose slots move under load, the log's among them, no answer fails and none is stale."""

import asyncio
import random
import time
import uuid
from collections import Counter
from contextlib import ExitStack

import pytest
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from aggregator.invalidation.wire import stream_key
from tests.chaos.judge import judged
from tests.chaos.run import Run, lags
from tests.chaos.seen import Window
from tests.chaos.stage import WORKERS, Stage, declaration, helper
from tests.cluster import Cluster, cluster
from tests.fleet import KEY
from tests.running import Running
from tests.scale import scale

SLOTS = scale(60, 1_000)
LOG = "the log's slot moves"


class ClusterStage(Stage):
    """A stage without proxies, on a Cluster."""

    def service(self, number: int) -> Running:
        """A new one for this place in the fleet."""
        flags = ["--allow-insecure-redis", "true", "--refresh-budget", "20"]
        return Running(declaration(self.mbu_url), self.redis.url, 1, KEY, flags, self.namespace)


@pytest.mark.prove
@pytest.mark.timeout(scale(120, 500))
def test_r44_no_answer_fails_and_none_is_stale_while_slots_move() -> None:
    """Key by key, with readers at four workers and publishers: those that hold something first, the log's in between.
    Outside that one's move every read is fresh within 250 ms."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    with ExitStack() as stack:
        where = stack.enter_context(cluster())
        mbu, bystander = stack.enter_context(helper("mbu")), stack.enter_context(helper("bystander"))
        assert mbu.stdout
        assert bystander.stdout
        url = f"http://127.0.0.1:{mbu.stdout.readline().strip()}"
        stage = ClusterStage(where, url, f"t{uuid.uuid4().hex[:12]}", [])  # type: ignore[arg-type]
        stack.callback(stage.stop)
        for number in range(WORKERS):
            stage.services.append(stage.service(number).__enter__())
        one = Run(stage, seed, moves)
        asyncio.run(one.play(0))
        bystander.stdout.seek(0)
        report = judged(one.seen, stage.faults, list(lags(bystander.stdout.read())))
        told = errors(where)
        logs = "".join(service.stderr for service in stage.services)
    print(
        *report.lines,
        f"{SLOTS} slots moved; told to clients: {told}; {one.publishers.published} invalidations",
        sep="\n",
    )
    assert not report.wrong, "\n".join([*report.lines, *report.wrong])
    assert (one.seen.lost, one.publishers.refused) == ([], 0)
    assert told["CROSSSLOT"] == 0
    assert min(told["ASK"], told["MOVED"], told["TRYAGAIN"]) > 0, "slots moved under load"
    assert not [line for line in logs.splitlines() if "l2_away" in line and "refused" in line]
    if report.refused:
        pytest.skip(report.refused)


async def moves(stage: Stage, draw: random.Random, seconds: float) -> None:
    """Move so many slots one after another."""
    where: Cluster = stage.redis  # type: ignore[assignment]
    await asyncio.sleep(2)
    log = key_slot(stream_key(stage.namespace).encode())
    held = list({key_slot(key) for key in await asyncio.to_thread(where.keys)} - {log})
    others = [slot for slot in range(REDIS_CLUSTER_HASH_SLOTS) if slot not in {*held, log}]
    slots = (draw.sample(held, len(held)) + draw.sample(others, SLOTS))[: SLOTS - 1]
    for slot in [*slots[: SLOTS // 2], log, *slots[SLOTS // 2 :]]:
        begun = time.monotonic()
        await asyncio.to_thread(where.move, slot, 1, lambda: time.sleep(draw.uniform(0, 0.02)))
        if slot == log:
            stage.faults.append(Window(begun, time.monotonic(), LOG))
    await asyncio.sleep(1)


def errors(where: Cluster) -> Counter[str]:
    """Errors that the nodes gave to clients."""
    told: Counter[str] = Counter()
    for node in where.masters:
        for name, count in node.client.info("errorstats").items():
            told[name.removeprefix("errorstat_")] += count["count"]
    return told
