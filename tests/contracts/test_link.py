"""The link to a server: who is let in, what is lost with a connection, and that there is another one after it."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis
from hiredis import ReplyError

from aggregator.tiers.link import Link
from aggregator.tiers.server import Call, Server
from tests.certificates import certificate
from tests.scripted_node import ScriptedNode
from tests.servers import Valkey, unlimited, valkey

PING: Sequence[Call] = [("PING",)]


async def said(link: Link, calls: Sequence[Call]) -> list[Any] | OSError:
    """What comes back of some calls."""
    back: asyncio.Future[list[Any] | OSError] = asyncio.get_running_loop().create_future()
    link.send(calls, back.set_result)
    return await asyncio.wait_for(back, 20.0)


@contextmanager
def guarded() -> Iterator[str]:
    """A server that asks for a password."""
    with valkey() as url:
        with redis.Redis.from_url(url) as client:
            client.acl_setuser("default", True, passwords=["+s3cret"], keys=["*"], categories=["+@all"])
        yield url


def play(server: Server, steps: Callable[[Link], Awaitable[None]]) -> None:
    """Run steps on a link to it."""

    async def main() -> None:
        link = Link(server)
        try:
            await steps(link)
        finally:
            await link.close()

    asyncio.run(main())


def test_replies_come_back_to_who_sent_in_order(clean_redis_url: str) -> None:
    """Whatever was sent before the connection was there, and an error in its place."""

    async def steps(link: Link) -> None:
        echoes = [said(link, [("ECHO", str(number)), ("NOPE",), ("ECHO", b"x")]) for number in range(100)]
        for number, replies in enumerate(await asyncio.gather(*echoes)):
            assert isinstance(replies, list)
            first, error, last = replies
            assert (first, last) == (b"%d" % number, b"x")
            assert isinstance(error, ReplyError)

    play(Server.of(unlimited(clean_redis_url)), steps)


def test_name_password_and_database_are_those_of_the_url() -> None:
    """And nothing is sent to another database."""
    with guarded() as url:

        async def steps(link: Link) -> None:
            both = await asyncio.gather(said(link, [("SET", "k", "v")]), said(link, [("CLIENT", "GETNAME")]))
            assert both == [[b"OK"], [b"me"]]

        play(Server.of(url.replace("unix://", "unix://:s3cret@") + "?db=3&client_name=me"), steps)
        with redis.Redis.from_url(url, password="s3cret", db=3) as client:
            assert client.get("k") == b"v"


@pytest.mark.parametrize(("login", "why"), [(":wr0ng@", "WRONGPASS"), ("", "NOAUTH")])
def test_who_is_not_let_in_is_told_why_and_sends_nothing(login: str, why: str) -> None:
    """The reason names no password. Without one, the server refuses the choice of a database."""
    with guarded() as url:

        async def steps(link: Link) -> None:
            for _ in range(2):  # the next one tries again
                error = await said(link, [("SET", "k", "v")])
                assert isinstance(error, OSError)
                assert why in str(error)
                assert "wr0ng" not in str(error)

        play(Server.of(url.replace("unix://", f"unix://{login}") + "?db=3"), steps)


def test_what_is_under_way_is_lost_with_the_connection_and_the_next_finds_another() -> None:
    """As after a crash of the server."""
    with Valkey() as running:

        async def steps(link: Link) -> None:
            assert await said(link, PING) == [b"PONG"]
            running.freeze()
            lost = asyncio.create_task(said(link, PING))
            await asyncio.sleep(0)
            running.kill()
            assert isinstance(await lost, OSError)
            assert isinstance(await said(link, PING), OSError)
            running.start()
            assert await said(link, PING) == [b"PONG"]

        play(Server.of(unlimited(running.url)), steps)


def test_a_server_that_says_nothing_is_given_up() -> None:
    """After the time that a reply may take; and found again."""
    with Valkey() as running:

        async def steps(link: Link) -> None:
            assert await said(link, PING) == [b"PONG"]
            running.freeze()
            error = await said(link, PING)
            assert isinstance(error, TimeoutError)
            assert "nothing for 0.2 s" in str(error)
            running.thaw()
            assert await said(link, PING) == [b"PONG"]

        play(replace(Server.of(unlimited(running.url)), reply_within=0.2), steps)


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def talking(talk: Talk, steps: Callable[[int], Awaitable[None]], tls: ssl.SSLContext | None = None) -> None:
    """Run steps beside a server of one's own on a port of loopback."""

    async def main() -> None:
        server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=tls)
        try:
            await steps(server.sockets[0].getsockname()[1])
        finally:
            server.close()

    asyncio.run(main())


async def pong(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers one PING."""
    await reader.readuntil(b"PING\r\n")
    writer.write(b"+PONG\r\n")
    await reader.read()
    writer.close()


def test_a_server_may_be_asked_through_tls(tmp_path: Path) -> None:
    """Its certificate is checked against the authority that the URL names."""
    cert, key = certificate(tmp_path, "redis")
    other, _ = certificate(tmp_path, "other")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(cert, key)

    async def steps(port: int) -> None:
        for authority, trusted in ((cert, True), (other, False)):
            link = Link(Server.of(f"rediss://127.0.0.1:{port}?ssl_ca_certs={authority}"))
            replies = await said(link, PING)
            assert replies == [b"PONG"] if trusted else isinstance(replies, ssl.SSLError)
            await link.close()

    talking(pong, steps, tls)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"+PONG\r\n+PONG\r\n", b""])
def test_what_does_not_speak_the_protocol_is_no_server(answer: bytes) -> None:
    """Neither what says something else, nor what says more than it was asked, nor what hangs up."""

    async def wrong(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"PING\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    async def steps(port: int) -> None:
        link = Link(Server("127.0.0.1", port))
        first = await said(link, PING)
        assert isinstance(first, OSError) or first == [b"PONG"]
        assert isinstance(await said(link, PING), OSError) or answer.startswith(b"+")
        await link.close()

    talking(wrong, steps)


def test_where_nobody_listens_each_learns_it() -> None:
    """At once, and not only when the time for connecting is over."""

    async def steps(link: Link) -> None:
        error = await said(link, PING)
        assert isinstance(error, OSError)
        assert not isinstance(error, TimeoutError)

    play(Server(path="/nowhere/at/all"), steps)


def test_a_name_that_no_host_can_have_is_not_reachable() -> None:
    """Whoever sends learns it, each time anew."""

    async def steps(link: Link) -> None:
        for _ in range(2):
            error = await said(link, PING)
            assert isinstance(error, OSError)
            assert "'a..b' is no name of a host" in str(error)

    play(Server.of("redis://a..b"), steps)


def test_closing_tells_everybody(clean_redis_url: str) -> None:
    """Those who wait for the connection, and those who wait for a reply."""

    async def main() -> None:
        for connected in (False, True):
            link = Link(Server.of(unlimited(clean_redis_url)))
            if connected:
                assert await said(link, PING) == [b"PONG"]
            waiting = asyncio.create_task(said(link, [("BLPOP", "nothing", "0")]))
            await asyncio.sleep(0)
            await link.close()
            assert isinstance(await waiting, OSError)

    asyncio.run(main())


def test_what_is_sent_behind_closing_fails_and_connects_nowhere() -> None:
    """Whether there was a connection or not."""

    async def main() -> None:
        async with ScriptedNode(b"+PONG\r\n").listening() as node, asyncio.timeout(20):
            link = Link(Server(port=node.port, host="127.0.0.1"))
            for _ in range(2):
                await link.close()
                assert str(await said(link, [("PING",)])) == "it is closed"
            assert not node.connections

    asyncio.run(main())


def test_a_url_says_where_how_and_who() -> None:
    """As redis-py reads it, and what it does not know is a mistake."""
    plain = Server.of("redis://h:1234")
    assert (plain.host, plain.port, plain.path, plain.tls, plain.greeting) == ("h", 1234, None, None, ())
    named = Server.of("redis://me:p%40ss@h/7?socket_timeout=3")
    assert named.greeting == (("AUTH", "me", "p@ss"), ("SELECT", 7))
    assert named.reply_within == 3.0
    assert "p@ss" not in repr(named)
    assert Server.of("rediss://h").tls is not None
    assert Server.of("unix:///run/redis?db=2").path == "/run/redis"
    for wrong in ("http://h", "redis://h?nonsense=1"):
        with pytest.raises(ValueError):
            Server.of(wrong)
