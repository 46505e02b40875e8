"""Durations and sums of them, as a plan says them."""

from collections.abc import Callable, Sequence

from aggregator.units import show_duration


def exact(seconds: float) -> str:
    """A declared duration, or a sum of some: "800ms", "1.3s", "10m"."""
    rounded = round(seconds, 6)
    return f"{rounded:.9g}s" if rounded > 1 and rounded % 1 else show_duration(rounded)


def about(seconds: float) -> str:
    """A measured duration, to three digits: "0.12ms", "12.3ms", "1.23s"."""
    return f"{seconds * 1000:.3g}ms" if seconds < 0.9995 else f"{seconds:.3g}s"


def added(terms: Sequence[tuple[str, float]], say: Callable[[float], str]) -> str:
    """Named durations (seconds) and what they come to: "feed 800ms + owner 500ms = 1.3s"."""
    total = f" = {say(sum(seconds for _, seconds in terms))}" if len(terms) > 1 else ""
    return " + ".join(f"{name} {say(seconds)}" for name, seconds in terms) + total
