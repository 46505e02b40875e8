"""Wrong requests: each is refused with a problem document, and none reaches an MBU."""

import pytest

from tests.http.conftest import Plain
from tests.http.raw_answers import CLOSE, refused, split
from tests.running import Mbu, Running


@pytest.fixture
def running(plain: Plain) -> Running:
    """The shared service."""
    return plain.running


@pytest.fixture
def mbu(plain: Plain) -> Mbu:
    """Its MBU."""
    return plain.mbu


UNKNOWN = "/ /home /home/ /home/1/ /home/1/2 //home/1 /HOME/1 /home/1;a/b /homes/1 /h%6fme/1 /home/" + "x" * 201
NO_NUMBER = "/number/ /number/a /number/1.0 /number/+1 /number/1e3 /number/%D9%A1 /number/0x1 /number/1%20 /number/"
NO_NUMBER += "1" * 19
NO_UUID = "/unique/1 /unique/00000000-0000-0000-0000-00000000000g"


@pytest.mark.parametrize("target", f"{UNKNOWN} {NO_NUMBER} {NO_UUID}".split())
def test_an_unknown_path_or_a_wrong_type_is_404(running: Running, mbu: Mbu, target: str) -> None:
    """No screen has it; parameters are of their declared type, or there is no such screen."""
    got = running.get(target)
    assert (got.status, got.json["status"], got.headers["content-type"]) == (404, 404, "application/problem+json")
    assert not mbu.seen


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("path", ["/home/1", "/healthz"])
def test_a_wrong_method_is_405(running: Running, mbu: Mbu, method: str, path: str) -> None:
    """Allow says which are right."""
    got = running.get(path, method=method, body=b"x" * 10)
    assert (got.status, got.json["status"], got.headers["allow"]) == (405, 405, "GET, HEAD")
    assert got.headers["content-type"] == "application/problem+json"
    assert not mbu.seen


@pytest.mark.parametrize(
    ("request_line", "headers", "status"),
    [
        (b"GET /home/" + b"x" * 9_000 + b" HTTP/1.1", b"", 414),
        (b"GET /home/1?" + b"x" * 9_000 + b" HTTP/1.1", b"", 414),
        (b"GET /home/1 HTTP/1.1", b"x-long: " + b"x" * 40_000 + b"\r\n", 431),
        (b"GET /home/1 HTTP/1.1", b"x: 1\r\n" * 6_000, 431),
    ],
)
def test_an_oversize_head_is_refused(
    running: Running, mbu: Mbu, request_line: bytes, headers: bytes, status: int
) -> None:
    """A target that is too long is 414, headers that are too large 431."""
    refused(running.raw(request_line + b"\r\n" + CLOSE + headers + b"\r\n"), status)
    assert not mbu.seen


@pytest.mark.parametrize("more", [b"x" * 8_000, b"x" * 7_999 + b":", b"x: y\r\n" * 1_000])
def test_a_head_that_does_not_end_is_refused(running: Running, mbu: Mbu, more: bytes) -> None:
    """It is not waited for, and not gathered in memory."""
    refused(running.raw(b"GET /home/1 HTTP/1.1\r\n" + CLOSE, *[more] * 20), 431)
    assert not mbu.seen


def test_a_large_head_may_come_in_pieces(running: Running) -> None:
    """The limit is on what is sent, however the network cuts it."""
    lines = [b"x-%d: " % number + b"x" * 6_000 + b"\r\n" for number in range(5)]
    assert split(running.raw(b"GET /healthz HTTP/1.1\r\n", *lines, CLOSE + b"\r\n"))[0] == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"hello\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET /home/1\r\n\r\n",
        b"GET /home/1 HTTP/9.9\r\n" + CLOSE + b"\r\n",
        b"GET /home/1 HTTP/2.0\r\n" + CLOSE + b"\r\n",
        b"GET /home/1 HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /home/1 HTTP/1.1\r\nx : 1\r\n" + CLOSE + b"\r\n",
        b"GET /home/1 HTTP/1.1\r\nx: \x00\r\n" + CLOSE + b"\r\n",
        b"GET /home/\x00 HTTP/1.1\r\n" + CLOSE + b"\r\n",
        b"GET /home/\xc3\xa9 HTTP/1.1\r\n" + CLOSE + b"\r\n",
        b"GET /home/a b HTTP/1.1\r\n" + CLOSE + b"\r\n",
        b"GET home/1 HTTP/1.1\r\n" + CLOSE + b"\r\n",
        b"GET http:// HTTP/1.1\r\n" + CLOSE + b"\r\n",
        b"GET http://x HTTP/1.1\r\n" + CLOSE + b"\r\n",
        b"POST /home/1 HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n" + CLOSE + b"\r\n0\r\n\r\n",
        b"POST /home/1 HTTP/1.1\r\ncontent-length: x\r\n" + CLOSE + b"\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /home/1 HTTP/1.1\r\nconnection: close\r\n\r\n",
        b"GET /home/1 HTTP/1.1\r\nhost: y\r\n" + CLOSE + b"\r\n",
    ],
)
def test_what_is_no_http_is_400(running: Running, mbu: Mbu, sent: bytes) -> None:
    """It is answered once, in HTTP, and the connection is closed."""
    refused(running.raw(sent), 400)
    assert not mbu.seen


@pytest.mark.parametrize("start", [b"CONNECT x:80", b"OPTIONS *"])
def test_a_target_that_is_no_path_is_refused(running: Running, mbu: Mbu, start: bytes) -> None:
    """Forms of a target that name no resource here get an answer of the 400s."""
    status, headers, _ = split(running.raw(start + b" HTTP/1.1\r\n" + CLOSE + b"\r\n"))
    assert 400 <= status < 500
    assert headers["content-type"] == "application/problem+json"
    assert not mbu.seen
