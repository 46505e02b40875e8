"""Whatever the numbers and however composed, a policy never lengthens."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from cache_policies.early import Early
from cache_policies.fixed import Fixed
from cache_policies.jitter import Jittered
from cache_policies.margin import Margin
from cache_policies.origin import OriginCapped
from cache_policies.policy import Lifetime, Origin, Policy, Timing, plain_moments

seconds = st.floats(0, 1e7)
said = st.none() | st.floats(-10, 1e8)
draws = st.floats(0, 1, exclude_min=True)
lifetimes = st.builds(Lifetime, seconds, seconds, seconds, seconds)
origins = st.builds(Origin, said, said, said)
timings = st.builds(Timing, st.floats(1e9, 2e9), lifetimes, seconds)


def compositions(lifetime: Lifetime, share: float, beta: float) -> list[Policy]:
    """The three wrappers around a fixed lifetime, in each of their six orders."""
    wrappers = (
        OriginCapped,
        lambda inner: Jittered(inner, share),
        lambda inner: Early(inner, beta),
        lambda inner: Margin(inner, beta),
    )
    composed = []
    for order in permutations(wrappers):
        policy: Policy = Fixed(lifetime)
        for wrap in order:
            policy = wrap(policy)
        composed.append(policy)
    return composed


@given(lifetimes, origins, draws, st.floats(0, 1), st.floats(0, 100))
def test_a_grant_is_within_the_declared_and_the_said(
    lifetime: Lifetime, origin: Origin, draw: float, share: float, beta: float
):
    """In every order of composition each duration is between 0 and the lesser of declared and said."""
    for policy in compositions(lifetime, share, beta):
        granted = policy.grant(origin, draw)
        on_error = origin.stale_if_error
        words = (origin.fresh_for, origin.stale_while_revalidate, on_error, on_error)
        for given_, declared, word in zip(granted, lifetime, words, strict=True):
            assert 0 <= given_ <= declared
            assert word is None or given_ <= max(word, 0)


@given(timings, draws, st.floats(0, 1), st.floats(0, 100))
def test_early_stays_between_the_load_and_the_true_end(timing: Timing, draw: float, share: float, beta: float):
    """In every order FRESH ends between the load and its true end; the other two ends stay where they were."""
    plain = plain_moments(timing)
    for policy in compositions(timing.lifetime, share, beta):
        moments = policy.moments(timing, draw)
        assert timing.at <= moments.fresh_until <= plain.fresh_until
        assert moments[1:] == plain[1:]


@given(timings, draws, draws)
def test_the_smaller_draw_is_due_sooner(timing: Timing, one: float, other: float):
    """Early refresh is monotonic in the draw."""
    policy = Early(Fixed(timing.lifetime))
    first, second = (policy.moments(timing, draw).fresh_until for draw in sorted((one, other)))
    assert first <= second
