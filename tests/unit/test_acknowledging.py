"""An invalidation is acknowledged when it is in the log, and no earlier."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from starlette.requests import Request

from aggregator.http.ops import publish
from aggregator.http.problems import Reply
from aggregator.http.publishing import Publishers
from aggregator.http.signatures import Message
from aggregator.invalidation.local import LocalLog
from aggregator.invalidation.log import LogUnavailable
from aggregator.invalidation.nonces import Nonces
from aggregator.model.catalogue import Publisher, Secret
from aggregator.model.position import Position
from tests.virtual_time import run

SCOPE: dict[str, Any] = {
    "type": "http",
    "method": "POST",
    "path": "/invalidations",
    "raw_path": b"/invalidations",
    "query_string": b"",
    "headers": [],
}
A_MINUTE = 60.0  # virtual seconds


class SlowLog(LocalLog):
    """Appends after a minute, or says then that it could not."""

    fails = False

    async def append(self, tags: Sequence[str], *, id: str | None = None, by: str | None = None) -> Position:
        await asyncio.sleep(A_MINUTE)
        if self.fails:
            raise LogUnavailable("the append failed, as told")
        return await super().append(tags, id=id, by=by)


class Anybody(Publishers):
    """Permits whatever is sent."""

    async def permit(self, message: Message, body: bytes, tags: Iterable[str]) -> Publisher:
        return Publisher("anybody", Secret(env="UNREAD"), ("*",))


async def _receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b'{"tags":["user:1"]}', "more_body": False}


async def _nobody(*_: object) -> Any:
    raise AssertionError("nobody else is to be asked")


async def _published(log: SlowLog) -> Reply:
    """The reply, which was not there before the append had ended."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    reply = await publish(Request(SCOPE, _receive), log, Anybody([], Nonces(_nobody, "n")), _nobody)
    assert loop.time() >= began + A_MINUTE, reply
    return reply


def test_r06_what_is_acknowledged_is_in_the_log() -> None:
    """202 says where it is."""
    log = SlowLog(lambda: 1_000.0)
    reply = run(_published(log))
    beat = run(log.beat())
    assert (reply.status, orjson.loads(reply.body)["position"]) == (202, f"{beat.epoch}-{beat.last_id}")


def test_r06_r07_what_could_not_be_appended_is_not_acknowledged() -> None:
    """503, and when to try again."""
    log = SlowLog(lambda: 1_000.0)
    log.fails = True
    reply = run(_published(log))
    assert (reply.status, "retry-after" in reply.headers) == (503, True)
