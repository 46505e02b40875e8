"""A run that warms views: an engine of its own on the fleet's Redis, until all is done or somebody stops it."""

import asyncio
import secrets
import signal
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from aggregator.app import Service, connect
from aggregator.commands.progress import progress
from aggregator.engine.warming import Tally, Wanted, Warming
from aggregator.invalidation.log import LogUnavailable
from aggregator.model.catalogue import Catalogue
from aggregator.settings import Settings
from aggregator.sources import Connecting
from aggregator.tiers.tier import TierUnavailable
from aggregator.units import LONGEST, show_duration

# Seconds that L2 has for an answer at least, as no reader waits for it.
_PATIENCE = 1.0
_STOPPED = 130  # what a shell says of a command that SIGINT ended
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Views(Protocol):
    """What is to be warmed; iterated over once."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Wanted]: ...


Source = Callable[[Service], Awaitable[Views]]


@dataclass(frozen=True)
class Outcome:
    """ended: why it did not come to its end, if it did not; then status is not 0."""

    tally: Tally
    seconds: float
    ended: str = ""
    status: int = 0


def engine(catalogue: Catalogue, settings: Settings, redis_url: str) -> Service:
    """The service that composes. Nobody waits for its answers, and how long the log is kept is for others to say."""
    patient = {"l2_budget": max(settings.l2_budget, _PATIENCE), "log_retention": LONGEST}
    log_url = settings.log_url or redis_url
    settings, key = settings.model_copy(update=patient), secrets.token_bytes(32)
    return connect(catalogue, settings, redis_url, log_url, key, Connecting())


async def warmed(service: Service, source: Source, startup_limit: float, rate: float, at_once: int) -> Outcome:
    """What came of it. LogUnavailable where the log cannot be read: then nothing would be proved, and nothing kept."""
    loop, warming = asyncio.get_running_loop(), Warming(service.screens, rate, at_once)
    began, ended, status = loop.time(), "", 0
    following = loop.create_task(service.follower.run())
    working = loop.create_task(_work(service, source, startup_limit, warming))
    following.add_done_callback(lambda _: working.cancel())
    for number in _SIGNALS:
        loop.add_signal_handler(number, working.cancel)
    try:
        await working
    except asyncio.CancelledError:
        ended, status = "stopped", _STOPPED
    except TierUnavailable as error:
        ended, status = f"L2 is away ({error})", 1
    finally:
        if following.done():
            following.result()
        following.cancel()
        await service.close()
    return Outcome(warming.tally, loop.time() - began, ended, status)


async def _work(service: Service, source: Source, startup_limit: float, warming: Warming) -> None:
    try:
        async with asyncio.timeout(startup_limit):
            await service.follower.caught_up.wait()
            views = await source(service)
    except TimeoutError:
        within = show_duration(startup_limit)
        raise LogUnavailable(
            f"the invalidation log could not be read within {within}: look at Redis; what is not proved is not kept"
        ) from None
    shown = progress(len(views), "views")
    try:
        await warming.run(views, shown.update)
    finally:
        shown.close()
