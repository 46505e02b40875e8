"""Slots run as soon as what they need is there; lists keep their order; a deadline cuts what is late, and only that."""

import asyncio
from dataclasses import replace

import orjson
import pytest

from aggregator.engine.answer import Answer, Refused
from aggregator.model.batch import Batch
from aggregator.model.payload_path import PayloadPath
from aggregator.model.screen import Slot
from aggregator.model.template import Template
from loaders.loader import Failed, Loaded, LoadRequest, Outcome, Reason
from tests.virtual_time import run
from tests.world import World, fragment, listing, reading, screen

FEED = Slot("feed", fragment("feed"), required=True)
OWNER = reading("owner", {"id": "feed.owner"}, fragment=fragment("user"))
ARTICLES = listing("articles", "feed.items[*]", fragment=fragment("article"))
BATCHED = fragment("article", batch=Batch(Template.parse("/article?ids={ids}"), "id", PayloadPath.parse("id"), max=50))
HOME = screen(FEED, OWNER, ARTICLES)
DOWN = Failed(Reason.CONNECT, "down")


def set_up(world: World, items: list[object] | None = None) -> None:
    """A feed of user 7 with these articles."""
    world.put("feed", {"owner": 7, "items": [1, 2, 3] if items is None else items})
    if "user" in world.shops:
        world.put("user", {"name": "Ada"}, id="7")
    for number in range(100 if "article" in world.shops else 0):
        world.put("article", {"id": number}, id=str(number))


def asked_for(request: LoadRequest) -> Outcome:
    """What an MBU with a batch path answers."""
    ids = request.target.rpartition("=")[2].split(",")
    return Loaded(orjson.dumps([{"id": int(id)} for id in ids]))


def test_a_slot_reads_another_ones_payload() -> None:
    """One value, or each of a list."""

    async def main() -> None:
        async with World(HOME) as world:
            set_up(world)
            assert await world.processes[0].data() == {
                "feed": {"owner": 7, "items": [1, 2, 3]},
                "owner": {"name": "Ada"},
                "articles": [{"id": 1}, {"id": 2}, {"id": 3}],
            }

    run(main())


def test_a_slot_does_not_wait_for_its_wave() -> None:
    """a (fast) → c, b (slow) → d: c is asked while b is under way."""

    async def main() -> None:
        c = reading("c", {"id": "a.id"})
        d = reading("d", {"id": "b.id"})
        async with World(screen(Slot("a", fragment("a")), Slot("b", fragment("b")), c, d)) as world:
            for name, latency in {"a": 0.02, "b": 0.3, "c": 0.1, "d": 0.02}.items():
                world.put(name, {"id": "42"})
                world.shops[name].latency = latency
            began = world.time()
            assert (await world.processes[0].get()).view.whole
            # b and d: the longest way, and the few half milliseconds that L2 takes on it.
            assert 0.32 <= world.time() - began < 0.33

    run(main())


def test_a_list_keeps_its_order_and_loads_what_is_there_twice_once() -> None:
    """Nulls keep their place."""

    async def main() -> None:
        async with World(HOME) as world:
            set_up(world, [3, 1, None, 3, 2, 1])
            answer = await world.processes[0].get()
            assert orjson.loads(answer.view.body)["data"]["articles"] == [
                {"id": n} if n else None for n in (3, 1, None, 3, 2, 1)
            ]
            assert answer.whole
            assert sum(world.shops["article"].calls.values()) == 3

    run(main())


def test_a_batch_asks_once_and_keeps_each_answer_for_itself() -> None:
    """Fifty articles are one call; one that is invalidated is one call for one, on every screen that shows it."""

    async def main() -> None:
        feed, other = Slot("feed", fragment("feed")), Slot("feed", fragment("feed"))
        first = screen(feed, replace(ARTICLES, fragment=BATCHED))
        second = screen(other, replace(ARTICLES, fragment=BATCHED), name="second")
        async with World(first, second) as world:
            set_up(world, list(range(50)))
            world.shops["article"].answer = asked_for
            process = world.processes[0]
            answer = await process.get()
            assert len(world.shops["article"].calls) == world.shops["feed"].calls["/feed/42"] == 1
            assert await process.data(name="second") == await process.data()
            assert world.calls() == 2
            world.shops["article"].answer = None
            await world.invalidate("article:7")
            again = await process.get()
            await process.get(name="second")
            assert again.view.body == answer.view.body
            assert world.calls() == 3
            assert world.shops["article"].calls["/article/7"] == 1

    run(main())


def test_batches_of_a_tick_are_joined_across_requests() -> None:
    """Users whose feeds overlap, all at once: every article is loaded once, in as few calls as fit."""

    async def main() -> None:
        async with World(screen(FEED, replace(ARTICLES, fragment=BATCHED))) as world:
            for user in range(20):
                world.put("feed", {"items": list(range(user, user + 40))}, id=str(user))
            world.shops["article"].answer = asked_for
            await asyncio.gather(*(world.processes[0].get(str(user)) for user in range(20)))
            targets = world.shops["article"].calls
            ids = [id for target in targets.elements() for id in target.rpartition("=")[2].split(",")]
            assert sorted(map(int, ids)) == list(range(59))
            assert sum(targets.values()) == 2

    run(main())


def test_a_view_follows_what_its_plan_names() -> None:
    """When the feed names other articles, the view depends on these, and on the old ones no more."""

    async def main() -> None:
        async with World(HOME) as world:
            set_up(world, [1])
            process = world.processes[0]
            assert {"feed:42", "user:7", "article:1"} <= set((await process.get()).view.tags)
            world.put("feed", {"owner": 8, "items": [2]})
            world.put("user", {"name": "Bob"}, id="8")
            await world.invalidate("feed:42")
            tags = set((await process.get()).view.tags)
            assert {"feed:42", "user:8", "article:2"} <= tags
            assert not {"user:7", "article:1"} & tags
            calls = world.calls()
            await world.invalidate("article:1", "user:7")
            assert (await process.get()).tier == "l1"
            world.put("article", {"id": "new"}, id="2")
            await world.invalidate("article:2")
            assert (await process.data())["articles"] == [{"id": "new"}]
            assert world.calls() == calls + 1

    run(main())


def test_what_the_deadline_cuts_is_a_failed_slot_whose_load_goes_on() -> None:
    """The next request finds it, though it comes within the second for which failures are held."""

    async def main() -> None:
        slow = Slot("slow", fragment("slow"))
        async with World(screen(FEED, slow, deadline=0.1)) as world:
            set_up(world)
            world.put("slow", 1)
            world.shops["slow"].latency = 0.3
            began, process = world.time(), world.processes[0]
            answer = await process.get()
            assert world.time() - began < 0.11
            [error] = orjson.loads(answer.view.body)["errors"]
            assert (error["pointer"], error["status"]) == ("/slow", 504)
            await asyncio.sleep(0.3)
            assert (await process.get()).whole
            assert world.shops["slow"].calls["/slow/42"] == 1

    run(main())


def test_each_wave_has_what_the_others_left_of_the_deadline() -> None:
    """Two waves of 80 ms do not fit into 100."""

    async def main() -> None:
        async with World(replace(HOME, deadline=0.1)) as world:
            set_up(world)
            for shop in world.shops.values():
                shop.latency = 0.08
            began = world.time()
            answer = await world.processes[0].get()
            assert world.time() - began < 0.11
            states = {slot.name: slot.state for slot in answer.slots}
            assert states == {"feed": "fresh", "owner": "failed", "articles": "failed"}

    run(main())


def test_a_required_slot_that_is_late_fails_the_screen() -> None:
    """504, at the deadline."""

    async def main() -> None:
        async with World(replace(HOME, deadline=0.01)) as world:
            set_up(world)
            refused = await world.processes[0].ask()
            assert isinstance(refused, Refused)
            assert (refused.slot.name, refused.failure.status) == ("feed", 504)

    run(main())


@pytest.mark.parametrize("items", [[1, 2, 3], []])
def test_what_reads_a_failed_slot_fails_with_it(items: list[object]) -> None:
    """Each says whom it needed; nothing is asked for in vain."""

    async def main() -> None:
        async with World(screen(replace(FEED, required=False), OWNER, ARTICLES)) as world:
            set_up(world, items)
            world.shops["feed"].failure = DOWN
            answer = await world.processes[0].get()
            errors = {one["pointer"]: one["detail"] for one in orjson.loads(answer.view.body)["errors"]}
            assert errors == {
                "/feed": "feed: down",
                "/owner": "user: needs feed, which could not be had",
                "/articles": "article: needs feed, which could not be had",
            }
            assert world.calls() == 1

    run(main())


def test_a_failed_element_is_null_with_a_pointer_to_its_place() -> None:
    """The list is partial: answered, and kept by nobody as whole."""

    async def main() -> None:
        async with World(HOME) as world:
            set_up(world)
            shop = world.shops["article"]
            shop.answer = lambda request: DOWN if request.target == "/article/2" else Loaded(b"1")
            answer = await world.processes[0].get()
            body = orjson.loads(answer.view.body)
            assert body["data"]["articles"] == [1, None, 1]
            assert [error["pointer"] for error in body["errors"]] == ["/articles/1"]
            told = next(slot for slot in answer.slots if slot.name == "articles")
            assert (told.state, told.missing, answer.whole, answer.stored) == ("partial", 1, False, False)

    run(main())


def test_an_absent_slot_leaves_its_readers_nothing_to_load() -> None:
    """There is nothing, all the way, and the answer is whole."""

    async def main() -> None:
        async with World(screen(replace(FEED, required=False), OWNER, ARTICLES)) as world:
            answer = await world.processes[0].get()
            assert answer.view.body == b'{"data":{"feed":null,"owner":null,"articles":null}}'
            assert answer.whole
            assert {slot.state for slot in answer.slots} == {"absent"}
            assert world.calls() == 1

    run(main())


def test_r21_a_plan_is_overtaken_while_it_runs_like_any_load() -> None:
    """The feed changes while its articles are loaded: nobody keeps the view, and the next one is right."""

    async def main() -> None:
        async with World(HOME) as world:
            set_up(world, [1])
            world.shops["article"].latency = 0.2
            asking = asyncio.create_task(world.processes[0].get())
            await asyncio.sleep(0.1)
            world.put("feed", {"owner": 7, "items": [2]})
            await world.invalidate("feed:42")
            first = await asking
            assert isinstance(first, Answer)
            assert not first.stored
            assert (await world.processes[0].data())["articles"] == [{"id": 2}]

    run(main())


def test_what_is_there_twice_in_a_list_joins_no_load() -> None:
    """It is one load of this request; what joins another one's is counted, and this is none."""

    async def main() -> None:
        async with World(HOME) as world:
            set_up(world, [1, 1, 1])
            await world.processes[0].get()
            assert "loads_joined" not in world.processes[0].service.meters.counters

    run(main())


def test_what_there_is_to_tell_of_each_slot_goes_with_a_view_through_l2() -> None:
    """A process that takes the view from there tells the same."""

    async def main() -> None:
        async with World(HOME, processes=2) as world:
            set_up(world, [1, None])
            first, second = world.processes
            told = (await first.get()).slots
            await asyncio.sleep(0.1)
            taken = await second.get()
            assert (taken.tier, taken.slots) == ("l2", told)
            assert [(slot.name, slot.absent) for slot in told] == [("feed", 0), ("owner", 0), ("articles", 1)]

    run(main())
