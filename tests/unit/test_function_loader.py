"""FunctionLoader and Gathering: a callable as an MBU, and a defect that costs its own place only."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from loaders.function import FunctionLoader
from loaders.gathering import gathered
from loaders.loader import Absent, Failed, Loaded, LoadRequest, NotModified, Outcome, Reason


def call(answer: Any, max_payload: int = 100) -> Outcome:
    loader = FunctionLoader(lambda request: answer, max_payload)
    return asyncio.run(loader.load_one(LoadRequest("/x")))


def test_what_a_function_returns_is_the_payload() -> None:
    assert call(b' {"a": 1}\n') == Loaded(b'{"a": 1}')
    assert call({"a": [1, None]}) == Loaded(b'{"a":[1,null]}')
    assert call("x") == Loaded(b'"x"')
    assert call(None) == Absent()


def test_a_function_may_say_more_than_a_payload() -> None:
    """Headers, in whatever case, and the other outcomes; a payload is judged and trimmed all the same."""
    headers = {"Cache-Control": "max-age=5"}
    assert call(Loaded(b" 1 ", headers)) == Loaded(b"1", {"cache-control": "max-age=5"})
    assert call(Loaded({"a": 1})) == Loaded(b'{"a":1}')  # type: ignore[arg-type]
    assert call(Absent(headers)) == Absent({"cache-control": "max-age=5"})
    assert call(NotModified(headers)) == NotModified({"cache-control": "max-age=5"})
    failed = Failed(Reason.STATUS, "status 503", 2.0, 503)
    assert call(failed) == failed


@pytest.mark.parametrize("answer", [b"{", b'"' + b"a" * 99 + b'"', "a" * 99, {1, 2}, object(), Loaded(b"{")])
def test_what_is_not_json_or_too_long_is_a_payload_failure(answer: Any) -> None:
    failed = call(answer)
    assert isinstance(failed, Failed)
    assert failed.reason is Reason.PAYLOAD


def test_a_function_sees_the_whole_request_and_may_be_a_coroutine() -> None:
    """Also the headers that are declared for its MBU, those of the request before them."""
    seen: list[LoadRequest] = []

    async def greet(request: LoadRequest) -> dict[str, str]:
        seen.append(request)
        return {"hello": request.inputs["name"]}

    loader = FunctionLoader(greet, headers=lambda: {"X-Api-Key": "k", "If-None-Match": "?"})
    asked = LoadRequest("/x", {"if-none-match": '"v"'}, {"name": "you"}, fragment="greeting")
    assert asyncio.run(loader.load_one(asked)) == Loaded(b'{"hello":"you"}')
    assert seen == [replace(asked, headers={"x-api-key": "k", "if-none-match": '"v"'})]


def test_a_credential_that_cannot_be_had_fails_the_load_before_the_function_is_called() -> None:
    def lost() -> dict[str, str]:
        raise OSError("header x: the file cannot be read")

    def never(request: LoadRequest) -> None:
        raise AssertionError("called")

    outcome = asyncio.run(FunctionLoader(never, headers=lost).load_one(LoadRequest("/x")))
    assert outcome == Failed(Reason.CONNECT, "header x: the file cannot be read")


def test_a_function_that_raises_fails_as_a_500_would_without_its_message(caplog: pytest.LogCaptureFixture) -> None:
    def broken(request: LoadRequest) -> None:
        raise KeyError("s3cret")

    failed = asyncio.run(FunctionLoader(broken).load_one(LoadRequest("/x")))
    assert failed == Failed(Reason.STATUS, "the function raised KeyError", mbu_status=500)
    assert "Traceback" in caplog.text


@pytest.mark.parametrize("defect", [ValueError("s3cret"), asyncio.CancelledError()])
def test_a_defect_costs_its_own_place_and_the_others_are_waited_for(
    defect: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    async def one(request: LoadRequest) -> Outcome:
        if request.target == "/bad":
            raise defect
        await asyncio.sleep(0)
        return Loaded(request.target.encode())

    outcomes = asyncio.run(gathered(one, [LoadRequest(target) for target in ("/a", "/bad", "/b")]))
    assert outcomes[::2] == [Loaded(b"/a"), Loaded(b"/b")]
    assert isinstance(outcomes[1], Failed)
    assert outcomes[1].reason is Reason.DEFECT
    assert "s3cret" not in outcomes[1].detail
    assert "Traceback" in caplog.text or "CancelledError" in caplog.text


def test_what_the_function_waited_for_was_cancelled_and_not_the_load() -> None:
    """That is the function's failure, and no cancellation of ours."""

    async def call(_: LoadRequest) -> None:
        inner = asyncio.get_running_loop().create_future()
        inner.cancel()
        await inner

    outcome = asyncio.run(FunctionLoader(call).load_one(LoadRequest("/")))
    assert outcome == Failed(Reason.STATUS, "the function raised CancelledError", mbu_status=500)
