"""Two services that see the same: one answers as quickly as it can, the other one by its ASGI application alone."""

import asyncio
import logging
import re
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.server import ServerState

from aggregator.app import Service
from aggregator.clock import FleetClock
from aggregator.http.quick import AtOnce, Never, Quick
from aggregator.invalidation.local import LocalLog
from aggregator.model.catalogue import Catalogue
from aggregator.process.worker import server
from aggregator.settings import Settings
from aggregator.tiers.local import LocalTier
from loaders.loader import Loader
from tests.scripted_transport import ScriptedTransport

# Longer than anything takes that they do for an answer, and short beside all that expires (seconds).
SETTLED = 0.25
_DEFAULT = Settings(refresh_budget=0.0)
_MADE_ID = re.compile(rb"(?<=\r\nx-request-id: )[0-9a-f]{16}(?=\r\n)")


class Counted:
    """Whatever `quick` answers, counted: at once, and behind."""

    def __init__(self, quick: Quick) -> None:
        self.at_once = self.begun = 0
        self._quick = quick
        self._hits = quick.hits_of("")

    def hits_of(self, peer: str) -> AtOnce:
        """See `Quick`."""
        return self

    @property
    def at(self) -> float:
        """As it is told."""
        return self._hits.at

    def answer(self, data: bytes) -> bytes | None:
        """See `AtOnce`."""
        answer = self._hits.answer(data)
        self.at_once += answer is not None
        return answer

    def begin(self, data: bytes, done: Callable[[bytes], None], peer: str) -> bool:
        """See `Quick`."""
        begun = self._quick.begin(data, done, peer)
        self.begun += begun
        return begun


class Noting:
    """An ASGI application, and how often it was asked."""

    def __init__(self, app: ASGIApp) -> None:
        self.asked = 0
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        await self._app(scope, receive, send)


class Side:
    """One of them, with a log, a shared tier and a server of its own; alone it is an async context manager, too.
    quick: does it answer without ASGI?"""

    def __init__(self, catalogue: Catalogue, loader: Loader, settings: Settings = _DEFAULT, quick: bool = True) -> None:
        loop = asyncio.get_running_loop()
        self.log = LocalLog(lambda: 1_000_000.0 + loop.time())
        clock = FleetClock(loop.time, wall=1_000_000.0)
        self.tier = LocalTier(loop.time, latency=0.0005)
        loaders = dict.fromkeys(catalogue.mbus, loader)
        self.service = Service(
            catalogue, settings, self.tier, self.log, loaders, clock, draw=lambda: 1.0, hash_key=bytes(32)
        )
        self.now = clock.now
        self.quick = Counted(self.service.direct if quick else Never())
        self._app = Noting(self.service.app)
        self._config = server(self._app, settings, self.quick, self.service.connections).config
        self.state = ServerState()
        self.running = loop.create_task(self.service.run())

    @property
    def asked(self) -> int:
        """Requests that it began to answer, be it in vain."""
        return self._app.asked + self.quick.at_once + self.quick.begun

    def connect(self, peer: str = "") -> ScriptedTransport:
        """A client's connection to it. peer: the client's address."""
        wire: Callable[..., asyncio.Protocol] = self._config.http  # type: ignore[assignment]
        return ScriptedTransport(wire(config=self._config, server_state=self.state, app_state={}), peer)

    async def __aenter__(self) -> "Side":
        await self.service.follower.caught_up.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)
        await self.service.close()


class Twins:
    """Use it as an async context manager, in virtual time."""

    def __init__(self, catalogue: Catalogue, loader: Loader, settings: Settings = _DEFAULT) -> None:
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        self.sides = [Side(catalogue, loader, settings, quick) for quick in (True, False)]

    @property
    def counted(self) -> Counted:
        """What the quick one answered without ASGI."""
        return self.sides[0].quick

    @property
    def alike(self) -> bool:
        """Was the same begun on both? A request that breaks off may have been, or not: by then the refusal is known."""
        return self.sides[0].asked == self.sides[1].asked

    def now(self) -> float:
        """Fleet seconds."""
        return self.sides[0].now()

    async def __aenter__(self) -> "Twins":
        for side in self.sides:
            await side.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        for side in self.sides:
            await side.__aexit__()

    def connect(self) -> list[ScriptedTransport]:
        """A connection to each."""
        return [side.connect() for side in self.sides]


def told(transport: ScriptedTransport) -> bytes:
    """What was said, but for the request ids that were made for it."""
    return _MADE_ID.sub(b"MADE", bytes(transport.said))
