"""What is larger than is taken is refused early, by a whole answer, and costs the process no memory."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.http.conftest import PLAIN
from tests.http.raw_answers import refused
from tests.running import Mbu, Running

GIB, GROWTH = 2**30, 10 * 2**20
HEAD = b"GET /card/1 HTTP/1.1\r\nhost: x\r\n"
CHUNK = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
LINE = b"x-a-name-of-some-length: and a value\r\n"


@pytest.fixture(scope="module")
def running(mbu: Mbu, redis_url: str) -> Iterator[Running]:
    with Running(PLAIN.replace("$MBU", mbu.url), redis_url) as one:
        one.get("/card/1")
        yield one


def memory(running: Running) -> int:
    """Bytes that its processes have in memory, all together."""
    return sum(_resident(pid) for pid in (running.pid, *running.descendants()))


def _resident(pid: int) -> int:
    [line] = [one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024


def offered(running: Running, head: bytes, piece: bytes, most: int) -> tuple[bytes, int]:
    """The answer to one who begins so and goes on so, until the connection ends; and how much could be sent."""
    address = urlsplit(running.url)
    with socket.create_connection((address.hostname or "", address.port), 10) as connection:
        sent = 0
        with suppress(ConnectionError):
            connection.sendall(head)
            while sent < most:
                connection.sendall(piece)
                sent += len(piece)
        said = bytearray()
        with suppress(ConnectionError):
            while more := connection.recv(65_536):
                said += more
        return bytes(said), sent


OFFERS = {
    "a body of a gibibyte in chunks": (HEAD + b"transfer-encoding: chunked\r\n\r\n", CHUNK, GIB),
    "a body of a gibibyte that says so": (HEAD + b"content-length: %d\r\n\r\n" % GIB, b"x" * 0x8000, GIB),
    "a chunk of a gibibyte": (HEAD + b"transfer-encoding: chunked\r\n\r\n40000000\r\n", b"x" * 0x8000, GIB),
    "an extension of a chunk without end": (HEAD + b"transfer-encoding: chunked\r\n\r\n1;", b"x" * 0x8000, GIB),
    "blank lines in place of a request": (b"", b"\r\n" * 0x4000, GIB),
    "20,000 header lines": (HEAD, LINE * 100, 20_000 * len(LINE)),
    "one header line without end": (HEAD + b"x: ", b"x" * 0x8000, GIB),
    "a URL of a mebibyte": (b"GET /card/", b"x" * 0x8000, 2**20),
    "a method without end": (b"", b"X" * 0x8000, GIB),
}
# A GET may be answered before its body is there.
STATUSES = {
    "URL": ["414"],
    "header": ["431"],
    "says so": ["413"],
    "chunk": ["413", "200"],
    "blank": ["413"],
    "method": ["400"],
}


@pytest.mark.parametrize("what", OFFERS)
def test_s21_what_is_too_large_is_refused_long_before_its_end(running: Running, what: str) -> None:
    """Ten times at once over: of a gibibyte hardly any is taken, and the memory of all processes stays as it is."""
    head, piece, most = OFFERS[what]
    before, sent = memory(running), 0
    for _ in range(10):
        said, so_far = offered(running, head, piece, most)
        sent = max(sent, so_far)
        # Who goes on sending may lose the answer with the connection.
        expected = next(statuses for words, statuses in STATUSES.items() if words in what)
        assert not said or said[9:12].decode() in expected, said
    assert sent < 16 * 2**20
    assert memory(running) - before < GROWTH
    assert running.get("/healthz").status == 200


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (HEAD + b"content-length: %d\r\n\r\n" % GIB, 413),
        (HEAD + LINE * 101 + b"\r\n", 431),
        (HEAD + b"x: " + b"x" * 33_000 + b"\r\n\r\n", 431),
        (b"GET /card/" + b"x" * 9_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n", 414),
    ],
)
def test_s21_who_sends_a_little_too_much_is_told_so(running: Running, request_: bytes, status: int) -> None:
    """By a problem document; the connection ends behind it."""
    refused(running.raw(request_), status)
