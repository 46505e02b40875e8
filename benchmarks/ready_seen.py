"""What readers saw: how long each answer took, whether it was there already, and how old it was by the MBUs' truth."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import inf
from typing import NamedTuple

from benchmarks.ask import Answer
from benchmarks.zipf import Change, Truth, View, target

_VERSION = re.compile(rb'"version":(\d+)')


class Seen(NamedTuple):
    """One answer. due: its instant, by the monotonic clock. took: seconds since then. hit: nobody was waited for, as
    Cache-Status says. marked: it says there that something in it was invalidated. versions: of each slot."""

    user: str
    due: float
    took: float
    hit: bool
    marked: bool
    versions: tuple[int, ...]

    def behind(self, truth: Truth) -> float:
        """For how many seconds a part of it had been out of date when it was asked for; 0 if none had."""
        parts = enumerate(self.versions)
        return max(truth.behind(target(slot, self.user), version, self.due) for slot, version in parts)


def seen(user: str, due: float, at: float, answer: Answer) -> Seen:
    """at: the instant at which it was there."""
    status = answer.header(b"cache-status")
    hit, marked = status.startswith(b"aggregator;hit"), b"overtaken" in status
    return Seen(user, due, at - due, hit, marked, versions(answer.body))


def versions(body: bytes) -> tuple[int, ...]:
    """Those of its parts, in their order."""
    return tuple(map(int, _VERSION.findall(body)))


def needed(events: Iterable[View | Change], counted_from: float) -> int:
    """How many fragments were invalidated and read again before they were invalidated once more: as many loads as
    there have to be for nobody to see what is out of date."""
    waiting: dict[str, set[int]] = defaultdict(set)
    count = 0
    for event in events:
        if isinstance(event, Change):
            waiting[event.user].add(event.slot)
        else:
            count += len(waiting.pop(event.user, ())) * (event.at >= counted_from)
    return count


def too_soon(events: Iterable[View | Change], counted_from: float, seconds: float) -> float:
    """The share of views within so many seconds after an invalidation of theirs: whoever wants what is new has to wait,
    however quickly it is loaded."""
    changed: dict[str, float] = {}
    views = soon = 0
    for event in events:
        if isinstance(event, Change):
            changed[event.user] = event.at
        elif event.at >= counted_from:
            views += 1
            soon += event.at - changed.get(event.user, -inf) < seconds
    return soon / views


def percentile(values: Sequence[float], share: float) -> float:
    """What this share of the sorted values is at most; 0 where there are none."""
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0.0
