"""Connections: how long they are kept, what they take, and in which order, whichever path answers on them."""

import asyncio
import re
from collections.abc import Awaitable, Callable

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from aggregator.http.connections import Connections
from aggregator.http.limited import Limits
from aggregator.http.quick import Never
from aggregator.http.wire import Wire
from aggregator.process.worker import server
from aggregator.settings import Settings
from tests.screens_of_all_kinds import LATENCY, SECRET, Echoing, catalogue
from tests.scripted_transport import ScriptedTransport
from tests.twins import SETTLED, Side
from tests.virtual_time import run

KEPT = 5.0
HIT = b"GET /a/1 HTTP/1.1\r\nhost: x\r\n\r\n"
MISS = b"GET /a/2 HTTP/1.1\r\nhost: x\r\n\r\n"
Play = Callable[[Side, ScriptedTransport], Awaitable[None]]
On = Callable[[Play], None]


@pytest.fixture(params=["quick", "ordinary"])
def on(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> On:
    """Plays on a new connection to a service that holds what HIT asks for, in virtual time."""
    monkeypatch.setenv("K", SECRET)

    async def meet(play: Play) -> None:
        async with Side(catalogue(), Echoing(), quick=request.param == "quick") as side:
            side.connect().send(HIT)
            await asyncio.sleep(SETTLED)
            await play(side, side.connect())

    return lambda play: run(meet(play))


def answers(transport: ScriptedTransport) -> list[bytes]:
    """Every answer so far, from its status on."""
    return re.split(rb"HTTP/1\.1 (?=[0-9]{3} )", bytes(transport.said))[1:]


def whose(answer: bytes) -> bytes:
    """The id of the card that is answered."""
    return answer.partition(b'"target":"/card/')[2].partition(b'"')[0]


def test_an_idle_connection_is_closed(on: On) -> None:
    """Five seconds after the last answer, also where all of them were hits; not while it is used."""

    async def play(_: Side, transport: ScriptedTransport) -> None:
        for pause in (1.0, 4.9, 0.0, 4.9, 4.9):
            transport.send(HIT)
            await asyncio.sleep(pause)
            assert not transport.closed
        await asyncio.sleep(KEPT - 4.9 + 0.001)
        assert transport.closed
        assert len(answers(transport)) == 5

    on(play)


BEFORE = [[], [HIT], [MISS], [b"POST" + HIT[3:]], [HIT, MISS, HIT]]


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("sent", [b"", b"\r\n", b"G", HIT[:12], HIT[:-2], HIT[:-2] + b"x: " + b"y" * 2_000])
def test_a_request_that_does_not_come_ends_its_connection(on: On, before: list[bytes], sent: bytes) -> None:
    """Nothing of it, or not all of its head; counted from its first byte, or from the answer before."""

    async def play(_: Side, transport: ScriptedTransport) -> None:
        for request in before:
            transport.send(request)
            await asyncio.sleep(SETTLED)
        await asyncio.sleep(4.0)
        if sent:
            transport.send(sent)
        left = KEPT if sent else KEPT - 4.0 - SETTLED
        await asyncio.sleep(left - 0.001)
        assert not transport.closed
        await asyncio.sleep(SETTLED + 0.002)
        assert transport.closed
        assert len(answers(transport)) == len(before)

    on(play)


def test_a_head_that_comes_byte_by_byte_has_no_more_time(on: On) -> None:
    """Its bytes are no use of the connection."""

    async def play(_: Side, transport: ScriptedTransport) -> None:
        transport.send(HIT)
        for byte in HIT * 2:
            await asyncio.sleep(0.9)
            transport.send(bytes([byte]))
            if transport.closed:
                break
        assert asyncio.get_running_loop().time() < 1_000.0 + SETTLED + 2 * KEPT
        assert len(answers(transport)) == 1

    on(play)


@pytest.mark.parametrize("count", [1, 2])
def test_a_head_may_take_as_long_as_the_answer_before_it(on: On, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Nothing is closed while one is under way."""

    async def play(_: Side, transport: ScriptedTransport) -> None:
        monkeypatch.setattr("tests.screens_of_all_kinds.LATENCY", 3 * KEPT)
        transport.send(MISS * count + HIT[:9])
        await asyncio.sleep(3 * KEPT)
        assert not transport.closed
        transport.send(HIT[9:])
        await asyncio.sleep(SETTLED)
        assert [whose(one) for one in answers(transport)] == [b"2"] * count + [b"1"]

    on(play)


def test_a_direct_answer_counts_as_use(on: On) -> None:
    """The time to the end of the connection begins when the answer is there."""

    async def play(_: Side, transport: ScriptedTransport) -> None:
        transport.send(HIT)
        await asyncio.sleep(4.99)
        transport.send(MISS)
        await asyncio.sleep(KEPT + LATENCY)
        assert not transport.closed
        await asyncio.sleep(LATENCY)
        assert transport.closed
        assert len(answers(transport)) == 2

    on(play)


@pytest.mark.parametrize("request_", [HIT, MISS])
@pytest.mark.parametrize(
    "how",
    [
        lambda sent: sent.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"),
        lambda sent: sent.replace(b"\r\n\r\n", b"\r\nConnection: keep-alive, CLOSE\r\n\r\n"),
        lambda sent: sent.replace(b"HTTP/1.1", b"HTTP/1.0"),
        lambda sent: sent.replace(b"HTTP/1.1\r\n", b"HTTP/1.0\r\nconnection: keep-alive\r\n"),
    ],
)
def test_a_client_that_keeps_no_connection_is_told_so(on: On, request_: bytes, how: Callable[[bytes], bytes]) -> None:
    """It is closed behind the answer, and what comes after is not looked at."""

    async def play(_: Side, transport: ScriptedTransport) -> None:
        transport.send(how(request_) + HIT)
        await asyncio.sleep(SETTLED)
        transport.send(HIT)
        await asyncio.sleep(SETTLED)
        [answer] = answers(transport)
        assert transport.closed
        assert b"\r\nconnection: close\r\n" in answer

    on(play)


def test_many_requests_in_one_read_are_answered_in_order(on: On) -> None:
    """A thousand of them; each answer bears its request's own id."""

    async def play(_: Side, transport: ScriptedTransport) -> None:
        transport.send(b"".join(HIT.replace(b"host: x", b"host: x\r\nx-request-id: n%d" % n) for n in range(1_000)))
        await asyncio.sleep(SETTLED)
        said = answers(transport)
        assert len(said) == 1_000
        assert all(b"\r\nx-request-id: n%d\r\n" % n in one for n, one in enumerate(said))
        assert not transport.closed
        assert not transport.reading_paused

    on(play)


def test_a_flood_of_requests_waits_in_the_network(on: On) -> None:
    """Of what a client sends faster than it is answered, no more than some reads' bytes are taken."""
    count = 6_000

    async def play(_: Side, transport: ScriptedTransport) -> None:
        transport.send(HIT * count)
        answered = most = 0
        while answered < count:
            await asyncio.sleep(0)
            answered += bytes(transport.said).count(b"HTTP/1.1 200 OK")
            transport.said.clear()
            most = max(most, transport.taken - answered * len(HIT))
        assert most < 2 * 65_536

    on(play)


def test_a_flood_behind_an_answer_under_way_waits_there_too(on: On) -> None:
    """It is not taken before the answer is there."""

    async def play(_: Side, transport: ScriptedTransport) -> None:
        transport.send(MISS)
        await asyncio.sleep(0)
        transport.send(HIT * 5_000)
        await asyncio.sleep(LATENCY / 2)
        assert not transport.said
        assert transport.taken < 2 * 65_536

    on(play)


@pytest.mark.parametrize("pause", [0.0, LATENCY / 2])
def test_requests_that_come_while_an_answer_is_under_way_wait_their_turn(on: On, pause: float) -> None:
    """Also hits, also in pieces, and what is no request is refused after them."""

    async def play(_: Side, transport: ScriptedTransport) -> None:
        transport.send(MISS)
        await asyncio.sleep(pause)
        transport.send(HIT + MISS[:9])
        await asyncio.sleep(0)
        transport.send(MISS[9:])
        await asyncio.sleep(0)
        transport.send(b"what?\r\n\r\n" + HIT)
        assert not transport.said
        await asyncio.sleep(SETTLED)
        said = answers(transport)
        assert [one[:3] for one in said] == [b"200", b"200", b"200", b"400"]
        assert [whose(one) for one in said[:3]] == [b"2", b"1", b"2"]
        assert transport.closed

    on(play)


def test_a_client_that_leaves_ends_nothing_but_its_connection(on: On) -> None:
    """What was being composed for it is there for the next one."""

    async def play(side: Side, transport: ScriptedTransport) -> None:
        transport.send(MISS)
        await asyncio.sleep(LATENCY / 2)
        transport.leave()
        await asyncio.sleep(SETTLED)
        assert not transport.said
        other = side.connect()
        other.send(MISS)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert b'detail="L1"' in bytes(other.said)
        assert not side.state.tasks

    on(play)


def test_an_answer_under_way_is_finished_before_the_end(on: On) -> None:
    """A connection that is to be shut down is closed behind it."""

    async def play(side: Side, transport: ScriptedTransport) -> None:
        transport.send(MISS)
        await asyncio.sleep(LATENCY / 2)
        for connection in list(side.state.connections):
            connection.shutdown()
        assert not transport.closed
        transport.send(HIT)
        await asyncio.sleep(SETTLED)
        assert transport.closed
        assert [whose(one) for one in answers(transport)] == [b"2"]
        assert b"\r\nconnection: close\r\n" in bytes(transport.said)

    on(play)


@pytest.mark.parametrize("request_sent", [HIT, MISS, HIT[:-2] + b"content-length: 1\r\n\r\nx"])
def test_a_request_on_its_way_at_the_end_is_answered(on: On, request_sent: bytes) -> None:
    """An idle connection is closed behind its next answer, which says so, or a moment later if nobody asks."""

    async def play(side: Side, transport: ScriptedTransport) -> None:
        idle = side.connect()
        for one in (idle, transport):
            one.send(HIT)
        await asyncio.sleep(SETTLED)
        for connection in list(side.state.connections):
            connection.shutdown()
        transport.send(request_sent)
        await asyncio.sleep(0.4)
        assert not idle.closed
        assert transport.closed
        assert len(answers(transport)) == 2
        assert b"connection: close" in answers(transport)[1]
        await asyncio.sleep(0.2)
        assert idle.closed

    on(play)


@pytest.mark.parametrize(
    "body", [b"content-length: 5\r\n\r\nabcde", b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"]
)
def test_a_body_is_no_request(on: On, body: bytes) -> None:
    """A GET may have one; it is not read, and the next request begins behind it."""

    async def play(_: Side, transport: ScriptedTransport) -> None:
        sent = HIT[:-2] + body
        for cut in (len(sent), len(sent) - 3):
            transport.send(sent[:cut])
            await asyncio.sleep(SETTLED)
            transport.send(sent[cut:] + MISS)
            await asyncio.sleep(SETTLED)
        assert [whose(one) for one in answers(transport)] == [b"1", b"2"] * 2

    on(play)


def test_a_head_may_be_split_anywhere(on: On) -> None:
    """Between any two bytes, or between all of them."""

    async def play(_: Side, transport: ScriptedTransport) -> None:
        for cut in range(1, len(HIT)):
            transport.send(HIT[:cut])
            await asyncio.sleep(0.1)
            transport.send(HIT[cut:])
            await asyncio.sleep(0.1)
        for byte in HIT:
            transport.send(bytes([byte]))
            await asyncio.sleep(0)
        await asyncio.sleep(SETTLED)
        assert [whose(one) for one in answers(transport)] == [b"1"] * len(HIT)

    on(play)


UPGRADE = b"GET /a/1 HTTP/1.1\r\nupgrade: h2c\r\nconnection: upgrade\r\nhost: x\r\n"


@pytest.mark.parametrize("first", [UPGRADE, UPGRADE + b"content-length: 0\r\n", UPGRADE + b"content-length: 00\r\n"])
@pytest.mark.parametrize("pause", [0.0, SETTLED])
def test_what_follows_an_upgrade_that_is_not_made_is_a_request(on: On, first: bytes, pause: float) -> None:
    """In the same read, too, or later."""

    async def play(_: Side, transport: ScriptedTransport) -> None:
        transport.send(first + b"\r\n" + MISS)
        await asyncio.sleep(pause)
        transport.send(HIT)
        await asyncio.sleep(SETTLED)
        assert [whose(one) for one in answers(transport)] == [b"1", b"2", b"1"]

    on(play)


@pytest.mark.parametrize(
    "length",
    [
        b"content-length: %d" % len(MISS),
        b"Content-Length: 0%d" % len(MISS),
        b"transfer-encoding: chunked",
        b"transfer-encoding: gzip, chunked",
    ],
)
@pytest.mark.parametrize("method", [b"GET", b"POST", b"CONNECT"])
@pytest.mark.parametrize("pause", [None, 0.0, SETTLED])
def test_the_body_of_an_upgrade_is_no_request(on: On, length: bytes, method: bytes, pause: float | None) -> None:
    """It is refused with its head, in the same read or not, and nothing behind it is looked at."""

    async def play(_: Side, transport: ScriptedTransport) -> None:
        target = b"x:1" if method == b"CONNECT" else b"/a/1"
        head = UPGRADE.replace(b"GET /a/1", method + b" " + target) + length + b"\r\n\r\n"
        transport.send(head if pause is not None else head + MISS)
        await asyncio.sleep(pause or 0.0)
        transport.send(MISS)
        await asyncio.sleep(SETTLED)
        [answer] = answers(transport)
        assert answer.startswith(b"400")
        assert b"No body is taken with Upgrade" in answer
        assert transport.closed

    on(play)


def test_a_client_that_does_not_read_is_not_written_to_for_ever(on: On) -> None:
    """What waits for it is bounded; when it reads, it gets everything in order."""
    count = 1_000

    async def play(_: Side, transport: ScriptedTransport) -> None:
        transport.reads = False
        for n in range(count):
            transport.send(HIT.replace(b"host: x", b"host: x\r\nx-request-id: n%d" % n))
            await asyncio.sleep(0)
        await asyncio.sleep(10.0)
        assert not transport.closed
        assert transport.most_unsent < 2 * 65_536
        assert transport.taken < 2 * 65_536
        while len(said := answers(transport)) < count:
            transport.read(10_000)
            await asyncio.sleep(0.001)
        assert all(b"\r\nx-request-id: n%d\r\n" % n in one for n, one in enumerate(said))

    on(play)


BROKEN = b"POST /a/1 HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nnone\r\n"


@pytest.mark.parametrize("before", [b"", MISS, MISS + MISS])
@pytest.mark.parametrize("reads", [True, False])
def test_a_request_that_breaks_off_is_refused_once(on: On, before: bytes, reads: bool) -> None:
    """In its turn, and it gets no other answer, nor does what comes after it."""

    async def play(_: Side, transport: ScriptedTransport) -> None:
        transport.reads = reads
        transport.send(before + BROKEN + HIT)
        await asyncio.sleep(0)
        transport.send(HIT)
        await asyncio.sleep(SETTLED)
        transport.read()
        assert transport.closed
        assert [one[:3] for one in answers(transport)] == [b"200"] * before.count(MISS) + [b"400"]

    on(play)


@pytest.mark.parametrize("first", [HIT, MISS, HIT.replace(b"GET", b"HEAD"), b"POST" + HIT[3:]])
@pytest.mark.parametrize("pause", [0.0, LATENCY / 2, SETTLED])
def test_a_body_that_breaks_off_gets_no_second_answer(on: On, first: bytes, pause: float) -> None:
    """Where its request was answered already, the connection is closed, and no more is said."""

    async def play(_: Side, transport: ScriptedTransport) -> None:
        transport.send(first[:-2] + b"transfer-encoding: chunked\r\n\r\n")
        await asyncio.sleep(pause)
        answered = bool(transport.said)
        transport.send(b"none\r\n" + HIT)
        await asyncio.sleep(SETTLED)
        assert transport.closed
        [answer] = answers(transport)
        assert answer.startswith(b"400") is not answered

    on(play)


@pytest.mark.parametrize(
    "refused",
    [
        b"HEAD /a/1 HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n",
        b"HEAD /a/1 HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 40_000 + b"\r\n\r\n",
        b"HEAD /a/1 HTTP/1.1\r\nhost: x\r\nno colon\r\n\r\n",
        b"HEAD /" + b"y" * 10_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
        b"HEAD /a/1 HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nnone\r\n",
        b"HEAD /a/1 HTTP/1.1\r\nhost: x\r\nupgrade: h2c\r\nconnection: upgrade\r\ncontent-length: 1\r\n\r\na",
    ],
)
@pytest.mark.parametrize("before", [b"", MISS, HIT + MISS])
@pytest.mark.parametrize("whole", [True, False])
def test_a_refusal_of_head_has_no_body(on: On, refused: bytes, before: bytes, whole: bool) -> None:
    """Its length is told all the same; also where it waits for others, or comes in pieces."""

    async def play(_: Side, transport: ScriptedTransport) -> None:
        for piece in (
            [before + refused] if whole else [before, *(refused[at : at + 9] for at in range(0, 900, 9)), refused[900:]]
        ):
            transport.send(piece)
            await asyncio.sleep(0)
        await asyncio.sleep(SETTLED)
        answer = answers(transport)[-1]
        assert answer[0] == ord("4")
        assert b"\r\ncontent-length: " in answer
        assert answer.endswith(b"\r\n\r\n")

    on(play)


@pytest.mark.parametrize("garbage", [b"what?\r\n\r\n", b"GE /a/1 HTTP/1.1\r\n\r\n", b"\x00", b"HEAD\r\n\r\n"])
def test_what_is_no_request_is_refused_with_a_body_whatever_came_before(on: On, garbage: bytes) -> None:
    """Also behind one to HEAD."""

    async def play(_: Side, transport: ScriptedTransport) -> None:
        transport.send(b"HEAD /a/1 HTTP/1.1\r\nhost: x\r\nte: x\r\nconnection: x\r\n\r\n")
        await asyncio.sleep(SETTLED)
        transport.send(garbage)
        await asyncio.sleep(SETTLED)
        assert answers(transport)[-1].endswith(b"}")

    on(play)


async def measuring(_: Scope, receive: Receive, send: Send) -> None:
    """An application that answers how long a body is, a while after it was read."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await asyncio.sleep(LATENCY)
    said = b"%d" % size
    headers = [(b"content-length", b"%d" % len(said))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": said})


@pytest.mark.parametrize(
    "sizes", [(600, 600), (600, 600, 600), (0, 3_000, 0, 70_000), (200_000, 1, 200_000), (1_000,) * 20]
)
@pytest.mark.parametrize("piece", [700, 1_024, 65_536, 1_000_000])
def test_bodies_of_requests_that_wait_are_read(sizes: tuple[int, ...], piece: int) -> None:
    """All of them, in order, whether they come with their heads or behind."""

    async def play() -> None:
        config = server(measuring, Settings()).config
        wire = Wire(Limits(), Never(), Connections(), config=config, server_state=ServerState(), app_state={})
        transport = ScriptedTransport(wire)
        posts = [b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b" % (n, b"z" * n) for n in sizes]
        data = b"".join(posts)
        for at in range(0, len(data), piece):
            transport.send(data[at : at + piece])
            await asyncio.sleep(0)
        await asyncio.sleep(SETTLED + len(sizes) * LATENCY)
        assert [int(one.partition(b"\r\n\r\n")[2]) for one in answers(transport)] == [*sizes]
        assert not transport.reading_paused

    run(play())
