"""A response is an answer's bytes in the form the client takes, with headers that tell the truth about it."""

from collections.abc import Mapping
from math import floor
from typing import Any

import http_sf
import msgpack
import orjson

from aggregator.engine.answer import Answer, Refused
from aggregator.http.negotiation import MSGPACK, matches
from aggregator.http.problems import PROBLEM_TYPE, Reply, problem
from aggregator.http.slots import HEADER, slots_field
from aggregator.model.screen import Screen
from aggregator.model.view import TITLES, etag

CACHE = http_sf.Token("aggregator")


def respond(screen: Screen, answer: Answer | Refused, as_msgpack: bool, if_none_match: str) -> Reply:
    """The reply to a GET of the screen; to HEAD the same without its body."""
    told = {HEADER: _told(answer)} if screen.tells_slots else {}
    if isinstance(answer, Refused):
        return _refused(answer, told)
    age = max(0, floor(answer.now - answer.view.timing.at))
    headers = {
        "cache-control": _cache_control(screen, answer, age),
        "cache-status": cache_status(answer),
        "vary": screen.varies,
        "age": str(age),
        **told,
    }
    if answer.view.status != 200:
        return Reply(answer.view.status, answer.view.body, headers | {"content-type": PROBLEM_TYPE})
    packed = _packed(answer.view.body) if as_msgpack else None
    body, tag = (answer.view.body, answer.view.etag) if packed is None else (packed, etag(packed))
    headers["etag"] = tag
    if if_none_match and matches(if_none_match, tag):
        return Reply(304, b"", headers)
    headers["content-type"] = "application/json" if packed is None else MSGPACK[0]
    return Reply(200, body, headers)


def _told(answer: Answer | Refused) -> str:
    """The state of every slot; of a view made at most once a second, as its ages are in seconds."""
    if isinstance(answer, Refused):
        return slots_field(answer.slots, answer.now)
    made, how, text = answer.view.said
    if not made <= answer.now < made + 1 or how != (answer.stale, answer.unproven):
        text = slots_field(answer.slots, answer.now)
        answer.view.said = (floor(answer.now), (answer.stale, answer.unproven), text)
    return text


def _packed(body: bytes) -> bytes | None:
    """The same as MessagePack; None where it nests deeper than that can be made of."""
    try:
        packed: bytes = msgpack.packb(orjson.loads(body))
    except ValueError:
        return None
    return packed


def _refused(answer: Refused, told: Mapping[str, str]) -> Reply:
    failure = answer.failure
    retry_after = failure.retry_after or (1.0 if failure.status == 503 else None)
    detail = f"{answer.slot.name}: {TITLES[failure.status].lower()}: {failure.detail}"
    parameters: dict[str, Any] = {"fwd": http_sf.Token("miss"), "stored": False, "detail": answer.state}
    status = str(http_sf.ser([(CACHE, parameters)]))
    return problem(failure.status, detail, retry_after, cache_status=status, **told)


def _cache_control(screen: Screen, answer: Answer, age: int) -> str:
    """Only what is whole and fresh may be used unasked, and not for longer than it is fresh here. The age counts
    towards max-age (RFC 9111, section 4.2), so that it is added."""
    if not answer.view.whole or not answer.view.kept or not answer.current:
        return "no-store"
    if screen.client_max_age is None or not answer.whole:
        return "private, no-cache"
    return f"private, max-age={age + max(0, floor(min(screen.client_max_age, answer.ttl)))}"


def cache_status(answer: Answer) -> str:
    """The Cache-Status field (RFC 9211): a hit or why not, and in `detail` the tier and what is not fresh."""
    parameters: dict[str, Any] = {}
    if answer.loaded:
        parameters["fwd"] = http_sf.Token("stale" if answer.had else "uri-miss")
        parameters["stored"] = answer.stored
    else:
        parameters["hit"] = True
        as_declared = answer.current and answer.view.whole
        parameters["ttl"] = floor(answer.ttl) if as_declared else min(0, floor(answer.ttl))
    words = [answer.tier.upper(), *answer.loaded, answer.state if answer.state != "fresh" else ""]
    parameters["detail"] = " ".join(filter(None, words))
    return str(http_sf.ser([(CACHE, parameters)]))
