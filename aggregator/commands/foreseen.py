"""What an invalidation would overtake, as lines."""

from collections.abc import Iterator, Mapping
from typing import Any

from aggregator.commands.spoken import about


def foreseen_lines(told: Mapping[str, Any]) -> Iterator[str]:
    """Each tag with what declares it; then what would go now, and what it cost."""
    for tag, reach in told["tags"].items():
        fragments, screens = (", ".join(reach[kind]) or "none" for kind in ("fragments", "screens"))
        yield f"{tag}  may be a tag of fragments: {fragments}; of screens: {screens}"
    yield f"overtaken in L1, all workers taken together: {_views(told['held'])}"
    yield f"of these are read these days, and would be refreshed: {_views(told['hot'])}"
    if told["unanswered"]:
        yield f"without {told['unanswered']} workers that did not answer"


def _views(told: Mapping[str, Any]) -> str:
    views = ", ".join(f"{count} of {screen}" for screen, count in told["views"].items())
    least, most = (about(told["seconds"][end]) for end in ("at_least", "at_most"))
    return f"{views}; {least if least == most else f'{least} to {most}'} of loading, one by one" if views else "no view"
