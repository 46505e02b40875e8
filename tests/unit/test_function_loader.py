"""FunctionLoader and Gathering: a callable as an MBU, and a defect that costs its own place only."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from loaders.function import FunctionLoader
from loaders.gathering import gathered
from loaders.loader import Absent, Failed, Loaded, LoadRequest, Outcome, Reason


def call(answer: Any, max_payload: int = 100) -> Outcome:
    loader = FunctionLoader(lambda inputs: answer, max_payload)
    return asyncio.run(loader.load_one(LoadRequest("/x")))


def test_what_a_function_returns_is_the_payload() -> None:
    assert call(b' {"a": 1}\n') == Loaded(b'{"a": 1}')
    assert call({"a": [1, None]}) == Loaded(b'{"a":[1,null]}')
    assert call("x") == Loaded(b'"x"')
    assert call(None) == Absent()


@pytest.mark.parametrize("answer", [b"{", b'"' + b"a" * 99 + b'"', "a" * 99, {1, 2}, object()])
def test_what_is_not_json_or_too_long_is_a_payload_failure(answer: Any) -> None:
    failed = call(answer)
    assert isinstance(failed, Failed)
    assert failed.reason is Reason.PAYLOAD


def test_a_function_sees_the_inputs_and_may_be_a_coroutine() -> None:
    async def greet(inputs: Mapping[str, str]) -> dict[str, str]:
        return {"hello": inputs["name"]}

    outcome = asyncio.run(FunctionLoader(greet).load_one(LoadRequest("/x", inputs={"name": "you"})))
    assert outcome == Loaded(b'{"hello":"you"}')


def test_a_function_that_raises_fails_as_a_500_would_without_its_message(caplog: pytest.LogCaptureFixture) -> None:
    def broken(inputs: Mapping[str, str]) -> None:
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
