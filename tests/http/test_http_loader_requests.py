"""What the HTTP loader sends: our bytes, our headers and nothing else; and when it sends them again."""

import asyncio
import logging

import pytest

from loaders.gathering import Gathering
from loaders.http import HttpLoader
from loaders.loader import Failed, Loaded, LoadRequest, Outcome, Reason
from tests.http.raw_mbu import Exchange, answer, raw_mbu


async def fine(exchange: Exchange) -> bytes:
    return answer(b"{}", b"set-cookie: session=1; path=/")


@pytest.mark.parametrize(
    "target",
    [
        "/a%2Fb%2fc",
        "/a%3Fb",
        "/a%23b",
        "/a%0D%0Ab",
        "/a%00b",
        "/%C3%A9%F0%9F%98%80",
        "/a%2e%2e/b",
        "/..a/.b/c..",
        "/a%5Cb",
        "/%7Euser/~",
        "/%zz",
        "//a//",
        "/a;b=c/d:e@f,g!$&'()*+=",
        "/x?a=../b&c=%2e%2e&d=%20+&e=&f",
        "/x?a=b%26c%3Dd%23",
        "/x?",
    ],
)
@pytest.mark.parametrize("prefix", ["", "/v1/%41pi"])
def test_a_target_arrives_byte_for_byte_after_the_prefix(prefix: str, target: str) -> None:
    async def run() -> bytes:
        async with raw_mbu(fine) as mbu:
            loader = HttpLoader(mbu.url + prefix)
            assert isinstance(await loader.load_one(LoadRequest(target)), Loaded)
            await loader.close()
            return mbu.exchanges[0].target

    assert asyncio.run(run()) == (prefix + target).encode()


@pytest.mark.parametrize(
    "target",
    ["/a/../b", "/%2E%2e/b", "/a/.%2e", "/./a", "/%2e", "/a\\b", "/é", "/a b", "/a\tb", "/a\r\nX: y", "/a#b", "a", ""],
)
def test_a_target_that_would_arrive_changed_is_a_defect_and_reaches_nobody(
    target: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> tuple[Outcome, int]:
        async with raw_mbu(fine) as mbu:
            loader = Gathering(HttpLoader(mbu.url + "/v1"))
            (outcome,) = await loader.load([LoadRequest(target)])
            await loader.close()
            return outcome, mbu.connections

    with caplog.at_level(logging.CRITICAL, "loaders.gathering"):
        outcome, connections = asyncio.run(run())
    assert isinstance(outcome, Failed)
    assert (outcome.reason, connections) == (Reason.DEFECT, 0)


@pytest.mark.parametrize("base", ["h", "ftp://h", "http://u:s3cret@h", "http://h/?a=b", "http://h/#a", "http://"])
def test_a_base_url_that_is_none_or_holds_more_is_refused(base: str) -> None:
    with pytest.raises(ValueError) as refused:
        HttpLoader(base)
    assert base == "h" or "s3cret" not in str(refused.value)


def test_our_headers_go_out_and_nothing_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a proxy of the environment nor a cookie of an earlier answer."""
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    keys = iter(["old", "new"])

    async def run() -> list[dict[str, str]]:
        async with raw_mbu(fine) as mbu:
            loader = HttpLoader(mbu.url, lambda: {"X-Api-Key": next(keys)})
            await loader.load_one(LoadRequest("/x"))
            await loader.load_one(LoadRequest("/x", {"if-none-match": '"v"', "accept": "application/hal+json"}))
            await loader.close()
            return [exchange.headers for exchange in mbu.exchanges]

    first, second = asyncio.run(run())
    host = first.pop("host")
    same = {"accept-encoding": "gzip", "user-agent": "screen-aggregator"}
    assert first == {**same, "accept": "application/json", "x-api-key": "old"}
    assert second == {
        **same,
        "accept": "application/hal+json",
        "x-api-key": "new",
        "if-none-match": '"v"',
        "host": host,
    }


def test_a_request_whose_time_is_over_is_not_sent_and_is_no_failure_of_the_mbu() -> None:
    async def run() -> tuple[Outcome, int]:
        async with raw_mbu(fine) as mbu:
            loader = HttpLoader(mbu.url)
            outcome = await loader.load_one(LoadRequest("/x", expires_at=asyncio.get_running_loop().time()))
            await loader.close()
            return outcome, mbu.connections

    outcome, connections = asyncio.run(run())
    assert isinstance(outcome, Failed)
    assert (outcome.reason, connections) == (Reason.SHED, 0)


def two_loads(second: str, reset: bool = False) -> tuple[list[Outcome], list[tuple[int, int]]]:
    """A load that is answered; a second one on its connection is not; nor on others, if `second` is "never"."""

    async def script(exchange: Exchange) -> bytes | None:
        if (exchange.connection, exchange.turn) == (1, 1):
            return answer(b"{}")
        if exchange.connection > 1 and second == "then":
            return answer(b"[]")
        if reset:
            exchange.reset()
        return None

    async def run() -> tuple[list[Outcome], list[tuple[int, int]]]:
        async with raw_mbu(script) as mbu:
            loader = HttpLoader(mbu.url)
            outcomes = [await loader.load_one(LoadRequest("/x")) for _ in range(2)]
            await loader.close()
            return outcomes, [(exchange.connection, exchange.turn) for exchange in mbu.exchanges]

    return asyncio.run(run())


@pytest.mark.parametrize("reset", [False, True])
def test_a_kept_alive_connection_that_ends_is_tried_again_once_on_a_new_one(reset: bool) -> None:
    outcomes, asked = two_loads("then", reset)
    assert isinstance(outcomes[1], Loaded)
    assert outcomes[1].payload == b"[]"
    assert asked == [(1, 1), (1, 2), (2, 1)]


def test_the_second_try_does_not_meet_the_next_dead_connection_of_the_pool() -> None:
    """As after a restart of the MBU, which ends all of them at once."""
    both = asyncio.Barrier(2)

    async def script(exchange: Exchange) -> bytes | None:
        if exchange.connection <= 2 and exchange.turn == 1:
            await both.wait()  # so that the two need a connection each
        return answer(b"{}") if exchange.turn == 1 else None

    async def run() -> tuple[Outcome, int]:
        async with raw_mbu(script) as mbu:
            loader = HttpLoader(mbu.url)
            await asyncio.gather(loader.load_one(LoadRequest("/a")), loader.load_one(LoadRequest("/b")))
            outcome = await loader.load_one(LoadRequest("/x"))
            await loader.close()
            return outcome, mbu.connections

    outcome, connections = asyncio.run(run())
    assert isinstance(outcome, Loaded)
    assert connections == 3


def test_the_second_try_is_the_last() -> None:
    outcomes, asked = two_loads("never", reset=True)
    assert isinstance(outcomes[1], Failed)
    assert outcomes[1].reason is Reason.CONNECT
    assert asked == [(1, 1), (1, 2), (2, 1)]


def test_a_new_connection_that_ends_is_not_tried_again() -> None:
    async def script(exchange: Exchange) -> None:
        exchange.reset()

    async def run() -> tuple[Outcome, int]:
        async with raw_mbu(script) as mbu:
            loader = HttpLoader(mbu.url)
            outcome = await loader.load_one(LoadRequest("/x"))
            await loader.close()
            return outcome, len(mbu.exchanges)

    outcome, asked = asyncio.run(run())
    assert isinstance(outcome, Failed)
    assert (outcome.reason, asked) == (Reason.CONNECT, 1)
