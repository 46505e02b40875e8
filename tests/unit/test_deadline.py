"""Deadline: what is late is Failed(DEADLINE), and holds nobody else."""

import asyncio
from collections.abc import Sequence

import pytest

from loaders.breaker import Breaker
from loaders.bulkhead import Bulkhead
from loaders.deadline import Deadline
from loaders.loader import Failed, Loaded, LoadRequest, Outcome, Reason
from loaders.scripted import ScriptedLoader
from tests.virtual_time import run

FINE = Loaded(b"1")


def now() -> float:
    return asyncio.get_running_loop().time()


def reasons(outcomes: Sequence[Outcome]) -> list[Reason | None]:
    return [outcome.reason if isinstance(outcome, Failed) else None for outcome in outcomes]


def held(*targets: str) -> ScriptedLoader:
    loader = ScriptedLoader(dict.fromkeys(("/a", "/b", "/c", "/d"), FINE))
    for target in targets:
        loader.hold(target)
    return loader


def test_r33_a_late_load_fails_at_the_deadline_to_the_instant_and_is_cancelled() -> None:
    async def main() -> None:
        inner, begin = held("/a"), now()
        outcomes = await Deadline(inner, 0.5).load([LoadRequest("/a")])
        assert reasons(outcomes) == [Reason.DEADLINE]
        assert now() - begin == pytest.approx(0.5)
        assert inner.in_flight == 0

    run(main())


def test_the_request_s_own_end_counts_where_it_is_earlier() -> None:
    async def main() -> None:
        begin = now()
        requests = [LoadRequest("/a", expires_at=begin + 0.2), LoadRequest("/a", expires_at=begin + 9)]
        assert reasons(await Deadline(held("/a"), 0.5).load(requests[:1])) == [Reason.DEADLINE]
        assert now() - begin == pytest.approx(0.2)
        assert reasons(await Deadline(held("/a"), 0.5).load(requests[1:])) == [Reason.DEADLINE]
        assert now() - begin == pytest.approx(0.7)

    run(main())


def test_a_slow_load_does_not_take_the_others_of_its_batch_with_it() -> None:
    async def main() -> None:
        outcomes = await Deadline(held("/b"), 0.5).load([LoadRequest("/a"), LoadRequest("/b"), LoadRequest("/c")])
        assert reasons(outcomes) == [None, Reason.DEADLINE, None]

    run(main())


def test_a_request_whose_time_is_over_asks_nobody() -> None:
    async def main() -> None:
        inner = held()
        assert reasons(await Deadline(inner, 0.5).load([LoadRequest("/a", expires_at=now())])) == [Reason.DEADLINE]
        assert not inner.batches

    run(main())


def test_inner_loaders_are_told_an_end_a_little_before_the_cut() -> None:
    async def main() -> None:
        inner = held()
        await Deadline(inner, 0.5).load([LoadRequest("/a")])
        await Deadline(inner, 0.001).load([LoadRequest("/a")])
        ends = [batch[0].expires_at - now() for batch in inner.batches]
        assert ends == pytest.approx([0.495, 0.0009])

    run(main())


def test_a_timeout_of_the_inner_loader_s_own_is_its_defect(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        def late(request: LoadRequest) -> Outcome:
            raise TimeoutError

        assert reasons(await Deadline(ScriptedLoader({"/a": late}), 0.5).load([LoadRequest("/a")])) == [Reason.DEFECT]

    run(main())
    assert "TimeoutError" in caplog.text


def test_who_ended_in_the_queue_is_shed_and_who_ended_in_the_call_was_late() -> None:
    """The whole onion, one place: /a holds it to its deadline, /b gets it then, /c's own time ends in the queue."""

    async def main() -> None:
        inner, begin = held("/a", "/b"), now()
        bulkhead = Bulkhead(Breaker(inner, monotonic=now), max_in_flight=1)
        loader = Deadline(bulkhead, 0.5)
        loads = [loader.load([LoadRequest("/a")])]
        loads += [loader.load([LoadRequest("/b", expires_at=begin + end)]) for end in (0.9, 0.3)]
        tasks = [asyncio.ensure_future(load) for load in loads]
        ended = [reasons(await task) for task in tasks]
        assert ended == [[Reason.DEADLINE], [Reason.SHED], [Reason.SHED]]
        assert (bulkhead.in_flight, bulkhead.queued, inner.in_flight) == (0, 0, 0)
        assert inner.calls == {"/a": 1}

    run(main())
