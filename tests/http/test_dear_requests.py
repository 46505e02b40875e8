"""Requests made to be dear, as large as they may be and full of what parsers stumble over: each costs little."""

import asyncio
import time

import pytest

from tests.screens_of_all_kinds import SECRET, Echoing, catalogue
from tests.twins import SETTLED, Side
from tests.virtual_time import run

# Bytes that a target and a head may have, less those around what is sent; seconds.
TARGET, HEAD, CPU = 8_000, 32_000, 0.005


def filled(text: str, size: int) -> str:
    """The text over and over, in so many bytes."""
    return (text * (size // len(text) + 1))[:size]


NUMBERED = "&".join(f"a{number}=1" for number in range(10_000))
IN_PATH = "a / % %41 %2f a/ ../ ;a= %00 \xe9"
IN_QUERY = "& q=1& a=1& % + = ; page=1&page=2& q=%ff&"
TARGETS = [
    *("/home/" + filled(text, TARGET) for text in IN_PATH.split()),
    *("/search?" + filled(text, TARGET) for text in IN_QUERY.split()),
    "/search?" + NUMBERED[:TARGET],
    "/search?q=1&page=" + filled("9", TARGET),
    "/n/" + filled("1", TARGET),
    "/" + filled("x", 100 * 1_024),
    "/search?" + NUMBERED[: 100 * 1_024],
]
VALUES = [
    "a",
    " ",
    "a ",
    ",",
    ";",
    ", ;",
    "=",
    '"',
    '\\"',
    "W/",
    'W/"',
    'W/"a", ',
    "*;q=",
    "a;q=0.",
    ";session=",
    "\t",
    ".",
]
NAMES = (
    "accept accept-encoding accept-language cookie authorization if-none-match x-request-id cdn-loop connection range"
)
MANY = ["x: 1\r\n", "cookie: session=1\r\n", "accept: */*\r\n", 'if-none-match: "a"\r\n']
HEADS = [
    *(filled(text, HEAD) for text in ("x", "x ", "x:")),
    *(f"authorization: Bearer {filled(text, TARGET)}" for text in ("a", ".", "a.", "e30.")),
    *((line * 100).removesuffix("\r\n") for line in MANY),
]
PATHS = ["/a/1", "/themed", "/spoken/1", "/mine", "/own"]


@pytest.mark.parametrize("target", TARGETS)
def test_s19_a_target_made_to_be_dear_is_cheap(monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    """Ten thousand parameters and 100 KiB of path among them: 5 ms of CPU for each, and no 5xx."""
    monkeypatch.setenv("K", SECRET)
    run(_cheap([f"GET {target} HTTP/1.1\r\nhost: x\r\n\r\n"]))


@pytest.mark.parametrize("name", [*NAMES.split(), "all"])
def test_s19_a_head_made_to_be_dear_is_cheap(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Whatever fills it, and whatever the screen reads of it: the same."""
    monkeypatch.setenv("K", SECRET)
    lines = HEADS if name == "all" else [f"{name}: {filled(value, HEAD)}" for value in VALUES]
    run(_cheap([f"GET {path} HTTP/1.1\r\nhost: x\r\n{line}\r\n\r\n" for line in lines for path in PATHS]))


async def _cheap(requests: list[str]) -> None:
    async with Side(catalogue(), Echoing()) as side:
        for request in requests:
            # At best, since what else the machine does is no part of it.
            times = []
            while len(times) < 10 and min(times, default=1.0) > CPU:
                times.append(await _took(side, request.encode("latin-1")))
            assert min(times) <= CPU, (times, request[:100])


async def _took(side: Side, request: bytes) -> float:
    """Seconds of CPU to answer it, with all that is done behind the answer."""
    transport = side.connect()
    began = time.thread_time()
    transport.send(request)
    await asyncio.sleep(SETTLED)
    took = time.thread_time() - began
    assert transport.said.startswith((b"HTTP/1.1 2", b"HTTP/1.1 4")), request[:100]
    transport.leave()
    return took
