"""A defect of the aggregator: the answer and the log say the same of it, whichever path it was met on."""

import asyncio
from typing import Any

import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from tests.screens_of_all_kinds import SECRET, Echoing, catalogue
from tests.twins import SETTLED, Side
from tests.virtual_time import run


def broken(*_: Any, **__: Any) -> None:
    """What has a defect."""
    raise ZeroDivisionError


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("where", ["begin", "taken", "composed"])
def test_the_log_has_the_request_id_and_the_path(monkeypatch: pytest.MonkeyPatch, quick: bool, where: str) -> None:
    """As the answer promises."""
    monkeypatch.setenv("K", SECRET)

    async def play() -> None:
        async with Side(catalogue(), Echoing(), quick=quick) as side:
            monkeypatch.setattr(side.service.screens, where, broken)
            transport = side.connect()
            with capture_logs(processors=[merge_contextvars]) as lines:
                transport.send(b"GET /a/x%20y HTTP/1.1\r\nhost: x\r\nx-request-id: mine\r\n\r\n")
                await asyncio.sleep(SETTLED)
            assert transport.said.startswith(b"HTTP/1.1 500")
            assert b"\r\nx-request-id: mine\r\n" in transport.said
            [line] = lines
            assert (line["event"], line["path"], line["request_id"]) == ("request failed", "/a/x%20y", "mine")
            assert line["exc_info"]

    run(play())
