"""Screens of every kind that the edge tells apart, and an MBU whose answers follow from what it is asked."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import orjson

from aggregator.declaration.read import declare_raw
from aggregator.model.catalogue import Catalogue
from loaders.loader import Absent, Failed, Loaded, LoadRequest, Outcome, Reason

SECRET = "0123456789abcdef0123456789abcdef"
LATENCY = 0.02
_BRIEF = {"fresh_for": "1s", "stale_while_revalidate": "2s", "stale_if_error": "9s"}
_FRAGMENTS: dict[str, dict[str, Any]] = {
    "card": {"path": "/card/{id}", "tags": ["card:{id}"]},
    "brief": {"path": "/brief/{id}", **_BRIEF},
    "lasting": {"path": "/lasting/{id}", "fresh_for": "1000h"},
    "found": {"path": "/found?q={query.q}&page={query.page}"},
    "must": {"path": "/must?must={query.must}"},
    "spoken": {"path": "/spoken/{id}?l={header.accept-language}"},
    "themed": {"path": "/themed?s={cookie.session}"},
    "mine": {"path": "/mine/{viewer.sub}"},
    "team": {"path": "/team/{id}?org={viewer.org}&sub={viewer.sub}&l={header.accept-language}", **_BRIEF},
    "own": {"path": "/own", "forward": ["authorization"]},
    "fixed": {"path": "/fixed"},
    "one": {"path": "/one/{id}"},
}
_SCREENS: dict[str, dict[str, Any]] = {
    "home": {"path": "/home/{id}", "required": ["card"], "slots": ["brief"]},
    "number": {"path": "/n/{id:int}", "slots": ["card"], "client_max_age": "5s"},
    "unique": {"path": "/u/{id:uuid}", "slots": ["card"], "slots_header": False},
    "brief": {"path": "/brief/{id}", "slots": ["brief"], "client_max_age": "1s"},
    "lasting": {"path": "/lasting/{id}", "slots": ["lasting"]},
    "search": {
        "path": "/search",
        "query": {"q": {"default": ""}, "page": {"type": "int", "default": 1}, "unused": {"type": "int", "default": 7}},
        "slots": ["found"],
    },
    "need": {"path": "/need", "query": {"must": {"type": "str"}}, "slots": ["must"]},
    "unused": {"path": "/unused/{id}", "query": {"must": {"type": "int"}}, "slots": ["card", "one"]},
    "spoken": {"path": "/spoken/{id}", "headers": ["accept-language"], "slots": ["spoken"]},
    "themed": {"path": "/themed", "cookies": ["session"], "slots": ["themed"]},
    "mine": {"path": "/mine", "required": ["mine"]},
    "silent": {"path": "/silent", "required": ["mine"], "cache_headers": False},
    "team": {"path": "/team/{id}", "headers": ["accept-language"], "slots": ["team"], "client_max_age": "30s"},
    "own": {"path": "/own", "slots": ["own"]},
    "a_id": {"path": "/a/{id}", "slots": ["card"]},
    "a_me": {"path": "/a/me", "slots": ["fixed"]},
    "left": {"path": "/{id}/right", "slots": ["card", "one"]},
    "any": {"path": "/{id}", "slots": ["card"]},
}


def catalogue() -> Catalogue:
    """All of them, on one MBU. No two views share a fragment: what one finds of another depends on who is quicker."""
    fragments: dict[str, dict[str, Any]] = {}
    screens: dict[str, dict[str, Any]] = {}
    for name, table in _SCREENS.items():
        required, optional = table.get("required", []), table.get("slots", [])
        fragments |= {f"{name}_{slot}": {"mbu": "m", **_FRAGMENTS[slot]} for slot in [*required, *optional]}
        slots = {slot: {"fragment": f"{name}_{slot}", "required": slot in required} for slot in [*required, *optional]}
        screens[name] = {key: value for key, value in table.items() if key != "required"} | {"slots": slots}
    raw = {
        "version": 1,
        "defaults": {"fresh_for": "60s", "absent_for": "5s"},
        "cors": {"origins": ["https://a.example", "https://b.example"], "credentials": True},
        "viewer": {"keys": [{"algorithm": "HS256", "secret_env": "K"}]},
        "mbus": {"m": {"url": "http://m"}},
        "fragments": fragments,
        "screens": screens,
    }
    return declare_raw("test", raw, {"K": SECRET}).catalogue


class Echoing:
    """An MBU: an id that begins with "none" is absent, one with "half" has no `brief` and no `one`, one with "bad"
    fails, and what is `lasting` is long."""

    async def load(self, requests: Sequence[LoadRequest]) -> Sequence[Outcome]:
        await asyncio.sleep(LATENCY)
        return [_outcome(request) for request in requests]

    async def close(self) -> None:
        pass


def _outcome(request: LoadRequest) -> Outcome:
    id, kind = request.inputs.get("id", ""), request.fragment.rpartition("_")[2]
    if id.startswith("none"):
        return Absent()
    if id.startswith("bad") or (id.startswith("half") and kind in ("brief", "one")):
        return Failed(Reason.STATUS, "status 500", mbu_status=500)
    told: dict[str, Any] = {"of": kind, "target": request.target, "inputs": dict(request.inputs)}
    if kind == "lasting":
        chance = random.Random(id)
        told["words"] = [f"{chance.choice(['long', 'words'])} {chance.randrange(9_999)}" for _ in range(200)]
    return Loaded(orjson.dumps(told))
