"""What the admin listener tells of the workers' insides: each is asked, and its answer stands beside the others'."""

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


def _reply(told: Sequence[Told], head: Told) -> Reply:
    answers = [one["answer"] for one in told if "answer" in one]
    if not answers:
        return problem(503, NO_WORKER, 1.0)
    if refused := next((answer for answer in answers if "refused" in answer), None):
        return problem(refused["refused"], refused["detail"])
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return Reply(200, orjson.dumps({**head, "workers": told}), headers)
