"""The slot map of a Cluster, and the redirects that correct it."""

import pytest
from hiredis import ReplyError

from aggregator.servers.slots import Redirect, SlotMap, redirect_of

ASKED = ("10.0.0.1", 7000)
OTHER = ("10.0.0.2", 7001)


@pytest.mark.parametrize(
    ("said", "redirect"),
    [
        ("MOVED 3999 10.0.0.2:7001", Redirect(True, 3999, OTHER)),
        ("ASK 3999 10.0.0.2:7001", Redirect(False, 3999, OTHER)),
        ("MOVED 3999 ::1:7001", Redirect(True, 3999, ("::1", 7001))),
        ("MOVED 3999 :7001", Redirect(True, 3999, ("10.0.0.1", 7001))),
        ("MOVED 3999 ?:7001", Redirect(True, 3999, ("10.0.0.1", 7001))),
        ("TRYAGAIN Multiple keys request during rehashing of slot", None),
        ("MOVED", None),
    ],
)
def test_r44_a_redirect_tells_the_node(said: str, redirect: Redirect | None) -> None:
    """Also where that does not know under which name it is reached: as the one that was asked."""
    assert redirect_of(ReplyError(said), ASKED) == redirect


def test_r44_a_value_that_looks_like_a_redirect_is_none() -> None:
    """Only an error is one."""
    assert redirect_of(b"MOVED 3999 10.0.0.2:7001", ASKED) is None


def test_r44_keys_lie_where_their_hash_tag_says() -> None:
    """The slots of "foo" and "{user1000}.x" are those of the Cluster specification and of CLUSTER KEYSLOT."""
    slots = SlotMap(ASKED)
    slots.moved(12182, OTHER)
    slots.moved(3443, OTHER)
    assert [slots.owner(name) for name in ("foo", "{user1000}.x", "bar")] == [OTHER, OTHER, ASKED]


def test_r44_a_map_is_taken_over_and_what_nobody_has_stays() -> None:
    """Ranges are whole; hosts may be unknown; what follows a master are its replicas."""
    slots = SlotMap(OTHER)
    slots.take(
        [[0, 5000, [b"10.0.0.3", 1, b"id", []], [b"10.0.0.9", 9, b"id"]], [12182, 12182, [None, 7002, b"id"]]], ASKED
    )
    assert slots.owners() == {("10.0.0.3", 1), OTHER, ("10.0.0.1", 7002)}
    assert slots.owner("foo") == ("10.0.0.1", 7002)
