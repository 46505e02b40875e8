"""What a page of another origin may send and read follows from what screens declare."""

import tomllib
from typing import Any

from aggregator.declaration.read import declare_raw
from aggregator.http.cors import Sharing

DECLARED = """
version = 1
defaults.fresh_for = "60s"
cors.origins = ["https://a.example"]
viewer.keys = [{ algorithm = "HS256", secret_env = "K" }]
mbus.m.url = "http://m"
fragments.all = { mbu = "m", path = "/all" }
[fragments.mine]
mbu = "m"
path = "/mine/{viewer.sub}?l={header.accept-language}&t={cookie.theme}"
forward = ["x-key"]
[screens.mine]
path = "/mine"
headers = ["accept-language", "x-unused"]
cookies = ["theme"]
cache_headers = false
slots_header = false
slots = { mine = "mine" }
"""
ALL = '[screens.all]\npath = "/all"\nslots = { all = "all" }\n'
ASKED = {b"origin": b"https://a.example", b"access-control-request-method": b"GET"}


def shared(text: str) -> tuple[Any, Any]:
    """What may be read, and what may be sent."""
    declared = declare_raw("test", tomllib.loads(text), {"K": "x" * 32}).catalogue
    sharing = Sharing(declared.cors, declared.screens.values())
    preflight = sharing.preflight(ASKED)
    assert preflight
    read = sharing.fields("https://a.example")["access-control-expose-headers"]
    return read, preflight.headers["access-control-allow-headers"]


def test_what_screens_declare_may_be_sent_and_what_they_tell_may_be_read() -> None:
    """Of all of them together, also what no slot uses: it does no harm; what is not told cannot be read."""
    ours = "if-none-match, x-request-id, aggregator-min-position"
    sent = f"authorization, x-key, accept-language, x-unused, {ours}"
    assert shared(DECLARED) == ("etag, retry-after, x-request-id, www-authenticate", sent)
    told = "aggregator-slots, age, cache-status, etag, retry-after, x-request-id, www-authenticate"
    assert shared(DECLARED + ALL) == (told, sent)
    only = DECLARED[: DECLARED.index("[screens.mine]")] + ALL
    assert shared(only) == (told.removesuffix(", www-authenticate"), ours)
