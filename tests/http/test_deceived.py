"""Paths that look like a file's, which a victim is lured to: nobody else gets what the victim was answered there."""

import time
from collections.abc import Iterator

import pytest

from tests.http.raw_answers import CLOSE
from tests.running import Mbu, Running
from tests.samples.tokens import pem, private, signed

TEXT = """
version = 1
[defaults]
fresh_for = "60s"
[[viewer.keys]]
algorithm = "ES256"
public_key_file = "$PEM"
[mbus.m]
url = "$MBU"
[fragments.mine]
mbu = "m"
path = "/mine/{viewer.sub}"
[fragments.forwarded]
mbu = "m"
path = "/forwarded"
forward = ["authorization"]
[screens.me]
path = "/me"
slots = { mine = "mine" }
[screens.orders]
path = "/orders/{id}"
slots = { mine = "mine" }
[screens.secret]
path = "/secret/{id}"
slots = { forwarded = "forwarded" }
"""
ROUTES = ["/me", "/orders/1", "/secret/1"]
SUFFIXES = ["/x.css", "/", ".css", "/.css", ";x.css", "?x.css", "%0ax.css", "%00x.css", "%23x.css", "%3fx.css"]
DELIMITERS = "!$&'()*+,;=:@~|\\^`\"."
ENCODINGS = [
    lambda sign: sign,
    lambda sign: f"%{ord(sign):02X}",
    lambda sign: f"%25{ord(sign):02x}",
    lambda sign: f"/..%2f{sign}",
    lambda sign: f"%c0%{0x80 | ord(sign) & 0x3F:02x}",
]
ENDS = SUFFIXES + [encode(sign) + "x.css" for sign in DELIMITERS for encode in ENCODINGS]
VICTIM = "victim-7f3a"


@pytest.fixture(scope="module")
def running(mbu: Mbu, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    key = tmp_path_factory.mktemp("keys") / "jwt.pem"
    key.write_bytes(pem(private("ES256")))
    with Running(TEXT.replace("$MBU", mbu.url).replace("$PEM", str(key)), redis_url) as one:
        yield one


@pytest.mark.parametrize("route", ROUTES)
def test_s05_what_a_victim_was_answered_is_for_no_one_else(running: Running, mbu: Mbu, route: str) -> None:
    """Of 330 such paths on three personal screens none gives anybody a byte of it; where it is shown at all, it is to
    the victim, and marked private."""
    assert len(ENDS) * len(ROUTES) == 330
    for target in (f"/mine/{VICTIM}", "/forwarded"):
        mbu.put(target, VICTIM)
    claims = {"sub": VICTIM, "exp": time.time() + 600}
    authorization = f"authorization: Bearer {signed(claims, private('ES256'), 'ES256')}\r\n"
    shown = 0
    for end in ENDS:
        to_victim, *to_others = (
            running.raw(f"GET {route}{end} HTTP/1.1\r\n{line}".encode() + CLOSE + b"\r\n")
            for line in (authorization, "", "", "authorization: Bearer x.y.z\r\n")
        )
        assert all(VICTIM.encode() not in said and said.startswith(b"HTTP/1.1 40") for said in to_others), end
        if VICTIM.encode() in to_victim:
            shown += 1
            assert b"\r\ncache-control: private, " in to_victim
            assert b"authorization" in to_victim.partition(b"\r\nvary: ")[2].partition(b"\r\n")[0]
    assert shown > (0 if route == "/me" else 50)
