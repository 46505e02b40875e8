"""A worker tells what an invalidation would overtake in it."""

from collections.abc import Awaitable, Callable
from typing import Any

from aggregator.engine.foreseeing import Foreseeing, Views


def foreseer(foreseeing: Foreseeing) -> Callable[[Any], Awaitable[dict[str, Any]]]:
    """Answers {"tags": texts}; see `Foreseen`."""

    async def foresee(asked: Any) -> dict[str, Any]:
        foreseen = await foreseeing.foresee(asked["tags"])
        reach = {tag: one._asdict() for tag, one in foreseen.reach.items()}
        return {"tags": reach, "held": _told(foreseen.held), "hot": _told(foreseen.hot)}

    return foresee


def _told(views: Views) -> dict[str, Any]:
    return {"views": dict(views.count), "seconds": views.seconds}
