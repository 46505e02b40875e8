"""Meters count events as plain integers, by worker; they are read out when somebody asks for the metrics."""

from collections import defaultdict
from typing import Any

import structlog

from aggregator.events import Audited, Called, Event, Joined, Overtaken, Refreshed, Served, Tally, Trouble, TurnedAway
from aggregator.http.buckets import bucket
from loaders.loader import Reason

# Loads that took no time at the MBU: with them an open breaker would look like a fast MBU.
_NOT_SENT = {Reason.SHED.value, Reason.BREAKER.value}
_log = structlog.get_logger()

Series = dict[tuple[str, ...], float]


class Meters:
    """An observer. Labels are names out of the declaration and bounded words, never a key or a user."""

    def __init__(self) -> None:
        self.counters: dict[str, Series] = defaultdict(lambda: defaultdict(float))
        self._tallies: dict[str, Tally] = {}

    def __call__(self, event: Event) -> None:
        match event:
            case Served(screen, tier, state, wanting):
                self._count("screens_served", screen, tier, state)
                for slot, slot_state in wanting:
                    self._count("slots_wanting", screen, slot, slot_state)
            case Called():
                self._called(event)
            case Joined(where):
                self._count("loads_joined", where)
            case TurnedAway(mbu, fragment, bound):
                self._count("waiters_turned_away", mbu, fragment, bound)
            case Overtaken(views):
                self._count("views_overtaken", by=views)
            case Refreshed(screen, outcome):
                self._count("refreshes", screen, outcome)
            case Audited(screen, after, result):
                self._count("audits", screen, f"{after}s", result)
            case Trouble(what):
                self._count("troubles", what)

    def watch(self, screen: str, tally: Tally) -> None:
        """Count with it what a screen serves from L1, fresh and whole."""
        if (before := self._tallies.get(screen)) is not None:
            self._read(screen, before)
        self._tallies[screen] = tally

    def _called(self, event: Called) -> None:
        mbu, fragment, outcome, seconds, _ = event
        self._count("mbu_loads", mbu, fragment, outcome)
        if outcome not in _NOT_SENT:
            self._count("mbu_load_seconds_bucket", mbu, fragment, bucket(seconds))
            self._count("mbu_load_seconds_sum", mbu, fragment, by=seconds)

    def _count(self, name: str, *labels: str, by: float = 1) -> None:
        self.counters[name][labels] += by

    def _read(self, screen: str, tally: Tally) -> None:
        self._count("screens_served", screen, "l1", "fresh", by=tally.hits)
        tally.hits = 0

    def snapshot(self) -> list[Any]:
        """`[[name, [label, …], value], …]`: what crosses from a worker to its parent."""
        for screen, tally in self._tallies.items():
            self._read(screen, tally)
        return [
            [name, list(labels), value] for name, series in self.counters.items() for labels, value in series.items()
        ]


def log_trouble(event: Event) -> None:
    """An observer that writes down what an operator would look for."""
    match event:
        case Called(mbu, fragment, outcome, seconds, detail) if detail:
            _log.warning(
                "load failed", mbu=mbu, fragment=fragment, reason=outcome, seconds=round(seconds, 3), detail=detail
            )
        case Audited(found=found) if found:
            _log.warning("view inconsistent", **found)
        case Trouble(what, detail):
            _log.warning(what, detail=detail)
