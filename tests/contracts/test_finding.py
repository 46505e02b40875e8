"""Whoever asks sentinels finds the master of the newest configuration, or is told what each of them said instead."""

import asyncio
import re
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis

from aggregator.invalidation import wire
from aggregator.invalidation.log import LogUnavailable
from aggregator.invalidation.redis_stream import RedisLog
from aggregator.publisher.sync_log import SyncLog
from aggregator.servers.connections import FoundSSLConnection
from aggregator.servers.finder import Finder, finder_of
from aggregator.servers.url import RedisUrl
from aggregator.tiers.erase import erase
from aggregator.tiers.link import Link
from aggregator.tiers.server import Server
from tests.certificates import certificate
from tests.scripted_sentinel import ScriptedSentinel
from tests.sentinels import Sentinel, free_port, url_of
from tests.servers import Valkey
from tests.tcp_proxy import TcpProxy

PAGE = Path(__file__).parent.parent.parent / "docs" / "operating.md"
STREAM = wire.stream_key("aggregator")
OLD, NEW = ("127.0.0.1", 1), ("127.0.0.1", 2)
Find = Callable[[Finder], Awaitable[tuple[str, int]]]


async def on_the_loop(finder: Finder) -> tuple[str, int]:
    return await finder.find()


async def in_a_thread(finder: Finder) -> tuple[str, int]:
    return await asyncio.to_thread(finder.find_blocking)


@pytest.fixture(params=[on_the_loop, in_a_thread], ids=["async", "sync"])
def find(request: pytest.FixtureRequest) -> Find:
    """Both ways to ask."""
    return request.param  # type: ignore[no-any-return]


def finder(url: str, within: float = 0.2) -> Finder:
    """The one of a URL."""
    found = finder_of(RedisUrl.of(url), within)
    assert found
    return found


def play(
    steps: Callable[[str], Awaitable[None]], *sentinels: ScriptedSentinel, tls: ssl.SSLContext | None = None
) -> None:
    """Run steps with the URL of these sentinels, for 20 s at most."""

    async def main() -> None:
        async with asyncio.timeout(20), AsyncExitStack() as stack:
            for sentinel in sentinels:
                await stack.enter_async_context(sentinel.listening(tls))
            await steps(url_of([sentinel.port for sentinel in sentinels]))

    asyncio.run(main())


@pytest.mark.parametrize("newer", [0, 1])
def test_r08_of_two_answers_that_differ_the_newer_configuration_counts(find: Find, newer: int) -> None:
    """Whichever comes first: a sentinel that was cut off tells what was."""

    async def steps(url: str) -> None:
        assert await find(finder(url)) == NEW

    sentinels = [ScriptedSentinel(OLD, epoch=9), ScriptedSentinel(OLD, epoch=9)]
    sentinels[newer] = ScriptedSentinel(NEW, epoch=10)
    play(steps, *sentinels)


def test_r08_sentinels_that_hang_hold_up_nobody(find: Find) -> None:
    """More than half suffice; on an event loop they are asked at once."""

    async def steps(url: str) -> None:
        assert await find(finder(url, within=20.0 if find is on_the_loop else 0.2)) == NEW

    play(steps, ScriptedSentinel(answers=False), ScriptedSentinel(NEW), ScriptedSentinel(NEW))


def test_r08_one_sentinel_that_is_left_is_believed_in_the_end(find: Find) -> None:
    async def steps(url: str) -> None:
        dead = f"127.0.0.1:{free_port()}"
        assert await find(finder(url.replace("//", f"//{dead},"))) == NEW

    play(steps, ScriptedSentinel(answers=False), ScriptedSentinel(NEW))


def test_r08_one_who_is_slow_at_each_word_is_not_waited_for_longer() -> None:
    """Two answers of 0.6 s each take longer than the second that there is."""

    async def steps(url: str) -> None:
        assert await finder(url, within=1.0).find() == NEW

    play(steps, ScriptedSentinel(NEW), *(ScriptedSentinel(OLD, epoch=9, after=0.6) for _ in range(2)))


def test_r08_a_sentinel_that_was_cut_off_leads_nobody_back(find: Find) -> None:
    """Not even where the others hang, which have told of the fail-over."""

    async def steps(url: str) -> None:
        asked = finder(url)
        assert await find(asked) == NEW
        for newer in sentinels[1:]:
            newer.answers = False
        with pytest.raises(ConnectionError, match=r"127.0.0.1:1 was it in epoch 4, 5 is known"):
            await find(asked)
        assert asked.last == NEW

    sentinels = [ScriptedSentinel(OLD, epoch=4), ScriptedSentinel(NEW, epoch=5), ScriptedSentinel(NEW, epoch=5)]
    play(steps, *sentinels)


def test_r08_sentinels_that_are_set_up_anew_are_believed(find: Find) -> None:
    """Their epochs begin at 0; more than half of them are not all cut off."""

    async def steps(url: str) -> None:
        asked = finder(url)
        assert await find(asked) == OLD
        for sentinel in sentinels[1:]:
            sentinel.address, sentinel.epoch = NEW, 0
        sentinels[0].answers = False
        assert [await find(asked) for _ in range(2)] == [NEW, NEW]

    sentinels = [ScriptedSentinel(OLD, epoch=5) for _ in range(3)]
    play(steps, *sentinels)


def test_r08_where_nobody_knows_it_is_said_what_each_said(find: Find) -> None:
    """One does not know the service, one hangs, one is none, one is not there."""

    async def steps(url: str) -> None:
        dead = f"127.0.0.1:{free_port()}"
        with pytest.raises(ConnectionError) as told:
            await find(finder(url.replace("//", f"//{dead},")))
        text = str(told.value)
        assert text.startswith('no sentinel tells the master of "main" (')
        for why in (f"{dead}: Error 111", "No such master with that name", "Timeout", "invalid literal"):
            assert re.search(why, text)

    play(steps, ScriptedSentinel(answers=False), ScriptedSentinel(), ScriptedSentinel(NEW, epoch="none"))


@pytest.fixture
def servers() -> Iterator[list[Valkey]]:
    """Two, on ports of loopback too."""
    with ExitStack() as stack:
        yield [stack.enter_context(Valkey("--port", str(free_port()))) for _ in range(2)]


def ask(server: Valkey, *command: Any) -> Any:
    """One command by a client of one's own."""
    with redis.Redis.from_url(server.url) as client:
        return client.execute_command(*command)


def address(server: Valkey) -> tuple[str, int]:
    """Where it listens."""
    return "127.0.0.1", int(ask(server, "CONFIG", "GET", "port")[b"port"])


def tags_in(server: Valkey) -> set[str]:
    """What its log says."""
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        return {fields["tags"] for _, fields in client.xrange(STREAM)}


def clients(server: Valkey) -> list[str]:
    """The ids of those that come over the network."""
    with redis.Redis.from_url(server.url) as client:
        return [one["id"] for one in client.client_list() if one["addr"].startswith("127.0.0.1")]


def test_r08_a_demoted_master_is_left_by_whoever_writes(servers: list[Valkey], monkeypatch: pytest.MonkeyPatch) -> None:
    """The log tries again at once; of publishers without a loop and of L2 one call fails, and the next one does not."""
    monkeypatch.setattr("aggregator.servers.sentinel._AGAIN_AFTER", 1e9)

    async def steps(url: str) -> None:
        log, sync, link = RedisLog(url), SyncLog(url, "aggregator", 1.0, "memory"), Link(Server.of(url))
        await log.append(["user:1"])
        await log.beat()
        await asyncio.to_thread(sync.append_all, [{"tags": '["user:2"]'}])
        assert await said(link, "SET", "aggregator:fragment:k", "v") == [b"OK"]
        ask(servers[0], "REPLICAOF", "127.0.0.1", "1")
        sentinel.address = address(servers[1])
        assert (await log.beat()).epoch is None
        with pytest.raises(LogUnavailable, match="read only replica"):
            await asyncio.to_thread(sync.append_all, [{"tags": '["user:2"]'}])
        [error] = await said(link, "SET", "aggregator:fragment:k", "v")
        assert "READONLY" in str(error)
        await log.append(["user:1"])
        await asyncio.to_thread(sync.append_all, [{"tags": '["user:2"]'}])
        assert await said(link, "SET", "aggregator:fragment:k", "v") == [b"OK"]
        assert {'["user:1"]', '["user:2"]'} <= tags_in(servers[1])
        assert ask(servers[1], "GET", "aggregator:fragment:k") == b"v"
        await log.close()
        await asyncio.to_thread(sync.close)
        await link.close()

    sentinel = ScriptedSentinel(address(servers[0]))
    play(steps, sentinel)


async def said(link: Link, *call: str) -> Any:
    """What comes back of a call."""
    back: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    link.send([call], back.set_result)
    return await back


def test_r08_a_master_that_was_replaced_and_knows_nothing_of_it_is_left(
    servers: list[Valkey], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is connected asks again; where no sentinel answers any more, it stays where it is."""

    async def steps(url: str) -> None:
        log, sync = RedisLog(url), SyncLog(url, "aggregator", 1.0, "memory")
        append = (log.append, lambda tags: asyncio.to_thread(sync.append_all, [{"tags": f'["{tags[0]}"]'}]))
        for name, address_now in (("old", address(servers[0])), ("new", address(servers[1])), ("last", None)):
            sentinel.address = address_now
            for number, call in enumerate(append):
                await call([f"{name}:{number}"])
        assert {'["old:0"]', '["old:1"]'} <= tags_in(servers[0])
        assert {f'["{name}:{number}"]' for name in ("new", "last") for number in (0, 1)} <= tags_in(servers[1])
        assert clients(servers[0]) == []
        await log.close()
        await asyncio.to_thread(sync.close)

    monkeypatch.setattr("aggregator.servers.sentinel._AGAIN_AFTER", 0.0)
    sentinel = ScriptedSentinel()
    play(steps, sentinel)


def test_r08_reader_and_heartbeat_go_over_together(servers: list[Valkey], monkeypatch: pytest.MonkeyPatch) -> None:
    """One connection is lost, the other still answers; both are to the new master before anything is read again."""
    monkeypatch.setattr("aggregator.servers.sentinel._AGAIN_AFTER", 1e9)

    async def steps(url: str) -> None:
        log = RedisLog(url)
        await log.begin_epoch(None, 1)
        await asyncio.gather(log.read("0-0", 1, 0.05), log.beat())
        held = clients(servers[0])
        assert len(held) == 3  # two for those, one for what is written
        sentinel.address = address(servers[1])
        ask(servers[0], "CLIENT", "KILL", "ID", held[-1])
        for _ in range(2):
            await asyncio.gather(log.read("0-0", 1, 0.05), log.beat(), return_exceptions=True)  # the lost one's fails
        beat, batch = await log.beat(), await log.read("0-0", 1, 0.05)
        assert (beat.epoch, beat.added, batch.added) == (None, 0, 0)
        await log.close()

    sentinel = ScriptedSentinel(address(servers[0]))
    play(steps, sentinel)


def test_r08_what_is_refused_is_sent_again_on_the_same_connections(
    servers: list[Valkey], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows a better server; one asks for all who ask at once."""
    monkeypatch.setattr("aggregator.servers.sentinel._AGAIN_AFTER", 1e9)

    async def steps(url: str) -> None:
        log = RedisLog(url, timeout=5.0)
        await log.begin_epoch(None, 1)
        asked, made = sentinel.connections, connected(servers[0])
        await asyncio.gather(*[log.append(["user:1"]) for _ in range(32)])
        assert (sentinel.connections, connected(servers[0])) == (asked + 1, made + 31 + 1)  # and who counts them
        ask(servers[0], "REPLICAOF", "127.0.0.1", "1")
        made = connected(servers[0])
        said = await asyncio.gather(*[log.append(["user:1"]) for _ in range(32)], return_exceptions=True)
        assert connected(servers[0]) == made + 1
        assert all(re.search(rf":{address(servers[0])[1]} .*read only replica", str(error)) for error in said)
        await log.close()

    sentinel = ScriptedSentinel(address(servers[0]))
    play(steps, sentinel)


def connected(server: Valkey) -> int:
    """How many connections it has taken so far."""
    return int(ask(server, "INFO", "stats")["total_connections_received"])


def test_r08_erasing_asks_for_the_master(servers: list[Valkey]) -> None:
    async def steps(url: str) -> None:
        assert await erase(url, "aggregator", "user:1") == 0

    play(steps, ScriptedSentinel(address(servers[1])))


def test_r08_tls_is_spoken_with_sentinels_and_master(tmp_path: Path, servers: list[Valkey]) -> None:
    """And only with those whom the named authority vouches for."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificate(tmp_path, "redis"))

    async def steps(url: str) -> None:
        url = url.replace("redis+", "rediss+")
        log, link = RedisLog(f"{url}?ssl_ca_certs={tmp_path / 'redis.pem'}"), RedisLog(url)
        await log.append(["user:1"])
        with pytest.raises(LogUnavailable, match=r"no sentinel tells .*CERTIFICATE_VERIFY_FAILED"):
            await link.append(["user:1"])
        await log.close()
        await link.close()

    with TcpProxy(servers[0].url, tls) as proxy:
        play(steps, ScriptedSentinel(("127.0.0.1", int(proxy.url.rpartition(":")[2]))), tls=tls)


def test_r08_one_that_says_no_goodbye_is_left_at_once(tmp_path: Path) -> None:
    """Over TLS a close is answered, and a master that hangs answers nothing."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificate(tmp_path, "redis"))
    left = threading.Event()

    def hang(listening: socket.socket) -> None:
        with tls.wrap_socket(listening.accept()[0], server_side=True):
            left.wait(20)

    async def steps(url: str) -> None:
        found = finder(url)
        options = {"protocol": 2, "driver_info": None, "ssl_ca_certs": str(tmp_path / "redis.pem")}
        connection = FoundSSLConnection(finder=found, socket_connect_timeout=20.0, **options)
        await connection.connect()
        sentinel.address = places[1].getsockname()
        found.last = None
        async with asyncio.timeout(5):
            await connection.connect()
        assert (connection.host, connection.port) == sentinel.address
        await connection.disconnect(nowait=True)

    with ExitStack() as stack:
        places = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]
        hanging = [threading.Thread(target=hang, args=(place,)) for place in places]
        for one in hanging:
            one.start()
            stack.callback(one.join, 5)
        stack.callback(left.set)
        sentinel = ScriptedSentinel(places[0].getsockname())
        play(steps, sentinel)


@pytest.mark.parametrize("kind", ["valkey", "redis"])
def test_s25_sentinels_have_a_password_of_their_own(find: Find, servers: list[Valkey], kind: str) -> None:
    """And users, with the rights that the operating page names. The password is shown nowhere, also where it is wrong;
    a service that they do not know is told by name."""

    rights = re.findall(r"\+sentinel\|[a-z-]+", PAGE.read_text())

    async def main() -> None:
        def of(service: str, query: str) -> Finder:
            return finder(url_of([sentinel.port], service, query=query), within=2.0)

        async with asyncio.timeout(20):
            assert await find(of("main", "?sentinel_username=me&sentinel_password=s3cret")) == address(servers[0])
            for service, query, why in (
                ("main", "", "Authentication required"),
                ("main", "?sentinel_username=me&sentinel_password=wr0ng", "invalid username-password pair"),
                ("other", "?sentinel_username=me&sentinel_password=s3cret", '"other" .*No such master'),
            ):
                with pytest.raises(ConnectionError, match=why) as told:
                    await find(of(service, query))
                assert not any(secret in str(told.value) for secret in ("s3cret", "wr0ng"))

    with Sentinel(
        address(servers[0])[1], 1, f"requirepass other\nuser me on >s3cret {' '.join(rights)}", kind
    ) as sentinel:
        asyncio.run(main())
