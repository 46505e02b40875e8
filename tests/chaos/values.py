"""Values are what answers show of objects with versions, noted beside what was acknowledged before they were asked."""

import re
import time
from collections import Counter, defaultdict
from typing import Any, NamedTuple

from tests.chaos.seen import BOUND, Late, Seen
from tests.running import Got

_SLOT = re.compile(r'"(\w+)";state=(\w+)')
_MARKS = {"stale", "overtaken", "unproven"}


class Read(NamedTuple):
    """A request for a screen. begun: monotonic seconds."""

    worker: int
    screen: str
    id: int
    begun: float

    def __str__(self) -> str:
        return f"{self.screen}/{self.id} of worker {self.worker}"


class Values:
    """Of all objects, by path."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._committed: Counter[str] = Counter()
        # When each version's invalidation was acknowledged, version 0 first.
        self._acked: dict[str, list[float]] = defaultdict(lambda: [float("-inf")])
        self._newest: dict[tuple[int, str, str], tuple[float, int]] = {}

    def committing(self, path: str) -> None:
        """Its next version may be seen from now on."""
        self._committed[path] += 1

    def acknowledged(self, path: str) -> None:
        """The invalidation of its next version was, now."""
        self._acked[path].append(time.monotonic())

    def note(self, read: Read, slot: str, got: Got) -> bool:
        """One slot of an answer; True if it is fresh and unmarked."""
        part = got.json["data"][slot]
        state = dict(_SLOT.findall(got.headers["aggregator-slots"]))[slot]
        if state == "failed":
            return False
        if not self._can_be(part, f"/{slot}/{read.id}"):
            self._seen.defects.append(f"{read}: {slot} is {part}, {state}, of {self._committed[f'/{slot}/{read.id}']}")
            return False
        marked = state in _MARKS or "unproven" in got.headers["cache-status"]
        path, version = f"/{slot}/{read.id}", part["v"]
        missed = self._missed(path, version)
        words = (
            f"{read.screen}{path} of worker {read.worker} at {read.begun:.3f}: version {version} of "
            f"{len(self._acked[path]) - 1}, the next one acknowledged {read.begun - missed:.3f} s before; "
            f"{got.headers['cache-status']}"
        )
        self._seen.begun[read.worker].append(read.begun)
        if read.begun > missed:
            self._seen.late.append(Late(read.worker, read.begun, missed, time.monotonic(), marked, words))
        if not marked:
            self._follow(read, path, version, words)
        return read.begun - missed <= BOUND and not marked

    def _can_be(self, part: Any, path: str) -> bool:
        """No MBU there says that there is nothing, or tells of another object, or of what is to come."""
        return part is not None and part.get("of") == path and part["v"] <= self._committed[path]

    def _missed(self, path: str, version: int) -> float:
        """When the first invalidation that a version misses was acknowledged."""
        acked = self._acked[path]
        return acked[version + 1] if version + 1 < len(acked) else float("inf")

    def _follow(self, read: Read, path: str, version: int, words: str) -> None:
        """It may not be older than what the same worker gave before on the same screen."""
        acked, key = self._acked[path], (read.worker, read.screen, path)
        ended, before = self._newest.get(key, (0.0, 0))
        # One whose invalidation has yet to come here may be followed by what the log takes for current.
        told = before < len(acked) and acked[before] + BOUND <= read.begun
        if version < before and read.begun > ended and told:
            self._seen.went_back.append(f"{words}; it gave {before} at {ended:.3f}")
        if version > before:
            self._newest[key] = (time.monotonic(), version)
