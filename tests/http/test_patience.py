"""What a stranger sends is bounded in number, size and time, and so is what waits for one who does not read."""

import asyncio

import pytest

from tests.http.test_wire import HIT, MISS, On, answers, on
from tests.scripted_transport import ScriptedTransport
from tests.twins import SETTLED, Side

__all__ = ["on"]

LARGEST = 262_144
POST = b"POST /a/1 HTTP/1.1\r\nhost: x\r\n"
CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(("count", "status"), [(98, b"200"), (99, b"200"), (100, b"431"), (5_000, b"431")])
def test_s21_a_head_has_a_hundred_lines_at_most(on: On, count: int, status: bytes) -> None:
    """Host is one of them; on both paths."""

    async def play(_: Side, transport: ScriptedTransport) -> None:
        transport.send(HIT[:-2] + b"".join(b"%x: \r\n" % n for n in range(count)) + b"\r\n")
        await asyncio.sleep(SETTLED)
        assert [one[:3] for one in answers(transport)] == [status]
        assert transport.closed is (status == b"431")

    on(play)


@pytest.mark.parametrize("head", [POST, b"GET /a/1 HTTP/1.1\r\nhost: x\r\n"])
def test_s21_a_body_that_is_said_to_be_too_long_is_refused_with_its_head(on: On, head: bytes) -> None:
    """Not a byte of it is waited for; one byte less is taken."""

    async def play(side: Side, transport: ScriptedTransport) -> None:
        transport.send(head + b"content-length: %d\r\n\r\n" % LARGEST + b"x" * LARGEST + HIT)
        other = side.connect()
        other.send(head + b"content-length: %d\r\n\r\n" % (LARGEST + 1))
        await asyncio.sleep(SETTLED)
        assert [one[:3] for one in answers(other)] == [b"413"]
        assert other.closed
        assert len(answers(transport)) == 2

    on(play)


def test_s21_a_body_in_chunks_is_taken_so_far_and_no_further(on: On) -> None:
    """A gibibyte is offered: hardly more than the limit is taken."""

    async def play(_: Side, transport: ScriptedTransport) -> None:
        transport.send(CHUNKED)
        while not transport.closed and transport.taken < 2**30:
            transport.send(b"8000\r\n" + b"x" * 0x8000 + b"\r\n")
            await asyncio.sleep(0.001)
        assert transport.taken < 2 * LARGEST

    on(play)


@pytest.mark.parametrize("length", [b"content-length: 1000\r\n\r\n", b"transfer-encoding: chunked\r\n\r\n"])
@pytest.mark.parametrize("method", [b"GET", b"POST"])
def test_s20_a_body_that_drips_ends_its_connection(on: On, length: bytes, method: bytes) -> None:
    """Within 15 s, however often something of it comes; also behind an answer that did not wait for it."""

    async def play(_: Side, transport: ScriptedTransport) -> None:
        begun = asyncio.get_running_loop().time()
        transport.send(POST.replace(b"POST", method) + length)
        while not transport.closed and asyncio.get_running_loop().time() < begun + 60.0:
            await asyncio.sleep(1.0)
            transport.send(b"1\r\nx\r\n" if b"chunked" in length else b"x")
        assert asyncio.get_running_loop().time() <= begun + 15.0

    on(play)


@pytest.mark.parametrize("request_", [HIT, HIT[:-2] + b"connection: close\r\n\r\n", MISS])
def test_s20_a_client_that_reads_nothing_is_cut(on: On, request_: bytes) -> None:
    """Within 15 s, also where the answer is short, and the connection was to end behind it."""

    async def play(_: Side, transport: ScriptedTransport) -> None:
        transport.reads = False
        transport.send(request_)
        await asyncio.sleep(9.9)
        assert not transport.lost
        await asyncio.sleep(5.2)
        assert transport.lost

    on(play)


def test_s17_a_field_behind_a_body_is_none_of_the_head(on: On) -> None:
    """A trailer names no request id, nor anything else that a head may say."""

    async def play(_: Side, transport: ScriptedTransport) -> None:
        body = b"transfer-encoding: chunked\r\n\r\n0\r\nx-request-id: trailing\r\nif-none-match: *\r\n\r\n"
        transport.send(HIT[:-2] + body)
        await asyncio.sleep(SETTLED)
        [answer] = answers(transport)
        assert answer.startswith(b"200")
        assert b"trailing" not in answer

    on(play)
