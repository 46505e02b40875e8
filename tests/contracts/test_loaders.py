"""What every loader promises: as many outcomes as requests, in their order; a failure is a value; leaving frees."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from aiohttp import web
from starlette.types import Receive, Scope, Send

from loaders.asgi import AsgiLoader
from loaders.batching import Batching
from loaders.breaker import Breaker
from loaders.bulkhead import Bulkhead
from loaders.deadline import Deadline
from loaders.function import FunctionLoader
from loaders.gathering import Gathering
from loaders.http import HttpLoader
from loaders.loader import Absent, Failed, Loaded, Loader, LoadRequest, Outcome, Reason
from loaders.scripted import ScriptedLoader

TARGETS = ["/0", "/none", "/1", "/broken", "/2", "/0", "/3", "/wrong"]
EXPECTED = [b'"0"', Absent, b'"1"', Reason.STATUS, b'"2"', b'"0"', b'"3"', Reason.PAYLOAD]


def request(target: str) -> LoadRequest:
    return LoadRequest(target, inputs={"name": target[1:]})


class Mbu:
    """What stands behind a loader under test: "hung" answers when `gate` opens; `under_way` counts it."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.under_way = 0
        self.begun = asyncio.Event()
        self.ended = asyncio.Event()

    async def answer(self, name: str) -> bytes | None:
        """The body, or None if there is nothing."""
        if name == "broken":
            raise RuntimeError("broken")
        if name == "hung":
            await self._hang()
        return {"none": None, "wrong": b"{"}.get(name, b'"%b"' % name.encode())

    async def _hang(self) -> None:
        self.under_way += 1
        self.begun.set()
        try:
            await self.gate.wait()
        finally:
            self.under_way -= 1
            self.ended.set()


@asynccontextmanager
async def http(mbu: Mbu) -> AsyncIterator[Loader]:
    async def respond(asked: web.Request) -> web.Response:
        try:
            body = await mbu.answer(asked.path[1:])
        except RuntimeError:
            return web.Response(status=500)
        return web.Response(status=404) if body is None else web.Response(body=body)

    app = web.Application()
    app.router.add_get("/{name}", respond)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield Gathering(HttpLoader(f"http://127.0.0.1:{runner.addresses[0][1]}", longest=0.5))
    await runner.cleanup()


@asynccontextmanager
async def function(mbu: Mbu) -> AsyncIterator[Loader]:
    async def call(asked: LoadRequest) -> bytes | None:
        return await mbu.answer(asked.inputs["name"])

    yield Gathering(FunctionLoader(call))


@asynccontextmanager
async def asgi(mbu: Mbu) -> AsyncIterator[Loader]:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        body = await mbu.answer(scope["path"][1:])
        await send({"type": "http.response.start", "status": 404 if body is None else 200})
        await send({"type": "http.response.body", "body": body or b""})

    yield Gathering(AsgiLoader(app))


@asynccontextmanager
async def scripted(mbu: Mbu) -> AsyncIterator[Loader]:
    class Watched(ScriptedLoader):
        async def load(self, requests):  # type: ignore[no-untyped-def]
            for asked in requests:
                if asked.target == "/hung":
                    await mbu.answer("hung")
            return await super().load(requests)

    answers: dict[str, Outcome] = {f"/{n}": Loaded(b'"%d"' % n) for n in range(100)}
    answers |= {"/none": Absent(), "/hung": Loaded(b'"hung"')}
    answers |= {"/broken": Failed(Reason.STATUS, "500"), "/wrong": Failed(Reason.PAYLOAD, "{")}
    yield Watched(answers)


def around(wrap: Callable[[Loader], Loader]) -> Callable[[Mbu], AbstractAsyncContextManager[Loader]]:
    @asynccontextmanager
    async def wrapped(mbu: Mbu) -> AsyncIterator[Loader]:
        async with function(mbu) as inner:
            yield wrap(inner)

    return wrapped


LOADERS = {
    "http": http,
    "asgi": asgi,
    "function": function,
    "scripted": scripted,
    "batching": around(lambda inner: Batching(inner, max_size=3)),
    "deadline": around(lambda inner: Deadline(inner, 20.0)),
    "bulkhead": around(lambda inner: Bulkhead(inner, max_in_flight=2)),
    "breaker": around(Breaker),
    "onion": around(lambda inner: Deadline(Bulkhead(Breaker(inner), max_in_flight=2), 20.0)),
}
each_loader = pytest.mark.parametrize("name", LOADERS)


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL")


def plain(outcome: Outcome) -> object:
    """What EXPECTED names it by."""
    if isinstance(outcome, Loaded):
        return outcome.payload
    return outcome.reason if isinstance(outcome, Failed) else type(outcome)


@each_loader
def test_outcomes_come_in_the_order_of_the_requests_and_a_failure_is_a_value(name: str) -> None:
    async def run() -> None:
        async with LOADERS[name](Mbu()) as loader:
            outcomes = await loader.load([request(target) for target in TARGETS])
            assert [plain(outcome) for outcome in outcomes] == EXPECTED
            assert list(await loader.load([])) == []
            await loader.close()

    asyncio.run(run())


@each_loader
def test_calls_at_the_same_time_do_not_mix(name: str) -> None:
    async def run() -> None:
        async with LOADERS[name](Mbu()) as loader:
            calls = [loader.load([request(f"/{n}"), request(f"/{n + 1}")]) for n in range(20)]
            answers = await asyncio.gather(*calls)
            assert [[plain(outcome) for outcome in answer] for answer in answers] == [
                [b'"%d"' % n, b'"%d"' % (n + 1)] for n in range(20)
            ]
            await loader.close()

    asyncio.run(run())


@each_loader
def test_a_cancelled_load_ends_what_it_began_and_the_loader_goes_on(name: str) -> None:
    """With pyreqwest the MBU sees it when the call's own time is over, here 0.5 s."""

    async def run() -> None:
        mbu = Mbu()
        async with LOADERS[name](mbu) as loader:
            for _ in range(3):  # more often than the bulkhead has places
                mbu.begun.clear()
                mbu.ended.clear()
                load = asyncio.ensure_future(loader.load([request("/hung"), request("/0")]))
                await asyncio.wait_for(mbu.begun.wait(), 20)
                load.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await load
                await asyncio.wait_for(mbu.ended.wait(), 20)
            assert mbu.under_way == 0
            assert plain((await loader.load([request("/1")]))[0]) == b'"1"'
            await loader.close()

    asyncio.run(run())


WRAPPERS: list[Callable[[Loader], Loader]] = [
    Batching,
    Breaker,
    lambda inner: Deadline(inner, 1),
    lambda inner: Bulkhead(inner, 1),
]


@pytest.mark.parametrize("wrap", WRAPPERS)
def test_closing_closes_what_is_inside(wrap: Callable[[Loader], Loader]) -> None:
    inner = ScriptedLoader()
    asyncio.run(wrap(inner).close())
    assert inner.closed
