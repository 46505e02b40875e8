"""Requests that are to spoil what others get: whatever was answered to them, a clean request gets the right thing."""

import pytest

from tests.http.conftest import Plain
from tests.http.raw_answers import CLOSE, split
from tests.running import Got, Running
from tests.samples.header_names import NAMES

CANARY = b"canary7f3a"
AT_ONCE = 60  # of the 64 lines that the quick path reads
GET = b"GET /card/$ID HTTP/1.1\r\n"


def with_line(line: bytes) -> bytes:
    """A request with one more header line."""
    return GET + line + b"\r\n" + CLOSE + b"\r\n"


LONG = [b"x-long: " + b"x" * (1_024 * kib) for kib in (8, 16, 24, 31, 33, 48, 64)]
META = [b"x-meta: a" + bytes([sign]) + b"b" for sign in b"\x00\x01\x07\x08\x0b\x0c\x0d\x1b\x7f\xff"]
META += [b"x" + bytes([sign]) + b"y: 1" for sign in b"\x07 \x7f("] + [b": 1", b"no colon", b" folded: 1"]
OVERRIDES = [name + b": DELETE" for name in (b"x-http-method-override", b"x-http-method", b"x-method-override")]
WISHES = b"""accept: text/html|accept: ;;,|accept: application/msgpack|accept-encoding: br, *;q=0|accept-encoding: ,|
range: bytes=cow|range: bytes=9-1|range: bytes=99999-|range: bytes=0-0,0-0|if-match: "x"|if-none-match: *|
if-modified-since: Fri, 31 Dec 9999 23:59:59 GMT|if-unmodified-since: Thu, 01 Jan 1970 00:00:00 GMT|if-range: "x"|
te: trailers|expect: 100-continue|expect: x|upgrade: h2c|max-forwards: 0|cache-control: only-if-cached|
transfer-encoding: x|content-length: x|content-encoding: gzip|content-type: x/x|cdn-loop: aggregator|
x-forwarded-host: canary7f3a|x-forwarded-scheme: nothttps|x-forwarded-port: 1|forwarded: host=canary7f3a|
x-original-url: /home/canary7f3a|x-rewrite-url: /home/canary7f3a|authorization: Bearer canary7f3a"""
HOSTS = [b"a:99999", b"", b"a b", b"a/b", b"a\r\nhost: b", b"canary7f3a", b"x" * 9_000]
METHODS = b"POST PUT DELETE OPTIONS TRACE PATCH HEAD PURGE get".split()
VARIANTS = [
    *map(with_line, [*LONG, *META, *OVERRIDES, *(line.strip() for line in WISHES.split(b"|"))]),
    *(GET + b"host: " + host + b"\r\nconnection: close\r\n\r\n" for host in HOSTS),
    *(GET.replace(b"GET", method) + CLOSE + b"\r\n" for method in METHODS),
    GET + CLOSE + b"content-length: 10\r\n\r\ncanary7f3a",
    GET.replace(b"1.1", b"1.0") + b"\r\n",
]


@pytest.mark.parametrize("variant", VARIANTS)
def test_s03_no_request_makes_the_next_one_fail(plain: Plain, id: str, variant: bytes) -> None:
    """Too long, with odd signs, other methods, impossible ranges and hosts: the next client gets its screen."""
    assert len(VARIANTS) >= 60
    plain.mbu.put(f"/base/part/{id}/end", {"of": id})
    assert plain.running.raw(variant.replace(b"$ID", id.encode())).startswith(b"HTTP/1.1 ")
    _is_clean(plain.running.get(f"/card/{id}"), id)
    assert all(CANARY not in str(seen).encode() for seen in plain.mbu.seen)


@pytest.mark.parametrize("separator", [b"&", b";", b"%26", b"%3B", b"%00", b"#", b"?", b"&&", b"&amp;"])
def test_s02_no_parameter_is_smuggled_in(plain: Plain, id: str, separator: bytes) -> None:
    """Nothing that is not declared decides an answer or reaches an MBU, however it is cut from what precedes it."""
    plain.mbu.put(f"/base/part/{id}/end", {"of": id})
    target = f"/card/{id}?utm_source=a".encode() + separator + b"id=" + CANARY
    status, _, document = split(plain.running.raw(b"GET " + target + b" HTTP/1.1\r\n" + CLOSE + b"\r\n"))
    assert (status, document) == (200, {"data": {"part": {"of": id}}})
    _is_clean(plain.running.get(f"/card/{id}"), id)
    assert all(CANARY not in str(seen).encode() for seen in plain.mbu.seen)


def test_s02_none_of_thousands_of_parameters_decides_anything(plain: Plain, id: str) -> None:
    """Of 6,452 names, the first request of all with them: one load is made, and all answers are the same."""
    plain.mbu.put(f"/base/part/{id}/end", {"of": id})
    for first in range(0, 6_452, 250):
        names = [f"p{number}={CANARY.decode()}" for number in range(first, min(first + 250, 6_452))]
        _is_clean(plain.running.get(f"/card/{id}?{'&'.join(names)}"), id)
    assert plain.mbu.calls == {f"/base/part/{id}/end": 1}


# With the second one the request is left to the ordinary path.
@pytest.mark.parametrize("more", [{}, {"keep-alive": "1"}], ids=["quick", "ordinary"])
@pytest.mark.parametrize("first", range(0, len(NAMES), AT_ONCE))
def test_s01_no_header_that_is_not_declared_decides_anything(
    plain: Plain, id: str, first: int, more: dict[str, str]
) -> None:
    """Thousands of names that others act on, by the first request of all: neither its answer nor the next one's has
    anything of them, and no MBU sees them."""
    assert len(NAMES) >= 2_000
    plain.mbu.put(f"/base/part/{id}/end", {"of": id})
    for headers in (dict.fromkeys(NAMES[first : first + AT_ONCE], CANARY.decode()) | more, {}):
        _is_clean(plain.running.get(f"/card/{id}", headers), id)
    assert plain.mbu.calls == {f"/base/part/{id}/end": 1}
    assert all(CANARY not in str(seen).encode() for seen in plain.mbu.seen)


def _is_clean(got: Got, id: str) -> None:
    assert (got.status, got.json) == (200, {"data": {"part": {"of": id}}})
    assert CANARY not in str(got.headers).encode()


@pytest.mark.parametrize("override", OVERRIDES)
def test_s02_a_method_is_not_overridden(plain: Plain, id: str, override: bytes) -> None:
    """A GET stays one, and a POST is refused whatever it says that it is."""
    plain.mbu.put(f"/base/part/{id}/end", {"of": id})
    running: Running = plain.running
    assert split(running.raw(with_line(override).replace(b"$ID", id.encode())))[0] == 200
    posted = with_line(override.replace(b"DELETE", b"GET")).replace(b"GET /", b"POST /", 1)
    assert split(running.raw(posted.replace(b"$ID", id.encode())))[0] == 405
