"""A run that warms views: an engine of its own on the fleet's Redis, until all is done or somebody stops it."""

import asyncio
import secrets
import signal
from dataclasses import dataclass

from aggregator.app import Service, connect
from aggregator.commands.listed import Listed
from aggregator.commands.progress import progress
from aggregator.engine.warming import Tally, Warming
from aggregator.invalidation.log import LogUnavailable
from aggregator.model.catalogue import Catalogue
from aggregator.settings import Settings
from aggregator.tiers.tier import TierUnavailable
from aggregator.units import LONGEST, show_duration

# Seconds that L2 has for an answer at least, as no reader waits for it.
_PATIENCE = 1.0
_STOPPED = 130  # what a shell says of a command that SIGINT ended
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Outcome:
    """ended: why it did not come to its end, if it did not; then status is not 0."""

    tally: Tally
    seconds: float
    ended: str = ""
    status: int = 0


async def warmed(
    catalogue: Catalogue, settings: Settings, redis_url: str, listed: Listed, rate: float, at_once: int
) -> Outcome:
    """What came of it. LogUnavailable where the log cannot be read: then nothing would be proved, and nothing kept."""
    service = connect(catalogue, _patient(settings), redis_url, settings.log_url or redis_url, secrets.token_bytes(32))
    shown = progress(len(listed), "views")
    warming = Warming(service.screens, rate, at_once, shown.update)
    loop = asyncio.get_running_loop()
    began, ended, status = loop.time(), "", 0
    following = loop.create_task(service.follower.run())
    working = loop.create_task(_work(service, settings.startup_limit, warming, listed))
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
        shown.close()
        if following.done():
            following.result()
        following.cancel()
        await service.close()
    return Outcome(warming.tally, loop.time() - began, ended, status)


async def _work(service: Service, startup_limit: float, warming: Warming, listed: Listed) -> None:
    try:
        async with asyncio.timeout(startup_limit):
            await service.follower.caught_up.wait()
    except TimeoutError:
        within = show_duration(startup_limit)
        raise LogUnavailable(
            f"the invalidation log could not be read within {within}: look at Redis; what is not proved is not kept"
        ) from None
    await warming.run(listed)


def _patient(settings: Settings) -> Settings:
    """Nobody waits for these answers, and how long the log is kept is for the service to say."""
    return settings.model_copy(update={"l2_budget": max(settings.l2_budget, _PATIENCE), "log_retention": LONGEST})
