"""What is not spoken here is refused, or answered as if it had not been said; nothing of it reaches an MBU."""

import re

import pytest

from tests.http.conftest import Plain

CLOSE = b"host: x\r\nconnection: close\r\n"


def get(*lines: bytes, start: bytes = b"GET /card/$ID HTTP/1.1") -> bytes:
    """A request with these lines."""
    return b"\r\n".join([start, *lines, CLOSE, b""])


REFUSED = {
    "CONNECT": (b"CONNECT /card/$ID HTTP/1.1\r\n" + CLOSE + b"\r\n", (400, 404, 405)),
    "CONNECT to an authority": (b"CONNECT evil.example:443 HTTP/1.1\r\n" + CLOSE + b"\r\n", (400, 404, 405)),
    "TRACE": (get(start=b"TRACE /card/$ID HTTP/1.1"), (405,)),
    "TRACK": (get(start=b"TRACK /card/$ID HTTP/1.1"), (400, 405)),
    "OPTIONS *": (get(start=b"OPTIONS * HTTP/1.1"), (400, 404, 405)),
    "a body behind an upgrade": (get(b"connection: upgrade", b"upgrade: h2c", b"content-length: 3") + b"abc", (400,)),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505)),
    "HTTP/3": (get(start=b"GET /card/$ID HTTP/3.0"), (400, 505)),
    "HTTP/0.9": (b"GET /card/$ID\r\n\r\n", (400,)),
    "HTTP/1.2": (get(start=b"GET /card/$ID HTTP/1.2"), (400, 505)),
    "ICY": (b"GET /card/$ID ICY/1.0\r\n\r\n", (400,)),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n" * 20, (400,)),
    "a proxy's preface": (b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n" + get(), (400,)),
    "another coding": (get(b"transfer-encoding: gzip, chunked") + b"0\r\n\r\n", (400, 501)),
    "a coding behind chunked": (get(b"transfer-encoding: chunked, gzip") + b"0\r\n\r\n", (400, 501)),
    "identity": (get(b"transfer-encoding: identity"), (400, 501)),
    "length and chunks": (get(b"content-length: 3", b"transfer-encoding: chunked") + b"0\r\n\r\n", (400,)),
    "two lengths": (get(b"content-length: 3", b"content-length: 4") + b"abcd", (400,)),
    "a folded line": (get(b"x-a: b", b" folded: c"), (400,)),
    "a space before the colon": (get(b"x-a : b"), (400,)),
}
IGNORED = {
    "h2c": (b"connection: upgrade, http2-settings", b"upgrade: h2c", b"http2-settings: AAMAAABkAARAAAAAAAIAAAAA"),
    "websocket": (
        b"connection: upgrade",
        b"upgrade: websocket",
        b"sec-websocket-version: 13",
        b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    ),
    "TLS in HTTP": (b"connection: upgrade", b"upgrade: TLS/1.2"),
    "another protocol": (b"connection: upgrade", b"upgrade: canary7f3a"),
    "trailers wanted": (b"te: trailers", b"connection: te"),
    "codings wanted": (b"te: gzip;q=1, deflate", b"connection: te"),
    "trailers told": (b"trailer: x-canary7f3a",),
    "what the connection names": (b"connection: x-a, authorization", b"x-a: canary7f3a"),
    "keep-alive": (b"keep-alive: timeout=999, max=999",),
    "a proxy's own": (b"proxy-connection: keep-alive", b"proxy-authorization: Basic canary7f3a"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_s17_what_is_not_spoken_is_refused(plain: Plain, id: str, what: str) -> None:
    """By one answer of 4xx or 505 and the end of the connection; no MBU is asked."""
    request, expected = REFUSED[what]
    plain.mbu.put(f"/base/part/{id}/end", {"of": id})
    said = plain.running.raw(request.replace(b"$ID", id.encode()))
    assert int(said[9:12]) in expected, said
    assert len(re.findall(rb"HTTP/1\.\d \d", said)) == 1
    assert not plain.mbu.seen


@pytest.mark.parametrize("what", IGNORED)
def test_s17_what_is_offered_is_not_taken_up(plain: Plain, id: str, what: str) -> None:
    """The request is answered as it would be without, by HTTP/1.1, and the MBU sees nothing of it."""
    plain.mbu.put(f"/base/part/{id}/end", {"of": id})
    said = plain.running.raw(get(*IGNORED[what]).replace(b"$ID", id.encode()))
    assert said.startswith(b"HTTP/1.1 200 "), said
    assert b"upgrade" not in said.lower()
    [seen] = plain.mbu.seen
    assert "canary" not in str(seen)
    assert not {"te", "trailer", "upgrade", "keep-alive", "http2-settings"} & seen.headers.keys()


def test_s17_who_expects_a_go_ahead_is_given_one_or_an_answer(plain: Plain, id: str) -> None:
    """And what else is expected is not promised: the answer comes once."""
    plain.mbu.put(f"/base/part/{id}/end", {"of": id})
    for expected in (b"100-continue", b"canary7f3a", b"200-ok"):
        head = get(b"expect: " + expected).replace(b"$ID", id.encode())
        said = plain.running.raw(head)
        assert said.count(b"HTTP/1.1 200 ") + said.count(b"HTTP/1.1 417 ") == 1, said
    assert all("expect" not in seen.headers for seen in plain.mbu.seen)
