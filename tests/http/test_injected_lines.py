"""No byte in a value becomes a header line of ours, whoever sent it: a client, a publisher or an MBU."""

import asyncio
import json
import re
import uuid
from collections.abc import Iterator

import pytest

from tests.http.raw_answers import CLOSE
from tests.raw_client import Client
from tests.running import Mbu, Running
from tests.scale import scale

TEXT = """
version = 1
[defaults]
fresh_for = "60s"
[mbus.m]
url = "$MBU"
[fragments.part]
mbu = "m"
path = "/part/{id}?q={query.q}"
tags = ["part:{id}"]
tags_from = "tags[*]"
headers = { x-of = "{header.x-h}" }
[screens.home]
path = "/home/{id}"
query = { q = { default = "" } }
headers = ["x-h"]
slots = { part = "part" }
[publishers.all]
key_env = "KEY"
tags = ["*"]
"""
# What ends lines, where, or is text in no coding.
BYTES = [*range(0x20), 0x7F, *range(0x80, 0x100)]
SOME = [0x00, 0x09, 0x0A, 0x0D, 0x7F, 0x85, 0xFF, *BYTES[:: scale(6, 1)]]
OURS = set(
    b"""date x-request-id cache-control cache-status vary age aggregator-slots etag content-type content-length
connection allow""".split()
)
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+: [\t -~]*")


def clean(said: bytes) -> None:
    """One answer of ours, with lines of ours alone, and no 5xx."""
    head, _, _ = said.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    assert re.fullmatch(rb"HTTP/1\.1 [24]\d\d [A-Za-z -]+", first), said
    assert all(_TOKEN.fullmatch(line) for line in lines), said
    assert {line.partition(b":")[0] for line in lines} <= OURS, said
    assert not re.search(rb"[\r\n](?=x-evil)", said), said


@pytest.fixture(scope="module")
def running(mbu: Mbu, redis_url: str) -> Iterator[Running]:
    with Running(TEXT.replace("$MBU", mbu.url), redis_url, env={"KEY": "k"}) as one:
        yield one


def requests(evil: bytes, id: str) -> list[bytes]:
    """One for each place that a client can put bytes into."""
    encoded = b"".join(b"%%%02x" % one for one in evil)
    get, path = b"GET %b HTTP/1.1\r\n%b" + CLOSE + b"\r\n", b"/home/" + id.encode()
    targets = [path + encoded, path + evil, path + b"?q=" + encoded, path + b"?q=" + evil, b"/" + evil]
    names = (b"x-h", b"x-request-id", b"accept", b"accept-encoding", b"if-none-match", b"cookie", b"cdn-loop", b"range")
    lines = [b"%b: %b\r\n" % (name, evil) for name in names] + [b"%b: 1\r\n" % evil]
    return [*(get % (target, b"") for target in targets), *(get % (path, line) for line in lines)]


@pytest.mark.prove
def test_s14_no_byte_of_a_client_begins_a_line(running: Running, mbu: Mbu, id: str) -> None:
    """In a path, a query, a header's value or its name, alone and as a line's end: by the bytes that come back."""
    mbu.put(f"/part/{id}?q=", 1)
    for byte in SOME:
        for evil in (b"a%cb" % byte, b"a%cx-evil: 1" % byte, b"a\r%cx-evil: 1" % byte):
            for request in requests(evil, id):
                clean(running.raw(request))
    assert all("x-evil" not in seen.headers for seen in mbu.seen)
    assert running.get(f"/home/{id}").json == {"data": {"part": 1}}


@pytest.mark.prove
def test_s14_no_byte_of_an_mbu_begins_a_line(running: Running, mbu: Mbu) -> None:
    """In the value of any header that is read of its answers, whether they are taken or fail, and when it comes back
    as a validator."""
    names = ("etag", "last-modified", "cache-tag", "cache-control", "content-type", "retry-after", "vary", "location")
    for byte in SOME:
        for status in ("200 OK", "404 Not Found", "503 No"):
            id, evil = uuid.uuid4().hex, f"a{chr(byte)}x-evil: 1"
            lines = "".join(f"{name}: {evil}\r\n" for name in names)
            raw = f"HTTP/1.1 {status}\r\n{lines}content-length: 1\r\n\r\n1".encode("latin-1")
            mbu.put(f"/part/{id}?q=", None, raw=raw)
            for _ in range(2):
                clean(running.raw(f"GET /home/{id} HTTP/1.1\r\n".encode() + CLOSE + b"\r\n"))
    assert all("x-evil" not in seen.headers for seen in mbu.seen)


def test_s14_no_byte_of_a_tag_begins_a_line(running: Running, mbu: Mbu) -> None:
    """Posted by a publisher, which is told so (422) or not; and in the payload that tags are learned from."""
    evils = [f"part:a{chr(byte)}x-evil: 1" for byte in BYTES]

    async def post() -> list[int]:
        key = {"authorization": "Bearer k"}
        async with Client(running.admin_url) as admin:
            bodies = [json.dumps({"tags": [evil], "id": evil[:128]}).encode() for evil in evils]
            return [(await admin.ask("/invalidations", "POST", body, key)).status for body in bodies]

    statuses = asyncio.run(post())
    assert [status for byte, status in zip(BYTES, statuses, strict=True) if byte < 0xA0] == [422] * (0x21 + 0x20)
    assert set(statuses) == {202, 422}
    for evil in evils:
        id = uuid.uuid4().hex
        mbu.put(f"/part/{id}?q=", {"tags": [evil]})
        clean(running.raw(f"GET /home/{id} HTTP/1.1\r\n".encode() + CLOSE + b"\r\n"))
        clean(running.raw(f"GET /explain?target=/home/{id} HTTP/1.1\r\n".encode() + CLOSE + b"\r\n"))
