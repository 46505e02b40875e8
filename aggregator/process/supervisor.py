"""The parent of a service: it embeds a server where none is given, runs the workers, and has the admin listener."""

import asyncio
import os
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import ExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from typing import Any

import structlog

from aggregator.declaration.read import Declared
from aggregator.embedded import EmbeddedServer
from aggregator.http.exposition import Snapshot
from aggregator.http.ops import admin_app
from aggregator.http.publishing import Publishers
from aggregator.identity.hashing import hash_key
from aggregator.invalidation.durability import NeverDurable
from aggregator.invalidation.evicting import evicting
from aggregator.invalidation.log import LogUnavailable
from aggregator.invalidation.nonces import Nonces
from aggregator.invalidation.redis_stream import RedisLog
from aggregator.mistakes import Mistake, Mistaken
from aggregator.process.deploys import Declaring, Deploys, Read
from aggregator.process.watching import watched
from aggregator.process.worker import Server, server
from aggregator.process.workers import Workers
from aggregator.servers.url import without_password
from aggregator.settings import Settings

_log = structlog.get_logger()

_EVICTS = (
    "its maxmemory-policy is {policy}, by which the server would evict the invalidation log. Run `redis-cli CONFIG SET "
    "maxmemory-policy volatile-ttl` on it and write that into its configuration, give the log a server of its own with "
    "log_url, or set allow_evicting_log"
)


class CannotListen(Exception):
    """An address is taken or not ours; the message says which."""


@dataclass(frozen=True, slots=True)
class Running:
    """A service that answers: the URLs of both listeners, and of its Redis without a password.

    snapshots: asks the workers for their metrics."""

    url: str
    admin_url: str
    redis_url: str
    snapshots: Callable[[], Awaitable[list[Snapshot]]]


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; CannotListen if there can be none."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2_048)
    except OSError as error:
        # create_server's own words say the address again; a resolver's numbers are not the system's.
        number = None if isinstance(error, socket.gaierror) else error.errno
        reason = os.strerror(number) if number else error.strerror or error
        raise CannotListen(f"cannot listen on {host} port {port}: {reason}") from None


def url_of(listening: socket.socket) -> str:
    """The URL of a listening socket."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def supervise(
    declared: Declared,
    settings: Settings,
    tell: Callable[[Running], None] = lambda _: None,
    read: Read | None = None,
    watch: bool = False,
) -> None:
    """Run the service until SIGTERM or SIGINT, or until a part of it that cannot be replaced ends. Mistaken where the
    log's server would evict the log.

    tell: called once it is ready. read: reads the declaration again, at SIGHUP; None where that is not possible.
    watch: whenever its file changes, too.
    """
    catalogue = declared.catalogue
    with ExitStack() as stack:
        public = stack.enter_context(closing(listen(settings.host, settings.port)))
        admin = stack.enter_context(closing(listen(settings.admin_host, settings.admin_port)))
        redis_url = settings.redis_url or _embedded(stack, settings)
        log_url = settings.log_url or redis_url
        orders: dict[str, Any] = {
            "source": declared.source,
            "content": declared.content,
            "ready_first": False,
            "settings": _plain(settings),
            "redis_url": redis_url,
            "log_url": log_url,
        }
        orders["hash_key"] = (key := hash_key(catalogue.hash_key)) or secrets.token_bytes(32)
        workers = Workers(settings.workers, public, orders)
        log = RedisLog(log_url, settings.namespace, durable=settings.durability)
        publishers = Publishers(catalogue.publishers.values(), Nonces(log.evaluate, settings.namespace))
        deploys = Deploys(Declaring(declared, settings), key, read, workers, publishers)
        app = admin_app(log, publishers, workers.fleet, workers.ask_all, deploys.openapi)
        running = Running(url_of(public), url_of(admin), without_password(redis_url), workers.snapshots)
        try:
            await _refuse_evicting(log, settings)
            await _refuse_undurable(log, settings)
            async with _served(server(app, settings), admin) as serving, _drained(workers, public, settings):
                watching = [watched(declared.source, deploys.reload)] if watch else []
                works = [workers.run(), serving, deploys.run(), *watching]
                await _run([*works, _announced(workers, lambda: tell(running))], deploys)
        finally:
            await log.close()


def _embedded(stack: ExitStack, settings: Settings) -> str:
    embedded = stack.enter_context(EmbeddedServer(settings.namespace, str(settings.embedded_bytes)))
    _log.info("embedded server started", url=embedded.url)
    return embedded.url


async def _refuse_evicting(log: RedisLog, settings: Settings) -> None:
    """Mistaken if the log's server would evict it, and that is not allowed."""
    try:
        policy = await evicting(log.evaluate, settings.namespace)
    except LogUnavailable as error:
        _log.warning("maxmemory_policy_unknown", detail=str(error))
        return
    if policy and not settings.allow_evicting_log:
        raise Mistaken([Mistake("", "", "log_url" if settings.log_url else "redis_url", _EVICTS.format(policy=policy))])


async def _refuse_undurable(log: RedisLog, settings: Settings) -> None:
    """NeverDurable where nothing could ever be acknowledged."""
    if settings.durability != "memory" and not (settings.log_url or settings.redis_url):
        where = "the embedded server has neither replica nor disk; name one that has: --log-url or --redis-url"
        raise NeverDurable(f'durability = "{settings.durability}": {where}')
    try:
        await log.ask_durable()
    except NeverDurable:
        raise
    except LogUnavailable:
        return  # it starts all the same, and refuses invalidations until the log is there


def _plain(settings: Settings) -> dict[str, Any]:
    return settings.model_dump(mode="json")


@asynccontextmanager
async def _served(http: Server, listening: socket.socket) -> AsyncIterator[Awaitable[None]]:
    """Answer until the block ends, and what is under way then; gives what ends if that fails."""
    serving = asyncio.create_task(http.serve([listening]))
    try:
        yield asyncio.shield(serving)
    finally:
        http.should_exit = True
        await asyncio.wait([serving])


@asynccontextmanager
async def _drained(workers: Workers, public: socket.socket, settings: Settings) -> AsyncIterator[None]:
    """Stop the workers when the block ends, once they have answered what is under way."""
    try:
        yield
    finally:
        public.close()  # so that who connects meanwhile is refused, and not left waiting for nobody
        await workers.stop(settings.drain_limit + 1)


async def _run(works: Iterable[Awaitable[Any]], deploys: Deploys) -> None:
    """Until a signal comes that ends it, or one of the works fails."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    loop.add_signal_handler(signal.SIGHUP, deploys.reload)
    loop.add_signal_handler(signal.SIGUSR2, deploys.replace)
    tasks = [asyncio.ensure_future(work) for work in works]
    waiting = loop.create_task(stopped.wait())
    try:
        while not stopped.is_set():
            done, _ = await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in done - {waiting}:
                tasks.remove(task)
                task.result()
    finally:
        for task in [waiting, *tasks]:
            task.cancel()
        await asyncio.gather(waiting, *tasks, return_exceptions=True)


async def _announced(workers: Workers, ready: Callable[[], None]) -> None:
    while not (await workers.fleet())[0].ready:  # noqa: ASYNC110  # other processes have no event of ours to set
        await asyncio.sleep(0.05)
    ready()
