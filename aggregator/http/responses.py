"""A response is an answer's bytes in the form the client takes, with headers that tell the truth about it."""

from collections.abc import Mapping
from dataclasses import replace
from math import floor

from aggregator.engine.answer import Answer, Refused
from aggregator.http.forms import JSON, Copies, etag, fields, no_copies
from aggregator.http.problems import PROBLEM_TYPE, Reply, problem
from aggregator.http.slots import HEADER, slots_field
from aggregator.model.held import Form
from aggregator.model.screen import Screen
from aggregator.model.view import TITLES
from cache_policies.policy import fresh_until

_TELLING = frozenset({"age", "cache-status"})


def respond(screen: Screen, answer: Answer | Refused, body: Form | None = None, copies: Copies = no_copies) -> Reply:
    """The reply to a GET of the screen; to HEAD the same without its body.

    body: in the form that the client is given, None = JSON. copies: what the client has already. Times in it are whole
    seconds, as of the beginning of this second.
    """
    second = floor(answer.now)
    told = {HEADER: slots_field(answer.slots, second)} if screen.tells_slots else {}
    reply = _refused(answer, told) if isinstance(answer, Refused) else _given(screen, answer, told, body, copies)
    return reply if screen.tells_cache else _untold(reply)


def _given(screen: Screen, answer: Answer, told: Mapping[str, str], body: Form | None, copies: Copies) -> Reply:
    age = max(0, floor(floor(answer.now) - answer.view.timing.at))
    headers = {
        "cache-control": _cache_control(screen, answer, age),
        "cache-status": cache_status(answer),
        "vary": screen.varies,
        "age": str(age),
        **told,
    }
    view = answer.view
    if view.status != 200:
        return Reply(view.status, view.body, headers | {"content-type": PROBLEM_TYPE})
    name, content = (body.name, body.body) if body else (JSON, view.body)
    if (had := copies(view.digest, name)) is not None:
        return Reply(304, b"", headers | {"etag": etag(view.digest, had)})
    return Reply(200, content, headers | {"etag": etag(view.digest, name), **fields(name)})


def _refused(answer: Refused, told: Mapping[str, str]) -> Reply:
    failure = answer.failure
    retry_after = failure.retry_after or (1.0 if failure.status == 503 else None)
    detail = f"{answer.slot.name}: {TITLES[failure.status].lower()}: {failure.detail}"
    status = f'aggregator;fwd=miss;stored=?0;detail="{answer.state}"'
    return problem(failure.status, detail, retry_after, cache_status=status, **told)


def _untold(reply: Reply) -> Reply:
    return replace(reply, headers={name: value for name, value in reply.headers.items() if name not in _TELLING})


def _cache_control(screen: Screen, answer: Answer, age: int) -> str:
    """Only what is whole and fresh may be used unasked, and not for longer than it is fresh here, also where that is
    told at the end of this second. The age counts towards max-age (RFC 9111, section 4.2), so that it is added."""
    if not answer.view.whole or not answer.view.kept or not answer.current or answer.overtaken:
        return "no-store"
    if screen.client_max_age is None or not answer.whole:
        return "private, no-cache"
    return f"private, max-age={age + max(0, floor(min(screen.client_max_age, _left(answer))))}"


def cache_status(answer: Answer) -> str:
    """The Cache-Status field (RFC 9211): a hit or why not, and in `detail` the tier and what is not fresh.

    The words are tokens and names of slots, which are identifiers, so that nothing has to be escaped (RFC 9651)."""
    words = [answer.tier.upper(), *answer.loaded, answer.state if answer.state != "fresh" else ""]
    detail = " ".join(filter(None, words))
    if answer.loaded:
        why, stored = "stale" if answer.had else "uri-miss", "stored" if answer.stored else "stored=?0"
        return f'aggregator;fwd={why};{stored};detail="{detail}"'
    as_declared = answer.current and answer.view.whole and not answer.stale
    ttl = max(0, floor(_left(answer))) if answer.ttl > 0 and as_declared else min(0, floor(answer.ttl))
    return f'aggregator;hit;ttl={ttl};detail="{detail}"'


def _left(answer: Answer) -> float:
    """Seconds of freshness that are left whenever in this second it is told."""
    return fresh_until(answer.view.timing) - floor(answer.now) - 1
