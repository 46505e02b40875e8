"""Batching: the loads of one event-loop tick go out together."""

import asyncio

from loaders.batching import Batching
from loaders.loader import Loaded, LoadRequest, Outcome
from loaders.scripted import ScriptedLoader
from tests.virtual_time import run


def scripted(count: int = 10) -> ScriptedLoader:
    return ScriptedLoader({f"/{n}": Loaded(b"%d" % n) for n in range(count)})


def start(loader: Batching, *numbers: int) -> "asyncio.Task[list[Outcome]]":
    async def some() -> list[Outcome]:
        return list(await loader.load([LoadRequest(f"/{n}") for n in numbers]))

    return asyncio.ensure_future(some())


def sent(inner: ScriptedLoader) -> list[list[str]]:
    return [[request.target for request in batch] for batch in inner.batches]


def test_the_loads_of_one_tick_are_one_batch_and_each_gets_its_own_outcomes() -> None:
    async def main() -> None:
        inner = scripted()
        loader = Batching(inner)
        tasks = [start(loader, 0), start(loader, 3, 1), start(loader, 2)]
        assert await asyncio.gather(*tasks) == [[Loaded(b"0")], [Loaded(b"3"), Loaded(b"1")], [Loaded(b"2")]]
        assert sent(inner) == [["/0", "/3", "/1", "/2"]]
        await start(loader, 4)
        assert sent(inner)[1:] == [["/4"]]

    run(main())


def test_a_batch_has_a_largest_size_and_equal_requests_are_not_merged() -> None:
    async def main() -> None:
        inner = scripted()
        loader = Batching(inner, max_size=2)
        assert len(await start(loader, 1, 1, 2, 3, 4)) == 5
        assert sent(inner) == [["/1", "/1"], ["/2", "/3"], ["/4"]]

    run(main())


def test_who_left_before_the_batch_departs_is_not_asked_for() -> None:
    async def main() -> None:
        inner = scripted()
        loader = Batching(inner)
        gone, stays = start(loader, 1), start(loader, 2)
        asyncio.get_running_loop().call_soon(gone.cancel)  # after both have asked, and before the batch departs
        assert await stays == [Loaded(b"2")]
        assert sent(inner) == [["/2"]]

    run(main())


def test_who_leaves_does_not_cancel_the_batch_of_the_others_and_the_last_to_leave_does() -> None:
    async def main() -> None:
        inner = scripted()
        inner.hold("/1")
        loader = Batching(inner)
        first, second = start(loader, 1), start(loader, 2)
        await inner.asked("/1")
        first.cancel()
        await asyncio.sleep(1)
        assert inner.in_flight == 2
        second.cancel()
        await asyncio.sleep(1)
        assert inner.in_flight == 0

    run(main())


def test_the_outcomes_reach_those_who_stayed() -> None:
    async def main() -> None:
        inner = scripted()
        inner.hold("/1")
        loader = Batching(inner)
        first, second = start(loader, 1), start(loader, 2)
        await inner.asked("/1")
        first.cancel()
        await asyncio.sleep(0)
        inner.release("/1")
        assert await second == [Loaded(b"2")]

    run(main())


def test_a_defect_is_raised_to_every_caller_of_the_batch_and_a_wrong_length_is_one() -> None:
    class Short(ScriptedLoader):
        async def load(self, requests):  # type: ignore[no-untyped-def]
            return (await super().load(requests))[:-1]

    async def main() -> None:
        for inner, kind in ((ScriptedLoader(), LookupError), (Short(scripted().answers), ValueError)):
            loader = Batching(inner)
            ends = await asyncio.gather(start(loader, 1), start(loader, 2, 3), return_exceptions=True)
            assert [type(end) for end in ends] == [kind, kind]

    run(main())


def test_who_waits_for_a_batch_that_was_cancelled_from_within_does_not_wait_for_ever() -> None:
    class Cancelled(ScriptedLoader):
        async def load(self, requests):  # type: ignore[no-untyped-def]
            raise asyncio.CancelledError

    async def main() -> None:
        loader = Batching(Cancelled())
        ends = await asyncio.gather(start(loader, 1), start(loader, 2, 3), return_exceptions=True)
        assert [type(end) for end in ends] == [RuntimeError, RuntimeError]

    run(main())


def test_of_many_who_leave_one_by_one_only_the_last_ends_the_batch() -> None:
    async def main() -> None:
        inner = ScriptedLoader({"/1": Loaded(b"1")})
        inner.hold("/1")
        loader = Batching(inner, max_size=1_000)
        tasks = [start(loader, 1) for _ in range(500)]
        await inner.asked("/1", times=500)
        for task in tasks[:-1]:
            task.cancel()
            await asyncio.sleep(0)
        await asyncio.sleep(1)
        assert inner.in_flight == 500
        tasks[-1].cancel()
        await asyncio.sleep(1)
        assert inner.in_flight == 0

    run(main())


def test_only_what_is_of_one_group_goes_together() -> None:
    async def main() -> None:
        inner = scripted()
        loader = Batching(inner, group=lambda request: int(request.target[1:]) % 2)
        assert await start(loader, 1, 2, 3, 4) == [Loaded(b"%d" % n) for n in (1, 2, 3, 4)]
        assert sent(inner) == [["/1", "/3"], ["/2", "/4"]]

    run(main())
