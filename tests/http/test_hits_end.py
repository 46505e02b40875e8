"""Hits end when what proves them does: a viewer's token, to the instant, or the log; and little is remembered."""

import asyncio
from typing import Any

import jwt
import pytest

from tests.screens_of_all_kinds import SECRET, Echoing, catalogue
from tests.twins import SETTLED, Twins, told
from tests.virtual_time import run


@pytest.mark.parametrize("lives", [0.41, 0.77, 1.0, 2.5, 3.93])
def test_a_token_that_expires_opens_nothing_any_more(monkeypatch: Any, lives: float) -> None:
    """Not even in the same second, and not where all of the request was read before; until then it gives hits."""
    monkeypatch.setenv("K", SECRET)

    async def play() -> None:
        async with Twins(catalogue(), Echoing()) as twins:
            begun = twins.now()
            claims = {"sub": "u1", "exp": begun + lives}
            request = b"GET /mine HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %b\r\n\r\n"
            request %= jwt.encode(claims, SECRET, "HS256").encode()
            transports = twins.connect()
            for left in (lives, 0.06, 0.01, -0.001, -0.02, -0.9, -1.1):
                await asyncio.sleep(max(0.0, begun + lives - left - twins.now()))
                for transport in transports:
                    transport.said.clear()
                    transport.send(request)
                await asyncio.sleep(SETTLED if left == lives else 0.001)
                assert told(transports[0]) == told(transports[1])
                assert told(transports[0]).startswith(b"HTTP/1.1 200" if left > 0 else b"HTTP/1.1 401"), left
            assert twins.counted.at_once == 2

    run(play())


@pytest.mark.parametrize("how", ["invalidated", "log away"])
def test_what_is_not_proved_is_no_hit(monkeypatch: Any, how: str) -> None:
    """By a tag that all views have, or 2 s after the log was heard of last."""
    monkeypatch.setenv("K", SECRET)

    async def play() -> None:
        async with Twins(catalogue(), Echoing()) as twins:
            transports = twins.connect()
            for turn in range(3):
                for transport in transports:
                    transport.send(b"GET /a/me HTTP/1.1\r\nhost: x\r\n\r\n")
                await asyncio.sleep(SETTLED)
                assert told(transports[0]) == told(transports[1])
                for side in twins.sides if turn == 1 else ():
                    side.log.down = how == "log away"
                    if not side.log.down:
                        await side.log.append(["*"])
                await asyncio.sleep(2.5)
            assert twins.counted.at_once == 1
            assert told(transports[0]).count(b'detail="MBU fixed') == 2

    run(play())


def test_a_request_with_an_id_of_its_own_is_not_remembered(monkeypatch: Any) -> None:
    """It will not come again; others are, once each, though there is a bound."""
    monkeypatch.setenv("K", SECRET)

    async def play() -> None:
        async with Twins(catalogue(), Echoing()) as twins:
            blocks = twins.sides[0].service.direct.hits._blocks
            for line in (b"x-request-id: a", b"x-request-id: b", b"x: a", b"x: b", b"x: a", b"x: " + b"y" * 3_000):
                twins.sides[0].connect().send(b"GET /a/1 HTTP/1.1\r\nhost: x\r\n%b\r\n\r\n" % line)
                await asyncio.sleep(SETTLED)
            assert len(blocks) == 2

    run(play())
