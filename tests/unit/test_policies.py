"""Policies: each says what it changes, and leaves the rest to the one inside."""

import math

import pytest

from cache_policies.early import Early
from cache_policies.fixed import Fixed
from cache_policies.jitter import Jittered
from cache_policies.margin import Margin
from cache_policies.origin import OriginCapped
from cache_policies.policy import SILENT, Lifetime, Origin, Timing, Verdict

HOUR = Lifetime(60.0, 30.0, 600.0)
TIMING = Timing(1_000.0, HOUR, cost=2.0)


def test_fixed_grants_what_was_declared():
    """Whatever the MBU says, the fixed policy grants its lifetime."""
    assert Fixed(HOUR).grant(Origin(1.0, 1.0, 1.0), 0.5) == HOUR


@pytest.mark.parametrize(
    ("now", "verdict"),
    [
        (1_059.9, Verdict.FRESH),
        (1_060.0, Verdict.REVALIDATE),
        (1_089.9, Verdict.REVALIDATE),
        (1_090.0, Verdict.FALLBACK),
        (1_659.9, Verdict.FALLBACK),
        (1_660.0, Verdict.EXPIRED),
    ],
)
def test_fixed_ends_each_verdict_where_the_lifetime_says(now: float, verdict: Verdict):
    """The two stale periods both count from the end of fresh_for."""
    assert Fixed(HOUR).moments(TIMING, 0.5).judge(now) is verdict


def test_jitter_shortens_fresh_for_alone():
    """Half a share at full draw takes half of fresh_for and nothing of the stale periods."""
    assert Jittered(Fixed(HOUR), 0.5).grant(SILENT, 1.0) == Lifetime(30.0, 30.0, 600.0)


def test_r18_jitter_spreads_by_draw():
    """Two draws give two lifetimes."""
    policy = Jittered(Fixed(HOUR), 0.1)
    assert policy.grant(SILENT, 0.2).fresh_for > policy.grant(SILENT, 0.8).fresh_for


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan])
def test_jitter_refuses_a_share_outside_its_range(share: float):
    """A share is between 0 and 1."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        Jittered(Fixed(HOUR), share)


def test_early_moves_the_end_of_fresh_by_the_xfetch_formula():
    """It is due cost * beta * -ln(draw) before its end."""
    moments = Early(Fixed(HOUR), beta=1.5).moments(TIMING, 0.1)
    assert moments.fresh_until == pytest.approx(1_060.0 - 2.0 * 1.5 * -math.log(0.1))


def test_early_revalidates_where_nothing_stale_was_granted():
    """Between the early instant and the true end the verdict is REVALIDATE, then EXPIRED, never FALLBACK before."""
    timing = Timing(1_000.0, Lifetime(60.0), cost=2.0)
    moments = Early(Fixed(timing.lifetime)).moments(timing, math.exp(-5.0))
    assert [moments.judge(now) for now in (1_049.9, 1_050.1, 1_059.9, 1_060.0)] == [
        Verdict.FRESH,
        Verdict.REVALIDATE,
        Verdict.REVALIDATE,
        Verdict.EXPIRED,
    ]


def test_early_is_never_before_the_load():
    """A load that takes longer than its answer lives is due at once, not earlier."""
    timing = Timing(1_000.0, HOUR, cost=1e9)
    assert Early(Fixed(HOUR)).moments(timing, 0.01).fresh_until == timing.at


@pytest.mark.parametrize("beta", [-1.0, math.inf, math.nan])
def test_early_refuses_a_beta_that_is_no_weight(beta: float):
    """Beta is a finite number from 0 up."""
    with pytest.raises(ValueError, match="beta"):
        Early(Fixed(HOUR), beta)


def test_the_origin_shortens_each_duration():
    """The lesser of granted and said counts, each by itself; where nothing was said, the granted."""
    policy = OriginCapped(Fixed(HOUR))
    assert policy.grant(Origin(fresh_for=5.0, stale_if_error=9_999.0), 0.5) == Lifetime(5.0, 30.0, 600.0)
    assert policy.grant(Origin(stale_while_revalidate=0.0), 0.5) == Lifetime(60.0, 0.0, 600.0)


def test_a_negative_word_of_the_origin_means_not_at_all():
    """An MBU cannot make a lifetime negative."""
    assert OriginCapped(Fixed(HOUR)).grant(Origin(fresh_for=-3.0), 0.5).fresh_for == 0.0


def test_jitter_outside_the_cap_spreads_what_the_origin_capped():
    """Composition order decides: the outer one has the last word."""
    said = Origin(fresh_for=10.0)
    assert Jittered(OriginCapped(Fixed(HOUR)), 0.5).grant(said, 1.0).fresh_for == 5.0
    assert OriginCapped(Jittered(Fixed(HOUR), 0.5)).grant(said, 1.0).fresh_for == 10.0


def test_a_margin_ends_freshness_so_long_before_its_end_and_nothing_else():
    """Whatever is drawn, and whatever loading cost."""
    moments = Margin(Fixed(HOUR), 5.0).moments(TIMING, 0.3)
    assert moments == Fixed(HOUR).moments(TIMING, 0.3)._replace(fresh_until=1_055.0)


def test_a_margin_leaves_half_of_what_was_granted():
    """What is due as soon as it is there would be loaded without end."""
    assert Margin(Fixed(HOUR), 500.0).moments(TIMING, 0.3).fresh_until == 1_030.0


def test_a_margin_leaves_what_nothing_is_to_load_before_its_end():
    """Its cost says so; XFetch leaves that by itself."""
    free = TIMING._replace(cost=0.0)
    assert Margin(Early(Fixed(HOUR)), 5.0).moments(free, 0.001) == Fixed(HOUR).moments(free, 0.001)


def test_a_margin_takes_the_earlier_end():
    """XFetch may be due sooner where loading is slow."""
    slow = TIMING._replace(cost=20.0)
    assert Margin(Early(Fixed(HOUR)), 5.0).moments(slow, math.exp(-1.0)).fresh_until == pytest.approx(1_040.0)


@pytest.mark.parametrize("seconds", [-0.1, math.nan, math.inf])
def test_a_margin_refuses_what_is_none(seconds: float):
    """It is said at once, not when something expires."""
    with pytest.raises(ValueError, match="margin"):
        Margin(Fixed(HOUR), seconds)
