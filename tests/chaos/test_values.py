"""What an answer shows is noted: whose it is, that its version can be, and that there is one."""

from typing import Any

import orjson
import pytest

from tests.chaos.seen import Seen
from tests.chaos.values import Read, Values
from tests.running import Got

M0_4 = {"of": "/m0/4", "v": 1}


def noted(part: Any, state: str = "fresh") -> Seen:
    """One answer for /m0/4, whose version 1 is committed."""
    seen = Seen()
    values = Values(seen)
    values.committing("/m0/4")
    values.acknowledged("/m0/4")
    headers = {"aggregator-slots": f'"m0";state={state};age=0', "cache-status": "aggregator;hit"}
    values.note(Read(0, "home", 4, 1e9), "m0", Got(200, headers, orjson.dumps({"data": {"m0": part}})))
    return seen


@pytest.mark.parametrize("state", ["fresh", "absent", "fallback", "stale", "overtaken", "unproven"])
def test_nothing_in_a_slot_that_did_not_fail_is_a_defect(state: str) -> None:
    """No MBU there says that there is nothing."""
    assert noted(None, state).defects
    assert not noted(None, "failed").defects


@pytest.mark.parametrize("part", [{"of": "/m0/3", "v": 1}, {"of": "/m1/4", "v": 0}, {"v": 1}, {"of": "/m0/4", "v": 2}])
def test_what_is_of_another_object_or_cannot_be_yet_is_a_defect(part: dict[str, Any]) -> None:
    """A version above that which is being committed, too; and it is not judged by its number."""
    seen = noted(part)
    assert len(seen.defects) == 1
    assert not seen.begun
    assert not noted(M0_4).defects


def test_a_version_may_be_seen_while_it_is_committed() -> None:
    """And before its invalidation is acknowledged."""
    seen = Seen()
    values = Values(seen)
    values.committing("/m0/4")
    headers = {"aggregator-slots": '"m0";state=fresh;age=0', "cache-status": "aggregator;hit"}
    assert values.note(Read(0, "home", 4, 1.0), "m0", Got(200, headers, orjson.dumps({"data": {"m0": M0_4}})))
    assert not seen.defects
