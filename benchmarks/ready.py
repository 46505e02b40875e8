"""Kept ready: who finds a screen composed already while MBUs change what is in it, and what that costs the MBUs."""

import asyncio
import gc
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import uvloop

from benchmarks import ready_burst
from benchmarks.ask import Answer
from benchmarks.figures import Figure
from benchmarks.processes import LOAD_CORE, pinned
from benchmarks.ready_seen import Seen, needed, percentile, seen, too_soon
from benchmarks.ready_stage import SLOTS, TAKES, Stage, stage
from benchmarks.timed import Asker, play
from benchmarks.zipf import Change, Traffic, Truth, View, events, target

SEED = 20_260_105
USERS = int(os.environ.get("AGGREGATOR_BENCH_USERS", "100000"))
SECONDS = float(os.environ.get("AGGREGATOR_BENCH_SECONDS", "120"))
LEAD = 2.0  # seconds that are not counted
TTL = 60.0
CHANGES = 50.0  # a second
Events = Sequence[View | Change]


class Variant(NamedTuple):
    """lead: seconds that are not counted, of `seconds`. compare: are its calls to be as few as are needed?"""

    name: str
    flags: tuple[str, ...] = ()
    defaults: Mapping[str, str] = {}
    published: bool = True
    warmed: bool = True
    compare: bool = True
    lead: float = LEAD
    seconds: float = LEAD + SECONDS


# The first finds nothing stale, so that it serves nothing that was invalidated before it began.
VARIANTS = (
    Variant('this, "refresh"', defaults={"on_invalidation": "refresh"}),
    Variant('this, "wait"'),
    Variant('this, "wait", refreshing off', ("--refresh-budget", "0")),
    Variant(
        f"TTL cache, {TTL:g} s",
        ("--refresh-budget", "0", "--namespace", "ttl"),
        {"fresh_for": f"{TTL:g}s", "stale_while_revalidate": "0s"},
        published=False,
        warmed=False,
        compare=False,
        lead=TTL,
        seconds=TTL + SECONDS / 4,
    ),
)
_NO_CACHE = Variant("no cache", published=False, compare=False, lead=0.0, seconds=SECONDS / 12)


def measure() -> tuple[list[Figure], list[str]]:
    """The same events for each of them, one after the other; then what a tag of many views does, and a burst of it."""
    folder = tempfile.TemporaryDirectory(prefix="aggregator-bench-")
    with pinned(LOAD_CORE), folder as name, stage(Path(name)) as place:
        return uvloop.run(_measured(place))


async def _measured(place: Stage) -> tuple[list[Figure], list[str]]:
    gc.disable()  # what is noted of the answers is no garbage
    truth, figures = Truth(), []
    for variant in VARIANTS:
        with place.service(*variant.flags, **variant.defaults) as server:
            figures.append(await _played(place, Asker(server.port), variant, truth))
    figures.append(await _played(place, None, _NO_CACHE, truth))
    return figures + await ready_burst.measure(place), [_about(), ready_burst.about()]


def _about() -> str:
    happening = _events(VARIANTS[0])
    soon = too_soon(happening, LEAD, sum(TAKES) / 2 / 1000)
    said = (
        f"{soon * 100:.2f} % of the views come within the mean time that an MBU takes after an invalidation of theirs"
    )
    return f"ready: seed {SEED}, {USERS:,} users; {said}"


def _events(variant: Variant) -> Events:
    return events(SEED, variant.seconds, Traffic(USERS, SLOTS, changes=CHANGES))


async def _played(place: Stage, service: Asker | None, variant: Variant, truth: Truth) -> Figure:
    """service: None where the load asks the MBUs itself."""
    happening = _events(variant)
    if service and variant.warmed:
        # The hottest first: of these reads nothing is known any more that would make what is read often hot.
        await place.warm(service, (f"/home/{user}" for user in range(USERS)))
    else:
        await place.warm(place.mbus, ())
    gc.collect()
    answers: list[Seen] = []
    async with place.publisher() as publisher:

        async def act(event: View | Change, due: float) -> None:
            if isinstance(event, View):
                got = await (service.ask(f"/home/{event.user}") if service else _composed(place.mbus, event.user))
                answers.append(seen(event.user, due, time.monotonic(), got))
                return
            changed = target(event.slot, event.user)
            truth.change(changed, await place.commit(changed))
            if variant.published:
                await publisher.invalidate([f"m{event.slot}:{event.user}"])

        began = await play(happening, act)
    await asyncio.sleep(0.5)  # refreshes under way
    calls = [at for at in await place.calls() if at >= began + variant.lead]
    if service:
        service.close()
    counted = [one for one in answers if one.due >= began + variant.lead]
    return _figure(variant, counted, len(calls), needed(happening, variant.lead), truth)


async def _composed(mbus: Asker, user: str) -> Answer:
    """The load composes itself, as nothing could do it faster that has no cache."""
    parts = await asyncio.gather(*(mbus.ask(target(slot, user)) for slot in range(SLOTS)))
    return parts[0]._replace(body=b"".join(part.body for part in parts))


def _figure(variant: Variant, answers: Sequence[Seen], calls: int, least: int, truth: Truth) -> Figure:
    share = partial(_percent, of=len(answers))
    took = sorted(one.took * 1000 for one in answers)
    behind = sorted(age for one in answers if (age := one.behind(truth)) > 0)
    values = {"% hits": share(sum(one.hit for one in answers))}
    values |= {f"ms {name}": percentile(took, at) for name, at in {"p50": 0.5, "p90": 0.9, "p99": 0.99}.items()}
    values |= {"MBU calls per 1,000 views": calls / len(answers) * 1000}
    values |= {"% of what is needed": _percent(calls, least)} if variant.compare else {}
    values |= {"% out of date": share(len(behind)), "% that say so": share(sum(one.marked for one in answers))}
    values |= {
        "s old p50": percentile(behind, 0.5),
        "s p99": percentile(behind, 0.99),
        "s worst": percentile(behind, 1),
    }
    return Figure("kept ready", variant.name, values)


def _percent(count: int, of: int) -> float:
    return count / of * 100
