"""The graph of a screen: which slots need which, in what waves they run, and where they run in a circle."""

from collections.abc import Mapping, Set
from graphlib import CycleError, TopologicalSorter

Needs = Mapping[str, Set[str]]


def cycle_in(needs: Needs) -> list[str] | None:
    """The slots of one circle, the first of them again at the end, each needing the next; None if there is none."""
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        return circle[::-1]  # graphlib tells who is needed first
    return None


def waves(needs: Needs) -> list[list[str]]:
    """The slots by the number of steps before they can run, each wave in declared order; every one is reached."""
    depths: dict[str, int] = {}
    for name in TopologicalSorter(needs).static_order():
        depths[name] = max((depths[need] + 1 for need in needs[name]), default=0)
    return [[name for name in needs if depths[name] == depth] for depth in range(max(depths.values(), default=-1) + 1)]


def longest_chain(needs: Needs) -> list[str]:
    """The longest chain of slots, each needed by the next."""
    chain: list[str] = []
    for wave in reversed(waves(needs)):
        chain.append(next(name for name in wave if not chain or name in needs[chain[-1]]))
    return chain[::-1]


def unreachable(needs: Needs) -> list[str]:
    """The slots that can never run: in a circle, or behind one, or behind a slot that is not there."""
    reached: set[str] = set()
    while more := {name for name in needs if name not in reached and needs[name] <= reached}:
        reached |= more
    return [name for name in needs if name not in reached]
