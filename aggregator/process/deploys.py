"""A deploy brings a changed declaration, or changed code, into running workers without dropping a request."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import structlog

from aggregator.credentials import Unreadable
from aggregator.declaration.openapi import openapi
from aggregator.declaration.read import Declared
from aggregator.http.publishing import Publishers
from aggregator.identity.hashing import hash_key
from aggregator.mistakes import Mistaken
from aggregator.process.workers import Workers
from aggregator.settings import Settings

_log = structlog.get_logger()


class Declaring(NamedTuple):
    """What a source declares, and the settings that come of it."""

    declared: Declared
    settings: Settings


# Raises Mistaken, with every mistake, where the source cannot be used.
Read = Callable[[], Declaring]


class Deploys:
    """One at a time; what is asked for while one is under way comes after it.

    now: what is declared at first. key: for hashes, which stays what it is. read: reads the source again; None where
    nobody can.
    """

    def __init__(
        self, now: Declaring, key: bytes | None, read: Read | None, workers: Workers, publishers: Publishers
    ) -> None:
        self._declared, self._settings = now
        self._openapi = openapi(self._declared.catalogue)
        self._key = key
        self._read = read
        self._workers = workers
        self._publishers = publishers
        self._wanted = asyncio.Event()
        self._reload = self._replace = False

    def reload(self) -> None:
        """Have the source read again soon."""
        self._reload = True
        self._wanted.set()

    def replace(self) -> None:
        """Have all workers replaced soon."""
        self._replace = True
        self._wanted.set()

    def openapi(self) -> dict[str, Any]:
        """What is declared now, described."""
        return self._openapi

    async def run(self) -> None:
        """Do what is wanted, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            if self._reload:
                self._reload = False
                await self._guarded(self._reloaded)
            if self._replace:
                self._replace = False
                await self._guarded(self._replaced)

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """What goes wrong with a deploy is no reason to end what runs."""
        try:
            await work()
        except Exception:
            _log.exception("deploy failed")

    async def _replaced(self) -> None:
        _log.info("replacing workers")
        if why := await self._workers.replace(self._settings.drain_limit + 1):
            _log.error("workers not replaced", why=why)
        else:
            _log.info("workers replaced")

    async def _reloaded(self) -> None:
        source = self._declared.source
        if self._read is None or not self._declared.content:
            _log.error("declaration not reloaded", source=source, why="it is no file; a restart reads it again")
            return
        try:
            declared, settings = self._read()
        except Mistaken as mistaken:
            for mistake in mistaken.mistakes:
                _log.error("declaration refused", mistake=str(mistake))
            return
        self._warn(declared, settings)
        if why := await self._workers.reload(declared.content):
            _log.error("declaration refused", mistake=why)
            return
        self._declared, self._openapi = declared, openapi(declared.catalogue)
        self._publishers.declare(declared.catalogue.publishers.values())
        _log.info("declaration reloaded", source=source)

    def _warn(self, declared: Declared, settings: Settings) -> None:
        for warning in declared.warnings:
            _log.warning("declaration", warning=str(warning))
        before, now = self._settings.model_dump(), settings.model_dump()
        if changed := [name for name in now if now[name] != before[name]]:
            _log.warning("settings changed, which takes a restart", settings=changed)
        if self._other_key(declared):
            _log.warning("the key for hashes changed, which takes a restart")

    def _other_key(self, declared: Declared) -> bool:
        try:
            return hash_key(declared.catalogue.hash_key) != self._key
        except Unreadable:
            return True
