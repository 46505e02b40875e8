"""Lifespan: an application in this process is started once, before it is first asked, and shut down at the end."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from loaders.asgi import AsgiLoader
from loaders.lifespan import Lifespan
from loaders.loader import Absent, Failed, Loaded, LoadRequest, Outcome, Reason

X = LoadRequest("/x")
NOT_STARTED = Failed(Reason.CONNECT, "the application's start-up failed; the log says why")


class Shop:
    """An application that answers what its start-up put into the state; `happened` is what it was told and did.

    says: its answer to each start-up, the last one to all further. go: the start-up waits for it.
    leaves: what it says of its shutdown; if not "complete", it then stays, and with "" it says nothing.
    """

    def __init__(self, *says: str, leaves: str = "complete") -> None:
        self.says = list(says) or ["complete"]
        self.leaves = leaves
        self.go = asyncio.Event()
        self.go.set()
        self.asked = asyncio.Event()
        self.happened: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            try:
                await self._live(scope["state"], receive, send)
            except asyncio.CancelledError:
                for _ in range(10):  # to end takes it a moment
                    await asyncio.sleep(0)
                self.happened.append("cancelled")
                raise
        else:
            self.happened.append("asked")
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body", "body": b'"%s"' % ",".join(scope["state"]).encode()})
            scope["state"]["own"] = 1

    async def _live(self, state: dict[str, Any], receive: Receive, send: Send) -> None:
        self._note(await receive())
        self.asked.set()
        await self.go.wait()
        state["stock"] = []
        says = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        await send({"type": f"lifespan.startup.{says}"})
        self._note(await receive())
        if self.leaves:
            await send({"type": f"lifespan.shutdown.{self.leaves}"})
        if self.leaves != "complete":
            await asyncio.Event().wait()

    def _note(self, message: Message) -> None:
        self.happened.append(message["type"].removeprefix("lifespan."))


def test_loads_at_the_same_time_wait_for_one_start_up_and_each_has_the_state_for_itself() -> None:
    async def run() -> tuple[list[Outcome], list[str]]:
        shop = Shop()
        shop.go.clear()
        loader = AsgiLoader(shop)
        assert shop.happened == []
        loads = [asyncio.ensure_future(loader.load_one(X)) for _ in range(2)]
        await shop.asked.wait()
        assert shop.happened == ["startup"]
        shop.go.set()
        outcomes = [await each for each in loads]
        outcomes.append(await loader.load_one(X))
        await loader.close()
        return outcomes, shop.happened

    outcomes, happened = asyncio.run(run())
    assert outcomes == [Loaded(b'"stock"')] * 3
    assert happened == ["startup", "asked", "asked", "asked", "shutdown"]


def test_loaders_of_one_application_start_it_once() -> None:
    """And it is shut down when the last of them is closed, though others come and go."""

    async def run() -> list[str]:
        shop = Shop()
        lifespan = Lifespan(shop)
        loaders = [AsgiLoader(shop, lifespan=lifespan) for _ in range(2)]
        for loader in loaders:
            assert isinstance(await loader.load_one(X), Loaded)
        await loaders[0].close()
        assert isinstance(await loaders[1].load_one(X), Loaded)
        await loaders[1].close()
        return shop.happened

    assert asyncio.run(run()) == ["startup", "asked", "asked", "asked", "shutdown"]


def test_a_start_up_that_fails_fails_each_load_and_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    """Once, also where one of those that waited is back before another has seen the failure."""

    async def run() -> tuple[list[Outcome], Counter[str]]:
        shop = Shop("failed", "complete")
        loader = AsgiLoader(shop)

        async def thrice() -> list[Outcome]:
            return [await loader.load_one(X) for _ in range(3)]

        outcomes, other = await asyncio.gather(thrice(), loader.load_one(X))
        await loader.close()
        return [*outcomes, other], Counter(shop.happened)

    outcomes, happened = asyncio.run(run())
    assert outcomes == [NOT_STARTED, Loaded(b'"stock"'), Loaded(b'"stock"'), NOT_STARTED]
    assert happened == {"startup": 2, "cancelled": 1, "asked": 2, "shutdown": 1}
    assert caplog.text.count("the start-up of an application failed") == 1


def test_a_start_up_outlives_the_load_that_began_it() -> None:
    async def run() -> tuple[Outcome, list[str]]:
        shop = Shop()
        shop.go.clear()
        loader = AsgiLoader(shop)
        load = asyncio.ensure_future(loader.load_one(X))
        await shop.asked.wait()
        load.cancel()
        await asyncio.wait([load])
        shop.go.set()
        outcome = await loader.load_one(X)
        await loader.close()
        return outcome, shop.happened

    outcome, happened = asyncio.run(run())
    assert (outcome, happened) == (Loaded(b'"stock"'), ["startup", "asked", "shutdown"])


def test_closing_cancels_a_start_up_under_way_and_tells_nothing_to_what_was_never_started() -> None:
    async def run() -> list[str]:
        shop = Shop()
        loader = AsgiLoader(shop)
        await loader.close()
        assert shop.happened == []
        shop.go.clear()
        load = asyncio.ensure_future(loader.load_one(X))
        await shop.asked.wait()
        load.cancel()
        await asyncio.wait_for(loader.close(), 2.0)
        return list(shop.happened)

    assert asyncio.run(run()) == ["startup", "cancelled"]


@pytest.mark.parametrize("leaves", ["failed", ""])
def test_an_application_that_does_not_end_is_cancelled(
    leaves: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """At once if it has said that its shutdown is over, and after some time if it says nothing."""
    monkeypatch.setattr("loaders.lifespan.PATIENCE", 20.0 if leaves else 0.01)

    async def run() -> list[str]:
        shop = Shop(leaves=leaves)
        loader = AsgiLoader(shop)
        await loader.load_one(X)
        await asyncio.wait_for(loader.close(), 2.0)
        return list(shop.happened)

    assert asyncio.run(run()) == ["startup", "asked", "shutdown", "cancelled"]
    assert ("the shutdown of an application failed" in caplog.text) == bool(leaves)


@pytest.mark.parametrize("how", ["raises", "returns"])
def test_an_application_without_lifespan_is_asked_all_the_same(how: str, caplog: pytest.LogCaptureFixture) -> None:
    """And nothing is said of an error."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if how == "raises":
                raise NotImplementedError(scope["type"])
            return
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"1"})

    async def run() -> list[Outcome]:
        loader = AsgiLoader(app)
        outcomes = [await loader.load_one(X), await loader.load_one(X)]
        await loader.close()
        return outcomes

    assert asyncio.run(run()) == [Loaded(b"1")] * 2
    assert caplog.records == []


def test_a_lifespan_that_ends_early_is_logged_and_the_application_is_asked_on(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await send({"type": "lifespan.startup.complete"})
            raise ValueError("in the lifespan")
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"1"})

    async def run() -> list[Outcome]:
        loader = AsgiLoader(app)
        outcomes = [await loader.load_one(X), await loader.load_one(X)]
        await asyncio.wait_for(loader.close(), 2.0)
        return outcomes

    assert asyncio.run(run()) == [Loaded(b"1")] * 2
    assert "Traceback" in caplog.text


def test_a_real_application_runs_inside_its_lifespan() -> None:
    """Starlette's, with its state and its own routing. Only requests see the context that they are made in."""
    happened: list[str] = []
    context = ContextVar("context", default="no context")

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, str]]:
        happened.append(context.get())
        yield {"pool": "full"}
        happened.append("closed")

    async def show(request: Request) -> JSONResponse:
        name, q = request.path_params["name"], request.query_params["q"]
        return JSONResponse([name, q, request.state.pool, happened[-1], context.get()])

    async def run() -> Outcome:
        context.set("a request")
        loader = AsgiLoader(Starlette(routes=[Route("/{name}", show)], lifespan=lifespan))
        outcome = await loader.load_one(LoadRequest("/a%20b?q=%26"))
        await loader.close()
        return outcome

    outcome = asyncio.run(run())
    assert isinstance(outcome, Loaded)
    assert outcome.payload == b'["a b","&","full","no context","a request"]'
    assert happened == ["no context", "closed"]


@pytest.mark.parametrize("when", ["start-up", "shutdown"])
def test_a_real_application_that_fails_says_so_once(when: str, caplog: pytest.LogCaptureFixture) -> None:
    """Starlette says what was raised, and raises it too."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        if when == "start-up":
            raise ValueError("s3cret")
        yield
        raise ValueError("s3cret")

    async def run() -> Outcome:
        loader = AsgiLoader(Starlette(lifespan=lifespan))
        outcome = await loader.load_one(X)
        await loader.close()
        return outcome

    outcome = asyncio.run(run())
    assert (outcome == NOT_STARTED, isinstance(outcome, Absent)) == (when == "start-up", when == "shutdown")
    assert [record.levelname for record in caplog.records].count("ERROR") == 1
    assert f"the {when} of an application failed" in caplog.text
