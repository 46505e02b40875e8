"""What becomes of an MBU's outcome: an entry with tags, lifetime and position, or the failure as it is."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import orjson
from msgspec.structs import replace

from aggregator.engine.flights import Filled
from aggregator.model.entry import Entry
from aggregator.model.fragment import Fragment
from aggregator.model.origin import Said, read_origin
from aggregator.model.plan import Want
from aggregator.model.position import Position
from aggregator.model.tags import tag_mistake, union
from cache_policies.policy import Lifetime, Policy, Timing
from loaders.loader import Absent, Failed, Loaded, NotModified, Outcome, Reason

MAX_TAGS = 1_000


class Load(msgspec.Struct, frozen=True):
    """The circumstances of one load. at: fleet seconds when it began, cost: seconds it took, draw: in (0, 1]."""

    want: Want
    old: Entry | None
    position: Position
    at: float
    cost: float
    draw: float


@dataclass(frozen=True, slots=True)
class Granting:
    """How long a fragment's answers are good: those with a payload, and those that there is nothing."""

    present: Policy
    absent: Policy

    def fill(self, load: Load, outcome: Outcome) -> Filled:
        """The result of a load."""
        match outcome:
            case Loaded(payload, headers):
                return self._entry(load, payload, headers, self.present)
            case Absent(headers):
                return self._entry(load, b"null", headers, self.absent, absent=True)
            case NotModified(headers):
                return self._renewed(load, headers)
            case Failed():
                return Filled(None, outcome, loaded=True)

    def _entry(
        self, load: Load, payload: bytes, headers: Mapping[str, str], policy: Policy, absent: bool = False
    ) -> Filled:
        said = read_origin(headers)
        learned = None if absent else learned_tags(load.want.fragment, payload)
        tags = union([load.want.tags, said.tags, learned or ()]) if said.tags or learned else load.want.tags
        entry = Entry(
            load.want.key.identity,
            payload,
            tags,
            _timing(load, said, policy),
            load.position,
            absent,
            said.etag,
            said.last_modified,
        )
        kept = said.kept and (absent or learned is not None) and len(tags) <= MAX_TAGS
        return Filled(entry, loaded=True, kept=kept)

    def _renewed(self, load: Load, headers: Mapping[str, str]) -> Filled:
        """A 304 renews lifetime and position; payload and tags stay (RFC 9111, section 4.3.4)."""
        if load.old is None or not validators(load.old):
            return Filled(None, Failed(Reason.STATUS, "answered 304 to a request without validators"), loaded=True)
        said, old = read_origin(headers), load.old
        tags, timing = union([old.tags, said.tags]), _timing(load, said, self.absent if old.absent else self.present)
        if "cache-control" not in headers:  # what it said before still holds (RFC 9111, section 3.2)
            timing = timing._replace(lifetime=Lifetime(*map(min, timing.lifetime, old.timing.lifetime)))
        entry = replace(old, tags=tags, timing=timing, position=load.position)
        return Filled(entry, loaded=True, kept=said.kept and len(tags) <= MAX_TAGS)


def _timing(load: Load, said: Said, policy: Policy) -> Timing:
    return Timing(load.at, policy.grant(said.lifetime, load.draw), load.cost)


def learned_tags(fragment: Fragment, payload: bytes) -> tuple[str, ...] | None:
    """The tags that the payload names; None if one of them is no tag, so that what it depends on is unknown."""
    if fragment.tags_from is None:
        return ()
    named = [value for value in fragment.tags_from.select(orjson.loads(payload)) if value is not None]
    if not all(isinstance(value, str | int) and not isinstance(value, bool) for value in named):
        return None
    tags = tuple(f"{fragment.tags_from_prefix}{value}" for value in named)
    return None if any(map(tag_mistake, tags)) else tags


def validators(old: Entry | None) -> dict[str, str]:
    """The conditional headers that let an MBU answer 304 (RFC 9110, section 13.1)."""
    if old is None:
        return {}
    if old.etag:
        return {"if-none-match": old.etag}
    return {"if-modified-since": old.last_modified} if old.last_modified else {}
