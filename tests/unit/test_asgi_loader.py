"""AsgiLoader: an application in this process is asked as a server would ask it, and its answer read as an MBU's."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from loaders.asgi import AsgiLoader
from loaders.exchange import Exchange
from loaders.loader import NO_HEADERS, UNREADABLE, Absent, Failed, Loaded, LoadRequest, NotModified, Outcome, Reason

Act = Callable[[Receive, Send], Awaitable[None]]
X = LoadRequest("/x")


def start(status: int = 200, *headers: tuple[bytes, bytes]) -> Message:
    return {"type": "http.response.start", "status": status, "headers": headers}


def body(content: bytes, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": content, "more_body": more}


def acting(act: Act) -> ASGIApp:
    """An application without lifespan that does this with every request."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await act(receive, send)

    return app


def saying(*messages: Message) -> ASGIApp:
    """An application that answers every request so."""

    async def act(receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    return acting(act)


def load(
    app: ASGIApp,
    request: LoadRequest = X,
    headers: Mapping[str, str] | Callable[[], Mapping[str, str]] = NO_HEADERS,
) -> Outcome:
    """The outcome of one load of at most 20 bytes, by a loader that is then closed."""

    async def run() -> Outcome:
        loader = AsgiLoader(app, headers, max_payload=20)
        outcome = await loader.load_one(request)
        await loader.close()
        return outcome

    return asyncio.run(asyncio.wait_for(run(), 20))


def test_the_application_sees_the_request_as_from_a_server() -> None:
    """Path decoded and raw, query as it is, our headers, and no wish for a compressed answer."""
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        seen.append(scope)
        await send(start())
        await send(body(b"1"))

    request = LoadRequest("/a%2Fb/%C3%A9?q=%20x&y=1?", {"if-none-match": '"v"'})
    assert load(app, request, lambda: {"X-Api-Key": "k\xe9", "Accept": "application/hal+json"}) == Loaded(b"1")
    [scope] = seen
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == ("/a/b/é", b"/a%2Fb/%C3%A9", b"q=%20x&y=1?")
    assert (scope["method"], scope["root_path"], scope["asgi"]["version"], scope["state"]) == ("GET", "", "3.0", {})
    assert sorted(scope["headers"]) == [
        (b"accept", b"application/hal+json"),
        (b"host", b"localhost"),
        (b"if-none-match", b'"v"'),
        (b"x-api-key", b"k\xe9"),
    ]


@pytest.mark.parametrize(
    ("messages", "outcome"),
    [
        ([start(), body(b'{"a":', more=True), body(b"1}\n")], Loaded(b'{"a":1}')),
        ([start(), {"type": "http.response.body", "body": b"[]"}], Loaded(b"[]")),
        ([start(404), body(b"")], Absent()),
        ([start(304, (b"ETag", b' "v"\t')), body(b"")], NotModified({"etag": '"v"'})),
        (
            [start(503, (b"Retry-After", b"7")), body(b"s3cret")],
            Failed(Reason.STATUS, "status 503", 7.0, 503),
        ),
        (
            [start(200, (b"content-encoding", b"gzip")), body(b"\x1f\x8b")],
            Failed(Reason.PAYLOAD, "content-encoding 'gzip' was not asked for"),
        ),
        (
            [start(200, (b"Cache-Tag", b"a"), (b"cache-tag", b"b"), (b"x", "é".encode())), body(b"1")],
            Loaded(b"1", {"cache-tag": "a, b", "x": UNREADABLE}),
        ),
        ([start(200, (b"x", b"a"), (b"x", b"\xff")), body(b"1")], Loaded(b"1", {"x": UNREADABLE})),
    ],
)
def test_an_answer_means_what_it_would_mean_over_http(messages: list[Message], outcome: Outcome) -> None:
    assert load(saying(*messages)) == outcome


def test_an_answer_that_is_too_long_is_cut_off_and_the_application_is_cancelled() -> None:
    """Also one that never waits for anything, which would hold the loop."""

    async def run() -> Outcome:
        cut = asyncio.Event()

        async def endless(receive: Receive, send: Send) -> None:
            await send(start())
            try:
                while True:
                    await send(body(b"1", more=True))
            except asyncio.CancelledError:
                cut.set()

        loader = AsgiLoader(acting(endless), max_payload=20)
        outcome = await loader.load_one(X)
        await asyncio.wait_for(cut.wait(), 2.0)  # before it is closed
        await loader.close()
        return outcome

    assert asyncio.run(run()) == Failed(Reason.PAYLOAD, "more than 20 bytes (max_payload)")


@pytest.mark.parametrize("said", [[], [start()], [start(), body(b"1", more=True)]])
def test_an_application_that_ends_too_early_is_as_a_connection_that_was_cut(said: list[Message]) -> None:
    assert load(saying(*said)) == Failed(Reason.CONNECT, "the application ended before its answer was whole")


@pytest.mark.parametrize("said", [[], [start(), body(b"1", more=True)]])
def test_an_application_that_raises_fails_as_a_500_would_without_its_message(
    said: list[Message], caplog: pytest.LogCaptureFixture
) -> None:
    async def act(receive: Receive, send: Send) -> None:
        for message in said:
            await send(message)
        raise KeyError("s3cret")

    assert load(acting(act)) == Failed(Reason.STATUS, "the application raised KeyError", mbu_status=500)
    assert "Traceback" in caplog.text


def test_what_raises_after_its_answer_has_answered(caplog: pytest.LogCaptureFixture) -> None:
    async def act(receive: Receive, send: Send) -> None:
        await send(start())
        await send(body(b"1"))
        raise KeyError("late")

    assert load(acting(act)) == Loaded(b"1")
    assert "late" in caplog.text


def test_a_body_before_its_start_is_a_defect_of_the_application(caplog: pytest.LogCaptureFixture) -> None:
    assert load(saying(body(b"1"))) == Failed(Reason.STATUS, "the application raised RuntimeError", mbu_status=500)
    assert "before http.response.start" in caplog.text


def test_a_credential_that_cannot_be_had_fails_the_load_before_the_application_is_asked() -> None:
    def lost() -> dict[str, str]:
        raise OSError("header x: the file cannot be read")

    async def act(receive: Receive, send: Send) -> None:
        raise AssertionError("asked")

    assert load(acting(act), headers=lost) == Failed(Reason.CONNECT, "header x: the file cannot be read")


def test_the_client_is_there_until_the_answer_is_over() -> None:
    """`receive` gives the request once, and a disconnect only when the answer has been sent."""
    received: list[Message] = []
    waited: list[bool] = []

    async def act(receive: Receive, send: Send) -> None:
        received.append(await receive())
        leaving = asyncio.ensure_future(receive())
        await send(start())
        await send(body(b"1", more=True))
        waited.append(not leaving.done())
        await send(body(b""))
        received.append(await leaving)

    assert load(acting(act)) == Loaded(b"1")
    assert received == [{"type": "http.request", "body": b"", "more_body": False}, {"type": "http.disconnect"}]
    assert waited == [True]


@pytest.mark.parametrize("patient", [True, False])
def test_what_goes_on_behind_an_answer_is_not_waited_for_until_the_loader_closes(
    patient: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may end then, but not take for ever."""
    ends: list[str] = []
    monkeypatch.setattr("loaders.asgi.PATIENCE", 20.0 if patient else 0.01)

    async def run() -> list[str]:
        go = asyncio.Event()

        async def act(receive: Receive, send: Send) -> None:
            await send(start())
            await send(body(b"1"))
            try:
                await go.wait()
                ends.append("ended")
            except asyncio.CancelledError:
                for _ in range(10):  # to end takes it a moment
                    await asyncio.sleep(0)
                ends.append("cancelled")

        loader = AsgiLoader(acting(act))
        assert await loader.load_one(X) == Loaded(b"1")
        assert ends == []
        if patient:
            asyncio.get_running_loop().call_later(0.05, go.set)
        await loader.close()
        return list(ends)

    assert asyncio.run(asyncio.wait_for(run(), 20)) == ["ended" if patient else "cancelled"]


def test_the_first_outcome_of_an_exchange_stands() -> None:
    """What is sent or said after a whole answer changes nothing."""

    async def run() -> tuple[Outcome, bool]:
        exchange = Exchange(max_payload=20)
        await exchange.send(start())
        await exchange.send(body(b"1"))
        await exchange.send(body(b"2", more=True))
        exchange.end(Absent())
        return await exchange.outcome, exchange.whole

    assert asyncio.run(run()) == (Loaded(b"1"), True)
