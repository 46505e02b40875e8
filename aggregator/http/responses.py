"""A response is an answer's bytes in the form the client takes, with headers that tell the truth about it."""

from math import floor
from typing import Any

import http_sf
import msgpack
import orjson

from aggregator.engine.answer import Answer, Refused
from aggregator.http.negotiation import MSGPACK, matches
from aggregator.http.problems import PROBLEM_TYPE, Reply, problem
from aggregator.model.screen import Screen
from aggregator.model.view import TITLES, etag

CACHE = http_sf.Token("aggregator")


def respond(screen: Screen, answer: Answer | Refused, as_msgpack: bool, if_none_match: str) -> Reply:
    """The reply to a GET of the screen; to HEAD the same without its body."""
    if isinstance(answer, Refused):
        return _refused(answer)
    headers = {"cache-control": _cache_control(screen, answer), "cache-status": cache_status(answer), "vary": "accept"}
    if answer.view.status != 200:
        return Reply(answer.view.status, answer.view.body, headers | {"content-type": PROBLEM_TYPE})
    body, tag = _form(answer, as_msgpack)
    headers["etag"] = tag
    if if_none_match and matches(if_none_match, tag):
        return Reply(304, b"", headers)
    headers["content-type"] = MSGPACK[0] if as_msgpack else "application/json"
    return Reply(200, body, headers)


def _form(answer: Answer, as_msgpack: bool) -> tuple[bytes, str]:
    if not as_msgpack:
        return answer.view.body, answer.view.etag
    packed: bytes = msgpack.packb(orjson.loads(answer.view.body))
    return packed, etag(packed)


def _refused(answer: Refused) -> Reply:
    failure = answer.failure
    retry_after = failure.retry_after or (1.0 if failure.status == 503 else None)
    detail = f"{answer.slot.name}: {TITLES[failure.status].lower()}: {failure.detail}"
    parameters: dict[str, Any] = {"fwd": http_sf.Token("miss"), "stored": False, "detail": answer.state}
    return problem(failure.status, detail, retry_after, cache_status=str(http_sf.ser([(CACHE, parameters)])))


def _cache_control(screen: Screen, answer: Answer) -> str:
    """Only what is whole and fresh may be used unasked, and not for longer than it is fresh here."""
    if not answer.view.whole or not answer.view.kept:
        return "no-store"
    if screen.client_max_age is None or not answer.whole:
        return "private, no-cache"
    return f"private, max-age={max(0, floor(min(screen.client_max_age, answer.ttl)))}"


def cache_status(answer: Answer) -> str:
    """The Cache-Status field (RFC 9211): a hit or why not, and in `detail` the tier and what is not fresh."""
    parameters: dict[str, Any] = {}
    if answer.loaded:
        parameters["fwd"] = http_sf.Token("stale" if answer.had else "uri-miss")
        parameters["stored"] = answer.stored
    else:
        parameters["hit"] = True
        parameters["ttl"] = floor(answer.ttl)
    words = [answer.tier.upper(), *answer.loaded, answer.state if answer.state != "fresh" else ""]
    parameters["detail"] = " ".join(filter(None, words))
    return str(http_sf.ser([(CACHE, parameters)]))
