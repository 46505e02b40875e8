"""The paths inside one process, without sockets: what each takes, beside a yardstick of the same bytes."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest
import uvloop
from pytest_benchmark.fixture import BenchmarkFixture

from aggregator.model.entry import Entry
from aggregator.model.inputs import Inputs
from aggregator.model.keys import Key, make_key
from aggregator.model.ledger import Ledger
from aggregator.model.part import Part, Piece
from aggregator.model.position import position_of
from aggregator.model.route import Routes
from aggregator.model.screen import Screen, Slot
from aggregator.model.view import Stamp, View, compose
from aggregator.tiers.codec import decode, encode
from aggregator.tiers.memory import MemoryTier
from aggregator.tiers.redis import RedisTier
from cache_policies.eviction.lru import Lru
from cache_policies.policy import Lifetime, Timing
from tests.servers import valkey
from tests.virtual_time import VirtualLoop
from tests.world import World, fragment, screen

SLOTS = 8
PAYLOAD = orjson.dumps({"id": 42, "text": "x" * 480})
HOME = screen(*(Slot(f"s{number}", fragment(f"m{number}")) for number in range(SLOTS)))
VALUES = Inputs({"id": "42"})
HEAD = position_of(1, 1, 0)


def entry(slot: Slot, id: str = "42") -> Entry:
    """What an MBU answered for a slot."""
    tags = (*slot.fragment.declared_tags({"id": id}), *slot.fragment.implicit_tags)
    identity = slot.fragment.key("b", Inputs({"id": id})).identity
    return Entry(identity, PAYLOAD, tags, Timing(0.0, Lifetime(60.0)), HEAD)


def view(id: str = "42") -> View:
    """A composed screen."""
    inputs = Inputs({"id": id})
    parts = [Part(slot, (Piece(entry(slot, id)),)) for slot in HOME.slots]
    return compose(HOME, parts, Stamp(HOME.own_tags(inputs), HEAD, 0.0))


def finish(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it waits, so that what is measured is not what it claims")


@contextmanager
def warm_world() -> Iterator[Callable[[Callable[[World], None]], None]]:
    """Gives a way to run something inside a loop whose time stands still, in a world whose L1 holds the screen."""

    async def within(what: Callable[[World], None]) -> None:
        async with World(HOME) as world:
            for number in range(SLOTS):
                world.put(f"m{number}", orjson.loads(PAYLOAD))
            await world.processes[0].get()
            what(world)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        yield lambda what: runner.run(within(what))


def test_yardstick_decoding_and_encoding_a_screen(benchmark: BenchmarkFixture) -> None:
    body = view().body
    benchmark(lambda: orjson.dumps(orjson.loads(body)))


def test_engine_answers_from_L1(benchmark: BenchmarkFixture) -> None:
    def measured(world: World) -> None:
        screens = world.processes[0].service.screens
        answer = benchmark(lambda: finish(screens.answer(HOME, VALUES)))
        assert answer.tier == "l1"

    with warm_world() as run:
        run(measured)


def test_hit_from_bytes_to_bytes(benchmark: BenchmarkFixture) -> None:
    request = b"GET /home/42 HTTP/1.1\r\nhost: benchmark\r\naccept: */*\r\n\r\n"

    def measured(world: World) -> None:
        hits = world.processes[0].service.direct.hits
        assert benchmark(lambda: hits.answer(request)).startswith(b"HTTP/1.1 200 OK")

    with warm_world() as run:
        run(measured)


def test_ASGI_application_answers_from_L1(benchmark: BenchmarkFixture) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent[:] = [message]

    async def receive() -> Any:
        raise AssertionError("a GET has no body to read")

    scope: Any = {
        "method": "GET",
        "path": "/home/42",
        "raw_path": b"/home/42",
        "query_string": b"",
        "headers": [(b"host", b"h")],
    }

    def measured(world: World) -> None:
        app = world.processes[0].service.app
        benchmark(lambda: finish(app(scope, receive, send)))

    with warm_world() as run:
        run(measured)
    assert sent[0]["body"].startswith(b'{"data":{"s0":')


def test_route_is_matched_and_view_named(benchmark: BenchmarkFixture) -> None:
    routes: Routes[Screen] = Routes([HOME])

    def found() -> Key:
        one, values = routes.find(b"/home/42") or (HOME, {})
        return make_key("b", "view", one.name, one.identity(Inputs(values)))

    assert benchmark(found) == make_key("b", "view", "home", HOME.identity(VALUES))


def test_view_is_composed_of_8_parts(benchmark: BenchmarkFixture) -> None:
    parts = [Part(slot, (Piece(entry(slot)),)) for slot in HOME.slots]
    stamp = Stamp(HOME.own_tags(VALUES), HEAD, 0.0)
    benchmark(lambda: compose(HOME, parts, stamp))


def test_codec_encodes_a_view(benchmark: BenchmarkFixture) -> None:
    kept = view().as_entry(HOME.identity(VALUES))
    benchmark(lambda: encode(kept))


def test_codec_decodes_a_view(benchmark: BenchmarkFixture) -> None:
    kept = view().as_entry(HOME.identity(VALUES))
    blob = encode(kept)
    assert benchmark(lambda: decode(kept.identity, blob)) == kept


def test_memory_tier_puts_and_overtakes_one_view_of_10000(benchmark: BenchmarkFixture) -> None:
    memory = MemoryTier(2**30, Ledger(), Lru(), HOME.common_tags)
    for number in range(10_000):
        memory.put(HOME, b"/home/%d" % number, view(str(number)))
    one, later = view("one"), position_of(1, 2, 0)

    def there_and_gone() -> int:
        memory.put(HOME, b"/home/one", one)
        return len(memory.overtake("m3:one", later))

    assert benchmark(there_and_gone) == 1


@pytest.mark.parametrize("joined", [1, 64], ids=["alone", "as one of 64 in a tick"])
def test_L2_reads_a_view(benchmark: BenchmarkFixture, joined: int) -> None:
    benchmark.extra_info["batch"] = joined
    kept = view().as_entry(HOME.identity(VALUES))
    keys = [make_key("b", "view", f"home{number}", kept.identity) for number in range(joined)]

    async def read(tier: RedisTier) -> list[list[Entry | None]]:
        return await asyncio.gather(*(tier.read([key]) for key in keys))

    async def store(tier: RedisTier) -> None:
        await asyncio.gather(*(tier.store(key, kept) for key in keys))

    with valkey() as url, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        tier = RedisTier.connect(url, budget=5.0)
        runner.run(store(tier))
        loop = runner.get_loop()  # `Runner.run` sets signal handlers each time
        assert benchmark(lambda: loop.run_until_complete(read(tier))) == [[kept]] * joined
        runner.run(tier.close())
