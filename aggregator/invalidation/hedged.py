"""Hedging: what has had no answer for a while is asked again beside itself, and the first answer counts."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

AT_ONCE = 3


async def hedged(ask: Callable[[], Awaitable[T]], after: float) -> T:
    """What the first of them says that does not fail; the others are given up. One that fails is asked again, unless no
    other is under way, or it is the last of `AT_ONCE`: its error then.

    after: seconds in which an answer ought to be there; then it is asked again, until `AT_ONCE` are under way.
    What was said into a connection whose other end is gone would hold up its caller until the call's own time limit,
    though others could be made long since; and a limit so short would fail calls that are merely slow.
    """
    asked: list[asyncio.Future[T]] = []  # those under way, the oldest first
    failed = 0
    try:
        while True:
            asked.append(asyncio.ensure_future(ask()))
            limit = after if len(asked) < AT_ONCE else None
            done, _ = await asyncio.wait(asked, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            for one in sorted(done, key=asked.index):
                asked.remove(one)
                failed += one.exception() is not None
                if one.exception() is None or not asked or failed == AT_ONCE:
                    return one.result()
    finally:
        for one in asked:
            one.cancel()
        asyncio.gather(*asked, return_exceptions=True)  # nobody else looks at what became of them
