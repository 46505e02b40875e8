"""The lifespan of an ASGI application: started once before it is asked, shut down once nobody asks any more."""

import asyncio
import logging
from contextlib import suppress
from contextvars import Context
from typing import Any

from starlette.types import ASGIApp, Message

PATIENCE = 5.0  # seconds that what has to end is given, before it is cancelled
_log = logging.getLogger(__name__)


class NotStarted(ConnectionError):
    """The application's start-up failed: nothing can be asked of it now."""


class Lifespan:
    """Start-up and shutdown as ASGI's Lifespan Protocol 2.0 has them; an application without it counts as started.

    Loaders of one application share one of these: it is started once, whoever asks first, and shut down when the last
    of them is closed.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._sharing = 0
        self._life: _Life | None = None

    def shared(self) -> "Lifespan":
        """This one, for one loader more, which closes it in its turn."""
        self._sharing += 1
        return self

    async def started(self) -> dict[str, Any]:
        """A copy of the state that the start-up left, once it is over; begins it if nobody has.

        NotStarted if it failed; whoever asks next begins another.
        """
        life = self._life = self._life or _Life(self._app)
        await life.begun.wait()
        if life.failed:
            if self._life is life:
                self._life = None
            life.cancel()
            raise NotStarted("the application's start-up failed; the log says why")
        return life.state.copy()

    async def close(self) -> None:
        """Shut the application down if it was started and no other loader shares it; a start-up under way is
        cancelled."""
        self._sharing -= 1
        if self._sharing > 0:
            return
        life, self._life = self._life, None
        if life is not None:
            await life.end()


class _Life:
    """One run of the protocol. begun: the start-up is over, or there is none; failed: it said that it failed."""

    def __init__(self, app: ASGIApp) -> None:
        self.state: dict[str, Any] = {}
        self.begun = asyncio.Event()
        self.failed = self._said_why = False
        self._told = False
        self._may_stop = asyncio.Event()
        self._over = asyncio.Event()
        # A context of its own: what the first request left in its context is not the application's.
        self._task = asyncio.get_running_loop().create_task(self._run(app), context=Context())

    async def end(self) -> None:
        self._may_stop.set()
        if self.begun.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await self._over.wait()
        self.cancel()
        await asyncio.wait([self._task], timeout=PATIENCE)

    def cancel(self) -> None:
        self._task.cancel()

    async def _run(self, app: ASGIApp) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await app(scope, self._receive, self._send)
        except Exception as error:
            if not self.begun.is_set():  # how an application without the protocol says so
                _log.info("an application takes no lifespan events: %s", type(error).__name__)
            elif not self._said_why:
                _log.exception("the lifespan of an application raised")
        finally:
            self.begun.set()
            self._over.set()

    async def _receive(self) -> Message:
        if not self._told:
            self._told = True
            return {"type": "lifespan.startup"}
        await self._may_stop.wait()
        return {"type": "lifespan.shutdown"}

    async def _send(self, message: Message) -> None:
        match message["type"]:
            case "lifespan.startup.complete":
                self.begun.set()
            case "lifespan.startup.failed":
                self.failed = True
                self._note("start-up", message)
                self.begun.set()
            case "lifespan.shutdown.complete":
                self._over.set()
            case "lifespan.shutdown.failed":
                self._note("shutdown", message)
                self._over.set()

    def _note(self, what: str, message: Message) -> None:
        self._said_why = True
        _log.error("the %s of an application failed: %s", what, message.get("message", ""))
