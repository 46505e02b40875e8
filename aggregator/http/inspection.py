"""What the admin listener tells of the workers' insides: each is asked, and its answer stands beside the others'."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import orjson

from aggregator.http.problems import Reply, problem

Told = Mapping[str, Any]
# A question's name and argument → of each worker {"pid": number} with its "answer", or the words "unanswered".
AskAll = Callable[[str, Any], Awaitable[Sequence[Told]]]

NO_WORKER = "No worker answers; try again."


async def explained(parameters: Sequence[tuple[str, str]], ask: AskAll) -> Reply:
    """The reply to GET /explain?target=…, with further inputs of the request as further parameters: 200 with what each
    worker holds of that answer; else the problem that the request would meet."""
    given = dict(parameters)
    target = given.pop("target", "")
    if not target.startswith("/") or len(given) + 1 < len(parameters):
        detail = "Expected target=/path?query of a request, percent-encoded, and each further input once."
        return problem(400, detail)
    told = await ask("explain", {"target": target, "given": given})
    return _reply(told, {"target": target})


async def audited(ask: AskAll) -> Reply:
    """The reply to GET /audit: 200 with the views that each worker watches, and the last that were inconsistent."""
    return _reply(await ask("audit", None), {})


async def foreseen(tags: Sequence[str], ask: AskAll) -> Reply:
    """The reply to POST /invalidations?dry-run: 200 with what the invalidation would overtake in L1, all workers taken
    together, and what loading that took."""
    told = await ask("foresee", {"tags": list(tags)})
    answers = [one["answer"] for one in told if "answer" in one]
    if not answers:
        return problem(503, NO_WORKER, 1.0)
    together = {kind: _together([answer[kind] for answer in answers]) for kind in ("held", "hot")}
    # All workers read one declaration.
    return _json({"tags": answers[0]["tags"], **together, "unanswered": len(told) - len(answers)})


def _together(each: Sequence[Told]) -> Told:
    """A view that several workers hold is composed anew by one of them."""
    views: Counter[str] = Counter()
    for one in each:
        views.update(one["views"])
    seconds = [one["seconds"] for one in each]
    return {"views": dict(views), "seconds": {"at_least": max(seconds), "at_most": sum(seconds)}}


def _reply(told: Sequence[Told], head: Told) -> Reply:
    answers = [one["answer"] for one in told if "answer" in one]
    if not answers:
        return problem(503, NO_WORKER, 1.0)
    if refused := next((answer for answer in answers if "refused" in answer), None):
        return problem(refused["refused"], refused["detail"])
    return _json({**head, "workers": told})


def _json(told: Told) -> Reply:
    return Reply(200, orjson.dumps(told), {"content-type": "application/json", "cache-control": "no-store"})
