"""The tests notice: each of these bugs, planted in the right code, makes the test that is named beside it fail."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from aggregator.engine.compose import Composer
from aggregator.engine.fill import Filler
from aggregator.engine.flights import Flights
from aggregator.engine.grant import Granting
from aggregator.http.ops import publish
from aggregator.invalidation.follower import Follower
from aggregator.invalidation.watch import reading
from aggregator.model.keys import canonical
from aggregator.tiers.local import LocalTier
from tests.contracts import test_shared_tier_leases as leases
from tests.contracts.tier_worlds import LocalWorld
from tests.flow import test_failures as failures
from tests.flow import test_follower as follower
from tests.flow import test_invalidation as invalidation
from tests.flow import test_log_away as log_away
from tests.flow import test_staleness as staleness
from tests.flow import test_tiers as tiers
from tests.planted.plant import planted
from tests.unit import test_acknowledging as acknowledging
from tests.unit import test_screen_keys as keys


class Bug(NamedTuple):
    """What is replaced by what, and the test that fails then."""

    function: Callable[..., Any]
    right: str
    wrong: str
    test: Callable[[], object]


LATE_STAMP = "Load(want, old, position, at, cost"
BUGS = {
    "stamp after the load": Bug(
        Filler._load,
        LATE_STAMP,
        "Load(want, old, self._known.ledger.head, at, cost",
        lambda: invalidation.test_r01_an_old_answer_in_flight_is_not_taken_by_who_asks_later("user:42", 2),
    ),
    # Fragments have stamps of their own; the view's must not be later than a check of all of them.
    "stamp between fragments": Bug(
        Composer.compose,
        "current(parts, self._known.ledger)",
        "True",
        staleness.test_what_was_overtaken_meanwhile_is_not_for_the_client_to_keep,
    ),
    "a view stamped with its oldest part": Bug(
        Composer._made,
        "Stamp(tags, self._known.ledger.head, now)",
        "Stamp(tags, min(entry.position for part in parts for entry in part.entries), now)",
        lambda: invalidation.test_only_what_was_overtaken_is_loaded("user:42"),
    ),
    "head taken from another epoch": Bug(
        Follower._read,
        "turn != self._turn or",
        "False or",
        follower.test_a_read_begun_in_the_old_epoch_is_not_applied_in_the_new_one,
    ),
    "no fence on reconnect": Bug(
        Follower._start_over,
        "self._ledger.begin_epoch(epoch)\n    self._ledger.lose(beginning)",
        "self._ledger.head = beginning",
        follower.test_r09_losing_everything_is_a_new_epoch_within_two_seconds,
    ),
    "gap ignored": Bug(reading, "else Reading.GAP", "else Reading.WHOLE", log_away.test_a_lost_record_is_a_gap),
    "gap skipped without a loss": Bug(
        Follower._skip, "self._ledger.lose(last)", "pass", follower.test_a_record_gone_before_it_was_read_is_a_gap
    ),
    "a waiter takes an older flight's result": Bug(
        Flights.good,
        "filled.entry is None or flight.position >= since",
        "True",
        lambda: invalidation.test_r01_an_old_answer_in_flight_is_not_taken_by_who_asks_later("learned:7", 1),
    ),
    "incomplete view stored": Bug(
        Composer._keep,
        "if view.storable",
        "if True",
        failures.test_r20_an_optional_failure_is_null_with_an_error_and_kept_by_nobody_as_whole,
    ),
    "acknowledge before append": Bug(
        publish,
        "position = await log.append(wanted.tags, id=wanted.id, by=permitted.name)",
        "import asyncio; asyncio.ensure_future(log.append(wanted.tags)); position = 0",
        acknowledging.test_r06_r07_what_could_not_be_appended_is_not_acknowledged,
    ),
    "errors shared for ever": Bug(
        LocalTier._release,
        "told, self._failure_term",
        "told, 1e9",
        lambda: leases.test_a_failure_is_shared_and_forgotten(LocalWorld()),
    ),
    "tag union dropped": Bug(
        Granting._entry,
        "union([load.want.tags, said.tags, learned or ()])",
        "load.want.tags",
        invalidation.test_a_tag_learned_from_the_payload_overtakes,
    ),
    "no fencing of an old lease holder": Bug(
        LocalTier._store,
        "(mark if isinstance(mark, Lease) else None) != lease",
        "False",
        lambda: leases.test_r14_a_late_holder_is_refused_wherever_the_other_began(LocalWorld(), 5),
    ),
    "a key without separators escaped": Bug(
        canonical,
        'b"%d:%b" % (len(part), part)',
        "part",
        keys.test_the_canonical_form_is_of_parts_not_of_their_text,
    ),
    "L1 given the full lifetime on promotion": Bug(
        Composer.until,
        "view.timing, self",
        "view.timing._replace(at=self._known.clock.now()), self",
        tiers.test_r49_what_is_promoted_expires_when_it_would_have_anyway,
    ),
}


@pytest.mark.parametrize("bug", BUGS.values(), ids=list(BUGS))
def test_a_planted_bug_is_noticed(bug: Bug) -> None:
    """By a test that passes without it."""
    bug.test()
    with planted(bug.function, bug.right, bug.wrong), pytest.raises((AssertionError, ExceptionGroup)):
        bug.test()
