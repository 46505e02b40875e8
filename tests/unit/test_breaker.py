"""Breaker: stops asking after failures in a row, and lets one probe through from time to time."""

import asyncio

import pytest

from loaders.breaker import Breaker
from loaders.deadline import Deadline
from loaders.loader import Absent, Failed, Loaded, LoadRequest, Outcome, Reason
from loaders.scripted import ScriptedLoader
from tests.virtual_time import run

FINE = Loaded(b"1")
DOWN = Failed(Reason.CONNECT, "refused")


def now() -> float:
    return asyncio.get_running_loop().time()


async def ask(loader: Breaker, target: str = "/x") -> Outcome:
    return (await loader.load([LoadRequest(target)]))[0]


async def opened(answer: Outcome = DOWN) -> tuple[Breaker, ScriptedLoader]:
    """A breaker that two failures have opened, for 5 s; the MBU would now answer `answer`."""
    inner = ScriptedLoader({"/x": DOWN, "/slow": DOWN})
    breaker = Breaker(inner, failures=2, open_for=5.0, monotonic=now)
    assert [await ask(breaker), await ask(breaker)] == [DOWN, DOWN]
    assert breaker.open
    inner.answers = {"/x": answer, "/slow": answer}
    return breaker, inner


def test_an_open_breaker_asks_nobody_and_says_when_to_come_again() -> None:
    async def main() -> None:
        breaker, inner = await opened(FINE)
        await asyncio.sleep(2)
        outcome = await ask(breaker)
        assert isinstance(outcome, Failed)
        assert outcome.reason is Reason.BREAKER
        assert outcome.retry_after == pytest.approx(3.0)
        assert inner.calls["/x"] == 2

    run(main())


def test_r34_exactly_one_probe_goes_through_and_closes_it_when_the_mbu_answers() -> None:
    async def main() -> None:
        breaker, inner = await opened(FINE)
        await asyncio.sleep(5)
        inner.hold("/x")
        tasks = [asyncio.ensure_future(ask(breaker)) for _ in range(5)]
        refused = await asyncio.gather(*tasks[1:])
        assert {outcome.reason for outcome in refused if isinstance(outcome, Failed)} == {Reason.BREAKER}
        assert len(refused) == 4
        assert inner.calls["/x"] == 3
        inner.release("/x")
        assert await tasks[0] == FINE
        assert not breaker.open
        assert await ask(breaker) == FINE

    run(main())


def test_a_failed_probe_opens_it_for_as_long_again() -> None:
    async def main() -> None:
        breaker, inner = await opened(DOWN)
        await asyncio.sleep(5)
        assert await ask(breaker) == DOWN
        await asyncio.sleep(4.9)
        assert inner.calls["/x"] == 3
        assert (await ask(breaker)) != DOWN
        inner.answers["/x"] = FINE
        await asyncio.sleep(0.1)
        assert await ask(breaker) == FINE

    run(main())


def test_a_probe_whose_caller_leaves_makes_room_for_the_next() -> None:
    async def main() -> None:
        breaker, inner = await opened(FINE)
        await asyncio.sleep(5)
        inner.hold("/slow")
        probe = asyncio.ensure_future(ask(breaker, "/slow"))
        await inner.asked("/slow")
        probe.cancel()
        await asyncio.gather(probe, return_exceptions=True)
        assert await ask(breaker) == FINE
        assert not breaker.open

    run(main())


def test_a_load_that_began_before_it_opened_neither_closes_it_nor_counts() -> None:
    async def main() -> None:
        inner = ScriptedLoader({"/x": DOWN, "/slow": FINE})
        breaker = Breaker(inner, failures=2, open_for=5.0, monotonic=now)
        inner.hold("/slow")
        early = asyncio.ensure_future(ask(breaker, "/slow"))
        await inner.asked("/slow")
        await ask(breaker)
        await ask(breaker)
        inner.release("/slow")
        assert await early == FINE
        assert breaker.open

    run(main())


def test_a_load_cut_by_a_deadline_around_it_counts_and_a_caller_that_left_does_not() -> None:
    async def main() -> None:
        inner = ScriptedLoader({"/x": FINE})
        inner.hold("/x")
        breaker = Breaker(inner, failures=2, monotonic=now)
        loader = Deadline(breaker, 0.5)
        for _ in range(5):
            left = asyncio.ensure_future(loader.load([LoadRequest("/x")]))
            await asyncio.sleep(0.4)
            left.cancel()
            await asyncio.gather(left, return_exceptions=True)
        assert not breaker.open
        await loader.load([LoadRequest("/x"), LoadRequest("/x")])
        assert breaker.open

    run(main())


COUNTS = [DOWN, Failed(Reason.DEADLINE, ""), Failed(Reason.STATUS, "", mbu_status=503), Failed(Reason.STATUS, "")]
ANSWERS = [FINE, Absent(), Failed(Reason.PAYLOAD, ""), Failed(Reason.STATUS, "", mbu_status=429)]
SILENT = [Failed(Reason.SHED, ""), Failed(Reason.BREAKER, ""), Failed(Reason.DEFECT, "")]


@pytest.mark.parametrize("failure", COUNTS)
def test_late_unreachable_and_5xx_count(failure: Failed) -> None:
    async def main() -> None:
        breaker = Breaker(ScriptedLoader({"/x": failure}), failures=2)
        await ask(breaker)
        assert not breaker.open
        await ask(breaker)
        assert breaker.open

    run(main())


@pytest.mark.parametrize(("between", "opens"), [*((one, False) for one in ANSWERS), *((one, True) for one in SILENT)])
def test_any_answer_ends_a_row_of_failures_and_what_was_not_asked_does_not(between: Outcome, opens: bool) -> None:
    async def main() -> None:
        breaker = Breaker(ScriptedLoader({"/x": [DOWN, between, DOWN]}), failures=2)
        for _ in range(3):
            await ask(breaker)
        assert breaker.open is opens

    run(main())
