"""What a plan adds to its critical path: a cold screen of twelve fragments in three waves, over real MBUs."""

import asyncio
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import orjson
import uvloop

from benchmarks.figures import Figure
from benchmarks.fleet import service_of
from benchmarks.graph_mbu import LATENCIES
from benchmarks.processes import LOAD_CORE, free_port, pinned, running
from tests.raw_client import Client
from tests.servers import valkey

COLD, WARM_UP = 200, 30
NEEDS = {
    **{"owner": "feed", "articles": "feed", "cart": "account", "points": "account"},
    **{"team": "owner", "authors": "articles", "delivery": "cart"},
}
_LISTS = {"articles": "feed.items[*].id", "authors": "articles[*].author"}
_VALUES = {"owner": "feed.owner", "cart": "account.cart", "points": "account.level", "team": "owner.team"}
_GIVEN = {**_VALUES, "delivery": "cart.delivery"}


def measure() -> tuple[list[Figure], list[str]]:
    """Milliseconds between the end of the critical path and the answer, and what a hit of the same screen takes."""
    folder = tempfile.TemporaryDirectory(prefix="aggregator-bench-")
    with pinned(LOAD_CORE), folder as name, ExitStack() as stack:
        return uvloop.run(_measured(stack, Path(name))), []


def declaration(port: int) -> str:
    """The screen /graph/{user}; each fragment has an MBU of its own."""
    lines = ["version = 1", "[defaults]", 'fresh_for = "30m"', 'deadline = "5s"']
    for name in LATENCIES:
        lines += [f"[mbus.{name}]", f'url = "http://127.0.0.1:{port}"']
        lines += [f"[fragments.{name}]", f'mbu = "{name}"', f'path = "/{name}/{{user}}"', f'tags = ["{name}:{{user}}"]']
        if name in _LISTS:
            lines += [f'batch = {{ path = "/{name}?ids={{ids}}", max = 50, key = "id" }}']
    return "\n".join([*lines, "[screens.graph]", 'path = "/graph/{user}"', "[screens.graph.slots]", *_slots()]) + "\n"


def _slots() -> list[str]:
    lines = []
    for name in LATENCIES:
        source = f', with = {{ user = "{_GIVEN[name]}" }}' if name in _GIVEN else ""
        source += f', each = {{ user = "{_LISTS[name]}" }}' if name in _LISTS else ""
        lines.append(f'{name} = {{ fragment = "{name}"{source} }}')
    return lines


def critical(times: dict[str, float]) -> float:
    """The longest way through the graph, in seconds, by what each MBU took itself."""

    def ready(name: str) -> float:
        return times[name] + (ready(NEEDS[name]) if name in NEEDS else 0.0)

    return max(map(ready, times))


async def _measured(stack: ExitStack, folder: Path) -> list[Figure]:
    port, file = free_port(), folder / "screens.toml"
    file.write_text(declaration(port))
    redis = stack.enter_context(valkey())
    stack.enter_context(running([sys.executable, "-m", "benchmarks.graph_mbu", port], LOAD_CORE))
    server = stack.enter_context(service_of(file, redis))
    async with Client(f"http://127.0.0.1:{server.port}") as client, Client(f"http://127.0.0.1:{port}") as mbus:
        excess = [await _cold(client, mbus, str(user)) for user in range(COLD + WARM_UP)][WARM_UP:]
        hits = [await _hit(client) for _ in range(COLD)]
    tenths = statistics.quantiles(excess, n=10)
    cold = {"ms median": statistics.median(excess), "ms p90": tenths[8], "ms most": max(excess)}
    hit = {"ms median": statistics.median(hits), "ms p90": statistics.quantiles(hits, n=10)[8]}
    return [Figure("graph", "cold, beyond the critical path", cold), Figure("graph", "the same from L1", hit)]


async def _cold(client: Client, mbus: Client, user: str) -> float:
    began = time.perf_counter()
    got = await client.ask(f"/graph/{user}")
    took = time.perf_counter() - began
    assert got.status == 200, got
    assert "errors" not in got.json, got
    times = orjson.loads((await mbus.ask(f"/times/{user}")).body)
    assert times.keys() == LATENCIES.keys(), times
    await asyncio.sleep(0.01)  # what is stored behind the answer does not count towards the next
    return (took - critical(times)) * 1000


async def _hit(client: Client) -> float:
    began = time.perf_counter()
    got = await client.ask("/graph/100")
    assert 'detail="L1"' in got.headers["cache-status"], got
    return (time.perf_counter() - began) * 1000
